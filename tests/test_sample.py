"""The built-in sample: what it plants is there, and its labels are right."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import zlib
from collections import Counter
from collections.abc import Callable
from fractions import Fraction
from itertools import combinations, product
from math import factorial, prod
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq
import pytest
import sympy
from math_verify import parse, verify
from sympy.parsing.sympy_parser import (
    implicit_multiplication_application,
    parse_expr,
    standard_transformations,
)

from curate.errors import RecipeError
from curate.sample import code, edits, write_sample
from curate.sample.dice import Dice
from curate.sample.maths import ENGLISH, FAMILIES, draw
from curate.sample.plan import QUOTAS, benchmark_size
from curate.sample.score import EXPECTED, SCORE_SCHEMA, as_table, score
from curate.sample.values import Problem, interval, latex, number, root_of
from curate.sample.write import BENCHMARK_SCHEMA, ROWS_SCHEMA, TRUTH_SCHEMA

ROWS = 1500


class Sample:
    """A sample read back: rows and truth as frames and by row."""

    def __init__(self, folder: Path) -> None:
        files = write_sample(folder, ROWS, 11)
        self.rows = pl.read_parquet(files.rows[0])
        self.truth = pl.read_parquet(files.truth)
        self.benchmark = {line["id"]: line for line in pl.read_parquet(files.benchmark).iter_rows(named=True)}
        self.files = files
        self.of_rows = self.truth.filter(pl.col("response_id").is_null())
        self.of_responses = self.truth.filter(pl.col("response_id").is_not_null())
        self.by_row = self.rows.to_dicts()

    def planted(self, defect: str) -> list[dict[str, Any]]:
        """The lines of truth about one defect."""
        return self.truth.filter(pl.col("defect") == defect).to_dicts()

    def response(self, line: dict[str, Any]) -> str:
        """The response that a line of truth speaks of."""
        text: str = self.by_row[line["row_id"]]["responses"][line["response_id"]]
        return text

    def prompt(self, row: int) -> str:
        """What the user says in a row."""
        line = self.by_row[row]
        if line["messages"] is None:
            return line["problem"] or ""
        return "\n".join(turn["content"] for turn in line["messages"] if turn["role"] == "user")


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    """One sample for all tests that only read it."""
    return Sample(tmp_path_factory.mktemp("sample"))


def _bytes(folder: Path, rows: int, seed: int, workers: int = 1) -> list[bytes]:
    files = write_sample(folder, rows, seed, workers=workers)
    return [path.read_bytes() for path in (*files.rows, files.benchmark, files.truth)]


# --- determinism and shape


def test_same_rows_and_seed_give_the_same_bytes(tmp_path: Path) -> None:
    """Two runs with the same arguments write the same bytes, one in a process of its own."""
    first = _bytes(tmp_path / "a", 230, 3)
    assert first == _bytes(tmp_path / "b", 230, 3)
    assert first == _bytes(tmp_path / "c", 230, 3, workers=2)


def test_another_seed_gives_other_rows(tmp_path: Path) -> None:
    """Two seeds share no problem and no item of the evaluation set."""
    write_sample(tmp_path / "a", 230, 3)
    write_sample(tmp_path / "b", 230, 4)
    for name, column in (("rows.parquet", "problem"), ("benchmark.parquet", "problem")):
        one, two = (set(pl.read_parquet(tmp_path / part / name)[column].drop_nulls()) for part in "ab")
        assert {text for text in one & two if text.strip()} == set()


def test_bytes_do_not_depend_on_the_hash_seed(tmp_path: Path) -> None:
    """Python's string hashing, which differs from run to run, does not reach the output."""
    script = (
        "import sys; from pathlib import Path; from curate.sample import write_sample; "
        "write_sample(Path(sys.argv[1]), 200, 5)"
    )
    for hash_seed in ("1", "2"):
        environment = {
            **os.environ,
            "PYTHONHASHSEED": hash_seed,
            "PYTHONPATH": str(Path(code.__file__).parents[2]),
        }
        subprocess.run([sys.executable, "-c", script, str(tmp_path / hash_seed)], check=True, env=environment)
    for name in ("rows.parquet", "truth.parquet", "benchmark.parquet"):
        assert (tmp_path / "1" / name).read_bytes() == (tmp_path / "2" / name).read_bytes()


