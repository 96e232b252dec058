r"""Graders of maths answers that install from PyPI, each run in processes of its own that may be killed.

    python perf/verify_peers.py --install FOLDER        make the virtual environment with the peers
    python perf/verify_peers.py --serve GRADER          grade pairs: a JSON line in, a JSON line out
    from verify_peers import graded                     the same for columns, with a cache

Every grader is called as its own project calls it, with the ground truth and the answer or response, and
says whether they are equal; whatever it raises is counted as a refusal (null), which a user of it gets as
"not equal". A grader compares strings, so both sides are given twice where that may differ: as they are, and
(`-boxed`) with bare answers put into `\boxed{}`, as reward functions do.

- math-verify: 0.9.0, default settings, 5 s each for parsing and for comparing.
- mathruler: grader.grade_answer; the grader of PRM800K, as used in EasyR1.
- tinker: tinker_cookbook's grade_answer, another descendant of the same.
- inspect: inspect_ai's math() scorer: its own safe parser.
- verl-hendrycks: verl's math_reward.is_equiv: the string rules of the MATH paper.
- verl-prime: verl's prime_math.compute_score: PRM800K's rules, then Qwen's. It evaluates text as Python.
- verl-dapo: verl's math_dapo.is_correct_minerva: string rules of Minerva.
- minerva: lm-eval's minerva_math: string rules, then sympy's LaTeX parser.
- evalscope: compare_answers: Math-Verify with rules of its own around it.
- ai4math: verify.verify.

Not here: lighteval, open-r1, TRL, verifiers, ms-swift, AReaL and OpenCompass call Math-Verify or one of the
above; latex2sympy2 1.9.1 does not import as it installs; NeMo-Skills and the Qwen grader are not on PyPI.
"""

# mypy: disable-error-code="import-not-found"
from __future__ import annotations

import argparse
import hashlib
import importlib
import importlib.metadata
import importlib.util
import json
import logging
import os
import resource
import select
import subprocess
import sys
import sysconfig
import threading
import time
import types
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import IO, Any

HERE = Path(__file__).resolve().parent
CACHE = Path(os.environ.get("VERIFY_CACHE", "out/perf/verify"))
HANG_S = 40.0
"""Math-Verify's own limits add up to 30 s a row; a grader that has said nothing by then is ended."""
MEMORY_BYTES = 6_000_000_000
RECYCLE_PAIRS = 10_000
Grade = Callable[[str, str], bool]

_DELIMITERS = ("\\boxed", "\\fbox", "$", "\\(", "\\[", "####")
_MAX_BARE_WORDS = 6


def is_bare(text: str) -> bool:
    """Whether a text is an answer without any mark that says so."""
    return not any(mark in text for mark in _DELIMITERS) and len(text.split()) <= _MAX_BARE_WORDS * 4


def boxed(text: str) -> str:
    r"""The text, in `\boxed{}` if it is a bare answer."""
    return f"\\boxed{{{text}}}" if is_bare(text) else text


def in_box(text: str) -> str:
    r"""A text that `boxed` puts into `\boxed{}`, or that is in one: what the profile compat stands for."""
    return text if is_bare(text) or "\\boxed" in text else f"\\boxed{{{text}}}"


def unboxed(text: str) -> str:
    """What a project without extraction of its own is given: the last box, the last formula, or all."""
    box = text.rfind("\\boxed{")
    if box >= 0:
        depth = 0
        for at in range(box + 6, len(text)):
            depth += (text[at] == "{") - (text[at] == "}")
            if depth == 0:
                return text[box + 7 : at]
        return text[box + 7 :]
    for left, right in (("$$", "$$"), ("$", "$"), ("\\(", "\\)"), ("\\[", "\\]")):
        head, found, _ = text.rpartition(right)
        if found and left in head:
            return head.rpartition(left)[2]
    at = text.lower().rfind("answer is")
    return text[at + 9 :].strip(" :.") if at >= 0 else text


