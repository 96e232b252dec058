"""The journal of completions: what is in it lasts, and nothing else is believed."""

from __future__ import annotations

import os
import resource
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Self

import pytest

import curate.models.journal as journals
from curate.errors import InputError, MachineError, RunError
from curate.models.journal import FLUSH_S, LOOKED_UP_AT_ONCE, Journal, through
from curate.models.journal_file import packed, unpacked
from curate.models.types import Capabilities, Completion, Message, Request, Sampling

SAMPLING = Sampling(max_tokens=5)


def key(number: int) -> bytes:
    """A key of 16 bytes."""
    return number.to_bytes(16, "big")


def told(number: int) -> Completion:
    """A completion that is like no other."""
    return Completion(f"the answer is {number}", "stop", 3, number, -0.1 * number)


def wanted(prompts: int, samples: int) -> list[Request]:
    """So many samples of each of so many prompts."""
    return [Request((Message("user", str(p)),), s) for p in range(prompts) for s in range(samples)]


def asking(requests: Sequence[Request]) -> Callable[[], Iterator[tuple[int, Request]]]:
    """The requests as `through` takes them: each with its number."""
    return lambda: iter(enumerate(requests))


class Echo:
    """A generator that repeats the prompt and counts what it was asked."""

    fingerprint = "echo"
    capabilities = Capabilities(1, False, False, True, None)

    def __init__(self, *, fails: tuple[int, ...] = (), waits_s: float = 0.0) -> None:
        self.asked: list[Request] = []
        self._fails = fails
        self._waits_s = waits_s

    def generate(
        self, requests: Iterable[Request], sampling: Sampling
    ) -> Iterator[tuple[Request, Completion]]:
        """The prompt and the sample's number; a transient failure for samples that are to fail."""
        for request in requests:
            self.asked.append(request)
            time.sleep(self._waits_s)
            if request.sample in self._fails:
                yield request, Completion(failure="transient", error="try again")
            else:
                yield request, Completion(f"{request.messages[0].content} {request.sample}", "stop")

    def close(self) -> None:
        """Nothing to let go."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass


class Forgetful(Echo):
    """One that keeps no list of what it was asked."""

    def generate(
        self, requests: Iterable[Request], sampling: Sampling
    ) -> Iterator[tuple[Request, Completion]]:
        """The sample's number."""
        for request in requests:
            yield request, Completion(str(request.sample), "stop")


def test_what_was_put_is_there_for_the_next_process(tmp_path: Path) -> None:
    """Every field comes back, whatever the text; what is unknown is left out."""
    odd = {
        key(1): Completion("", "stop"),
        key(2): Completion("\0 \ud800 é 😀 e\u0301", "length", 1, 2, -3.5),
        key(3): Completion(failure="permanent", error="too long"),
        key(4): Completion("x" * 1_000_000, "stop"),
    }
    with Journal(tmp_path / "deep" / "journal") as journal:
        journal.put_many(odd)
    with Journal(tmp_path / "deep" / "journal") as journal:
        assert journal.get_many([*odd, key(9)]) == odd


def test_transient_failures_are_not_kept(tmp_path: Path) -> None:
    """They are to be asked for again."""
    with Journal(tmp_path / "journal") as journal:
        journal.put_many({key(1): Completion(failure="transient", error="busy"), key(2): told(2)})
        assert set(journal.get_many([key(1), key(2)])) == {key(2)}


def test_the_first_of_two_completions_is_kept(tmp_path: Path) -> None:
    """Of two processes that asked for the same, both read the same afterwards."""
    with Journal(tmp_path / "journal") as one, Journal(tmp_path / "journal") as other:
        one.put_many({key(1): told(1)})
        other.put_many({key(1): told(2)})
        assert one.get_many([key(1)]) == other.get_many([key(1)]) == {key(1): told(1)}


def test_more_keys_than_one_question_holds(tmp_path: Path) -> None:
    """Keys are looked up in parts."""
    with Journal(tmp_path / "journal") as journal:
        journal.put_many({key(number): told(number) for number in range(1203)})
        found = journal.get_many([key(number) for number in range(0, 3000, 2)])
    assert found == {key(number): told(number) for number in range(0, 1203, 2)}


WRITER = """
import sys
from pathlib import Path
from curate.models.journal import Journal
from curate.models.types import Completion
start, count = int(sys.argv[2]), int(sys.argv[3])
with Journal(Path(sys.argv[1])) as journal:
    for number in range(start, start + count):
        journal.put_many({number.to_bytes(16, "big"): Completion(f"the answer is {number}", "stop", 3, number, -0.1 * number)})
        print(number, flush=True)
"""


