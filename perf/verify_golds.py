r"""Real ground truths, sorted into families by what they are: the stock from which pairs are constructed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import polars as pl
from verify_read import Tree, letters, read

SOURCES = (
    "corpora/deepscaler_5levels",
    "corpora/deepscaler_difficulty",
    "corpora/dapo_math_25k",
    "corpora/limr_math_8k",
    "corpora/math_train_7500",
    "benchmarks/math_test",
    "benchmarks/gsm8k_test",
    "benchmarks/omni_math_500",
    "benchmarks/olympiadbench",
    "benchmarks/college_math",
    "benchmarks/hmmt_feb_2025",
    "benchmarks/hmmt_nov_2025",
    "benchmarks/brumo_2025",
    "benchmarks/comp_math_24_25",
    "benchmarks/imo_answerbench",
    "benchmarks/olymmath_en_hard",
    "benchmarks/olymmath_en_easy",
    "benchmarks/gaokao2023en",
    "benchmarks/theoremqa",
    "benchmarks/minerva_math",
    "benchmarks/asdiv",
    "benchmarks/mawps",
    "benchmarks/svamp",
    "benchmarks/gsm_hard",
    "benchmarks/aqua",
    "benchmarks/mmlu_stem",
    "benchmarks/agieval",
)
_MAX_CHARS = 100
_WORDS = re.compile(r"(?<![\\A-Za-z])[A-Za-z]{3,}")
_NOT_MATHS = re.compile(  # AF; brackets for the floor; (A)-3; units; derivatives; f(0); No; any C
    r"(?<![\\A-Za-z])[A-Z]{2,}|^\[.*\]$|^\([A-Z]\)|(?<![A-Za-z\\])[ckm][mg](?![A-Za-z])|\{d ?\\?[a-z]+\}"
    r"|(?<![A-Za-z\\])[fgh]\s*\(|^[A-Z][a-z]$|[-+]\s*C\s*$"
)
_PART = r"[^,;()\[\]]+(?:\([^,;()\[\]]*\)[^,;()\[\]]*)*"
_SPACE = re.compile(r"\\(?:left|right|displaystyle)(?![A-Za-z])")
_QUANTITY = re.compile(
    r"(?P<number>-?\d[\d,]*(?:\.\d+)?)\s*(?:\\[ ,]|~)?\s*"
    r"(?:\\(?:text|mathrm|mbox)\s*\{[\s~]*(?P<unit>[A-Za-z]+)[\s~]*\}|\((?P<thing>[a-z]+)\))"
)
_INTERVAL = re.compile(rf"([(\[])\s*({_PART})\s*,\s*({_PART})\s*([)\]])")
_INFINITY = re.compile(r"[-+]?\s*\\infty")
_INEQUALITY = re.compile(
    r"(?:(?P<low>[^<>=a-zA-Z]*?)\s*(?P<first><|\\leq?|\\leqslant)\s*)?(?P<letter>[a-z])"
    r"\s*(?P<then><|>|\\leq?|\\geq?|\\leqslant|\\geqslant)\s*(?P<high>[^<>=a-zA-Z]*?)"
)
_MATRIX = re.compile(r"\\begin\{pmatrix\}(.+?)\\end\{pmatrix\}", re.DOTALL)
_OPTION = re.compile(r"\(([A-E])\)(.{3,70})")
_SCIENTIFIC = re.compile(r"(-?\d(?:\.\d+)?)(?:e|\s*\\times\s*10\^\{?)([+-]?\d{1,2})\}?")
_TIME = re.compile(r"(?:\\text\{)?(\d{1,2}):(\d\d)\s*(?:\\text\{)?\s*([ap])\.?\s?m\.?\}?", re.IGNORECASE)
_WORD = re.compile(r"(?:\\(?:text|mathrm|mbox)\s*\{\s*)?([A-Za-z][a-z]{2,}(?: [a-z]+)?)\s*\}?")


class Gold(NamedTuple):
    """A ground truth: its text without delimiters, its family, its formula, its parts (what they are depends
    on the family), and the file it comes from.
    """

    text: str
    family: str
    tree: Tree | None
    parts: tuple[str, ...]
    source: str


def stripped(text: str) -> str:
    """A ground truth without delimiters, sizes and blanks around it."""
    text = text.strip()
    while len(text) > 2 and text[0] == text[-1] == "$" and "$" not in text[1:-1]:
        text = text[1:-1].strip()
    return text


def _split(text: str) -> tuple[str, ...]:
    """The parts between commas that stand in no bracket."""
    parts, depth, begun = [], 0, 0
    for at, sign in enumerate(text):
        depth += (sign in "([{") - (sign in ")]}")
        if sign == "," and depth == 0:
            parts.append(text[begun:at].strip())
            begun = at + 1
    return (*parts, text[begun:].strip())


def _readable(parts: tuple[str, ...]) -> bool:
    return all(part and not _WORDS.search(part) and read(part) is not None for part in parts)


def _is_bound(text: str) -> bool:
    return bool(_INFINITY.fullmatch(text.strip())) or _readable((text,))


def _intervals(text: str) -> tuple[str, ...] | None:
    """Bracket, ends and bracket of every interval of a union; None if the text is none, or may be a point."""
    parts: list[str] = []
    for piece in re.split(r"\\cup(?![A-Za-z])", text):
        match = _INTERVAL.fullmatch(piece.strip())
        if match is None or not (_is_bound(match[2]) and _is_bound(match[3])):
            return None
        parts.extend(group.strip() for group in match.groups())
    surely = any("infty" in part for part in parts) or parts[0] + parts[3] in ("(]", "[)") or len(parts) > 4
    return tuple(parts) if surely else None


def _family(text: str) -> tuple[str, tuple[str, ...]] | None:
    """Which family a ground truth is in, and its parts; None for what no pair is made of."""
    flat = _SPACE.sub("", text)
    if re.fullmatch(r"-?\d{1,18}", text):
        return "integer", ()
    if re.fullmatch(r"-?[1-9]\d{0,2}(?:,(?:\s?\\!\s?)?\d{3})+(?:\.\d+)?", text):
        return "grouped", (re.sub(r"[^-.\d]", "", text),)
    if re.fullmatch(r"-?\d*\.\d{1,12}", text):
        return "decimal", ()
    if match := _SCIENTIFIC.fullmatch(text):
        return "scientific", match.groups()
    if match := re.fullmatch(r"\{?(\d+)_\{?\(?(\d{1,2})\)?\}?\}?", text):
        fits = 2 <= int(match[2]) <= 16 and all(int(digit) < int(match[2]) for digit in match[1])
        return ("base", match.groups()) if fits else None
    if match := re.fullmatch(r"(-?\d+(?:\.\d+)?)\s*\\?%", text):
        return "percent", match.groups()
    if match := re.fullmatch(r"(-?\d+(?:\.\d+)?)\s*\^\s*\{?\s*\\circ\s*\}?", text):
        return "degrees", match.groups()
    if match := re.fullmatch(r"\\?\$\s*(\d+(?:\.\d\d)?)", text):
        return "money", match.groups()
    if match := _TIME.fullmatch(text):
        return "time", tuple(group.lower() for group in match.groups())
    if match := re.fullmatch(r"(\d{1,4})\s*:\s*(\d{1,4})", text):
        return "ratio", match.groups()
    if match := _QUANTITY.fullmatch(text):
        return "quantity", (match["number"], match["unit"] or match["thing"])
    if match := re.fullmatch(r"(?:\\text\{)?\(?([A-E])\)?\}?", text):
        return "option", (match[1], "")
    if match := _OPTION.fullmatch(text):
        return "option", match.groups()
    if match := _WORD.fullmatch(text):
        return "word", match.groups()
    if "\\pm" in text and text.count("\\pm") == 1 and "," not in text:
        both = (text.replace("\\pm", "+"), text.replace("\\pm", "-"))
        return ("plus-minus", both) if _readable(both) else None
    if match := _MATRIX.fullmatch(text):
        rows = [row.split("&") for row in re.split(r"\\\\", match[1]) if row.strip()]
        cells = tuple(cell.strip() for row in rows for cell in row)
        even = len({len(row) for row in rows}) == 1 and len(cells) > 1
        return ("matrix", (str(len(rows)), *cells)) if even and _readable(cells) else None
    if parts := _intervals(flat):
        return "interval", parts
    if match := re.fullmatch(r"\\\{(.+)\\\}", flat):
        parts = _split(match[1])
        return ("set", parts) if _readable(parts) else None
    if match := re.fullmatch(r"\((.+)\)", flat):
        parts = _split(match[1])
        if len(parts) > 1 and _readable(parts):
            return "tuple", parts
    if "," in flat and len(_split(flat)) > 1:
        parts = _split(flat)
        return ("list", parts) if _readable(parts) and not re.search(r"\d,\d{3}(?!\d)", flat) else None
    match = re.fullmatch(r"([a-z])\s*=\s*([^=]+)", flat)
    if match and _readable((match[2],)) and not letters(read(match[2]) or ()):
        return "assigned", match.groups()
    if (
        re.fullmatch(r"[^=<>]+=[^=<>]+", flat)
        and not _NOT_MATHS.search(flat)
        and not re.match(r"\s*[A-Za-z](?:\^\{-1\})?\s*\(", flat)
    ):
        sides = tuple(side.strip() for side in flat.split("="))
        return ("equation", sides) if _readable(sides) and _is_curve(sides) else None
    if match := _INEQUALITY.fullmatch(text):
        bounds = tuple(part for part in (match["low"], match["high"]) if part is not None)
        if _readable(bounds) and not (match["low"] is not None and match["then"] in (">", "\\ge", "\\geq")):
            return "inequality", tuple(part or "" for part in match.groups())
        return None
    if _NOT_MATHS.search(text) or not _readable((text,)):
        return None
    tree = read(text)
    assert tree is not None
    if letters(tree) - {"i"}:
        return ("formula", ()) if len(text) <= 80 else None
    if tree[0] == "neg":
        tree = tree[1]
    if tree[0] == "/" and tree[1][0] == tree[2][0] == "number" and "." not in tree[1][1] + tree[2][1]:
        return "fraction", ()
    return "closed", ()


def _is_curve(sides: tuple[str, ...]) -> bool:
    """Whether an equation relates two letters or more, so that its sides may be moved about."""
    names = frozenset().union(*(letters(read(side) or ()) for side in sides))
    return len(names - {"i"}) > 1 and not any("_" in name for name in names)


def golds(data: Path) -> Iterator[Gold]:
    """All distinct ground truths that belong to a family, in the order of their text."""
    first: dict[str, str] = {}
    for name in SOURCES:
        answers = pl.read_parquet(data / f"{name}.parquet", columns=["answer"])["answer"].cast(pl.String)
        for answer in answers.drop_nulls().unique(maintain_order=True):
            text = stripped(answer)
            if 0 < len(text) <= _MAX_CHARS and "\n" not in text:
                first.setdefault(text, name)
    for text in sorted(first):
        family = _family(text)
        if family is not None:
            yield Gold(text, family[0], read(text), family[1], first[text])