def _math_verify() -> Grade:
    from math_verify import parse, verify

    logging.getLogger("math_verify").setLevel(logging.CRITICAL)

    def grade(gold: str, answer: str) -> bool:
        return bool(verify(parse(gold), parse(answer)))

    return grade


def _mathruler() -> Grade:
    from mathruler.grader import grade_answer

    return lambda gold, answer: bool(grade_answer(unboxed(answer), unboxed(gold)))


def _tinker() -> Grade:
    from tinker_cookbook.recipes.math_rl.math_grading import grade_answer

    return lambda gold, answer: bool(grade_answer(unboxed(answer), unboxed(gold)))


def _inspect() -> Grade:
    from inspect_ai.scorer import _math as scorer

    def grade(gold: str, answer: str) -> bool:
        targets, problem = scorer._parse_targets_worker((gold,))
        if problem:
            raise ValueError(problem)
        return bool(scorer._score_answer_worker(answer, targets).status == "correct")

    return grade


def _without_init(*packages: str) -> None:
    """Let modules of a package be imported without its `__init__`, which imports PyTorch or Ray."""
    site = Path(sysconfig.get_path("purelib"))
    for package in packages:
        module = types.ModuleType(package)
        module.__path__ = [str(site.joinpath(*package.split(".")))]
        sys.modules[package] = module


def _verl_hendrycks() -> Grade:
    _without_init("verl", "verl.utils", "verl.utils.reward_score")
    is_equiv = importlib.import_module("verl.utils.reward_score.math_reward").is_equiv
    return lambda gold, answer: bool(is_equiv(unboxed(answer), unboxed(gold)))


def _verl_prime() -> Grade:
    _without_init("verl", "verl.utils", "verl.utils.reward_score", "verl.utils.metric")
    vars(sys.modules["verl.utils.metric"])["Metric"] = object  # a name that grading never uses; needs PyTorch
    compute_score = importlib.import_module("verl.utils.reward_score.prime_math").compute_score
    return lambda gold, answer: bool(compute_score(boxed(answer), unboxed(gold))[0])


def _verl_dapo() -> Grade:
    _without_init("verl", "verl.utils", "verl.utils.reward_score")
    correct = importlib.import_module("verl.utils.reward_score.math_dapo").is_correct_minerva
    return lambda gold, answer: bool(correct(f"Answer: {unboxed(answer)}", unboxed(gold))[0])


def _minerva() -> Grade:
    _without_init("lm_eval", "lm_eval.tasks", "lm_eval.tasks.minerva_math")
    rules = importlib.import_module("lm_eval.tasks.minerva_math.utils")

    def grade(gold: str, answer: str) -> bool:
        one, two = (rules.normalize_final_answer(unboxed(text)) for text in (gold, answer))
        return bool(rules.is_equiv(one, two))

    return grade


def _evalscope() -> Grade:
    from evalscope.metrics.math.parser import compare_answers

    def grade(gold: str, answer: str) -> bool:
        mode = "fragment" if is_bare(answer) else "output"
        return bool(compare_answers(answer, unboxed(gold), prediction_mode=mode).matched)

    return grade


def _ai4math() -> Grade:
    from ai4math.answers import extract_answer
    from ai4math.verify import verify

    def grade(gold: str, answer: str) -> bool:
        return bool(verify(unboxed(gold), extract_answer(answer) or answer))

    return grade


def _with_boxes(load: Callable[[], Grade]) -> Callable[[], Grade]:
    """The grader, with bare answers of both sides in a box."""

    def loaded() -> Grade:
        grade = load()
        return lambda gold, answer: grade(boxed(gold), boxed(answer))

    return loaded