def test_files_have_the_promised_schemas(sample: Sample) -> None:
    """All three files have the schemas that the module declares."""
    assert pq.read_schema(sample.files.rows[0]).equals(ROWS_SCHEMA)
    assert pq.read_schema(sample.files.benchmark).equals(BENCHMARK_SCHEMA)
    assert pq.read_schema(sample.files.truth).equals(TRUTH_SCHEMA)


def test_kinds_have_their_shares_and_their_columns(sample: Sample) -> None:
    """70% of the rows are maths, 12% code with tests, 18% chat with messages."""
    kinds = sample.rows["source"].str.split("/").list.first()
    assert dict(Counter(kinds)) == {"maths": 1050, "code": 180, "chat": 270}
    frame = sample.rows.with_columns(kind=kinds)
    chat, code_rows = frame.filter(pl.col("kind") == "chat"), frame.filter(pl.col("kind") == "code")
    assert chat["messages"].null_count() == 0
    assert chat["problem"].null_count() == chat.height
    assert code_rows["tests"].null_count() == 0
    assert frame.filter(pl.col("kind") != "code")["tests"].null_count() == ROWS - code_rows.height
    counts = frame.filter(pl.col("kind") != "chat")["responses"].list.len()
    assert (counts.min(), counts.max()) == (4, 8)
    for column in ("response_models", "finish_reasons"):
        assert (frame[column].list.len() == frame["responses"].list.len()).all()


def test_text_stays_moderate(sample: Sample) -> None:
    """1,500 rows hold 6 to 12 MB of responses, of which some are long."""
    lengths = sample.rows["responses"].explode().drop_nulls().str.len_bytes()
    assert 6e6 < lengths.sum() < 12e6
    assert lengths.max() > 8_000  # type: ignore[operator]
    assert 600 < lengths.median() < 1_200  # type: ignore[operator]


@pytest.mark.parametrize(
    ("rows", "seed", "message"),
    [
        (199, 1, "sample: expected 200 to 1,000,000 rows, found 199. Choose a number in this range."),
        (300, -1, "sample: expected a seed of 0 or more, found -1. Choose a seed that is not negative."),
    ],
)
def test_arguments_out_of_range_are_refused(tmp_path: Path, rows: int, seed: int, message: str) -> None:
    """A number of rows or a seed out of range is named together with the range."""
    with pytest.raises(RecipeError) as caught:
        write_sample(tmp_path, rows, seed)
    assert str(caught.value) == message
    assert list(tmp_path.iterdir()) == []


# --- rates


