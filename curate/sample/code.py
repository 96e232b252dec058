"""Small programming problems with tests, right programs and programs with a bug.

The tests are computed by a Python function; every program here is text for the responses. Each
family adds inputs on which its buggy programs give another result, so a wrong label is wrong.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from itertools import combinations, groupby
from typing import Any, NamedTuple

from curate.sample.dice import NUMBERS, WORDS, Dice
from curate.sample.words import name, thing, town


class Task(NamedTuple):
    """A programming problem. `right` and `wrong` hold whole Python programs."""

    family: str
    text: str
    tests: str  # JSON: inputs, outputs, and fn_name unless the program reads standard input
    right: tuple[str, ...]
    wrong: tuple[tuple[str, str], ...]  # (what is wrong, program)
    idea: str  # one sentence on the way to solve it


class Draft(NamedTuple):
    """What a family says about itself; `NAME` and `KEY` in programs and texts are filled in later."""

    does: tuple[str, ...]  # wordings of what is asked, `KEY` stands for the parameter
    key: int
    cases: list[list[Any]]  # argument lists; for standard input one text each
    solve: Callable[..., Any]
    right: tuple[str, ...]
    wrong: tuple[tuple[str, str], ...]
    idea: str
    signature: str  # the arguments; empty if the program reads standard input


_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_VERBS = ("count", "get", "find", "compute", "make", "solve", "build", "work_out", "derive", "collect")
_NOUNS = ("value", "result", "answer", "total", "output", "outcome", "number", "item", "solution", "score")


def _ints(numbers: Dice, low: int, high: int, most: int = 12) -> list[int]:
    return [numbers.between(low, high) for _ in range(numbers.between(4, most))]


def _word(numbers: Dice, letters: str = _LETTERS, most: int = 8) -> str:
    return "".join(numbers.pick(letters) for _ in range(numbers.between(1, most)))


def long_words(numbers: Dice) -> Draft:
    """Count the words of at least a given length."""
    key = numbers.between(2, 7)
    cases: list[list[Any]] = [
        [" ".join(_word(numbers) for _ in range(numbers.between(2, 9)))] for _ in range(5)
    ]
    cases += [["a" * key + "  " + "b" * (key + 1)], [""]]
    return Draft(
        (
            "returns how many words of the text have at least KEY letters (words are separated by spaces)",
            "takes a sentence and counts the words whose length is KEY or more",
        ),
        key,
        cases,
        lambda text: sum(len(part) >= key for part in text.split()),
        (
            "def NAME(text):\n    return sum(1 for part in text.split() if len(part) >= KEY)\n",
            "def NAME(text):\n    count = 0\n    for part in text.split():\n        if len(part) >= KEY:\n "
            "           "
            "count += 1\n    return count\n",
        ),
        (
            (
                "off-by-one",
                "def NAME(text):\n    return sum(1 for part in text.split() if len(part) > KEY)\n",
            ),
            (
                "wrong-condition",
                "def NAME(text):\n    return len([part for part in text.split() if len(part) == KEY])\n",
            ),
        ),
        "Splitting at white space gives the words, and each is compared with KEY.",
        "text: str",
    )


def sum_of_multiples(numbers: Dice) -> Draft:
    """Sum the multiples of a number in a list."""
    key = numbers.between(2, 13)
    cases: list[list[Any]] = [[_ints(numbers, -60, 90)] for _ in range(5)]
    cases += [[[key, -key * 2, key * 3 + 1]], [[]]]
    return Draft(
        (
            "returns the sum of those elements of the list that are divisible by KEY",
            "adds up the multiples of KEY in a list of integers (negative ones count too)",
        ),
        key,
        cases,
        lambda values: sum(value for value in values if value % key == 0),
        (
            "def NAME(values):\n    return sum(value for value in values if value % KEY == 0)\n",
            "def NAME(values):\n    total = 0\n    for value in values:\n        if value % KEY == 0:\n    "
            "        total += value\n"
            "    return total\n",
        ),
        (
            (
                "forgotten-case",
                "def NAME(values):\n    return sum(v for v in values if v > 0 and v % KEY == 0)\n",
            ),
            ("wrong-condition", "def NAME(values):\n    return sum(v for v in values if v % KEY != 0)\n"),
        ),
        "An element belongs to the sum exactly when its remainder modulo KEY is zero.",
        "values: list[int]",
    )


def rotate(numbers: Dice) -> Draft:
    """Rotate a list to the right."""
    key = numbers.between(1, 30)
    cases: list[list[Any]] = [[_ints(numbers, 0, 99)] for _ in range(4)]
    cases += [[list(range(n, 2 * n + 1))] for n in (2, 3, 5)] + [[list(range(2 * key + 3))], [[]]]

    def solve(values: list[int]) -> list[int]:
        shift = key % len(values) if values else 0
        return values[len(values) - shift :] + values[: len(values) - shift]

    return Draft(
        (
            "rotates a list KEY places to the right and returns the new list (an empty list stays empty)",
            "returns the list after moving its last element to the front KEY times",
        ),
        key,
        cases,
        solve,
        (
            "def NAME(values):\n    if not values:\n        return []\n    k = KEY % len(values)\n    "
            "return values[len(values) - k:] + "
            "values[:len(values) - k]\n",
            "def NAME(values):\n    out = list(values)\n    for _ in range(KEY):\n        if out:\n        "
            "    out.insert(0, out.pop())\n"
            "    return out\n",
        ),
        (
            (
                "swapped",
                "def NAME(values):\n    if not values:\n        return []\n    k = KEY % len(values)\n    "
                "return values[k:] + "
                "values[:k]\n",
            ),
            (
                "off-by-one",
                "def NAME(values):\n    out = list(values)\n    for _ in range(KEY - 1):\n        if out:\n"
                "            "
                "out.insert(0, out.pop())\n    return out\n",
            ),
        ),
        "Only KEY modulo the length matters; after that it is one cut and a swap of the two parts.",
        "values: list[int]",
    )


def run_lengths(numbers: Dice) -> Draft:
    """Run-length encoding with a least run length."""
    key = numbers.between(2, 5)
    cases: list[list[Any]] = [
        ["".join(numbers.pick("abcx") * numbers.between(1, 6) for _ in range(numbers.between(2, 7)))]
        for _ in range(5)
    ]
    cases += [["a" * key + "b" * (key - 1)], [""]]

    def solve(text: str) -> str:
        runs = [(letter, len(list(run))) for letter, run in groupby(text)]
        return "".join(f"{letter}{size}" if size >= key else letter * size for letter, size in runs)

    return Draft(
        (
            "shortens a string: every run of KEY or more equal letters becomes the letter followed by the "
            "run's length, shorter "
            "runs stay as they are",
            "encodes runs: a maximal block of the same letter is written as letter and count if it has at "
            "least KEY letters, and "
            "is copied otherwise",
        ),
        key,
        cases,
        solve,
        (
            "from itertools import groupby\n\n\ndef NAME(text):\n    out = []\n    for letter, run in "
            "groupby(text):\n        size = "
            "len(list(run))\n        out.append(f'{letter}{size}' if size >= KEY else letter * size)\n    "
            "return ''.join(out)\n",
        ),
        (
            (
                "off-by-one",
                "from itertools import groupby\n\n\ndef NAME(text):\n    out = []\n    for letter, run in "
                "groupby(text):\n"
                "        size = len(list(run))\n        out.append(f'{letter}{size}' if size > KEY else "
                "letter * size)\n"
                "    return ''.join(out)\n",
            ),
            (
                "forgotten-condition",
                "from itertools import groupby\n\n\ndef NAME(text):\n    return "
                "''.join(f'{c}{len(list(g))}' for "
                "c, g in groupby(text))\n",
            ),
        ),
        "Group equal neighbours, then decide for each group by its size.",
        "text: str",
    )


def nth_largest(numbers: Dice) -> Draft:
    """The k-th largest different value."""
    key = numbers.between(2, 4)
    cases: list[list[Any]] = [[_ints(numbers, 0, 12)] for _ in range(5)]
    cases += [[[9, 9, 8, 8, 7, 7, 6, 5]], [[3, 3, 3]]]

    def solve(values: list[int]) -> int:
        distinct = sorted(set(values), reverse=True)
        return distinct[key - 1] if len(distinct) >= key else -1

    return Draft(
        (
            "returns the number at rank KEY among the different values of the list, the largest having "
            "rank 1, or -1 if there "
            "are fewer different values",
            "finds the value that is in place KEY when the distinct elements are sorted from large to "
            "small; -1 if it does not "
            "exist",
        ),
        key,
        cases,
        solve,
        (
            "def NAME(values):\n    distinct = sorted(set(values), reverse=True)\n    return distinct[KEY "
            "- 1] if len(distinct) >= KEY "
            "else -1\n",
        ),
        (
            (
                "forgotten-case",
                "def NAME(values):\n    ordered = sorted(values, reverse=True)\n    return ordered[KEY - "
                "1] if "
                "len(ordered) >= KEY else -1\n",
            ),
            (
                "swapped",
                "def NAME(values):\n    distinct = sorted(set(values))\n    return distinct[KEY - 1] if "
                "len(distinct) >= KEY "
                "else -1\n",
            ),
        ),
        "Duplicates must be removed first; then sorting gives the rank.",
        "values: list[int]",
    )


def digit_sum(numbers: Dice) -> Draft:
    """Digit sum in a base."""
    key = numbers.between(3, 16)
    cases: list[list[Any]] = [[numbers.between(10, 100_000)] for _ in range(5)] + [
        [0],
        [key * key * 7 + key + 2],
    ]

    def solve(n: int) -> int:
        total = 0
        while n:
            n, digit = divmod(n, key)
            total += digit
        return total

    return Draft(
        (
            "returns the sum of the digits of a non-negative integer written in base KEY",
            "writes n in base KEY and adds up the digits",
        ),
        key,
        cases,
        solve,
        (
            "def NAME(n):\n    total = 0\n    while n:\n        n, digit = divmod(n, KEY)\n        total "
            "+= digit\n    return total\n",
            "def NAME(n):\n    return n % KEY + NAME(n // KEY) if n else 0\n",
        ),
        (
            (
                "off-by-one",
                "def NAME(n):\n    total = 0\n    while n >= KEY:\n        n, digit = divmod(n, KEY)\n     "
                "   total += digit\n"
                "    return total\n",
            ),
            (
                "wrong-operation",
                "def NAME(n):\n    total = 0\n    while n:\n        n //= KEY\n        total += 1\n    "
                "return total\n",
            ),
        ),
        "Repeated division by KEY yields the digits from the right.",
        "n: int",
    )


def longest_run(numbers: Dice) -> Draft:
    """Longest stretch in which neighbours differ by at most a bound."""
    key = numbers.between(1, 9)
    cases: list[list[Any]] = [[_ints(numbers, 0, 20, 16)] for _ in range(5)] + [[[0, key, 2 * key, 90]], [[]]]

    def solve(values: list[int]) -> int:
        best = here = 0
        for index, value in enumerate(values):
            here = here + 1 if index and abs(value - values[index - 1]) <= key else 1
            best = max(best, here)
        return best

    body = (
        "def NAME(values):\n    best = here = 0\n    for i, value in enumerate(values):\n        here = "
        "here + 1 if i and "
        "abs(value - values[i - 1]) OP KEY else 1\n        best = max(best, here)\n    return best\n"
    )
    return Draft(
        (
            "returns the length of the longest contiguous part of the list in which neighbours differ by "
            "at most KEY",
            "finds how long the longest block of consecutive elements is whose neighbouring differences do "
            "not exceed KEY",
        ),
        key,
        cases,
        solve,
        (body.replace("OP", "<="),),
        (
            ("off-by-one", body.replace("OP", "<")),
            (
                "forgotten-case",
                "def NAME(values):\n    best = here = 1\n    for a, b in zip(values, values[1:]):\n        "
                "here = here + 1 "
                "if abs(a - b) <= KEY else 1\n        best = max(best, here)\n    return best\n",
            ),
        ),
        "One pass with a counter that starts again whenever the difference is larger than KEY.",
        "values: list[int]",
    )


def depth(numbers: Dice) -> Draft:
    """Nesting depth of brackets, with a limit."""
    key = numbers.between(2, 6)
    texts = ["".join(numbers.pick("()") for _ in range(numbers.between(7, 19))) for _ in range(4)]
    texts += ["(" * numbers.between(1, 7) for _ in range(2)]
    cases: list[list[Any]] = [[text + ")" * max(0, text.count("(") - text.count(")"))] for text in texts]
    cases += [["(" * (key + 1) + ")" * (key + 1)], ["(" * key + ")" * key], ["())("]]

    def solve(text: str) -> int:
        level = deepest = 0
        for letter in text:
            level += 1 if letter == "(" else -1
            if level < 0 or level > key:
                return -1
            deepest = max(deepest, level)
        return deepest if level == 0 else -1

    body = (
        "def NAME(text):\n    level = deepest = 0\n    for c in text:\n        level += 1 if c == '(' else "
        "-1\n        if TEST:\n"
        "            return -1\n        deepest = max(deepest, level)\n    return deepest if level == 0 "
        "else -1\n"
    )
    return Draft(
        (
            "returns the nesting depth of a string of round brackets, or -1 if the brackets do not match "
            "or the depth exceeds KEY",
            "checks a bracket string: the result is its greatest nesting level, but -1 when it is "
            "unbalanced or deeper than KEY",
        ),
        key,
        cases,
        solve,
        (body.replace("TEST", "level < 0 or level > KEY"),),
        (
            ("forgotten-case", body.replace("TEST", "level > KEY")),
            ("off-by-one", body.replace("TEST", "level < 0 or level >= KEY")),
        ),
        "A counter goes up and down; it must never be negative, never above KEY, and zero at the end.",
        "text: str",
    )


def shift_letters(numbers: Dice) -> Draft:
    """Shift letters in the alphabet."""
    key = numbers.between(1, 25)
    cases: list[list[Any]] = [
        [f"{_word(numbers)} {_word(numbers).upper()}, {_word(numbers)}!"] for _ in range(5)
    ]
    cases += [["xyz ABC abc"], [""]]

    def solve(text: str) -> str:
        out = ""
        for letter in text:
            start = ord("a") if letter.islower() else ord("A")
            out += chr((ord(letter) - start + key) % 26 + start) if letter.isalpha() else letter
        return out

    body = (
        "def NAME(text):\n    out = ''\n    for c in text:\n        if c.isalpha():\n            start = "
        "ord('a') if c.islower() else "
        "ord('A')\n            out += chr((ord(c) - start SIGN KEY) % 26 + start)\n        else:\n         "
        "   out += c\n    return out\n"
    )
    return Draft(
        (
            "moves every letter KEY places forward in the alphabet, wrapping from z to a; case is kept and "
            "other characters stay",
            "encrypts a text by replacing each letter with the one KEY positions later (cyclically), "
            "leaving the rest alone",
        ),
        key,
        cases,
        solve,
        (body.replace("SIGN", "+"),),
        (
            ("wrong-operation", body.replace("SIGN KEY", "+ KEY - 1")),
            (
                "forgotten-case",
                "def NAME(text):\n    return ''.join(chr((ord(c) - 97 + KEY) % 26 + 97) if c.islower() "
                "else c for c in "
                "text)\n",
            ),
        ),
        "Work with positions 0 to 25 and reduce modulo 26, separately for both cases.",
        "text: str",
    )


def pairs(numbers: Dice) -> Draft:
    """Count pairs with a given sum."""
    key = numbers.between(4, 30)
    cases: list[list[Any]] = [[_ints(numbers, 0, key)] for _ in range(5)] + [[[1, key - 1, 1, key - 1]], [[]]]
    return Draft(
        (
            "returns the number of index pairs i < j with values[i] + values[j] equal to KEY",
            "counts in how many ways two elements at different positions add up to KEY",
        ),
        key,
        cases,
        lambda values: sum(a + b == key for a, b in combinations(values, 2)),
        (
            "from itertools import combinations\n\n\ndef NAME(values):\n    return sum(1 for a, b in "
            "combinations(values, 2) if a + b == "
            "KEY)\n",
            "def NAME(values):\n    seen = {}\n    count = 0\n    for value in values:\n        count += "
            "seen.get(KEY - value, 0)\n        "
            "seen[value] = seen.get(value, 0) + 1\n    return count\n",
        ),
        (
            (
                "forgotten-factor",
                "def NAME(values):\n    return sum(1 for a in values for b in values if a + b == KEY)\n",
            ),
            (
                "forgotten-case",
                "def NAME(values):\n    return len({(a, KEY - a) for a in values if KEY - a in values and "
                "a <= KEY - a})\n",
            ),
        ),
        "A dictionary of the values seen so far tells for each new one how many partners it has.",
        "values: list[int]",
    )


def sum_even_places(numbers: Dice) -> Draft:
    """Read numbers, print the sum at even places modulo a number."""
    key = numbers.between(7, 997)
    lists = [_ints(numbers, 0, 9999) for _ in range(5)] + [[1, key, 2]]
    cases: list[list[Any]] = [[f"{len(values)}\n{' '.join(map(str, values))}\n"] for values in lists]

    def solve(text: str) -> str:
        return f"{sum(map(int, text.split()[2::2])) % key}\n"

    body = "n = int(input())\nvalues = list(map(int, input().split()))\nprint(sum(values[START::2]) % KEY)\n"
    return Draft(
        (
            "reads an integer n and then n integers on the next line, and prints the sum of the integers "
            "at even positions "
            "(counted from 1) modulo KEY",
            "gets n on the first line of standard input and n integers on the second, and writes the sum "
            "of the 2nd, 4th, 6th, ... "
            "integer, reduced modulo KEY",
        ),
        key,
        cases,
        solve,
        (body.replace("START", "1"),),
        (
            ("off-by-one", body.replace("START", "0")),
            ("wrong-operation", body.replace("START::2", "1::2").replace(" % ", " // ")),
        ),
        "With positions counted from 1, the even ones have odd indices in Python.",
        "",
    )


def keep_long(numbers: Dice) -> Draft:
    """Read a line, print the long words in reverse order."""
    key = numbers.between(2, 5)
    lines = [" ".join(_word(numbers) for _ in range(numbers.between(3, 9))) for _ in range(5)]
    lines.append(f"{'a' * key} {'b' * (key + 1)} {'c' * (key + 2)}")
    cases: list[list[Any]] = [[f"{line}\n"] for line in lines]

    def solve(text: str) -> str:
        return " ".join(part for part in reversed(text.split()) if len(part) > key) + "\n"

    return Draft(
        (
            "reads one line and prints its words with more than KEY letters in reverse order, separated by "
            "single spaces",
            "takes a line of words from standard input and outputs, last word first, only those longer "
            "than KEY letters",
        ),
        key,
        cases,
        solve,
        (
            "words = input().split()\nprint(' '.join(w for w in reversed(words) if len(w) > KEY))\n",
            "print(*[w for w in input().split()[::-1] if len(w) > KEY])\n",
        ),
        (
            ("swapped", "print(*[w for w in input().split() if len(w) > KEY])\n"),
            ("off-by-one", "print(*[w for w in input().split()[::-1] if len(w) >= KEY])\n"),
        ),
        "Split, reverse, filter by length, join.",
        "",
    )


FAMILIES: tuple[Callable[[Dice], Draft], ...] = (
    long_words,
    sum_of_multiples,
    rotate,
    run_lengths,
    nth_largest,
    digit_sum,
    longest_run,
    depth,
    shift_letters,
    pairs,
    sum_even_places,
    keep_long,
)


def task(family: int, numbers: Dice, words: Dice) -> Task:
    """A programming problem of one family."""
    draft = FAMILIES[family](numbers)
    called = f"{words.pick(_VERBS)}_{words.pick(_NOUNS)}"
    does = words.pick(draft.does)
    who, place, stuff = name(words), town(words), thing(words)
    stdin = not draft.signature
    tests: dict[str, Any] = {} if stdin else {"fn_name": called}
    tests["inputs"] = [case[0] for case in draft.cases] if stdin else draft.cases
    tests["outputs"] = [draft.solve(*case) for case in draft.cases]
    shown = [
        _example(case, out, stdin) for case, out in zip(draft.cases[:2], tests["outputs"][:2], strict=True)
    ]
    what = "a Python program that" if stdin else f"a Python function `{called}({draft.signature})` that"
    text = words.pick(
        (
            f"Write {what} {does}.",
            f"{who} keeps lists of {stuff} in {place} and needs {what} {does}. Write it.",
            f"Your task is to implement {what} {does}. The hidden tests use at most "
            f"{words.between(50, 900)} elements or "
            f"characters.",
            f"For a small tool at the {place} town hall, {who} asks for {what} {does}. Efficiency matters "
            f"less than correctness.",
        )
    )
    text = f"{text}\n\n" + "\n".join(shown[: words.between(1, 2)])

    def fill(source: str) -> str:
        return source.replace("NAME", called).replace("KEY", str(draft.key))

    return Task(
        draft_name(family),
        fill(text),
        json.dumps(tests, ensure_ascii=False),
        tuple(map(fill, draft.right)),
        tuple((slip, fill(source)) for slip, source in draft.wrong),
        fill(draft.idea),
    )


def draft_name(family: int) -> str:
    """The family's name in kebab-case."""
    return FAMILIES[family].__name__.replace("_", "-")


def _example(case: Sequence[Any], out: Any, stdin: bool) -> str:
    if stdin:
        return f"Example input:\n```\n{case[0]}```\nExample output:\n```\n{out}```"
    return f"Example: for `{case[0]!r}` the result is `{out!r}`."


def row_task(seed: int, row: int, family: int) -> Task:
    """The programming problem that belongs to a row."""
    return task(family, Dice(seed, NUMBERS, row), Dice(seed, WORDS, row))
