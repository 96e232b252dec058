"""Rating and writing with a model of transformers in this process, against plain readings of it."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_model.problems import SYSTEM, problems

from curate.errors import InputError
from curate.models.types import Completion, Message, Request, Sampling, Text
from curate.models.windows import batches, windows

torch = pytest.importorskip("torch", reason="NOT RUN with a model: torch is not installed")
pytest.importorskip("transformers", reason="NOT RUN with a model: transformers is not installed")

from curate.models.drawing import draw, uniforms  # noqa: E402
from curate.models.transformers_ import TransformersGenerator, TransformersScorer  # noqa: E402

GREEDY = Sampling(temperature=0, max_tokens=48)
FREE = Sampling(temperature=1, max_tokens=48)


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Two threads are slower than one with a model this small."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def generator(small_model: Path) -> TransformersGenerator:
    """The small model, to write."""
    return TransformersGenerator(small_model, device="cpu")


def asked(question: str, sample: int = 0, system: str = "") -> Request:
    """A request for one completion."""
    told = [Message("system", system)] if system else []
    return Request((*told, Message("user", question)), sample)


def written(
    generator: TransformersGenerator, requests: list[Request], how: Sampling
) -> dict[Request, Completion]:
    """What the model writes, by request."""
    found = list(generator.generate(requests, how))
    assert len(found) == len({request for request, _ in found}) == len(requests)
    return dict(found)


# windows


@given(st.integers(0, 80), st.integers(0, 40), st.integers(2, 30), st.data())
def test_each_token_is_counted_once_with_enough_before_it(
    n: int, first: int, context: int, data: st.DataObject
) -> None:
    """Windows fit the context, count every token after the prefix once, in order, and show what is before it."""
    stride = data.draw(st.integers(1, context - 1))
    made = windows(n, first, context, stride)
    counted = [token for window in made for token in range(window.first, window.end)]
    assert counted == list(range(max(first, 1), n))
    for window in made:
        assert 0 <= window.start < window.first < window.end <= window.start + context
        for token in range(window.first, window.end):
            assert token - window.start >= min(token, context - stride)


def test_a_stride_of_a_whole_context_is_refused() -> None:
    """The first token of a window would have nothing before it."""
    with pytest.raises(InputError, match="stride: expected 1 to 7 .*found 8"):
        windows(100, 1, 8, 8)


@given(st.lists(st.integers(1, 50), max_size=40), st.integers(1, 120))
def test_batches_hold_every_item_once_within_their_budget(lengths: list[int], budget: int) -> None:
    """Padded to its longest item a batch is within the budget, unless it is one long item."""
    made = batches(lengths, budget)
    assert sorted(index for batch in made for index in batch) == list(range(len(lengths)))
    for batch in made:
        assert len(batch) == 1 or len(batch) * max(lengths[index] for index in batch) <= budget


# scoring


def reference(folder: Path, text: Text, context: int, stride: int) -> tuple[float, int]:
    """Sum of log-probabilities and number of tokens, a window at a time, token by token, in float64."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder).double().eval()
    prefix = [tokenizer.eos_token_id]
    if text.prompt:
        turns = [message._asdict() for message in text.prompt]
        prefix = tokenizer.apply_chat_template(turns, add_generation_prompt=True, return_dict=False)
    ids = prefix + tokenizer(text.text, add_special_tokens=False)["input_ids"]
    total = 0.0
    for window in windows(len(ids), len(prefix), context, stride):
        with torch.no_grad():
            logits = model(torch.tensor([ids[window.start : window.end]])).logits[0].log_softmax(-1)
        for token in range(window.first, window.end):
            total += float(logits[token - window.start - 1, ids[token]])
    return total, len(ids) - len(prefix)


SHOWN = problems(seed=3, n=6)
TEXTS = [
    *(Text((Message("user", one.question),), one.response) for one in SHOWN),
    Text((Message("system", SYSTEM), Message("user", SHOWN[0].question)), SHOWN[1].response),
    Text((), SHOWN[2].question),
    Text((), " ".join(one.response for one in problems(seed=4, n=12))),
    Text((Message("user", "é" * 90),), "🙂 \u0301combining and 求和\x00 " * 12),
]


