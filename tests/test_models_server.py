"""A model behind a server: a real one (llama.cpp) on loopback, and a proxy that breaks what goes through it."""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fault_proxy import RETRY_AFTER_S, Fault, FaultProxy, Script
from model_server import PARALLEL, served
from tiny_gguf import write_tiny_gguf

from curate.disk import file_sha256
from curate.errors import InputError, MachineError
from curate.models.address import Address, open_generator, open_scorer, parse_address, weights_of
from curate.models.calling import Limits, read_reply
from curate.models.chat import Dialect, chat_body, read_choices, shared_out
from curate.models.concurrency import Bounds, Concurrency
from curate.models.journal import Journal, through
from curate.models.probing import LIMIT_TOLD, fingerprint
from curate.models.progress import Price, Progress
from curate.models.server import Group, ServerGenerator, groups
from curate.models.types import Completion, Message, Request, Sampling
from curate.pipeline.files import told_sum

pytest.importorskip("xllamacpp", reason="NOT RUN: no llama.cpp here (pip install xllamacpp)")
SAMPLING = Sampling(max_tokens=12)
QUICK = Limits(connect_s=2, start_s=5, token_s=0.01, patience_s=4)
SILENT_S = 1.5


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a real server of the tiny model."""
    path = tmp_path_factory.mktemp("model") / "tiny.gguf"
    write_tiny_gguf(path)
    with served(path) as url:
        yield url


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits between attempts are a tenth of what they are."""
    monkeypatch.setattr("curate.models.calling.FIRST_WAIT_S", 0.05)
    monkeypatch.setattr("curate.models.calling.MAX_WAIT_S", 0.5)


def wanted(prompts: int, samples: int) -> list[Request]:
    """So many samples of each of so many prompts."""
    return [
        Request((Message("user", f"{prompt} + 1"),), sample)
        for prompt in range(prompts)
        for sample in range(samples)
    ]


def after_probing(script: Script) -> Script:
    """A script that leaves alone what has other lengths than the tests ask for: probes and canaries."""
    count = iter(range(10**9))

    def only_ours(_number: int, path: str, body: dict[str, Any]) -> Fault | None:
        return script(next(count), path, body) if body.get("max_tokens") == SAMPLING.max_tokens else None

    return only_ours


def answers(url: str, requests: list[Request], limits: Limits = QUICK) -> list[tuple[Request, Completion]]:
    """What a generator makes of requests."""
    with ServerGenerator(url, limits=limits) as generator:
        return list(generator.generate(requests, SAMPLING))


def test_a_real_server_answers_every_request_once(server: str) -> None:
    """Each (prompt, sample) gets one completion, with a text, a finish reason and the tokens it has."""
    requests = wanted(prompts=30, samples=11)
    came = answers(server, requests)
    assert Counter(request for request, _ in came) == Counter(requests)
    for _, completion in came:
        assert completion.failure is None
        assert completion.finish_reason in ("stop", "length")
        # a token of the tiny model is a character; the end of a text is a token too
        ended = completion.finish_reason == "stop"
        assert completion.completion_tokens in (len(completion.text), len(completion.text) + ended)
        assert completion.prompt_tokens > 5


def test_what_the_server_can_do_is_found_out(server: str) -> None:
    """llama.cpp: as many samples as it has places, log-probabilities, seeds, its context; no rating of texts."""
    with ServerGenerator(server) as generator:
        assert generator.capabilities == (PARALLEL, True, False, True, 512, True)
        assert generator.fingerprint.startswith("server:small:")
        with pytest.raises(InputError, match="expected a server that rates given text"):
            open_scorer(f"server:{server}")


def test_log_probabilities_come_where_they_are_asked_for(server: str) -> None:
    """Each completion has the sum over its tokens."""
    with ServerGenerator(server, logprobs=True) as generator:
        came = list(generator.generate(wanted(2, 3), SAMPLING))
    assert all(completion.logprob is not None and completion.logprob < 0 for _, completion in came)


def test_the_same_requests_bring_the_same_completions(server: str) -> None:
    """Samples of a prompt differ; asked for again in another order of prompts, each is what it was."""
    requests = wanted(prompts=6, samples=2 * PARALLEL)
    parts = [requests[start : start + 2 * PARALLEL] for start in range(0, len(requests), 2 * PARALLEL)]
    backwards = [request for part in reversed(parts) for request in part]
    first, second = dict(answers(server, requests)), dict(answers(server, backwards))
    assert first == second
    for part in parts:  # two calls of one prompt bring other samples
        assert len({first[request].text for request in part}) > PARALLEL + 2