def test_every_row_defect_has_its_planned_number_of_rows(sample: Sample) -> None:
    """Counts equal the quotas exactly, and no row carries two defects."""
    planned: Counter[str] = Counter()
    for defect, _, share in QUOTAS:
        planned[defect] += max(1, round(ROWS * share))
    for defect in ("leak-verbatim", "leak-embedded", "leak-reformatted", "leak-reworded", "leak-renumbered"):
        planned[defect] = min(planned[defect], benchmark_size(ROWS) // 5)
    assert Counter(sample.of_rows["defect"]) == planned
    assert sample.of_rows["row_id"].is_unique().all()
    assert all(0.007 <= count / ROWS <= 0.025 for count in planned.values())


def test_small_samples_have_two_of_each_defect(tmp_path: Path) -> None:
    """500 rows are enough to see every row defect twice and every response defect too."""
    truth = pl.read_parquet(write_sample(tmp_path, 500, 2).truth)
    counts = Counter(truth["defect"])
    assert set(counts) == set(EXPECTED)
    assert min(counts.values()) >= 2


def test_response_defects_have_two_to_five_percent_each(sample: Sample) -> None:
    """Each defect of form is on 2 to 5% of the responses; wrong answers are about 12%."""
    total = sample.rows["responses"].list.len().sum()
    counts = Counter(sample.of_responses["defect"])
    for defect in ("looping", "truncated", "no-think-end", "empty-answer", "no-think", "no-box"):
        assert 0.02 <= counts[defect] / total <= 0.05, defect
    assert 0.08 <= counts["wrong"] / total <= 0.18


# --- answers


_NUMBERS = re.compile(r"-?\d+")


def _integers(text: str) -> list[int]:
    return [int(found) for found in _NUMBERS.findall(text)]


def _formula(text: str) -> Any:
    """The longest side of the longest formula between dollar signs, as a SymPy expression."""
    formula = max(re.findall(r"\$([^$]+)\$", text), key=len)
    return _expression(max(formula.split("="), key=len))


def _expression(body: str) -> Any:
    body = re.sub(r"\\(?:left|right)", "", body).replace("{", "(").replace("}", ")").replace("^", "**")
    return parse_expr(body, transformations=(*standard_transformations, implicit_multiplication_application))


def _paths(a: int, b: int, right: int, up: int) -> int:
    """Lattice paths from the origin to (right, up) through (a, b), counted one step at a time."""
    ways = {(0, 0): 1}
    for x, y in product(range(right + 1), range(up + 1)):
        if (x, y) != (0, 0):
            blocked = (x < a and y > b) or (x > a and y < b)
            ways[x, y] = 0 if blocked else ways.get((x - 1, y), 0) + ways.get((x, y - 1), 0)
    return ways[right, up]


def _check_power_mod(text: str) -> str:
    base, power, modulus = _integers(text.replace("$r$", ""))[:3]
    value = 1
    for _ in range(power):
        value = value * base % modulus
    return str(value)


def _check_divisors(text: str) -> str:
    n = _integers(text)[0]
    return str(len(sympy.divisors(n)))


def _check_letters(text: str) -> str:
    word = max(re.findall(r"[A-Z]{4,}", text), key=len)
    return str(factorial(len(word)) // prod(factorial(n) for n in Counter(word).values()))


def _check_dice(text: str) -> str | None:
    m, n, total = [value for value in _integers(text) if value != 1]
    hits = sum(a + b == total for a, b in product(range(1, m + 1), range(1, n + 1)))
    return latex(Fraction(hits, m * n))


def _check_multiples(text: str) -> str:
    if text.startswith("How many integers"):
        _, top, a, b = _integers(text)
    elif text.startswith("Find"):
        top, a, b = _integers(text)
    else:
        _, top, a, b = _integers(text)
    return str(sum(n % a == 0 or n % b == 0 for n in range(1, top + 1)))


def _check_triangle(text: str) -> str:
    xs = _integers(text)
    area = sympy.Polygon((xs[0], xs[1]), (xs[2], xs[3]), (xs[4], xs[5])).area
    return latex(Fraction(abs(area).p, abs(area).q))


def _check_zeros(text: str) -> str:
    n, p = _integers(text.replace("1 \\cdot 2 \\cdot 3 \\cdots ", "").replace("^k", ""))[:2]
    if "k$ such that" in text or "prime" in text:
        n, p = p, n
    value = factorial(n)
    count = 0
    while value % p == 0:
        value //= p
        count += 1
    return str(count)


def _check_determinant(text: str) -> str:
    body = re.search(r"pmatrix\} (.*?) \\end", text)
    assert body is not None
    return str(sympy.Matrix([[int(x) for x in row.split("&")] for row in body[1].split("\\\\")]).det())


def _check_quadratic(text: str) -> str:
    roots = sorted(sympy.solve(_formula(text)))
    return "\\{" + ", ".join(map(str, roots)) + "\\}"


def _check_integral(text: str) -> str | None:
    if "\\int" not in text:
        return None
    found = re.search(r"\\int_\{(-?\d+)\}\^\{(-?\d+)\} \\left\((.*)\\right\) d([a-z])", text)
    assert found is not None
    value = sympy.integrate(_expression(found[3]), (sympy.Symbol(found[4]), int(found[1]), int(found[2])))
    return latex(Fraction(value.p, value.q))


def _check_limit(text: str) -> str | None:
    found = re.search(r"\\lim_\{x \\to (-?\d+)\} \\frac\{(.*)\}\{(.*)\}\$", text)
    if found is None:
        return None
    x = sympy.Symbol("x")
    value = sympy.limit(_expression(found[2]) / _expression(found[3]), x, int(found[1]))
    return latex(Fraction(value.p, value.q))


def _check_grid(text: str) -> str | None:
    if "blocks" in text:
        right, up, a, b = _integers(text)[:4]
    else:
        values = _integers(text.replace("(0,0)", ""))
        right, up, a, b = values
    return str(_paths(a, b, right, up))


def _check_colour(text: str) -> str | None:
    if "Two are drawn" not in text:
        return None
    counts = _integers(text)[:3]
    balls = [colour for colour, count in enumerate(counts) for _ in range(count)]
    pairs = list(combinations(balls, 2))
    return latex(Fraction(sum(a == b for a, b in pairs), len(pairs)))


def _check_remainders(text: str) -> str | None:
    if not text.startswith("What is the smallest"):
        return None
    r, p, s, q = _integers(text)
    return str(next(n for n in range(1, p * q + 1) if n % p == r and n % q == s))


def _check_stars(text: str) -> str | None:
    found = re.search(r"x_\{(\d+)\} = (\d+)\$ with all \$x_i \\ge (\d+)", text)
    if found is None:
        return None
    people, total, least = map(int, found.groups())
    ways = [1] + [0] * total  # sums of the unknowns so far
    for _ in range(people):
        ways = [sum(ways[t - k] for k in range(least, t + 1)) for t in range(total + 1)]
    return str(ways[total])


CHECKS: dict[str, Callable[[str], str | None]] = {
    "power-mod": _check_power_mod,
    "divisor-count": _check_divisors,
    "letters": _check_letters,
    "dice-sum": _check_dice,
    "multiples-in-range": _check_multiples,
    "triangle-area": _check_triangle,
    "trailing-zeros": _check_zeros,
    "determinant": _check_determinant,
    "quadratic": _check_quadratic,
    "definite-integral": _check_integral,
    "limit": _check_limit,
    "grid-paths": _check_grid,
    "same-colour": _check_colour,
    "remainders": _check_remainders,
    "stars-and-bars": _check_stars,
}
_INDEX = {draw(index, Dice(0, 0, 0), Dice(0, 1, 0)).family: index for index in range(len(FAMILIES))}


def _problem(family: str, row: int) -> Problem:
    return draw(_INDEX[family], Dice(8, 0, row), Dice(8, 1, row), scenes=0)


@pytest.mark.parametrize("family", sorted(CHECKS))
def test_answers_agree_with_an_independent_count(family: str) -> None:
    """The answer equals what brute force or SymPy gets from the text of the problem alone."""
    checked = 0
    for row in range(24):
        problem = _problem(family, row)
        expected = CHECKS[family](problem.text)
        if expected is not None:
            assert problem.answer.forms[0][1] == expected, problem.text
            checked += 1
    assert checked >= 3


def test_there_are_enough_families() -> None:
    """At least 60 families of problems in English and 5 in Chinese, all with steps and wrong answers."""
    assert len(ENGLISH) >= 60
    assert len(FAMILIES) - len(ENGLISH) >= 5
    assert len(_INDEX) == len(FAMILIES)
    for index in range(len(FAMILIES)):
        for row in range(30):
            problem = draw(index, Dice(2, 0, row), Dice(2, 1, row))
            assert len(problem.steps) >= 2
            assert len(problem.answer.wrong) >= 2
            assert not {text for _, text in problem.answer.forms} & {text for _, text in problem.answer.wrong}


@pytest.mark.parametrize(
    ("answer", "right", "wrong"),
    [
        (
            number(Fraction(1, 2), chance=True),
            {"\\frac{1}{2}", "1/2", "\\dfrac{1}{2}", "0.5", "50\\%"},
            "\\frac{1}{4}",
        ),
        (number(Fraction(7, 3)), {"\\frac{7}{3}", "7/3", "\\dfrac{7}{3}", "2\\frac{1}{3}"}, "\\frac{3}{7}"),
        (number(12, var="x"), {"12", "12.0", "x = 12", "x=12"}, "21"),
        (root_of(72), {"6\\sqrt{2}", "\\sqrt{72}", "6 \\cdot \\sqrt{2}"}, "72"),
        (interval(1, 4), {"(1, 4)", "x \\in (1, 4)", "1 < x < 4"}, "[1, 4]"),
    ],
)
def test_forms_and_slips(answer: Any, right: set[str], wrong: str) -> None:
    """An answer is written in all forms that mean the same, and its slips mean something else."""
    assert {text for _, text in answer.forms} == right
    assert wrong in {text for _, text in answer.wrong}


@pytest.mark.slow
def test_labels_agree_with_math_verify() -> None:
    """Math-Verify calls at least 97% of the right forms equal and at most 1% of the wrong ones."""
    tally: Counter[tuple[str, bool]] = Counter()
    for index in range(len(FAMILIES)):
        answer = draw(index, Dice(31, 0, index), Dice(31, 1, index), scenes=0).answer
        dice = Dice(31, 3, index)
        gold = parse(f"\\boxed{{{answer.forms[0][1]}}}", parsing_timeout=None)
        for label, choices in (("right", answer.forms), ("wrong", answer.wrong)):
            for _, text in dice.some(choices, 4):
                given = parse(f"$\\boxed{{{text}}}$", parsing_timeout=None)
                tally[label, bool(verify(gold, given, timeout_seconds=None))] += 1
    assert tally["right", True] / (tally["right", True] + tally["right", False]) >= 0.97
    assert tally["wrong", True] / (tally["wrong", True] + tally["wrong", False]) <= 0.01


_RUN_PROGRAMS = """
import contextlib, io, json, sys
for line in sys.stdin:
    source, tests = json.loads(line)
    tests = json.loads(tests)
    passed = True
    for given, wanted in zip(tests["inputs"], tests["outputs"]):
        lines = iter(str(given).split("\\n"))
        space = {"input": lambda: next(lines)}
        with contextlib.redirect_stdout(io.StringIO()) as out:
            exec(source, space)
            got = space[tests["fn_name"]](*given) if "fn_name" in tests else None
        passed &= (got if "fn_name" in tests else out.getvalue()) == wanted
    print(int(passed))
"""


def test_right_programs_pass_their_tests_and_wrong_ones_fail() -> None:
    """Run against the tests of its own task, every program does what its label says."""
    jobs: list[tuple[str, str]] = []
    labels: list[bool] = []
    for family in range(len(code.FAMILIES)):
        for row in range(12):
            made = code.task(family, Dice(4, 0, row), Dice(4, 1, row))
            for label, source in [(True, text) for text in made.right] + [
                (False, text) for _, text in made.wrong
            ]:
                jobs.append((source, made.tests))
                labels.append(label)
    done = subprocess.run(
        [sys.executable, "-c", _RUN_PROGRAMS],
        input="\n".join(map(json.dumps, jobs)),
        capture_output=True,
        text=True,
        check=True,
    )
    assert [line == "1" for line in done.stdout.split()] == labels


# --- responses


def test_responses_look_as_their_defects_say(sample: Sample) -> None:
    """Each defect of form shows in the text and in the finish reason."""
    for line in sample.planted("no-think-end"):
        assert sample.response(line).startswith("<think>")
        assert "</think>" not in sample.response(line)
    for line in sample.planted("empty-answer"):
        assert sample.response(line).split("</think>")[1].strip() == ""
    for line in sample.planted("no-think"):
        assert "think>" not in sample.response(line)
    for line in sample.planted("no-box"):
        assert "\\boxed" not in sample.response(line)
    for line in sample.planted("truncated"):
        assert sample.response(line)[-1] not in ".!?。"
        assert "\\boxed{" not in sample.response(line).split("</think>")[-1]
    for defect in ("looping", "truncated"):
        reasons = {
            sample.by_row[x["row_id"]]["finish_reasons"][x["response_id"]] for x in sample.planted(defect)
        }
        assert reasons == {"length"}


def test_loops_repeat_to_the_end_and_sound_responses_do_not(sample: Sample) -> None:
    """The last 1,500 characters of a loop compress to less than a quarter, those of other responses never."""

    def ratio(text: str) -> float:
        tail = text[-1500:].encode()
        return len(zlib.compress(tail)) / len(tail)

    assert max(ratio(sample.response(line)) for line in sample.planted("looping")) < 0.25
    long = [line for line in sample.planted("right") if len(sample.response(line)) > 1500]
    assert min(ratio(sample.response(line)) for line in long) > 0.25


def test_loops_come_in_several_kinds(sample: Sample) -> None:
    """Sentences, passages, counters, tokens, alternations and loops after the answer all occur."""
    kinds = {line["detail"] for line in sample.planted("looping")}
    assert kinds == {"sentence", "passage", "counter", "token", "alternating", "after-answer"}


def test_rows_without_a_defect_can_be_answered(sample: Sample) -> None:
    """Every maths row has a right boxed answer, except those planned to have none."""
    right = {line["row_id"] for line in sample.planted("right") if "\\boxed" in sample.response(line)}
    hopeless = {line["row_id"] for line in sample.planted("no-correct-response")}
    open_ended = {line["row_id"] for name in ("proof", "multi-part") for line in sample.planted(name)}
    maths = {row for row, line in enumerate(sample.by_row) if line["source"].startswith("maths/")}
    assert maths - right == hopeless | open_ended


def test_wrong_answer_keys_are_outvoted_and_met_by_nobody(sample: Sample) -> None:
    """Under a wrong key most answers are right, and none is the key."""
    for line in sample.planted("wrong-answer-key"):
        labels = Counter(sample.of_responses.filter(pl.col("row_id") == line["row_id"])["defect"].to_list())
        assert labels["right"] > labels["wrong"]
        row = sample.by_row[line["row_id"]]
        assert not any(f"boxed{{{row['answer']}}}" in text for text in row["responses"])


# --- rows


def _shingles(tokens: list[str]) -> set[str]:
    return {" ".join(tokens[i : i + 5]) for i in range(max(1, len(tokens) - 4))}


def _jaccard(one: str, two: str) -> float:
    a, b = (_shingles(re.findall(r"\w+", text.lower())) for text in (one, two))
    return len(a & b) / len(a | b)


def test_copies_are_as_close_as_they_claim(sample: Sample) -> None:
    """Exact copies are equal, spaced ones equal up to spacing and case, near ones at least 0.8 alike."""
    for line in sample.planted("exact-duplicate"):
        assert sample.prompt(line["row_id"]) == sample.prompt(line["partner"])
    for line in sample.planted("exact-duplicate-spacing"):
        copy, original = sample.prompt(line["row_id"]), sample.prompt(line["partner"])
        assert copy != original
        assert copy.lower().split() == original.lower().split()
    for line in sample.planted("near-duplicate"):
        copy, original = sample.prompt(line["row_id"]), sample.prompt(line["partner"])
        assert copy.lower().split() != original.lower().split()
        assert _jaccard(copy, original) >= 0.8
        assert _integers(copy) == _integers(original)


def test_each_row_is_copied_once_at_most_and_is_clean(sample: Sample) -> None:
    """A partner has no defect of its own and belongs to one copy only."""
    partners = sample.of_rows["partner"].drop_nulls()
    assert partners.is_unique().all()
    assert set(partners) & set(sample.of_rows["row_id"]) == set()


def test_other_rows_are_not_near_duplicates(sample: Sample) -> None:
    """Among 1,500 rows at most three pairs that nobody planted are 0.8 alike."""
    texts = {row: sample.prompt(row) for row in range(ROWS) if sample.prompt(row).strip()}
    shingles = {row: _shingles(re.findall(r"\w+", text.lower())) for row, text in texts.items()}
    holders: dict[str, list[int]] = {}
    for row, some in shingles.items():
        for one in some:
            holders.setdefault(one, []).append(row)
    shared: Counter[tuple[int, int]] = Counter()
    for rows in holders.values():
        if len(rows) < 100:
            shared.update(combinations(rows, 2))
    planted = {frozenset((x["row_id"], x["partner"])) for x in sample.of_rows.iter_rows(named=True)}
    alike = [
        (texts[a], texts[b])
        for (a, b), n in shared.items()
        if n / len(shingles[a] | shingles[b]) >= 0.8 and frozenset((a, b)) not in planted
    ]
    assert len(alike) <= 3, alike


def test_leaks_hold_their_item(sample: Sample) -> None:
    """Verbatim, embedded and reformatted leaks hold the item's words; a renumbered one is another problem."""

    def words(text: str) -> list[str]:
        return re.findall(r"\w+", text.lower().replace("usd", ""))

    for line in sample.planted("leak-verbatim"):
        assert sample.prompt(line["row_id"]) == sample.benchmark[line["partner_item"]]["problem"]
    for line in sample.planted("leak-embedded"):
        item = sample.benchmark[line["partner_item"]]["problem"]
        assert item in sample.prompt(line["row_id"])
        assert len(item) + 60 < len(sample.prompt(line["row_id"]))
    for line in sample.planted("leak-reformatted"):
        item, text = sample.benchmark[line["partner_item"]]["problem"], sample.prompt(line["row_id"])
        assert text != item
        assert words(text) == words(item)
    for line in sample.planted("leak-renumbered"):
        item, row = sample.benchmark[line["partner_item"]], sample.by_row[line["row_id"]]
        assert row["problem"] != item["problem"]
        assert row["answer"] != item["answer"]
    for line in sample.planted("leak-reworded"):
        item = sample.benchmark[line["partner_item"]]["problem"]
        assert _jaccard(item, sample.prompt(line["row_id"])) < 0.5
    items = sample.of_rows["partner_item"].drop_nulls()
    assert items.is_unique().all()


def test_same_numbers_and_other_words_give_the_same_answer() -> None:
    """The two dice are independent: words change the telling, numbers change the answer."""
    for index in range(len(FAMILIES)):
        told = [draw(index, Dice(1, 0, 5), Dice(1, 1, row)) for row in range(6)]
        assert len({problem.text for problem in told}) > 1
        if told[0].answer.kind != "number" or told[0].family in ("linear", "exponent"):
            continue  # their answers name a thing or a variable that belongs to the words
        assert len({problem.answer.forms[0] for problem in told}) == 1, told[0].family


def test_forms_of_problems_show_in_the_text(sample: Sample) -> None:
    """Links, tables, proofs, parts, options and claims can be seen; empty prompts hold nothing."""
    shows = {
        "url": r"https?://|www\.",
        "image": r"(?i)figure|diagram|image|picture|img|includegraphics",
        "table": r"\| --- \||tabular|<table>",
        "proof": r"(?i)prove|show that|proof",
        "multi-part": r"(?s)(\(1\)|\(a\)|a\)|\(i\)|1\.).*(\(2\)|\(b\)|b\)|\(ii\)|2\.)",
        "multiple-choice": r"(?s)A.*B.*C",
        "true-false": r"(?i)true",
    }
    for defect, pattern in shows.items():
        for line in sample.planted(defect):
            assert re.search(pattern, sample.prompt(line["row_id"])), (defect, sample.prompt(line["row_id"]))
    for line in sample.planted("empty-prompt"):
        assert sample.prompt(line["row_id"]).strip() == ""
    for line in sample.planted("missing-answer"):
        assert sample.by_row[line["row_id"]]["answer"] is None
    for line in sample.planted("odd-unicode"):
        assert not sample.prompt(line["row_id"]).isascii()


def test_conversations_are_in_order_unless_planted(sample: Sample) -> None:
    """Turns alternate and end with the first response; the two defects of order break just that."""
    broken = {line["row_id"] for line in sample.planted("odd-turns") + sample.planted("last-turn-user")}
    for row, line in enumerate(sample.by_row):
        if line["messages"] is None:
            continue
        roles = [turn["role"] for turn in line["messages"] if turn["role"] != "system"]
        sound = roles == ["user", "assistant"] * (len(roles) // 2)
        assert sound == (row not in broken)
        if roles[-1] == "assistant":
            assert line["messages"][-1]["content"] == line["responses"][0]
        else:
            assert line["responses"] == []


def test_respacing_never_changes_a_word() -> None:
    """Whatever the dice say, spacing and case are all that changes."""
    for row in range(60):
        text = "Find $x$ if $2x = 8$. Then\n\ngive it."
        spaced, _ = edits.respace(text, Dice(1, 3, row))
        assert spaced != text
        assert spaced.lower().split() == text.lower().split()


# --- score


def _verdicts(reasons: dict[int, list[str]], rows: int) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "row_id": list(range(rows)),
            "reasons": [reasons.get(row, []) for row in range(rows)],
            "undecided": [[] for _ in range(rows)],
            "kept_instead": [None] * rows,
        },
        schema_overrides={
            "kept_instead": pl.Int64,
            "undecided": pl.List(pl.String),
            "reasons": pl.List(pl.String),
        },
    )


def _truth(lines: list[tuple[int, int | None, str, int | None]]) -> pl.DataFrame:
    return pl.DataFrame(
        [(row, response, defect, "", partner, None) for row, response, defect, partner in lines],
        schema=["row_id", "response_id", "defect", "detail", "partner", "partner_item"],
        orient="row",
        schema_overrides={"response_id": pl.Int32, "partner": pl.Int64, "partner_item": pl.String},
    )


_NO_RESPONSES = pl.DataFrame(
    schema={
        "row_id": pl.Int64,
        "response_id": pl.Int32,
        "reasons": pl.List(pl.String),
        "undecided": pl.List(pl.String),
    }
)


def _line(scores: pl.DataFrame, defect: str) -> dict[str, Any]:
    return scores.row(by_predicate=pl.col("defect") == defect, named=True)


def test_score_counts_found_missed_and_false_alarms() -> None:
    """Two links planted, one found, one clean row called a link: recall 1/2, precision 1/2."""
    truth = _truth([(0, None, "url", None), (1, None, "url", None)])
    line = _line(score(truth, _verdicts({0: ["url", "table"], 5: ["url"]}, 6), _NO_RESPONSES), "url")
    assert (line["planted"], line["found"], line["recall"]) == (2, 1, 0.5)
    assert (line["false_alarms"], line["precision"]) == (1, 0.5)


@pytest.mark.parametrize(
    ("reasons", "found"),
    [
        ({0: ["exact-duplicate"]}, 1),
        ({3: ["near-duplicate"]}, 1),
        ({}, 0),
        ({0: ["exact-duplicate"], 3: ["exact-duplicate"]}, 0),
    ],
)
def test_score_wants_one_of_a_pair_to_go(reasons: dict[int, list[str]], found: int) -> None:
    """A copy counts as found when exactly one of the two rows goes, whichever it is."""
    truth = _truth([(0, None, "exact-duplicate", 3)])
    line = _line(score(truth, _verdicts(reasons, 4), _NO_RESPONSES), "exact-duplicate")
    assert (line["planted"], line["found"], line["false_alarms"]) == (1, found, 0)


def test_score_lets_both_of_a_pair_go_for_a_third_row() -> None:
    """If a third row stays in place of both, the pair was found."""
    verdicts = _verdicts({0: ["near-duplicate"], 3: ["near-duplicate"]}, 5).with_columns(
        kept_instead=pl.Series([4, None, None, 4, None], dtype=pl.Int64)
    )
    line = _line(score(_truth([(0, None, "near-duplicate", 3)]), verdicts, _NO_RESPONSES), "near-duplicate")
    assert line["found"] == 1


def test_score_of_sound_lines_counts_only_false_alarms() -> None:
    """A renumbered item that is called contaminated is a false alarm and has no recall."""
    truth = _truth([(0, None, "leak-renumbered", None), (1, None, "odd-unicode", None)])
    scores = score(truth, _verdicts({0: ["contaminated"]}, 3), _NO_RESPONSES)
    line = _line(scores, "leak-renumbered")
    assert (line["planted"], line["found"], line["recall"], line["false_alarms"]) == (1, None, None, 1)
    assert _line(scores, "odd-unicode")["false_alarms"] == 0
    assert _line(scores, "leak-verbatim")["false_alarms"] == 1


def test_score_of_responses_explains_side_effects() -> None:
    """A loop called truncated is no false alarm; a right answer under a wrong key called wrong is none either."""
    truth = _truth(
        [
            (0, 0, "looping", None),
            (0, 1, "right", None),
            (1, None, "wrong-answer-key", None),
            (1, 0, "right", None),
            (2, 0, "wrong", None),
            (2, 1, "right", None),
        ]
    )
    responses = pl.DataFrame(
        {
            "row_id": [0, 0, 1, 2, 2],
            "response_id": pl.Series([0, 1, 0, 0, 1], dtype=pl.Int32),
            "reasons": [["looping", "truncated"], [], ["wrong-answer"], [], ["wrong-answer"]],
            "undecided": [[], [], [], ["wrong-answer"], []],
        },
        schema_overrides={"reasons": pl.List(pl.String), "undecided": pl.List(pl.String)},
    )
    scores = score(truth, _verdicts({1: ["no-correct-response"]}, 3), responses)
    assert scores.schema == pl.Schema(SCORE_SCHEMA)
    assert _line(scores, "looping")["recall"] == 1.0
    assert _line(scores, "truncated")["false_alarms"] == 0
    assert _line(scores, "wrong-answer-key")["recall"] == 1.0
    wrong = _line(scores, "wrong")
    assert (wrong["planted"], wrong["found"], wrong["undecided"], wrong["false_alarms"]) == (1, 0, 1, 1)
    assert _line(scores, "right")["false_alarms"] == 1


def test_a_perfect_run_scores_one_everywhere(sample: Sample) -> None:
    """Verdicts made from the truth itself find everything and raise no false alarm."""
    rows: dict[int, list[str]] = {}
    responses: dict[tuple[int, int], list[str]] = {}
    for line in sample.truth.iter_rows(named=True):
        reasons = sorted(EXPECTED[line["defect"]].reasons)[-1:]
        if line["response_id"] is None and EXPECTED[line["defect"]].grain == "row":
            rows.setdefault(line["row_id"], []).extend(reasons)
        elif line["response_id"] is None:  # a whole conversation: every answer to it carries the verdict
            for response_id in range(len(sample.by_row[line["row_id"]]["responses"])):
                responses.setdefault((line["row_id"], response_id), []).extend(reasons)
        else:
            responses.setdefault((line["row_id"], line["response_id"]), []).extend(reasons)
    keys = list(responses)
    judged = pl.DataFrame(
        {
            "row_id": [row for row, _ in keys],
            "response_id": pl.Series([response for _, response in keys], dtype=pl.Int32),
            "reasons": pl.Series([responses[key] for key in keys], dtype=pl.List(pl.String)),
        }
    )
    scores = score(sample.truth, _verdicts(rows, ROWS), judged)
    assert (
        scores.filter(pl.col("expected") != "")["recall"].to_list()
        == [1.0] * scores.filter(pl.col("expected") != "").height
    )
    assert scores["false_alarms"].sum() == 0
    assert as_table(scores).row_count == len(EXPECTED)