def test_ratings_are_those_of_a_plain_reading(small_model: Path) -> None:
    """Prompts, system prompts, texts alone and texts beyond the context: equal to 1e-5, windows as told."""
    with TransformersScorer(small_model, device="cpu", context=96, stride=40, batch_tokens=300) as scorer:
        found = scorer.score(TEXTS)
    for text, rating in zip(TEXTS, found, strict=True):
        logprob, tokens = reference(small_model, text, 96, 40)
        assert rating.tokens == tokens
        assert rating.bytes == len(text.text.encode())
        assert rating.logprob == pytest.approx(logprob, rel=1e-5)
    assert [rating.windows > 1 for rating in found] == [False] * 8 + [True] * 2


def test_ratings_do_not_depend_on_batches_or_order(small_model: Path) -> None:
    """One at a time, all at once, or the other way round: the same to 1e-5."""
    with TransformersScorer(small_model, device="cpu", batch_tokens=1) as scorer:
        alone = scorer.score(TEXTS)
        assert scorer.padding_tokens == 0
    with TransformersScorer(small_model, device="cpu", batch_tokens=10_000) as scorer:
        together = scorer.score(TEXTS[::-1])[::-1]
        assert scorer.padding_tokens > 0
    for one, other in zip(alone, together, strict=True):
        assert one.logprob == pytest.approx(other.logprob, rel=1e-5)
        assert one[1:] == other[1:]


def test_the_taught_response_is_likelier_than_another(small_model: Path) -> None:
    """Perplexity tells the taught form of an answer from another problem's answer and from noise."""
    prompt = (Message("user", SHOWN[1].question),)
    texts = [SHOWN[1].response, SHOWN[4].response, "what is this? none of it"]
    with TransformersScorer(small_model, device="cpu") as scorer:
        told, other, noise = [
            -one.logprob / one.tokens for one in scorer.score([Text(prompt, t) for t in texts])
        ]
    assert told < 1 < other < noise


def test_an_empty_text_has_no_tokens(small_model: Path) -> None:
    """Nothing to rate is no failure."""
    with TransformersScorer(small_model, device="cpu") as scorer:
        (rating,) = scorer.score([Text((Message("user", "?"),), "")])
    assert rating == (0.0, 0, 0, 0, None, "")


def test_a_stride_beyond_the_context_is_refused_when_the_model_is_opened(small_model: Path) -> None:
    """Before any text is read."""
    with pytest.raises(InputError, match="stride: expected 1 to 511"):
        TransformersScorer(small_model, device="cpu", stride=512)