def test_the_whole_sampling_is_sent(server: str) -> None:
    """Top-k 1 takes the likeliest token at any temperature; without it the server's own defaults are off."""
    with ServerGenerator(server) as generator:
        greedy = {one.text for _, one in generator.generate(wanted(1, 8), Sampling(top_k=1, max_tokens=12))}
        free = {
            one.text for _, one in generator.generate(wanted(1, 8), Sampling(temperature=2, max_tokens=12))
        }
    assert len(greedy) == 1
    assert len(free) == 8
    body = chat_body("m", (Message("user", "x"),), Sampling(), Dialect(no_top_k=0))
    assert (body["top_k"], body["min_p"], body["repetition_penalty"], body["top_p"]) == (0, 0.0, 1.0, 1.0)


FAULTS: list[Fault] = [
    "busy", "unavailable", "error", "refused", "reset", "truncated", "garbage", "no-choices", "told-error",
    "aborted", "fewer", "more", "reversed", "slow",
]  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_no_request_is_lost_or_answered_twice(server: str, fault: Fault) -> None:
    """Whatever befalls two of five calls, every request gets exactly one completion, and a real one."""
    requests = wanted(prompts=12, samples=6)
    with FaultProxy(
        server, after_probing(lambda number, *_: fault if number % 5 in (0, 3) else None)
    ) as proxy:
        came = answers(proxy.url, requests)
    assert len(proxy.made) >= 4
    assert Counter(request for request, _ in came) == Counter(requests)
    assert all(one.failure is None and one.finish_reason in ("stop", "length") for _, one in came)


def test_all_faults_at_once(server: str) -> None:
    """Faults of every kind in a third of the calls: the completions are those of a server without faults."""
    dice = random.Random(5)
    kinds = [fault for fault in FAULTS if fault not in ("fewer", "more", "reversed", "aborted")]
    requests = wanted(prompts=60, samples=4)
    script = after_probing(lambda *_: dice.choice(kinds) if dice.random() < 0.33 else None)
    with FaultProxy(server, script) as proxy:
        came = answers(proxy.url, requests)
    assert len(set(proxy.made)) >= 8
    assert len(came) == len(requests)
    assert dict(came) == dict(answers(server, requests))


@pytest.mark.parametrize("fault", ["silent", "dripping"])
def test_a_server_that_stays_silent_is_not_waited_for(server: str, fault: Fault) -> None:
    """A call ends after the time that its tokens may take, and is made again."""
    limits = QUICK._replace(start_s=SILENT_S)
    with FaultProxy(server, after_probing(lambda number, *_: fault if number == 1 else None)) as proxy:
        began = time.monotonic()
        came = answers(proxy.url, wanted(4, 2), limits)
        took_s = time.monotonic() - began
    assert all(one.failure is None for _, one in came)
    assert len(came) == 8
    assert SILENT_S < took_s < 12


def test_a_call_that_the_server_refuses_for_good_is_permanent(server: str) -> None:
    """A 400 for one prompt fails that prompt alone, at once and with the server's words."""

    def script(_number: int, _path: str, body: dict[str, Any]) -> Fault | None:
        return "permanent" if body["messages"][0]["content"] == "3 + 1" else None

    with FaultProxy(server, after_probing(script)) as proxy:
        came = dict(answers(proxy.url, wanted(6, 3)))
    failed = {request.messages[0].content for request, one in came.items() if one.failure}
    assert failed == {"3 + 1"}
    assert {one.failure for one in came.values()} == {None, "permanent"}
    assert len(proxy.made) == 1
    assert "the prompt is too long" in next(one.error for one in came.values() if one.failure)


def test_a_prompt_beyond_the_context_is_permanent(server: str) -> None:
    """The real server's own 400."""
    requests = [*wanted(1, 1), Request((Message("user", "x" * 2000),), 0)]
    came = dict(answers(server, requests))
    assert [came[request].failure for request in requests] == [None, "permanent"]


