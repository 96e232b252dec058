r"""The same answer, written or wrapped in another way: changes of the text that change no formula.

`SURFACE` maps names to functions of a text and a random source, None where there is nothing to change.
`undone` takes them back, so that the label of a pair is checked on the formulas.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from random import Random

TextForm = Callable[[str, Random], str | None]

_SUPERSCRIPT = dict(zip("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻", strict=True))
_VULGAR = {
    "1/2": "½", "1/3": "⅓", "2/3": "⅔", "1/4": "¼", "3/4": "¾", "1/5": "⅕", "1/6": "⅙", "1/8": "⅛"
}  # fmt: skip
_ZERO_WIDTH = "\u200b\u200c\u2060\ufeff"
_BLANKS = ("\u00a0", "\u2009", "\u202f", "\u2002", "  ", "\t")
ROOT_OF_NUMBER = re.compile(r"\\sqrt\s*\{\s*(\d+)\s*\}")
_SIMPLE_FRAC = re.compile(r"\\[dt]?frac\s*\{\s*(-?\d+)\s*\}\s*\{\s*(\d+)\s*\}")


def _swap(pattern: str, *others: str) -> TextForm:
    def form(text: str, rng: Random) -> str | None:
        found = re.sub(pattern, lambda match: match.expand(rng.choice(others)), text)
        return found if found != text else None

    return form


def _wrap(*wrappers: tuple[str, str]) -> TextForm:
    def form(text: str, rng: Random) -> str | None:
        left, right = rng.choice(wrappers)
        return f"{left}{text}{right}"

    return form


def _spaced(text: str, _rng: Random) -> str | None:
    found = re.sub(
        r"(?<!\\)\s*((?<!\\)[=<>]|(?<!E)\+|(?<![\\{]),(?!\\!)|(?<=[\w})\]])(?<![eE])-)\s*",
        lambda match: f" {match[1]} ",
        text,
    )
    return found if found != text else None


def _unspaced(text: str, _rng: Random) -> str | None:
    found = re.sub(r"(\\[A-Za-z]+) +(?![A-Za-z])|(?<![A-Za-z]) +", lambda match: match[1] or "", text)
    return found if found != text and not re.search(r"\d \d|[A-Za-z]{3,}", text) else None


def _thin_space(text: str, rng: Random) -> str | None:
    """Space that TeX shows and that means nothing, between two symbols of a formula."""
    places = [match.start() for match in re.finditer(r"(?<=[\d})])(?=[+\-=]|\\(?:sqrt|pi|frac))", text)]
    if not places or "_" in text:
        return None
    at = rng.choice(places)
    return f"{text[:at]}{rng.choice([chr(92) + ',', chr(92) + '; ', chr(92) + '!', '~'])}{text[at:]}"


def _bare_fraction(text: str, _rng: Random) -> str | None:
    found = re.sub(r"\\frac\{(\d)\}\{(\d)\}", r"\\frac\1\2", text)
    return found if found != text else None


def _unicode(text: str, _rng: Random) -> str | None:
    if not re.search(r"\\sqrt|\\pi|\\frac|\^|\\le|\\ge|\\cup|\\infty|\\cdot|\\times", text):
        return None
    found = _SIMPLE_FRAC.sub(lambda m: _VULGAR.get(f"{m[1]}/{m[2]}", m[0]), text)
    found = re.sub(r"(?<=\d)(?=[½⅓⅔¼¾⅕⅙⅛])", "·", found)  # 3½ would be a mixed number
    found = ROOT_OF_NUMBER.sub(r"√\1", found)
    found = re.sub(r"\^(?:\{(-?\d+)\}|(\d))", lambda m: "".join(_SUPERSCRIPT[c] for c in m[1] or m[2]), found)
    for command, sign in (
        ("\\pi", "π"), ("\\leq", "≤"), ("\\le", "≤"), ("\\geq", "≥"), ("\\ge", "≥"), ("\\cup", "∪"),
        ("\\infty", "∞"), ("\\cdot", "·"), ("\\times", "×"),
    ):  # fmt: skip
        found = re.sub(re.escape(command) + r"(?![A-Za-z]) ?", sign, found)
    return found if found != text else None


def _invisible(text: str, rng: Random) -> str | None:
    places = [at for at in range(len(text) + 1) if not re.search(r"\\[A-Za-z]*$", text[:at])]
    at = rng.choice(places)
    return text[:at] + rng.choice(_ZERO_WIDTH) + text[at:]


def _full_width(text: str, _rng: Random) -> str | None:
    if "\\" in text or not re.search(r"\d", text):
        return None
    return "".join(
        chr(ord(c) + 0xFEE0) if c.isascii() and (c.isdigit() or c in "+-=(),.%:") else c for c in text
    )


def _blank_around(text: str, rng: Random) -> str:
    blank = rng.choice((*_BLANKS, "\n"))
    return rng.choice((f"{blank}{text}", f"{text}{blank}", f"{blank}{text}{blank}"))


SURFACE: dict[str, TextForm] = {
    "frac-size": _swap(r"\\[dtc]?frac(?![A-Za-z])", r"\\dfrac", r"\\tfrac", r"\\frac", r"\\cfrac"),
    "left-right": _swap(
        r"(?<![\\A-Za-z])\(([^()]*)\)(?![\w^!_])", r"\\left(\1\\right)", r"\\left( \1 \\right)"
    ),
    "spaced": _spaced,
    "unspaced": _unspaced,
    "thin-space": _thin_space,
    "frac-without-braces": _bare_fraction,
    "dollars": _wrap(
        ("$", "$"), ("$$", "$$"), ("\\(", "\\)"), ("\\[", "\\]"), ("$ ", " $"), ("\\[\n", "\n\\]")
    ),
    "boxed": _wrap(("\\boxed{", "}"), ("$\\boxed{", "}$"), ("\\boxed{ ", " }"), ("\\[\\boxed{", "}\\]")),
    "boxed-twice-wrapped": _wrap(("\\boxed{$", "$}"), ("\\boxed{\\displaystyle ", "}"), ("\\boxed{{", "}}")),
    "full-stop": _wrap(("", "."), ("$", "$."), ("$", ".$"), ("\\boxed{", ".}"), ("", "。")),
    "displaystyle": _wrap(("\\displaystyle ", ""), ("$\\displaystyle ", "$"), ("\\displaystyle{", "}")),
    "bold": _wrap(("**", "**"), ("**$", "$**")),
    "unicode": _unicode,
    "unicode-minus": _swap("-", "\u2212"),
    "invisible": _invisible,
    "full-width": _full_width,
    "blank-around": _blank_around,
    "operator-name": _swap(r"\\(sin|cos|tan|ln)(?![a-z])", r"\\operatorname{\1}", r"\\mathrm{\1}"),
    "times-sign": _swap(r"\\cdot(?![A-Za-z])", r"\\times"),
    "exponent-braces": _swap(r"\^(\w)(?!\w)", r"^{\1}"),
    "subscript-braces": _swap(r"_(\w)(?!\w)", r"_{\1}"),
    "relation-name": _swap(r"\\(l|g)eq?(?![A-Za-z])", r"\\\1e", r"\\\1eq", r"\\\1eqslant"),
}  # fmt: skip

_PLACES = r"\$|\\[()\[\]](?!\w)|\*\*|\\displaystyle(?![A-Za-z])|[\u200b\u200c\u2060\ufeff]|\\boxed"
_BACK = {
    "\u2212": "-", "π": "\\pi ", "≤": "\\le ", "≥": "\\ge ", "∪": "\\cup ", "∞": "\\infty ", "·": "\\cdot ",
    "×": "\\times ", "。": ".", "~": " ", **dict.fromkeys(_BLANKS[:4], " "),
}  # fmt: skip


def undone(text: str) -> str:
    """A formula as plain LaTeX, without wrappers and with Unicode taken back; for checking labels."""
    text = re.sub(_PLACES, " ", text).strip()
    for sign, latex in _BACK.items():
        text = text.replace(sign, latex)
    for fraction, sign in _VULGAR.items():
        above, below = fraction.split("/")
        text = text.replace(sign, f"\\frac{{{above}}}{{{below}}}")
    text = "".join(chr(ord(c) - 0xFEE0) if 0xFF01 <= ord(c) <= 0xFF5E else c for c in text)
    back = {sign: digit for digit, sign in _SUPERSCRIPT.items()}
    text = re.sub(
        f"[{''.join(back)}]+", lambda match: "^{" + "".join(back[c] for c in match.group()) + "}", text
    )
    text = re.sub(r"√(\d+)", r"\\sqrt{\1}", text)
    text = re.sub(r"\\(?:operatorname|mathrm)\{(sin|cos|tan|ln)\}", r"\\\1 ", text)
    return text.strip().rstrip(".").strip()
