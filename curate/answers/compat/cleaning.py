r"""Texts as Math-Verify cleans them, and what else it could find in one that it cannot read.

Its cleaning is a page of regular expressions without any algebra, so it is called, not written again: the
module is loaded by its file, because importing it through its package would import sympy.
"""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Callable
from functools import cache
from importlib.machinery import SourceFileLoader
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import ModuleType

from curate.answers.compat.tokens import Unsure

VERSIONS = {"math-verify": "0.9.0", "latex2sympy2_extended": "1.11.0"}
"""What this package speaks for; where others are installed, Math-Verify is always asked."""
MAX_CHARS = 600
"""Some of its expressions are quadratic in the length of a run of blanks."""


@cache
def is_known_version() -> bool:
    """Whether the installed Math-Verify is the one that this package speaks for."""
    try:
        return all(version(name) == wanted for name, wanted in VERSIONS.items())
    except PackageNotFoundError:
        return False


@cache
def _cleaner() -> Callable[[str], str]:
    """Math-Verify's cleaning of what stands in a box, with its defaults."""
    package = importlib.util.find_spec("latex2sympy2_extended")
    origin = package.origin if package else None
    assert origin is not None, "its version was looked up before"
    loader = SourceFileLoader(
        "curate_math_normalization", str(Path(origin).with_name("math_normalization.py"))
    )
    module = ModuleType(loader.name)
    sys.modules[loader.name] = module  # dataclasses look their module up
    loader.exec_module(module)
    defaults = module.NormalizationConfig(
        basic_latex=True, units=True, malformed_operators=True, nits=True, boxed="last", equations=False
    )
    return lambda text: module.normalize_latex("\\boxed{" + text + "}", defaults)


def clean(text: str) -> str | None:
    r"""What Math-Verify makes of `\boxed{text}` before it reads it; None where that is not known here."""
    if not text.strip() or len(text) > MAX_CHARS or "I hope" in text:
        return None
    return _cleaner()(text) or None


_EQUALS = re.compile(r"(?<![\\<!>])=")


def last_side(text: str) -> str | None:
    """The last side of a chain of equations, which Math-Verify reads if it cannot read the chain."""
    if "," in text or ";" in text:
        return None
    sides = _EQUALS.split(text)
    return sides[-1] if len(sides) > 2 else None


_NUMBER_APART = re.compile(r"[\s=](?:\*\*)?[^\w\s]?[-(]{0,3}\.?\d")
_FORMULA_INSIDE = re.compile(r"\$|\\\[|\\\(|\s\[|\\frac\{-?\d+(?:[.,]\d+)?\}\{-?\d")


def may_hold_more(text: str) -> bool:
    """Whether Math-Verify may find a number or formula inside a text that it could not read as a whole."""
    return bool(_NUMBER_APART.search(text) or _FORMULA_INSIDE.search(text))


_GROUPED = re.compile(r"\s*-?\d{1,3}(,\d{3})+(\.\d+)?\s*$")


def grouped(text: str) -> str | None:
    """The digits of a number with a comma before every three of them; None for any other text.

    0,125 is a decimal. Raises Unsure for other numbers that begin with a zero.
    """
    if not _GROUPED.match(text):
        return None
    if text.startswith("0"):
        text = text.replace(",", ".")
    digits = text.replace(",", "").strip()
    if digits.count(".") > 1 or digits.startswith("-0") or (digits[0] == "0" and "." not in digits):
        raise Unsure
    return digits


_ODD_NUMBER = re.compile(r"-0|(?![0-9])\d")


def may_fail(text: str) -> bool:
    """Whether Math-Verify may find a number in a text that makes it give up: then it has read nothing."""
    return _ODD_NUMBER.search(text) is not None


_COMPLEX = re.compile(
    r"\\mathbb\{C\}|\\i\b|\bi\b|\\(?:text|mathrm)\{i\}|\\imath\b|\\det|\\operatorname\{(?:tr|rank|Re|Im)\}"
    r"|\\text\{(?:rank|Re|Im)\}|\\arg\{|\\Re\{|\\Im\{"
)


def is_real(text: str) -> bool:
    """Whether Math-Verify takes the letters of a text for real numbers."""
    return _COMPLEX.search(text) is None
