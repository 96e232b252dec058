r"""Near-misses: answers that look like the ground truth and are not, as models make them.

`MISSES` maps names to edits of the text of a number or formula. Each result is read and evaluated beside the
original, and kept only where the two differ by more than one part in ten thousand.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from random import Random

from verify_read import read, same

Miss = Callable[[str, Random], str | None]

_NUMBER = re.compile(r"(?<![\w.^_}])\d+(?:\.\d+)?|(?<=[A-Za-z}])\d+")
_ROOT = re.compile(r"\\sqrt\s*\{([^{}]*)\}")
_FRAC = re.compile(r"(\\[dt]?frac)\s*\{([^{}]*)\}\s*\{([^{}]*)\}")
_SIGN = re.compile(r"(?<=[\w})\]])\s*([+-])\s*")
_EXPONENT = re.compile(r"\^(?:\{(-?\d+)\}|(\d))")
_TRIG = {"sin": "cos", "cos": "sin", "tan": "cot", "ln": "exp"}


def _place(pattern: re.Pattern[str], text: str, rng: Random) -> re.Match[str] | None:
    found = list(pattern.finditer(text))
    return rng.choice(found) if found else None


def _replaced(match: re.Match[str], text: str, new: str) -> str:
    return text[: match.start()] + new + text[match.end() :]


def _negated(text: str, _rng: Random) -> str | None:
    if text.startswith("-") and not _SIGN.search(text[1:]):
        return text[1:].strip()
    return f"-{text}" if not _SIGN.search(text) else f"-({text})"


def _sign_inside(text: str, rng: Random) -> str | None:
    match = _place(_SIGN, text, rng)
    return match and _replaced(match, text, " - " if match[1] == "+" else " + ")


def _digit(text: str, rng: Random) -> str | None:
    match = _place(re.compile(r"\d"), text, rng)
    if match is None:
        return None
    return _replaced(match, text, rng.choice([d for d in "0123456789" if d != match.group()]))


def _digit_dropped(text: str, rng: Random) -> str | None:
    match = _place(re.compile(r"(?<=\d)\d|\d(?=\d)"), text, rng)
    return match and _replaced(match, text, "")


def _digits_exchanged(text: str, rng: Random) -> str | None:
    match = _place(re.compile(r"(\d)(?!\1)(\d)"), text, rng)
    return match and _replaced(match, text, match[2] + match[1])


def _next_number(text: str, rng: Random) -> str | None:
    match = _place(re.compile(r"(?<![\d.^_])\d{1,15}(?![\d.])"), text, rng)
    return match and _replaced(match, text, str(int(match.group()) + rng.choice((1, -1, 2)))).replace(
        "--", ""
    )


def _ten_times(text: str, rng: Random) -> str | None:
    if re.fullmatch(r"-?\d+", text):
        return text + "0" if rng.random() < 0.5 or not text.endswith("0") else text[:-1]
    if match := re.fullmatch(r"(-?)(\d*)\.(\d)(\d*)", text):
        return f"{match[1]}{(match[2] + match[3]).lstrip('0') or '0'}.{match[4] or '0'}"
    return None


def _reciprocal(text: str, _rng: Random) -> str | None:
    if re.fullmatch(r"\d{1,6}", text):
        return f"\\frac{{1}}{{{text}}}"
    return None


def _upside_down(text: str, rng: Random) -> str | None:
    match = _place(_FRAC, text, rng)
    return match and _replaced(match, text, f"{match[1]}{{{match[3]}}}{{{match[2]}}}")


def _numerator_only(text: str, rng: Random) -> str | None:
    match = _place(_FRAC, text, rng)
    return match and _replaced(match, text, f"({match[2]})")


def _root_dropped(text: str, rng: Random) -> str | None:
    match = _place(_ROOT, text, rng)
    return match and _replaced(
        match, text, f"({match[1]})" if re.search(r"[-+]", match[1]) else f" {match[1]}"
    )


def _root_added(text: str, rng: Random) -> str | None:
    match = _place(re.compile(r"(?<![\w.^_{])\d+(?![\w.^}])"), text, rng)
    return match and _replaced(match, text, f"\\sqrt{{{match.group()}}}")


def _cube_root(text: str, rng: Random) -> str | None:
    match = _place(re.compile(r"\\sqrt\s*(?=\{)"), text, rng)
    return match and _replaced(match, text, "\\sqrt[3]")


def _exponent(text: str, rng: Random) -> str | None:
    match = _place(_EXPONENT, text, rng)
    if match is None:
        return None
    return _replaced(match, text, f"^{{{int(match[1] or match[2]) + rng.choice((1, -1, 2))}}}")


def _term_added(text: str, rng: Random) -> str | None:
    return rng.choice(
        (f"{text} + 1", f"{text} - 1", f"{text} + 2", f"1 - {text}" if text[0] != "-" else f"{text} + 1")
    )


def _term_dropped(text: str, rng: Random) -> str | None:
    places = [
        match
        for match in _SIGN.finditer(text)
        if text[: match.start()].count("{") == text[: match.start()].count("}")
    ]
    if not places:
        return None
    match = rng.choice(places)
    return text[: match.start()] or None


def _pi(text: str, rng: Random) -> str | None:
    match = _place(re.compile(r"\s*\\pi(?![A-Za-z])"), text, rng)
    if match is not None:
        return _replaced(match, text, "") or "1"
    return f"{text}\\pi" if re.fullmatch(r"\d+", text) else None


def _other_letter(text: str, rng: Random) -> str | None:
    match = _place(re.compile(r"(?<![\\A-Za-z_])[a-z](?![A-Za-z])"), text, rng)
    if match is None:
        return None
    return _replaced(match, text, rng.choice([c for c in "xyzabmn" if c != match.group()]))


def _other_function(text: str, rng: Random) -> str | None:
    match = _place(re.compile(r"\\(sin|cos|tan|ln)(?![A-Za-z])"), text, rng)
    return match and _replaced(match, text, "\\" + _TRIG[match[1]])


def _doubled(text: str, _rng: Random) -> str | None:
    return f"2{text}" if text[0] in "\\abcnxy(" else None


MISSES: dict[str, Miss] = {
    "negated": _negated,
    "sign-inside": _sign_inside,
    "digit": _digit,
    "digit-dropped": _digit_dropped,
    "digits-exchanged": _digits_exchanged,
    "next-number": _next_number,
    "ten-times": _ten_times,
    "reciprocal": _reciprocal,
    "upside-down": _upside_down,
    "numerator-only": _numerator_only,
    "root-dropped": _root_dropped,
    "root-added": _root_added,
    "cube-root": _cube_root,
    "exponent": _exponent,
    "term-added": _term_added,
    "term-dropped": _term_dropped,
    "pi": _pi,
    "other-letter": _other_letter,
    "other-function": _other_function,
    "doubled": _doubled,
}


def differs(text: str, other: str | None) -> bool:
    """Whether another text is read as a formula with another value than the first one."""
    return bool(other) and same(read(text), read(other or "")) is False


def missed(text: str, rng: Random) -> str | None:
    """A near-miss of one number or formula, by an edit drawn at random; None where none is sure."""
    for name in rng.sample(sorted(MISSES), len(MISSES)):
        other = MISSES[name](text, rng)
        if differs(text, other):
            return other
    return None


def missed_number(text: str, rng: Random) -> str | None:
    """A near-miss of a plain number that is a plain number itself."""
    for _ in range(8):
        other = missed(text, rng)
        if other is not None and re.fullmatch(r"-?\d+(?:\.\d+)?", other):
            return other
    return None