def writer(path: Path, start: int, count: int) -> subprocess.Popen[str]:
    """A process that writes completions one by one, and says so after each."""
    command = [sys.executable, "-c", WRITER, str(path), str(start), str(count)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_a_killed_writer_loses_nothing_that_it_had_put(tmp_path: Path) -> None:
    """Killed with -9 at any moment, three times: all that was said to be written is there."""
    path = tmp_path / "journal"
    for turn, lines in enumerate((1, 7, 60)):
        process = writer(path, 1000 * turn, 1000)
        assert process.stdout is not None
        said = [int(process.stdout.readline()) for _ in range(lines)]
        os.kill(process.pid, signal.SIGKILL)
        said += [int(line) for line in process.communicate()[0].split()]
        with Journal(path, tell=pytest.fail) as journal:
            assert journal.get_many([key(n) for n in said]) == {key(n): told(n) for n in said}


def test_two_processes_write_at_once(tmp_path: Path) -> None:
    """Neither loses a line, nor sees the other's lock."""
    processes = [writer(tmp_path / "journal", start, 200) for start in (0, 150)]
    for process in processes:
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
    with Journal(tmp_path / "journal") as journal:
        assert len(journal.get_many([key(number) for number in range(400)])) == 350


def damage(path: Path, at: int, size: int = 64) -> None:
    """Overwrite some bytes of a file."""
    with path.open("r+b") as file:
        file.seek(at)
        file.write(b"\xa5" * size)


def filled(path: Path, count: int) -> None:
    """A journal of so many completions, all in the one file."""
    with Journal(path) as journal:
        journal.put_many({key(number): told(number) for number in range(count)})


@pytest.mark.parametrize("at", [40, 100, 4096 * 3, 4096 * 7 + 5])
def test_a_damaged_journal_is_put_aside(tmp_path: Path, at: int) -> None:
    """It is said so; what can be read goes on, the rest is unknown; the damaged file is still there."""
    path = tmp_path / "journal"
    filled(path, 2000)
    damage(path, at)
    messages: list[str] = []
    with Journal(path, tell=messages.append) as journal:
        found = journal.get_many([key(number) for number in range(2000)])
        journal.put_many({key(number): told(number) for number in range(2000)})
        assert len(journal.get_many([key(number) for number in range(2000)])) == 2000
    assert all(completion == told(int.from_bytes(name, "big")) for name, completion in found.items())
    if messages:
        assert "is damaged" in messages[0]
        assert f"{len(found)} completions" in messages[0]
        assert (tmp_path / "journal.damaged-1").exists()
    else:  # the bytes were of no use to SQLite, or of one line's content
        assert len(found) >= 1900
    with Journal(path, tell=pytest.fail):
        pass


def test_the_structure_of_a_journal_is_checked(tmp_path: Path) -> None:
    """A page of the index that is damaged is found when the journal is opened, and most of the rest is saved."""
    path = tmp_path / "journal"
    filled(path, 2000)
    damage(path, 4096 * 7, 8)
    messages: list[str] = []
    with Journal(path, tell=messages.append) as journal:
        n_found = len(journal.get_many([key(number) for number in range(2000)]))
    assert len(messages) == 1
    assert 1000 < n_found <= 2000


def test_a_journal_that_a_power_cut_wiped_out_is_put_aside(tmp_path: Path) -> None:
    """A file of zeros."""
    path = tmp_path / "journal"
    path.write_bytes(bytes(8192))
    messages: list[str] = []
    with Journal(path, tell=messages.append) as journal:
        journal.put_many({key(1): told(1)})
    assert len(messages) == 1


def test_a_line_that_was_damaged_is_not_known(tmp_path: Path) -> None:
    """The checksum of its content says so; the line can be asked for again."""
    path = tmp_path / "journal"
    filled(path, 3)
    with sqlite3.connect(path) as file:
        (said,) = file.execute("SELECT said FROM completions WHERE key = ?", (key(1),)).fetchone()
        broken = said[:-6] + bytes([said[-6] ^ 1]) + said[-5:]
        file.execute("UPDATE completions SET said = ? WHERE key = ?", (broken, key(1)))
    file.close()
    with Journal(path) as journal:
        assert set(journal.get_many([key(0), key(1), key(2)])) == {key(0), key(2)}


def test_no_flipped_bit_makes_another_completion() -> None:
    """Whichever bit of a line flips: it is as it was, or not known."""
    completion = Completion("a text of some words, 1 + 1 = 2", "stop", 3, 9, -1.25)
    line = packed(completion)
    for place in range(8 * len(line)):
        broken = bytearray(line)
        broken[place // 8] ^= 1 << place % 8
        assert unpacked(bytes(broken)) in (None, completion)


def test_a_damaged_journal_that_another_process_uses_stays(tmp_path: Path) -> None:
    """It is not taken from under it."""
    path = tmp_path / "journal"
    filled(path, 2000)
    with Journal(path):
        damage(path, 4096 * 7, 8)
        with pytest.raises(RunError, match="another process uses it"):
            Journal(path)
    assert not list(tmp_path.glob("*.damaged*"))


@pytest.mark.parametrize("content", [b"PAR1 something else", b"x"])
def test_a_file_that_is_no_journal_is_left_alone(tmp_path: Path, content: bytes) -> None:
    """Another file's name by mistake."""
    path = tmp_path / "rows.parquet"
    path.write_bytes(content)
    with pytest.raises(InputError, match="expected a journal of completions"):
        Journal(path)
    assert path.read_bytes() == content


def test_a_database_of_something_else_is_left_alone(tmp_path: Path) -> None:
    """Another program's SQLite file."""
    with sqlite3.connect(tmp_path / "other") as file:
        file.execute("CREATE TABLE songs (name TEXT)")
    file.close()
    before = (tmp_path / "other").read_bytes()
    with pytest.raises(InputError, match="songs"):
        Journal(tmp_path / "other")
    assert (tmp_path / "other").read_bytes() == before


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    """A folder where the file should be."""
    (tmp_path / "journal").mkdir()
    with pytest.raises(MachineError, match="expected a journal that can be written"):
        Journal(tmp_path / "journal")


FILLER = """
import resource, sys
from pathlib import Path
from curate.errors import MachineError
from curate.models.journal import Journal
from curate.models.types import Completion
journal = Journal(Path(sys.argv[1]))
journal.put_many({bytes(16): Completion("kept", "stop")})
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
import random
dice = random.Random(0)
try:
    for number in range(1, 1000):
        journal.put_many({number.to_bytes(16, "big"): Completion(dice.randbytes(5000).hex(), "stop")})
        print(number, flush=True)
except MachineError as error:
    print(error, file=sys.stderr)
    sys.exit(5)
"""


def test_a_disk_without_room_is_said_so(tmp_path: Path) -> None:
    """No file may grow beyond a limit of the system: a clear error, and what was put is there."""
    process = subprocess.run(
        [sys.executable, "-c", FILLER, str(tmp_path / "journal")], capture_output=True, text=True, timeout=60
    )
    assert process.returncode == 5, process.stderr
    assert "expected a journal that can be written" in process.stderr
    said = [int(line) for line in process.stdout.split()]
    with Journal(tmp_path / "journal", tell=pytest.fail) as journal:
        assert len(said) > 5
        assert len(journal.get_many([key(number) for number in [0, *said]])) == len(said) + 1
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY


def test_through_asks_only_for_what_is_not_known(tmp_path: Path) -> None:
    """Known completions come first; a second run asks for nothing."""
    requests = wanted(prompts=50, samples=4)
    with Journal(tmp_path / "journal") as journal:
        first, second = Echo(), Echo()
        list(through(first, asking(requests[:120]), SAMPLING, journal))
        came = list(through(second, asking(requests), SAMPLING, journal))
        assert second.asked == requests[120:]
        assert [(got.place, got.request) for got in came] == list(enumerate(requests))
        assert [got.known for got in came] == [True] * 120 + [False] * 80
        assert all(
            got.completion.text == f"{got.request.messages[0].content} {got.request.sample}" for got in came
        )
        again = through(Echo(), asking(requests), SAMPLING, journal)
        assert list(again) == [got._replace(known=True) for got in came]


def test_through_tells_models_and_samplings_apart(tmp_path: Path) -> None:
    """Another sampling, or another model, is asked anew."""
    with Journal(tmp_path / "journal") as journal:
        list(through(Echo(), asking(wanted(1, 1)), SAMPLING, journal))
        other_sampling, other_model = Echo(), Echo()
        other_model.fingerprint = "another"
        list(through(other_sampling, asking(wanted(1, 1)), Sampling(max_tokens=6), journal))
        list(through(other_model, asking(wanted(1, 1)), SAMPLING, journal))
    assert len(other_sampling.asked) == len(other_model.asked) == 1


@pytest.mark.parametrize("ahead", [0, 3, 100])
@pytest.mark.parametrize("at_once", [1, 4, 100])
def test_through_asks_once_for_equal_requests(
    ahead: int, at_once: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of them is answered, whether the first is in flight then, has just come, or came long ago."""
    requests = [*wanted(3, 2), *wanted(2, 2), *wanted(3, 2)]
    monkeypatch.setattr(journals, "LOOKED_UP_AT_ONCE", at_once)

    class InFlight(Echo):
        def generate(
            self, requests: Iterable[Request], sampling: Sampling
        ) -> Iterator[tuple[Request, Completion]]:
            """Some ahead of what has come, as a server's."""
            held: deque[tuple[Request, Completion]] = deque()
            for pair in super().generate(requests, sampling):
                held.append(pair)
                if len(held) > ahead:
                    yield held.popleft()
            yield from held

    with Journal(tmp_path / "journal") as journal:
        echo = InFlight()
        came = list(through(echo, asking(requests), SAMPLING, journal))
    assert Counter(echo.asked) == Counter(wanted(3, 2))
    assert sorted((got.place, got.request) for got in came) == list(enumerate(requests))
    assert all(
        got.completion.text == f"{got.request.messages[0].content} {got.request.sample}" for got in came
    )


def test_through_holds_what_is_in_flight_alone(tmp_path: Path) -> None:
    """Requests that wait to be taken are not held: they are made again when they are needed, part by part."""
    text = "x" * 100
    alive = most = 0

    class Counted(Request):
        def __new__(cls, *told: Any) -> Self:
            nonlocal alive, most
            alive += 1
            most = max(most, alive)
            return super().__new__(cls, *told)

        def __del__(self) -> None:
            nonlocal alive
            alive -= 1

    def asked() -> Iterator[tuple[int, Request]]:
        return ((n, Counted((Message("user", f"{n} {text}"),), 0)) for n in range(8 * LOOKED_UP_AT_ONCE))

    with Journal(tmp_path / "journal") as journal:
        assert sum(1 for _ in through(Forgetful(), asked, SAMPLING, journal)) == 8 * LOOKED_UP_AT_ONCE
    assert most <= 3 * LOOKED_UP_AT_ONCE + 10


def test_through_asks_again_for_what_failed_for_now(tmp_path: Path) -> None:
    """Transient failures are yielded, and asked for again by the next run."""
    with Journal(tmp_path / "journal") as journal:
        came = list(through(Echo(fails=(1,)), asking(wanted(3, 2)), SAMPLING, journal))
        assert [got.completion.failure for got in came] == [None, "transient"] * 3
        again = Echo()
        list(through(again, asking(wanted(3, 2)), SAMPLING, journal))
        assert [request.sample for request in again.asked] == [1, 1, 1]


def test_through_writes_while_it_waits(tmp_path: Path) -> None:
    """What came is on the disk half a second later, though the generator has brought nothing since."""
    requests = wanted(2, 1)
    done = threading.Event()

    class Slow(Echo):
        def generate(
            self, requests: Iterable[Request], sampling: Sampling
        ) -> Iterator[tuple[Request, Completion]]:
            for number, pair in enumerate(super().generate(requests, sampling)):
                if number:
                    done.wait(20)
                yield pair

    with Journal(tmp_path / "journal") as journal, Journal(tmp_path / "journal") as other:
        stream = through(Slow(), asking(requests), SAMPLING, journal)
        thread = threading.Thread(target=lambda: list(stream))
        thread.start()
        until = time.monotonic() + 10 * FLUSH_S
        first = requests[0].key("echo", SAMPLING)
        while not other.get_many([first]) and time.monotonic() < until:
            time.sleep(0.05)
        seen = other.get_many([first])
        done.set()
        thread.join()
    assert set(seen) == {first}


def test_through_writes_what_came_before_a_consumer_stops(tmp_path: Path) -> None:
    """A stream that is closed early has lost nothing that it yielded."""
    requests = wanted(10, 1)
    with Journal(tmp_path / "journal") as journal:
        stream = through(Echo(), asking(requests), SAMPLING, journal)
        taken = [next(stream).request for _ in range(4)]
        stream.close()  # type: ignore[attr-defined]
        keys = [request.key("echo", SAMPLING) for request in taken]
        assert set(journal.get_many(keys)) == set(keys)