def test_a_call_that_never_works_beside_others_that_do_is_transient(server: str) -> None:
    """One prompt always breaks the server's answer: it is given up after eight attempts, the others come."""

    def script(_number: int, _path: str, body: dict[str, Any]) -> Fault | None:
        return "error" if body["messages"][0]["content"] == "2 + 1" else None

    with FaultProxy(server, after_probing(script)) as proxy:
        came = dict(answers(proxy.url, wanted(5, 2)))
    assert {request.messages[0].content for request, one in came.items() if one.failure} == {"2 + 1"}
    assert [one.failure for one in came.values() if one.failure] == ["transient", "transient"]
    assert len(proxy.made) == 8


@pytest.mark.parametrize("fault", ["error", "missing", "garbage", "refused", "other-model"])
def test_a_server_in_which_nothing_works_stops_the_run(server: str, fault: Fault) -> None:
    """No request is failed for a server's fault, not even by a 404: after a while of nothing, MachineError."""
    broken = threading.Event()

    def script(_number: int, _path: str, _body: dict[str, Any]) -> Fault | None:
        return fault if broken.is_set() else None

    came = []
    requests = wanted(400, 4)

    def take_all(generator: ServerGenerator) -> None:
        for pair in generator.generate(requests, SAMPLING):
            came.append(pair)
            if len(came) == 100:
                broken.set()

    with (
        FaultProxy(server, script) as proxy,
        ServerGenerator(proxy.url, limits=QUICK._replace(patience_s=1.0)) as generator,
        pytest.raises(MachineError, match="expected a server that works, found none for"),
    ):
        take_all(generator)
    assert 100 <= len(came) < len(requests)
    assert all(one.failure is None for _, one in came)


def test_a_server_that_comes_back_is_waited_for(server: str) -> None:
    """Two seconds in which nothing works cost nothing but time."""
    from_then: list[float] = []

    def script(_number: int, _path: str, body: dict[str, Any]) -> Fault | None:
        if body["max_tokens"] == SAMPLING.max_tokens and not from_then:
            from_then.append(time.monotonic())
        return "refused" if from_then and time.monotonic() < from_then[0] + 2.0 else None

    requests = wanted(30, 4)
    with FaultProxy(server, script) as proxy:
        came = answers(proxy.url, requests)
    assert len(proxy.made) > 20
    assert Counter(request for request, _ in came) == Counter(requests)
    assert all(one.failure is None for _, one in came)