def test_the_fingerprint_is_of_the_files_and_the_type(small_model: Path, tmp_path: Path) -> None:
    """The same files elsewhere have the same fingerprint; another weight or another precision has another."""
    from curate.models.weights import fingerprint

    for path in small_model.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    told = fingerprint(small_model, "float32")
    assert told == fingerprint(tmp_path, "float32") != fingerprint(tmp_path, "bfloat16")
    weights = bytearray((tmp_path / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (tmp_path / "model.safetensors").write_bytes(bytes(weights))
    assert told != fingerprint(tmp_path, "float32")


def test_a_folder_without_a_model_is_an_input_error(tmp_path: Path) -> None:
    """It says what was expected."""
    with pytest.raises(InputError, match="expected the folder of a model"):
        TransformersScorer(tmp_path)


# drawing


def test_numbers_belong_to_seed_and_position_and_are_uniform() -> None:
    """Streams of different seeds are unrelated, and each is flat over [0, 1)."""
    streams = uniforms(np.arange(300)[:, None], np.arange(300)[None, :])
    assert streams.min() >= 0
    assert streams.max() < 1
    assert uniforms([7], [299])[0] == streams[7, 299]
    counts = np.histogram(streams, bins=50, range=(0, 1))[0]
    assert (((counts - 1800) ** 2) / 1800).sum() < 90  # chi-square, 49 degrees of freedom: 90 is p = 3e-4
    assert abs(np.corrcoef(streams[:-1].ravel(), streams[1:].ravel())[0, 1]) < 0.015


@pytest.mark.parametrize(
    ("sampling", "kept"),
    [
        (Sampling(), {0: 0.5, 1: 0.3, 2: 0.15, 3: 0.05}),
        (Sampling(top_k=2), {0: 0.625, 1: 0.375}),
        (Sampling(top_p=0.75), {0: 0.625, 1: 0.375}),
        (Sampling(min_p=0.25), {0: 0.5 / 0.95, 1: 0.3 / 0.95, 2: 0.15 / 0.95}),
        (Sampling(temperature=0), {0: 1.0}),
        (Sampling(temperature=0.5), {0: 0.25 / 0.365, 1: 0.09 / 0.365, 2: 0.0225 / 0.365, 3: 0.0025 / 0.365}),
    ],
)
def test_tokens_are_drawn_with_the_probabilities_that_sampling_leaves(
    sampling: Sampling, kept: dict[int, float]
) -> None:
    """Over evenly spread numbers each token comes as often as it is probable, and others never."""
    n = 20_000
    logits = torch.tensor([0.5, 0.3, 0.15, 0.05]).log().expand(n, 4)
    tokens = draw(logits, (torch.arange(n) + 0.5) / n, sampling).tolist()
    assert set(tokens) == set(kept)
    for token, share in kept.items():
        assert tokens.count(token) / n == pytest.approx(share, abs=2e-4)


# writing


def plain_greedy(folder: Path, request: Request) -> str:
    """The likeliest token, one after the other, the whole text read anew each time."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder).eval()
    turns = [message._asdict() for message in request.messages]
    ids = tokenizer.apply_chat_template(turns, add_generation_prompt=True, return_dict=False)
    n_prompt = len(ids)
    while len(ids) - n_prompt < GREEDY.max_tokens:
        with torch.no_grad():
            ids = [*ids, int(model(torch.tensor([ids])).logits[0, -1].argmax())]
        if ids[-1] == tokenizer.eos_token_id:
            break
    return str(tokenizer.decode(ids[n_prompt:], skip_special_tokens=True))


REQUESTS = [
    asked(one.question, system=SYSTEM if index % 2 else "") for index, one in enumerate(problems(5, 5))
]


def test_the_likeliest_completion_is_that_of_a_plain_loop(
    small_model: Path, generator: TransformersGenerator
) -> None:
    """Padding, key-value caches and rows that leave the batch change nothing."""
    found = written(generator, REQUESTS, GREEDY)
    for request in REQUESTS:
        assert found[request].text == plain_greedy(small_model, request)
        assert found[request].finish_reason == "stop"


def test_a_completion_belongs_to_its_prompt_and_seed(
    small_model: Path, generator: TransformersGenerator
) -> None:
    """One at a time, in another order and in other batches: the same texts; another seed: others."""
    requests = [asked(one.question, sample) for one in problems(6, 5) for sample in range(2)]
    together = written(generator, requests, FREE)
    shuffled = random.Random(0).sample(requests, len(requests))
    alone = TransformersGenerator(small_model, device="cpu", rows=1)
    assert {request: one.text for request, one in written(alone, shuffled, FREE).items()} == {
        request: one.text for request, one in together.items()
    }
    assert len({one.text for one in together.values()}) > 5
    other = written(generator, requests, FREE.model_copy(update={"seed": 1}))
    assert sum(other[request].text != together[request].text for request in requests) > 3


def test_continuous_batching_writes_the_same_completions(
    small_model: Path, generator: TransformersGenerator
) -> None:
    """The same prompt and seed, written in step or continuously, gives the same text and the same counts."""
    requests = [asked(one.question, sample) for one in problems(7, 5) for sample in range(2)]
    settings: dict[str, Any] = {"num_blocks": 64, "page_size": 32, "max_batch_tokens": 128}
    continuous = TransformersGenerator(
        small_model, device="cpu", batching="continuous", rows=6, settings=settings
    )
    for how in (FREE, Sampling(max_tokens=48, think_budget=3)):
        found = written(continuous, requests, how)
        expected = written(generator, requests, how)
        for request in requests:
            assert found[request] == expected[request]._replace(logprob=None)


def test_a_completion_is_as_likely_as_the_scorer_says(
    small_model: Path, generator: TransformersGenerator
) -> None:
    """The log-probability told is the sum over the text and the end token, whatever the temperature."""
    request = asked(problems(8, 2)[1].question)
    one = written(generator, [request], FREE.model_copy(update={"temperature": 0.5}))[request]
    with TransformersScorer(small_model, device="cpu") as scorer:
        (rating,) = scorer.score([Text(request.messages, one.text + "<|end|>")])
    assert one.logprob == pytest.approx(rating.logprob, rel=1e-4)
    assert one.completion_tokens == rating.tokens


def test_max_tokens_and_stop_texts_end_a_completion(generator: TransformersGenerator) -> None:
    """A cut completion says `length`; a stop text and what follows it are not part of the text."""
    request = REQUESTS[0]
    whole = written(generator, [request], GREEDY)[request]
    cut = written(generator, [request], GREEDY.model_copy(update={"max_tokens": 3}))[request]
    assert (cut.finish_reason, cut.completion_tokens) == ("length", 3)
    assert whole.text.startswith(cut.text)
    stopped = written(generator, [request], GREEDY.model_copy(update={"stop": ["answer is", "zzz"]}))[request]
    assert stopped.finish_reason == "stop"
    assert stopped.text == whole.text.partition("answer is")[0]
    assert stopped.completion_tokens < whole.completion_tokens


def test_a_thinking_over_its_budget_is_closed_and_answered(generator: TransformersGenerator) -> None:
    """The thinking has as many tokens as the budget says, then comes its end and an answer."""
    request = asked(problems(9, 5)[4].question)
    free = written(generator, [request], GREEDY)[request]
    held = written(generator, [request], GREEDY.model_copy(update={"think_budget": 4}))[request]
    thought, closed, answer = held.text.partition("\n</think>\n\n")
    assert closed
    assert free.text.startswith(thought)
    assert len(thought) < len(free.text.partition("</think>")[0])
    assert answer
    roomy = written(generator, [request], GREEDY.model_copy(update={"think_budget": 40}))[request]
    assert roomy.text == free.text


def test_a_prompt_that_fills_the_context_is_a_permanent_failure(generator: TransformersGenerator) -> None:
    """Others are written, and one just within it is cut at the context."""
    long, near = asked("é" * 400), asked("é" * 250)
    found = written(generator, [long, near, REQUESTS[0]], FREE.model_copy(update={"max_tokens": 10_000}))
    assert found[long].failure == "permanent"
    assert "the model reads 512" in found[long].error
    assert found[near].failure is None
    assert found[near].prompt_tokens + found[near].completion_tokens <= 512
    assert found[REQUESTS[0]].text


def test_pass_rates_lie_between_none_and_all(generator: TransformersGenerator) -> None:
    """The small model gets a good share of the problems right some of the time: it is of use to other tests."""
    shown = problems(10, 20)
    requests = [asked(one.question, sample) for one in shown for sample in range(8)]
    found = written(generator, requests, FREE)
    right = [
        sum(f"\\boxed{{{one.answer}}}" in found[asked(one.question, sample)].text for sample in range(8))
        for one in shown
    ]
    assert sum(0 < n < 8 for n in right) >= 6
    assert 0.1 < sum(right) / len(requests) < 0.9
    assert math.isclose(
        sum(one.finish_reason == "stop" for one in found.values()), len(requests), rel_tol=0.1
    )