GRADERS: dict[str, tuple[str, Callable[[], Grade]]] = {
    "math-verify": ("math-verify", _math_verify),
    "math-verify-boxed": ("math-verify", _with_boxes(_math_verify)),
    "mathruler": ("mathruler", _mathruler),
    "tinker": ("tinker-cookbook", _tinker),
    "inspect": ("inspect-ai", _inspect),
    "inspect-boxed": ("inspect-ai", _with_boxes(_inspect)),
    "verl-hendrycks": ("verl", _verl_hendrycks),
    "verl-prime": ("verl", _verl_prime),
    "verl-dapo": ("verl", _verl_dapo),
    "minerva": ("lm-eval", _minerva),
    "evalscope": ("evalscope", _evalscope),
    "ai4math": ("ai4math", _ai4math),
}
OWN_ENVIRONMENT = frozenset({"math-verify", "math-verify-boxed"})
"""Graders that this project installs itself; the others are in the virtual environment of the peers."""


def serve(name: str) -> None:
    """Grade pairs from standard input until it ends: `[number, gold, answer]` to `[number, equal, seconds]`.

    The seconds are processor time. No file can be written: one of the graders evaluates what it is given.
    """
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.dup2(1, 2)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    package, load = GRADERS[name]
    grade = load()
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    answers.write(json.dumps([-1, importlib.metadata.version(package), 0]) + "\n")
    for line in sys.stdin:
        number, gold, answer = json.loads(line)
        begun = time.process_time()
        equal: bool | None
        try:
            equal = grade(gold, answer)
        except BaseException:  # it raises what it likes, SystemExit and its own timeouts too
            equal = None
        answers.write(json.dumps([number, equal, round(time.process_time() - begun, 6)]) + "\n")