def test_a_key_that_is_refused_stops_at_once(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A 401 is not waited for; the message names the variable, and never the key."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    with FaultProxy(server, lambda *_: "key") as proxy, pytest.raises(InputError) as caught:
        ServerGenerator(proxy.url)
    assert "OPENAI_API_KEY" in str(caught.value)
    assert "sk-secret" not in str(caught.value)


def test_what_retry_after_says_is_done(server: str) -> None:
    """After a 429 nothing is sent for as long as the server asks."""
    sent: list[float] = []

    def script(number: int, _path: str, _body: dict[str, Any]) -> Fault | None:
        sent.append(time.monotonic())
        return "busy" if number == 0 else None

    with FaultProxy(server, after_probing(script)) as proxy:
        answers(proxy.url, wanted(3, 1), QUICK._replace(samples=Bounds(first=1, most=1)))
    assert len(sent) == 4
    assert sent[1] - sent[0] >= RETRY_AFTER_S


def test_no_more_is_in_flight_than_is_allowed(server: str) -> None:
    """The proxy never sees more calls at once than the bound, and requests are taken as they are needed."""
    taken = []

    def taking() -> Iterator[Request]:
        for request in wanted(60, 1):
            taken.append(request)
            yield request

    with (
        FaultProxy(server, after_probing(lambda *_: "slow")) as proxy,
        ServerGenerator(proxy.url, limits=QUICK._replace(samples=Bounds(first=4, most=4))) as generator,
    ):
        proxy.most_at_once = 0
        stream = generator.generate(taking(), SAMPLING)
        next(stream)
        assert len(taken) <= 2 * 4 + 2
        assert len(list(stream)) == 59
        assert 1 < proxy.most_at_once <= 4


def test_a_consumer_that_stops_early_ends_the_calls(server: str) -> None:
    """Closing the stream leaves nothing in flight; the generator can be used again."""
    with ServerGenerator(server, limits=QUICK) as generator:
        stream = generator.generate(wanted(50, 4), SAMPLING)
        next(stream)
        stream.close()  # type: ignore[attr-defined]
        assert len(list(generator.generate(wanted(3, 2), SAMPLING))) == 6
        assert generator._caller.places.concurrency.in_flight == 0


def probed(server: str, change: Callable[[dict[str, Any], dict[str, Any]], int | None]) -> Any:
    """Capabilities behind a server whose answers (or status) `change(request, answer)` makes others."""
    proxy = FaultProxy(server, lambda *_: None)
    forward = proxy.forward

    def changed(method: str, path: str, raw: bytes | None) -> tuple[int, bytes]:
        status, content = forward(method, path, raw)
        answer = json.loads(content)
        new = change(json.loads(raw) if raw else {}, answer)
        return new or status, json.dumps(answer).encode()

    proxy.forward = changed  # type: ignore[method-assign]
    with proxy, ServerGenerator(proxy.url, limits=QUICK) as generator:
        came = list(generator.generate(wanted(2, 5), SAMPLING))
        assert Counter(request for request, _ in came) == Counter(wanted(2, 5))
        assert all(one.completion_tokens in (len(one.text), len(one.text) + 1) for _, one in came)
        return generator.capabilities, generator._seen.dialect


def test_a_server_that_ignores_n_is_asked_for_one(server: str) -> None:
    """It answers 200 with one choice, whatever n is."""

    def change(_sent: dict[str, Any], answer: dict[str, Any]) -> None:
        answer["choices"] = answer.get("choices", [])[:1]

    assert probed(server, change)[0].most_samples == 1


def test_a_server_that_caps_n_in_silence_is_asked_for_as_many(server: str) -> None:
    """It answers 200 with three choices where eight were asked for."""

    def change(_sent: dict[str, Any], answer: dict[str, Any]) -> None:
        answer["choices"] = answer.get("choices", [])[:3]

    assert probed(server, change)[0].most_samples == 3


def test_a_server_that_gives_copies_is_asked_for_one(server: str) -> None:
    """All choices of a call are the same: one seed for all."""

    def change(_sent: dict[str, Any], answer: dict[str, Any]) -> None:
        for choice in answer.get("choices", []):
            choice["message"] = answer["choices"][0]["message"]
            choice["logprobs"] = answer["choices"][0].get("logprobs")

    assert probed(server, change)[0].most_samples == 1


def test_null_log_probabilities_are_seen(server: str) -> None:
    """A server without them, that counts the tokens of one choice only, is asked for one at a time."""

    def change(_sent: dict[str, Any], answer: dict[str, Any]) -> None:
        for choice in answer.get("choices", []):
            choice["logprobs"] = None

    capabilities, dialect = probed(server, change)
    assert capabilities.logprobs is False
    assert capabilities.most_samples == 1
    assert dialect.always_logprobs is False


def test_a_seed_that_changes_nothing_is_seen(server: str) -> None:
    """A server that takes a seed and samples as it likes."""
    dice = random.Random(0)

    def change(_sent: dict[str, Any], answer: dict[str, Any]) -> None:
        for choice in answer.get("choices", []):
            text = choice["message"]["content"]
            choice["message"]["content"] = "".join(dice.sample(text, len(text)))

    assert probed(server, change)[0].seeds is False


def test_a_server_that_does_not_sample_is_not_taken_for_one_that_does(server: str) -> None:
    """Likeliest tokens whatever the temperature: each problem would be solved always or never."""
    proxy = FaultProxy(server, lambda *_: None)
    forward = proxy.forward

    def greedy(method: str, path: str, raw: bytes | None) -> tuple[int, bytes]:
        sent = json.loads(raw) if raw else {}
        return forward(method, path, json.dumps({**sent, "temperature": 0}).encode() if raw else raw)

    proxy.forward = greedy  # type: ignore[method-assign]
    with proxy, ServerGenerator(proxy.url, limits=QUICK) as generator:
        assert not generator.capabilities.heeds_temperature
        with pytest.raises(InputError, match="the server does not sample"):
            next(generator.generate(wanted(1, 1), SAMPLING))
        likeliest = Sampling(temperature=0, max_tokens=4)
        assert len(list(generator.generate(wanted(2, 1), likeliest))) == 2


def test_a_server_of_the_bare_protocol_is_not_sent_what_it_does_not_know(server: str) -> None:
    """It answers 400 to top-k: then none is sent, and a sampling that needs it is refused."""

    def change(sent: dict[str, Any], answer: dict[str, Any]) -> int | None:
        return 400 if "top_k" in sent else None

    assert probed(server, change)[1].no_top_k is None
    with (
        FaultProxy(server, lambda _n, _p, body: "permanent" if "top_k" in body else None) as proxy,
        ServerGenerator(proxy.url) as generator,
        pytest.raises(InputError, match="no top-k"),
    ):
        next(generator.generate(wanted(1, 1), Sampling(top_k=5)))


def test_a_context_that_is_not_told_is_read_from_the_refusal(server: str) -> None:
    """llama.cpp's own message about a prompt that is too long."""

    def change(_sent: dict[str, Any], answer: dict[str, Any]) -> None:
        for model in answer.get("data", []):
            model.pop("meta", None)

    assert probed(server, change)[0].context == 512


@pytest.mark.parametrize(
    ("message", "context"),
    [
        ("This model's maximum context length is 4096 tokens. However, you requested", "4096"),
        ("request (5003 tokens) exceeds the available context size (512 tokens), try", "512"),
        ('{"n_prompt_tokens": 5003, "n_ctx": 512}', "512"),
    ],
)
def test_the_limit_in_a_message(message: str, context: str) -> None:
    """Servers say how long a prompt may be in words of their own."""
    found = LIMIT_TOLD.search(message)
    assert found is not None
    assert found.group(1) == context


def test_no_server_is_said_so() -> None:
    """A port on which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(MachineError, match="expected a server that speaks the OpenAI protocol, found none"):
        ServerGenerator(f"http://127.0.0.1:{port}/v1")


def test_a_model_that_the_server_does_not_have(server: str) -> None:
    """The message names what it has."""
    with pytest.raises(InputError, match=r"no model 'smal'\. Did you mean small\?"):
        ServerGenerator(server, "smal")


def test_the_fingerprint_stands_for_the_weights() -> None:
    """Other weights or another whole path, another fingerprint; another port or time, the same."""
    meta = {"n_params": 10, "size": 40, "n_ctx": 512}
    told = {"id": "/a/step-100", "created": 1, "meta": meta}
    same = {"id": "/a/step-100", "created": 2, "meta": {**meta, "n_ctx": 1024}}
    assert fingerprint("/a/step-100", told) == fingerprint("/a/step-100", same)
    assert fingerprint("/a/step-100", told) != fingerprint("/b/step-100", told)
    assert fingerprint("/a/step-100", told) != fingerprint("/a/step-100", {**told, "meta": {"n_params": 11}})
    assert "/a" not in fingerprint("/a/step-100", told)


RUN = """
import sys
from pathlib import Path
from curate.models.calling import Limits
from curate.models.concurrency import Bounds
from curate.models.journal import Journal, through
from curate.models.server import ServerGenerator
from curate.models.types import Message, Request, Sampling
requests = [Request((Message("user", f"{p} + 1"),), s) for p in range(int(sys.argv[3])) for s in range(4)]
limits = Limits(samples=Bounds(16, 16))
with ServerGenerator(sys.argv[1], limits=limits) as generator, Journal(Path(sys.argv[2])) as journal:
    for _, request, one, _ in through(generator, lambda: enumerate(requests), Sampling(max_tokens=12), journal):
        print(request.messages[0].content, request.sample, one.failure, one.text.encode().hex(), flush=True)
"""


def test_a_killed_client_asks_only_for_the_rest(server: str, tmp_path: Path) -> None:
    """Killed with -9 in the middle, twice: the next run asks for what is not in the journal, for nothing else."""
    prompts, samples = 80, 4
    command = [sys.executable, "-c", RUN]
    with FaultProxy(server, after_probing(lambda *_: "slow")) as proxy:
        for lines in (60, 160):
            run = subprocess.Popen(
                [*command, proxy.url, str(tmp_path / "journal"), str(prompts)],
                stdout=subprocess.PIPE,
                text=True,
            )
            assert run.stdout is not None
            for _ in range(lines):
                assert run.stdout.readline()
            time.sleep(0.7)  # of which half a second may be lost
            os.kill(run.pid, signal.SIGKILL)
            run.communicate()
        with ServerGenerator(proxy.url) as generator, Journal(tmp_path / "journal") as journal:
            requests = wanted(prompts, samples)
            keys = [request.key(generator.fingerprint, SAMPLING) for request in requests]
            missing = [r for r, k in zip(requests, keys, strict=True) if k not in journal.get_many(keys)]
            assert 0 < len(missing) <= prompts * samples - 160
            proxy.passed.clear()
            came = [got[1:3] for got in through(generator, lambda: enumerate(requests), SAMPLING, journal)]
    asked = sum(body["n"] for body in proxy.passed if body["max_tokens"] == SAMPLING.max_tokens)
    assert asked == len(missing)
    assert Counter(request for request, _ in came) == Counter(requests)
    assert {request for request, _ in came[: len(requests) - len(missing)]}.isdisjoint(missing)
    assert dict(came) == dict(answers(server, requests))


def test_groups_are_consecutive_requests_of_one_prompt() -> None:
    """At most so many in a call; a prompt that comes again later is a call of its own."""
    one, other = (Message("user", "1"),), (Message("user", "2"),)
    requests = [Request(one, 0), Request(one, 1), Request(one, 2), Request(other, 0), Request(one, 3)]
    assert list(groups(requests, 2)) == [
        Group(one, (0, 1)),
        Group(one, (2,)),
        Group(other, (0,)),
        Group(one, (3,)),
    ]


def test_choices_come_in_the_order_of_their_index() -> None:
    """Broken ones did not come; thinking that was split off is where the model wrote it."""
    choices = [
        {"index": 2, "finish_reason": "stop", "message": {"content": "4", "reasoning_content": "2+2"}},
        {"index": 0, "finish_reason": "length", "message": {"content": None, "reasoning_content": "hm"}},
        {"index": 1, "finish_reason": None, "message": {"content": "broken off"}},
        {"index": 3, "finish_reason": "stop", "message": {"content": ""}},
        "nonsense",
    ]
    read = read_choices({"choices": choices, "usage": {"completion_tokens": 9, "prompt_tokens": 5}}, 4)
    assert [(one.text, one.finish_reason) for one in read] == [
        ("<think>hm", "length"),
        ("<think>2+2</think>4", "stop"),
        ("", "stop"),
    ]
    assert sum(one.completion_tokens for one in read) == 9


@pytest.mark.parametrize(
    "body", [{}, {"choices": None}, {"choices": {}}, {"choices": [None, 3, {"message": 1}]}]
)
def test_answers_without_choices(body: dict[str, Any]) -> None:
    """Nothing came, and nothing breaks."""
    assert read_choices(body, 2) == []


def test_shares_add_up() -> None:
    """Shares are in proportion, and equal where nothing has a size."""
    assert shared_out(7, [0, 0]) == [3, 4]
    assert shared_out(100, [1, 98, 1]) == [1, 98, 1]
    assert shared_out(5, []) == []


@pytest.mark.parametrize(
    ("status", "failure"),
    [(200, "transient"), (400, "permanent"), (404, "permanent"), (408, "transient"), (409, "transient"),
     (413, "permanent"), (422, "permanent"), (425, "transient"), (429, "transient"), (500, "transient"),
     (502, "transient"), (503, "transient"), (529, "transient")],
)  # fmt: skip
def test_which_failures_are_tried_again(status: int, failure: str) -> None:
    """By status; a 200 that is no JSON object too."""
    assert read_reply(status, {"retry-after": "7"}, b"[" * 100_000).failure == failure


def simulated(capacity: int, *, refuses: bool, calls: int = 12_000) -> Concurrency:
    """A server that works on `capacity` samples at once, each for a second; more wait, or are refused."""
    limit = Concurrency(Bounds(first=8, most=512))
    now = 0.0
    ends: list[float] = []
    for _ in range(calls):
        while limit.has_room(1):
            limit.started(1)
            if refuses and len(ends) >= capacity:
                limit.overloaded(started_at=now, now=now)
                limit.ended(1, came=False, now=now)
                break
            ends.append(max(now, ends[-capacity] if len(ends) >= capacity else now) + 1.0 + len(ends) * 1e-6)
        now = ends.pop(0)
        limit.ended(1, n_tokens=100, came=True, now=now)
    return limit


@pytest.mark.parametrize("capacity", [5, 40, 200])
def test_samples_in_flight_fill_a_server_that_queues(capacity: int) -> None:
    """At least what it works on at once, and not without end more."""
    assert capacity <= simulated(capacity, refuses=False).limit <= max(16, 4 * capacity)


@pytest.mark.parametrize("capacity", [40, 200])
def test_samples_in_flight_fit_a_server_that_refuses(capacity: int) -> None:
    """Up to what it takes; a refusal halves them, and they grow again."""
    assert capacity / 2.2 <= simulated(capacity, refuses=True).limit <= 1.3 * capacity


def test_refusals_of_one_moment_cut_once() -> None:
    """Ten calls that were refused together are one sign."""
    limit = Concurrency(Bounds(first=64, most=512))
    for _ in range(10):
        limit.overloaded(started_at=1.0, now=2.0)
    assert limit.limit == 32
    limit.overloaded(started_at=2.5, now=3.0)
    assert limit.limit == 16


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("server:http://localhost:8000/v1", Address("server", "http://localhost:8000/v1")),
        ("server:https://h/v1/#a/b:c", Address("server", "https://h/v1", "a/b:c")),
        ("hf:Qwen/Qwen3-8B", Address("hf", "Qwen/Qwen3-8B")),
        ("vllm:models/x", Address("vllm", "models/x")),
    ],
)
def test_addresses(text: str, address: Address) -> None:
    """Where a model runs, from one text."""
    assert parse_address(text) == address


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("http://localhost:8000/v1", "Did you mean server:http://localhost:8000/v1?"),
        ("sever:http://x/v1", "Did you mean server?"),
        ("models/x", "expected server:http://HOST:PORT/v1"),
        ("hf:", "expected a folder or a name after hf:"),
        ("server:localhost:8000", "found 'localhost:8000'"),
        ("server:http://h:99999/v1", "http://h:99999/v1"),
        ("server:http://me:secret@h/v1", "OPENAI_API_KEY"),
    ],
)
def test_wrong_addresses(text: str, told: str) -> None:
    """The message says what was expected, and never repeats a password."""
    with pytest.raises(InputError) as caught:
        parse_address(text)
    assert told in str(caught.value)


def test_weights_that_are_written_over_are_other_files(tmp_path: Path) -> None:
    """Every file of a model's folder counts, and its content as it is now; a server has none."""
    for name, text in (("config.json", "{}"), ("model.safetensors", "a"), (".cache", "x")):
        (tmp_path / name).write_text(text)
    files = weights_of(f"hf:{tmp_path}")
    assert [Path(file).name for file in files] == ["config.json", "model.safetensors"]
    assert weights_of("server:http://127.0.0.1:1/v1") == weights_of("hf:of/the-hub") == ()
    weights = tmp_path / "model.safetensors"
    assert told_sum(weights) == told_sum(weights) == file_sha256(weights)
    weights.write_text("b")
    assert told_sum(weights) == file_sha256(weights)


def test_a_backend_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names what to install."""
    monkeypatch.setitem(sys.modules, "curate.models.server", None)
    monkeypatch.delitem(sys.modules, "curate.models.vllm_", raising=False)
    monkeypatch.setitem(sys.modules, "vllm", None)
    with pytest.raises(InputError, match="pip install 'vllm'"):
        open_generator("vllm:models/x")


def test_progress_of_a_run() -> None:
    """Known completions are done but tell nothing of the speed; cost and hours are of this run."""
    progress = Progress(rows=3, samples=2, now=100.0, gpus=4, price=Price(prompt=1.0, completion=10.0))
    requests = wanted(3, 2)
    done = Completion("x", "stop", prompt_tokens=50, completion_tokens=1000)
    assert progress.shown(100.0).eta_s is None
    progress.add(requests[0], done, now=101.0, known=True)
    progress.add(requests[1], done, now=110.0)
    progress.add(requests[2], done, now=120.0)
    progress.add(requests[3], Completion(failure="transient"), now=120.0)
    shown = progress.shown(130.0)
    assert (shown.rows, shown.completions, shown.known, shown.failed) == (2, 4, 1, 1)
    assert (shown.prompt_tokens, shown.completion_tokens) == (100, 2000)
    assert shown.completions_s == pytest.approx(3 / 30)
    assert shown.eta_s == pytest.approx(20)
    assert shown.gpu_hours == pytest.approx(4 * 30 / 3600)
    assert shown.cost == pytest.approx(0.0201)
    assert progress.line(130.0) == (
        "2 of 3 rows · 4 completions (1 known) · 1 failed · 0.1/s, 67 tokens/s · 0 min 20 s left · "
        "0.03 GPU hours · cost 0.02"
    )