class Server:
    """One process that grades; `ask` gives it pairs and yields what became of each."""

    def __init__(self, name: str, python: str, niceness: int = 10) -> None:
        self.name, self.python, self.niceness = name, python, niceness
        self.start()

    def start(self) -> None:
        """Start it and wait until it is ready; raises RuntimeError if it never is."""
        name, python = self.name, self.python
        script = str(Path(__file__).resolve())
        self.process = subprocess.Popen(
            ["nice", "-n", str(self.niceness), python, script, "--serve", name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd="/",
        )
        self.done = 0
        self.received = b""
        ready = self.read(180)
        if ready is None:
            self.end()
            raise RuntimeError(f"{name} does not start: {python} {script} --serve {name}")
        self.version = str(ready[1])

    def read(self, patience_s: float) -> list[Any] | None:
        """The next line, None if none comes in time or the process is gone."""
        out: IO[bytes] | None = self.process.stdout
        assert out is not None
        until = time.monotonic() + patience_s
        while b"\n" not in self.received:
            ready, _, _ = select.select([out], [], [], max(0.0, until - time.monotonic()))
            block = os.read(out.fileno(), 1 << 16) if ready else b""
            if not block:
                return None
            self.received += block
        line, _, self.received = self.received.partition(b"\n")
        return list(json.loads(line))

    def restart(self) -> None:
        """End it and start another."""
        self.end()
        self.start()

    def ask(self, number: int, gold: str, answer: str) -> None:
        """Send a pair; a process that is gone shows when its answer is read."""
        assert self.process.stdin is not None
        line = json.dumps([number, gold, answer])
        try:
            self.process.stdin.write(line.encode("utf-8", "surrogatepass") + b"\n")
            self.process.stdin.flush()
        except OSError:
            return

    def end(self) -> None:
        """Kill it."""
        self.process.kill()
        self.process.wait()


def python_of(name: str, peers: Path | None = None) -> str:
    """The interpreter that has a grader: this one, or that of the peers."""
    return sys.executable if name in OWN_ENVIRONMENT else str((peers or CACHE / "peers") / "bin" / "python")


def ask(
    name: str, pairs: Sequence[tuple[str, str]], workers: int = 2, note: Callable[[int], None] | None = None
) -> tuple[str, list[tuple[bool | None, float, str]]]:
    """The grader's version, and for every pair: equal (None: refused), seconds, and `ok`, `raised`, `ended`.

    A pair that takes longer than `HANG_S`, or takes its process with it, is `ended`.
    """
    found: list[tuple[bool | None, float, str]] = [(None, 0.0, "ended")] * len(pairs)
    todo = deque(range(len(pairs)))
    versions: list[str] = []
    failures: list[BaseException] = []

    def work() -> None:
        server: Server | None = None
        try:
            while todo and not failures:
                number = todo.popleft()
                if server is None or server.done >= RECYCLE_PAIRS:
                    if server is not None:
                        server.end()
                    server = Server(name, python_of(name))
                    versions.append(server.version)
                server.ask(number, *pairs[number])
                reply = server.read(HANG_S)
                server.done += 1
                if reply is None:
                    found[number] = (None, HANG_S, "ended")
                    server.end()
                    server = None
                else:
                    assert reply[0] == number, "a grader answers in order"
                    found[number] = (reply[1], reply[2], "raised" if reply[1] is None else "ok")
                if note is not None and len(todo) % 1000 == 0:
                    note(len(todo))
        except IndexError:
            return
        except BaseException as error:
            failures.append(error)
        finally:
            if server is not None:
                server.end()

    threads = [threading.Thread(target=work) for _ in range(min(workers, max(1, len(pairs))))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return (versions[0] if versions else ""), found


def graded(name: str, pairs: Iterable[tuple[str, str]], workers: int = 2) -> dict[tuple[str, str], Any]:
    """What a grader says of pairs: (gold, answer) to (equal, seconds, status); asked once and kept.

    The cache is a Parquet file a grader and version: gold, answer, equal, seconds, status.
    """
    import polars as pl

    schema = {"gold": pl.String, "answer": pl.String, "equal": pl.Boolean, "seconds": pl.Float64}
    schema["status"] = pl.String
    wanted = list(dict.fromkeys(pairs))
    package, _ = GRADERS[name]
    CACHE.mkdir(parents=True, exist_ok=True)
    version = _version(name, package)
    path = CACHE / f"{name}-{version}.parquet"
    kept: dict[tuple[str, str], Any] = {}
    if path.exists():
        kept = {(row[0], row[1]): row[2:] for row in pl.read_parquet(path).iter_rows()}
    missing = [pair for pair in wanted if pair not in kept]
    step = 4_000
    for at in range(0, len(missing), step):
        asked = missing[at : at + step]
        begun = time.monotonic()
        _, answers = ask(name, asked, workers)
        kept |= dict(zip(asked, answers, strict=True))
        rows = [(*pair, *said) for pair, said in kept.items()]
        frame = pl.DataFrame(rows, schema=schema, orient="row")
        if path.exists():  # another run may have added to it
            frame = pl.concat([frame, pl.read_parquet(path)]).unique(["gold", "answer"], keep="first")
        part = path.with_suffix(f".{os.getpid()}")
        frame.write_parquet(part)
        part.replace(path)
        taken = time.monotonic() - begun
        sys.stderr.write(f"{name}: {at + len(asked):,} of {len(missing):,}, {taken:.0f} s\n")
    return {pair: kept[pair] for pair in wanted}


def _version(name: str, package: str) -> str:
    code = f"import importlib.metadata as m; print(m.version({package!r}))"
    done = subprocess.run([python_of(name), "-c", code], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{name}: {package} is not installed; {' '.join(sys.argv[:1])} --install FOLDER")
    return done.stdout.strip()


def install(folder: Path) -> None:
    """Make the virtual environment of the peers: their requirements file, without their dependencies."""
    requirements = HERE / "verify_peers.txt"
    key = hashlib.sha256(requirements.read_bytes()).hexdigest()[:12]
    mark = folder / "peers" / key
    if mark.exists():
        return
    subprocess.run([sys.executable, "-m", "venv", str(folder / "peers")], check=True)
    pip = [str(folder / "peers" / "bin" / "pip"), "install", "--quiet", "--no-deps", "-r", str(requirements)]
    subprocess.run(pip, check=True)
    mark.touch()


def main() -> None:
    """Install, or serve."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--install", type=Path)
    parser.add_argument("--serve", choices=list(GRADERS))
    arguments = parser.parse_args()
    if arguments.install:
        install(arguments.install)
    if arguments.serve:
        serve(arguments.serve)


if __name__ == "__main__":
    main()
