r"""An answer as a typed value: what is written, not what it might have meant.

A text that is no formula is words, with what is known of such words (yes, none, all real numbers, three).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from functools import lru_cache
from itertools import product as combinations
from typing import NamedTuple

from curate.answers.extract import tidy
from curate.answers.forms import algebra
from curate.answers.forms.algebra import Value, constant
from curate.answers.forms.grammar import FUNCTIONS, Arg, Node, parse
from curate.answers.forms.kinds import (
    EMPTY,
    LINE,
    Answer,
    Based,
    Infinite,
    Matrix,
    Number,
    Option,
    Piece,
    Proportion,
    Region,
    Relation,
    Several,
    Words,
    Yes,
)
from curate.answers.forms.show import shown
from curate.answers.forms.tokens import Unreadable, names
from curate.answers.forms.units import Unit, is_word, read_sign, read_unit
from curate.answers.latex import as_latex

MAX_CHARACTERS = 4_096
MAX_SIGNS = 4
"""± in one answer."""


class Reading(NamedTuple):
    """An answer and, where it is words only because no formula could be read, why."""

    answer: Answer
    unreadable: str | None
    plain: str
    """The text without what only wraps it."""

    @property
    def form(self) -> str | None:
        """The answer in canonical form; None where it could not be read."""
        return None if self.unreadable else shown(self.answer)


_WRAPPED = re.compile(
    r"\\(?:boxed|fbox|displaystyle|mathbf|boldsymbol|bm|ensuremath|mathrm|text|textbf|rm|bf|mbox|underline|textrm|textit)\s*\{(.*)\}",
    re.DOTALL,
)
_PAIRS = (("$$", "$$"), ("$", "$"), (r"\(", r"\)"), (r"\[", r"\]"), ("**", "**"), ("`", "`"), ("{", "}"))
_NOISE = re.compile(
    r"\\(?:left|right)\s*\.|\\(?:displaystyle|textstyle|limits|nolimits|hfill|centering|quad\s*$)(?![A-Za-z])|\$"
)
_FINAL = re.compile(
    r"^\s*(?:approximately|about|roughly|around|≈|\\approx(?![A-Za-z]))\s*(?=[-\d.\\$])|^\s*(?:so\b|thus\b|hence\b|therefore\b)?[\s,]*(?:(?:the\s+)?(?:final\s+|correct\s+)?(?:answer|option|choice)\s*(?:is|:)+)\s*",
    re.IGNORECASE,
)
_OPTION = re.compile(
    r"(?P<cue>(?i:option|choice|answer)\s*:?\s*)?(?:[(\[]([A-J])[)\]]|([A-J])(?=[).:]|\s*$|\}))(?!\s*(?:[+*/^=_<>!,|]|-\s)|\s*\\\\[a-z]*(?:cup|cap|cdot|le|ge|in)\b)"
    r"[).:]*\s*[}]*(.*)",
    re.DOTALL,
)
_FORMULA_SIGNS = re.compile(r"[=<>^_+*/\\]|\d")
_TEXT_COMMAND = re.compile(r"\\(?:text|mathrm|mbox|textbf|textit|operatorname)(?![A-Za-z])|\\[ ,;:!]")
_SPACING = re.compile(r"\\(?:left|right|[,;:! ]|q?quad)(?![A-Za-z])")
_LETTERS_ONLY = re.compile(r"(?:\\(?:text|math)[a-z]*\s*\{\s*)?[A-Za-z]+\s*\}?[.!]?")
_ARTICLES = re.compile(r"\b(?:the|a|an)\b")
_NOT_LETTERS = re.compile(r"[^\w\u4e00-\u9fff+-]+")
_YES = names("yes true correct right 是 对 正确 yes, si oui ja")
_NO = names("no false incorrect wrong 否 不是 错 错误 non nein")
_NOTHING = frozenset([
    "no solution", "no solutions", "none", "no real solution", "no real solutions", "empty set",
    "does not exist",
    "no such", "nothing", "无解", "there are no solutions", "null set", "dne", "no solution exists",
    "no real roots", "空集", "there is no solution", "no such numbers exist", "emptyset", "no values",
])  # fmt: skip
_EVERYTHING = frozenset([
    "all real numbers", "all reals", "real numbers", "r", "any real number", "all real", "全体实数", "实数",
    "every real number", "all real values", "mathbb r", "reals",
])  # fmt: skip
_ENDLESS = frozenset(["infinity", "infinite", "unbounded", "无穷", "无穷大", "positive infinity"])
_ONES = {
    "zero": 0, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8,
    "nine": 9, "ten": 10, "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15,
    "sixteen": 16,
    "seventeen": 17, "eighteen": 18, "nineteen": 19,
}  # fmt: skip
_TENS = {
    "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70,
    "eighty": 80, "ninety": 90,
}  # fmt: skip
_PARTS = {
    "half": 2, "halves": 2, "third": 3, "thirds": 3, "quarter": 4, "quarters": 4, "fourth": 4, "fourths": 4,
    "fifth": 5, "fifths": 5, "sixth": 6, "sixths": 6, "eighth": 8, "eighths": 8, "tenth": 10, "tenths": 10,
    "seventh": 7, "sevenths": 7, "ninth": 9, "ninths": 9,
}  # fmt: skip
_CHINESE_DIGITS = {
    "零": 0,
    "〇": 0,
    "一": 1,
    "二": 2,
    "两": 2,
    "三": 3,
    "四": 4,
    "五": 5,
    "六": 6,
    "七": 7,
    "八": 8,
    "九": 9,
}
_CHINESE_UNITS = {"十": 10, "百": 100, "千": 1_000}
_COMPOUND = re.compile(
    r"(\d+(?:\.\d+)?)\s*(?:\\text\{)?\s*([A-Za-z]+)\}?[\s,]*(?:(?:\\text\{)?\s*and\b\s*\}?)?\s*"
)
_TIMES_TEN = re.compile(r"(\d)\s*[xX]\s*10(?=\s*\^)")
_ESCAPED = re.compile(r"\\(?=\\[A-Za-z(\[])")
_NOTHING_IN_BRACES = re.compile(r"(?:[_^]\s*)?\{?\\(?:text|mathrm|mbox)\{\s*\}\}?|[_^]\{\s*\}")
_COUNTED = re.compile(
    r"(?P<number>[^A-Za-z]*(?:\\(?:frac|sqrt|times|pi|cdot)[^A-Za-z]*)*[\d})])(?:\s|~|\\[ ,;:])+"
    r"(?P<unit>[mgshLlNJWVAK](?:\^\{?-?[1-6]\}?)?(?:\s*(?:/|\\cdot)\s*[A-Za-z]{1,3}(?:\^\{?-?[1-6]\}?)?)?)"
)
_MINUTES = re.compile(
    r"(?P<number>.*[\d)}])\s*(?:\\[ ,;:!]|~)*(?:\\(?:text|mathrm)\{[~\s]*)?(?P<unit>min|sec)\.?\s*\}?"
)
_HALF_OF_DAY = re.compile(r"\s*(?:\\(?:text|mathrm)\{|[~ ]|\\,)*\s*([pa])\.?\s?m\.?\s*\}?\s*$", re.IGNORECASE)
_NOTED = re.compile(r"(.*[\d)}])\s*\(([A-Za-z][A-Za-z ]*)\)")


@lru_cache(maxsize=16_384)
def read(text: str) -> Reading:
    r"""The typed value of an answer.

    >>> read(r"\dfrac{2}{4}").answer == read("0.5").answer._replace(places=None)
    True
    """
    plain = unwrapped(text)
    if len(plain) > MAX_CHARACTERS:
        return Reading(Words(plain[:MAX_CHARACTERS]), f"more than {MAX_CHARACTERS:,} characters", plain)
    known = _known(plain)
    if known is not None:
        return Reading(known, None, plain)
    try:
        return Reading(_formula(plain), None, plain)
    except (Unreadable, RecursionError, OverflowError, ZeroDivisionError) as error:
        return Reading(_words(plain), str(error) or type(error).__name__, plain)


def unwrapped(text: str) -> str:
    r"""A text as LaTeX without what only wraps it: dollars, boxes, bold, a full stop."""
    plain = as_latex(text)
    if "10" in plain:
        plain = _TIMES_TEN.sub(r"\1\\times 10", plain)
    if r"\\" in plain and r"\begin" not in plain:
        plain = _ESCAPED.sub("", plain)
    if "{}" in plain or "{ }" in plain:
        plain = _NOTHING_IN_BRACES.sub("", plain)
    for _ in range(8):
        before = plain
        plain = tidy(plain)
        for left, right in _PAIRS:
            inner = plain[len(left) : len(plain) - len(right)]
            if (
                plain.startswith(left)
                and plain.endswith(right)
                and len(plain) >= len(left) + len(right)
                and (left not in inner if left != "{" else _closes_last(plain))
                and not (left == "{" and inner.endswith("\\"))
            ):
                plain = inner.strip()
        wrapped = _WRAPPED.fullmatch(plain)
        if wrapped is not None and _closes_last(plain[plain.index("{") :]):
            inner = wrapped.group(1).strip()
            if inner:
                plain = inner
        plain = _FINAL.sub("", plain)
        if plain == before:
            break
    currency = plain.startswith(("$", r"\$", "-$")) and plain.count("$") == 1
    return (
        plain
        if currency
        else _NOISE.sub(lambda m: "" if m.group() != "$" else " ", plain.replace(r"\$", "\x01"))
        .replace("\x01", r"\$")
        .strip()
    )


def _closes_last(text: str) -> bool:
    """Whether the brace a text opens with is closed by its last sign."""
    depth = 0
    for place, sign in enumerate(text):
        if sign == "{" and (place == 0 or text[place - 1] != "\\"):
            depth += 1
        elif sign == "}" and text[place - 1] != "\\":
            depth -= 1
            if depth == 0:
                return place == len(text) - 1
    return False


# -- words


def normal_words(text: str) -> str:
    r"""Words in small letters without commands, articles and marks."""
    plain = re.sub(
        r"\\(?:text|mathrm|mbox|textbf|textit|mathbf|operatorname|rm)(?![A-Za-z])|\\[ ,;:!~]", " ", text
    )
    plain = _ARTICLES.sub(" ", plain.replace("\\", " ").lower())
    return " ".join(_NOT_LETTERS.sub(" ", plain).split())


def _words(text: str) -> Words:
    """Words, or the signs of a formula that could not be read, where every sign counts."""
    if _FORMULA_SIGNS.search(_TEXT_COMMAND.sub("", text)):
        return Words("".join(_SPACING.sub("", text).split()))
    return Words(normal_words(text))


def _known(text: str) -> Answer | None:
    """Options, yes and no, none, all real numbers, numbers in words."""
    option = _OPTION.fullmatch(_option_text(text)) if len(text) <= MAX_CHARACTERS else None
    if option is not None:
        letter, rest = option.group(2) or option.group(3), option.group(4)
        bare = text.strip()
        marked = option["cue"] or bare.startswith("(") or re.match(r"(?:\\text\w*\{)?\(?[A-J][).:]", bare)
        if bare != "I" and (rest == "" or marked):
            return Option(letter, _unbraced(rest))
    words = normal_words(text)
    if len(words) > 60 or not words:
        return None
    if words in _YES:
        return Yes(True)
    if words in _NO:
        return Yes(False)
    if words in _NOTHING:
        return EMPTY
    if words in _EVERYTHING and (len(words) > 1 or "mathbb" in text):
        return LINE
    if words in _ENDLESS:
        return Infinite(1)
    number = _spelled(words)
    if number is not None:
        return Number(constant(number))
    return Words(words) if _LETTERS_ONLY.fullmatch(text) and _is_one_word(words) else None


def _is_one_word(word: str) -> bool:
    """Whether letters that are a whole answer are a word: abc and xyz are products, Ted and all are not."""
    letters = set(word)
    return (
        len(word) > 2
        and word not in FUNCTIONS
        and word not in ("pi", "inf")
        and bool(letters & set("aeiou"))
        and bool(letters - set("aeiou"))
        and list(word) != sorted(letters)
    )


def _option_text(text: str) -> str:
    return re.sub(r"^\\(?:text|mathrm|mathbf|textbf|mbox)\s*\{\s*(?=\(?[A-J][).}])", "", text.strip())


def _unbraced(rest: str) -> str:
    rest = rest.strip()
    if rest.count("}") == rest.count("{") + 1 and rest.endswith("}"):
        rest = rest[:-1]
    return rest.strip(" .,:~\\")


def _spelled(words: str) -> Fraction | None:
    """The value of a number in words, English or Chinese."""
    if words and all(sign in _CHINESE_DIGITS or sign in _CHINESE_UNITS or sign in "万亿" for sign in words):
        return _chinese(words)
    total, current, seen = 0, 0, False
    pieces = words.replace("-", " ").split()
    for place, piece in enumerate(pieces):
        if piece in _ONES:
            current += _ONES[piece]
        elif piece in _TENS:
            current += _TENS[piece]
        elif piece == "hundred":
            current = max(1, current) * 100
        elif piece in ("thousand", "million", "billion"):
            total += max(1, current) * {"thousand": 1_000, "million": 10**6, "billion": 10**9}[piece]
            current = 0
        elif piece in _PARTS and place == len(pieces) - 1:
            return (
                Fraction(
                    max(1, total + current) if seen or piece in ("half", "quarter") else 1, _PARTS[piece]
                )
                if (seen or piece in ("half", "quarter"))
                else None
            )
        elif piece == "and" and seen and place < len(pieces) - 1:
            continue
        else:
            return None
        seen = True
    return Fraction(total + current) if seen else None


def _chinese(words: str) -> Fraction | None:
    total = section = digit = 0
    for sign in words:
        if sign in _CHINESE_DIGITS:
            digit = _CHINESE_DIGITS[sign]
        elif sign in _CHINESE_UNITS:
            section += max(1, digit) * _CHINESE_UNITS[sign]
            digit = 0
        else:
            total = (total + section + digit) * (10_000 if sign == "万" else 10**8)
            section = digit = 0
    return Fraction(total + section + digit)


# -- formulas


def _formula(text: str) -> Answer:
    rest, currency = read_sign(text)
    compound = _compound(rest)
    if compound is not None:
        return compound
    half = _HALF_OF_DAY.search(rest)
    clock = rest[: half.start()] if half else rest
    noted = _NOTED.fullmatch(clock)
    if noted is not None and (is_word(noted[2]) or " " in noted[2]):
        clock = f"{noted[1]} {noted[2]}"
    counted = _COUNTED.fullmatch(clock) or _MINUTES.fullmatch(clock)
    tree, end = parse(counted["number"] if counted else clock)
    left = counted["unit"] if counted else clock[end:].strip()
    unit: Unit | None = currency
    if left:
        found = read_unit(_balanced(left))
        if found is None:
            raise Unreadable(f"{left[:40]!r} is left over")
        if currency is not None and found.dimension == currency.dimension:
            found = found._replace(factor=Fraction(1), dimension=())
        unit = found if currency is None else _joined_units(currency, found)
    answer = build(tree)
    if half is not None:
        if not isinstance(answer, Proportion):
            raise Unreadable("am or pm behind something that is no time")
        return answer._replace(half=half[1].lower())
    if unit is None or (unit.dimension == () and unit.factor == 1 and not unit.words):
        return answer
    return _with_unit(answer, unit)


def _balanced(text: str) -> str:
    return text if text.count("{") == text.count("}") else text.replace("{", " ").replace("}", " ")


def _joined_units(currency: Unit, unit: Unit) -> Unit:
    dimension = dict(currency.dimension)
    for name, power in unit.dimension:
        dimension[name] = dimension.get(name, 0) + power
    left = tuple(sorted((name, times) for name, times in dimension.items() if times))
    return Unit(currency.factor * unit.factor, left, unit.words, f"{currency.shown} {unit.shown}".strip())


def _with_unit(answer: Answer, unit: Unit) -> Answer:
    if isinstance(answer, Number):
        if unit.words in ("degree", "degrees") and not unit.dimension:
            return answer._replace(degrees=True)
        if answer.degrees:
            if unit.words in ("c", "f") or dict(unit.dimension).keys() & {"coulomb"}:
                raise Unreadable("a temperature")
            raise Unreadable("a unit behind degrees")
        if unit.factor != 1 and not unit.dimension and not unit.words:  # percent, million, dozen
            many = constant(unit.factor)
            if unit.shown == "percent":
                return answer._replace(unit=unit)
            return answer._replace(value=algebra.multiply(answer.value, many), places=None)
        return answer._replace(unit=unit)
    if isinstance(answer, Several):
        return Several(answer.kind, tuple(_with_unit(one, unit) for one in answer.items))
    if isinstance(answer, Relation):
        return answer._replace(right=_with_unit(answer.right, unit))
    if isinstance(answer, Proportion | Region | Based):
        return answer
    raise Unreadable("a unit behind something that has none")


def _compound(text: str) -> Answer | None:
    """5 hours 30 minutes, 3 feet 4 inches: quantities of one dimension that are added."""
    at, parts = 0, list[tuple[Fraction, Unit]]()
    text = text.strip()
    while at < len(text):
        match = _COMPOUND.match(text, at)
        if match is None:
            return None
        unit = read_unit(match.group(2))
        if unit is None or not unit.dimension or unit.words:
            return None
        parts.append((Fraction(match.group(1)), unit))
        at = match.end()
    if len(parts) < 2 or any(unit.dimension != parts[0][1].dimension for _, unit in parts):
        return None
    if any(parts[place][1].factor <= parts[place + 1][1].factor for place in range(len(parts) - 1)):
        return None
    last = parts[0][1]
    total = sum((number * unit.factor for number, unit in parts), Fraction(0)) / last.factor
    return Number(constant(total), last._replace(shown=" ".join(unit.shown for _, unit in parts)))


def build(tree: Node) -> Answer:
    """The typed value of a tree. Raises Unreadable."""
    signs = _count_signs(tree)
    if not signs:
        return _build(tree)
    if signs > MAX_SIGNS:
        raise Unreadable("too many ±")
    seen: list[Answer] = []
    for choice in combinations((1, -1), repeat=signs):
        one = _build(_chosen(tree, iter(choice), choice))
        if one not in seen:
            seen.append(one)
    if tree.op == "relation" and all(isinstance(one, Relation) for one in seen):
        relations = [one for one in seen if isinstance(one, Relation)]
        return relations[0]._replace(right=Several("list", tuple(one.right for one in relations)))
    if len(seen) == 1:
        return seen[0]
    flat: list[Answer] = []
    for one in seen:
        for item in one.items if isinstance(one, Several) and one.kind != "tuple" else (one,):
            if item not in flat:
                flat.append(item)
    return Several("list", tuple(flat))


def _count_signs(node: Node) -> int:
    found = int(node.op == "pm")
    for arg in node.args:
        if isinstance(arg, Node):
            found += _count_signs(arg)
        elif isinstance(arg, tuple):
            found += sum(_count_signs(one) for one in arg if isinstance(one, Node))
    if node.op == "mp" and not found:
        return found
    return found


def _chosen(node: Node, signs: Iterator[int], all_signs: tuple[int, ...]) -> Node:
    """A tree with plus or minus for every ±, and the opposite of the first for every ∓."""
    if node.op in ("pm", "mp"):
        left = _chosen(node.node(0), signs, all_signs)
        sign = next(signs) if node.op == "pm" else -all_signs[0]
        right = _chosen(node.node(1), signs, all_signs)
        return Node("add", (left, right if sign > 0 else Node("neg", (right,))))
    args: list[Arg] = []
    for arg in node.args:
        if isinstance(arg, Node):
            args.append(_chosen(arg, signs, all_signs))
        elif isinstance(arg, tuple):
            args.append(tuple(_chosen(one, signs, all_signs) for one in arg))
        else:
            args.append(arg)
    return Node(node.op, tuple(args))


def _build(tree: Node) -> Answer:
    op = tree.op
    if op == "mp":
        raise Unreadable("∓ without ±")
    if op in ("list", "set"):
        return _several("set" if op == "set" else "list", [_build(one) for one in tree.items()], tree)
    if op == "tuple":
        return Several("tuple", tuple(_build(one) for one in tree.items()))
    if op == "mul" and _is_tuples(tree):
        return Several("list", tuple(_tuples(tree)))
    if op in ("square", "group"):
        return _build(tree.node(0))
    if op == "interval":
        low, high = value_or_end(tree.node(1)), value_or_end(tree.node(2))
        brackets = tree.text(0)
        return Region(
            (
                Piece(
                    low, brackets[0] == "[" and low is not None, high, brackets[1] == "]" and high is not None
                ),
            )
        )
    if op in ("union", "intersection", "difference"):
        return _combined(op, _build(tree.node(0)), _build(tree.node(1)))
    if op == "builder":
        return _of_builder(tree)
    if op == "relation":
        return _relation(tree)
    if op == "matrix":
        rows = tuple(tuple(value(cell) for cell in row.items()) for row in tree.items())
        return Matrix(rows)
    if op == "base":
        digits, base = tree.text(0), int(tree.text(1))
        if any(int(digit, 36) >= base for digit in digits):
            raise Unreadable("a digit that its base has not")
        return Based(digits.lstrip("0") or "0", base)
    if op == "ratio":
        items = tree.items()
        is_clock = (
            len(items) in (2, 3)
            and all(one.op == "num" and one.text(1).isdigit() and len(one.text(1)) <= 2 for one in items)
            and all(len(one.text(1)) == 2 for one in items[1:])
        )
        return Proportion(tuple(value(one) for one in items), is_clock)
    if op == "const" and tree.text() == "infinity":
        return Infinite(1)
    if op == "neg" and tree.node(0) == Node("const", ("infinity",)):
        return Infinite(-1)
    if op == "add" and tree.node(1) == Node("const", ("infinity",)) and tree.node(0).op == "num":
        return Infinite(1)
    if op == "percent":
        return Number(value(tree.node(0)), read_unit("percent"), _places(tree.node(0)))
    if op == "neg" and tree.node(0).op in ("degree", "percent"):
        inside = _build(tree.node(0))
        assert isinstance(inside, Number)
        return inside._replace(value=algebra.negative(inside.value))
    if op == "degree":
        return Number(value(tree.node(0)), None, _places(tree.node(0)), degrees=True)
    return Number(value(tree), None, _places(tree), thousands=op == "num" and "," in tree.text(1))


def _is_tuples(tree: Node) -> bool:
    """Whether tuples stand side by side, with nothing between them: (1, 2)(3, 4)."""
    return tree.op == "tuple" or (tree.op == "mul" and _is_tuples(tree.node(0)) and _is_tuples(tree.node(1)))


def _tuples(tree: Node) -> Iterator[Answer]:
    if tree.op == "tuple":
        yield _build(tree)
    else:
        yield from _tuples(tree.node(0))
        yield from _tuples(tree.node(1))


def _places(tree: Node) -> int | None:
    """Digits behind the point of one decimal, with or without a sign."""
    if tree.op == "neg":
        return _places(tree.node(0))
    if tree.op != "num":
        return None
    text = tree.text(1)
    if "e" in text.lower() and "\\" not in text:
        return None
    return (
        len(text.partition(".")[2])
        if "." in text and text.replace(".", "").replace(",", "").isdigit()
        else None
    )


def value_or_end(tree: Node) -> Value | None:
    """The value of an end of an interval; None if it is infinite."""
    if tree.op == "const" and tree.text() == "infinity":
        return None
    if tree.op in ("neg", "add"):
        inner = tree.node(0) if tree.op == "neg" else tree.node(1)
        if inner.op == "const" and inner.text() == "infinity":
            return None
    return value(tree)


def _several(kind: str, items: list[Answer], tree: Node) -> Answer:
    """Several things; conditions on one variable are one region."""
    regions = [one for one in items if isinstance(one, Region)]
    if kind == "list" and regions and len(regions) == len(items):
        joined = tree.text(1)
        found: Answer = regions[0]
        for one in regions[1:]:
            is_and = joined == "and" or (
                joined == "," and all(part.op == "relation" for part in tree.items())
            )
            found = _combined("intersection" if is_and else "union", found, one)
        return found
    if kind == "set":
        items = [one.right if isinstance(one, Relation) and one.sign == "=" else one for one in items]
    return Several(kind, tuple(items))


def _relation(tree: Node) -> Answer:
    signs, operands = tree.text().split(" "), list(tree.items(1))
    if r"\approx" in signs:  # x = 1/3, about 0.333: the exact value counts
        keep = signs.index(r"\approx")
        if keep == 0 and not _names(operands[0]):
            return _build(operands[0])
        if keep == 0:
            signs[0] = "="
            signs, operands = signs[:1], operands[:2]
        else:
            signs, operands = signs[:keep], operands[: keep + 1]
    signs = ["=" if sign in (":=", "=") else sign for sign in signs]
    if all(sign == "=" for sign in signs):
        mine = _names(operands[0])
        if any(mine and mine <= _names(one) for one in operands[1:-1]):
            raise Unreadable("a chain of equations")
        return Relation("=", _side(operands[0]), _build(operands[-1]))
    if signs == [r"\in"] or signs == [r"\subseteq"]:
        right = _build(operands[1])
        if isinstance(right, Region):
            return right
        if isinstance(right, Several) and right.kind == "tuple" and len(right.items) == 2:
            return right
        return Relation(r"\in", _side(operands[0]), right)
    if signs in (["->"], [r"\mapsto"]):
        return Relation("=", _side(operands[0]), _build(operands[1]))
    if not all(sign in ("<", ">", r"\le", r"\ge", r"\ne") for sign in signs):
        raise Unreadable(f"{' '.join(signs)} is not compared")
    region = _region_of(signs, operands)
    if region is not None:
        return region
    if len(signs) == 1:
        return Relation(signs[0], Number(value(operands[0])), Number(value(operands[1])))
    parts = tuple(Relation(sign, Number(value(operands[place])), Number(value(operands[place + 1])))
                  for place, sign in enumerate(signs))  # fmt: skip
    return Several("list", parts)


def _names(tree: Node) -> frozenset[str]:
    """The variables in a tree."""
    if tree.op == "sym":
        return frozenset([tree.text()])
    found: frozenset[str] = frozenset()
    for arg in tree.args:
        if isinstance(arg, Node):
            found |= _names(arg)
        elif isinstance(arg, tuple):
            for one in arg:
                found |= _names(one)
    return found


def _side(tree: Node) -> Answer:
    """The left side of an equation: whatever can be read, else a name."""
    return _build(tree)


def _region_of(signs: list[str], operands: list[Node]) -> Region | None:
    """The region of 1 < x <= 2, of x > 3, of x != 5; None where several variables are meant."""
    places = [place for place, one in enumerate(operands) if _is_name(one)]
    if len(operands) == 3 and 1 in places:
        places = [1]
    if len(places) != 1:
        return None
    at = places[0]
    mine_too = [one for place, one in enumerate(operands) if place != at]
    if any(_names(one) & _names(operands[at]) for one in mine_too):
        return None
    ends = [None if place == at else value_or_end(one) for place, one in enumerate(operands)]
    low = high = None
    low_closed = high_closed = False
    for place, sign in enumerate(signs):
        mine = at in (place, place + 1)
        if not mine:
            return None
        other = ends[place] if at == place + 1 else ends[place + 1]
        if sign == r"\ne":
            if other is None or len(signs) > 1:
                return None
            return (
                None
                if operands[at].op == "call"
                else Region((Piece(None, False, other, False), Piece(other, False, None, False)))
            )
        larger = (sign in (">", r"\ge")) == (at == place)  # the variable is the larger one
        if larger:
            low, low_closed = other, sign in (r"\le", r"\ge") and other is not None
        else:
            high, high_closed = other, sign in (r"\le", r"\ge") and other is not None
    found = Region((Piece(low, low_closed, high, high_closed),))
    if operands[at].op != "call":
        return found
    zero = constant(0)
    outside = _overlap(found.pieces[0], Piece(zero, True, None, False))
    if outside is None:
        return EMPTY
    mirrored = Piece(
        None if outside.high is None else algebra.negative(outside.high), outside.high_closed,
        None if outside.low is None else algebra.negative(outside.low), outside.low_closed,
    )  # fmt: skip
    return _merged([mirrored, outside])


def _is_name(tree: Node) -> bool:
    """Whether a tree is a variable, f(x), or the absolute value of a variable."""
    if tree.op == "mul":
        return _is_name(tree.node(0)) and _is_name(tree.node(1))
    if tree.op == "call":
        args = tree.args[1]
        return (
            tree.text() == "abs"
            and isinstance(args, tuple)
            and isinstance(args[0], Node)
            and args[0].op == "sym"
        )
    return tree.op == "sym"


def _of_builder(tree: Node) -> Answer:
    conditions = [_build(one) for one in tree.items(1)]
    regions = [one for one in conditions if isinstance(one, Region)]
    if len(regions) != len(conditions):
        raise Unreadable("a set by a condition")
    found: Answer = regions[0]
    for one in regions[1:]:
        found = _combined("intersection", found, one)
    return found


# -- regions


def _combined(op: str, left: Answer, right: Answer) -> Answer:
    """Union, intersection or difference of regions (and of finite sets of numbers)."""
    a, b = _as_region(left), _as_region(right)
    if a is None or b is None:
        if op == "union" and isinstance(left, Several) and isinstance(right, Several):
            return Several("set", left.items + right.items)
        raise Unreadable("sets of other things")
    if op == "union":
        return _merged([*a.pieces, *b.pieces])
    if op == "difference":
        b = _complement(b)
    found = []
    for x in a.pieces:
        for y in b.pieces:
            one = _overlap(x, y)
            if one is not None:
                found.append(one)
    return _merged(found)


def _as_region(one: Answer) -> Region | None:
    if isinstance(one, Region):
        return one
    if isinstance(one, Several) and one.kind == "tuple" and len(one.items) == 2:
        low, high = one.items
        ends = [
            None if isinstance(end, Infinite) else end.value if isinstance(end, Number) else 0
            for end in (low, high)
        ]
        if 0 in ends:
            return None
        return Region((Piece(ends[0], False, ends[1], False),))  # type: ignore[arg-type]
    if isinstance(one, Several) and one.kind == "set" and all(isinstance(item, Number) for item in one.items):
        points = [item.value for item in one.items if isinstance(item, Number)]
        return _merged([Piece(point, True, point, True) for point in points])
    return None


def _complement(region: Region) -> Region:
    found: list[Piece] = []
    low: Value | None = None
    closed = False
    for place, piece in enumerate(region.pieces):
        if piece.low is not None:
            found.append(Piece(low, closed, piece.low, not piece.low_closed))
        elif place:
            raise Unreadable("pieces out of order")
        if piece.high is None:
            return Region(tuple(found))
        low, closed = piece.high, not piece.high_closed
    found.append(Piece(low, closed, None, False))
    return Region(tuple(found))


def _overlap(x: Piece, y: Piece) -> Piece | None:
    low, low_closed = _later((x.low, x.low_closed), (y.low, y.low_closed), -1)
    high, high_closed = _later((x.high, x.high_closed), (y.high, y.high_closed), 1)
    if low is not None and high is not None:
        order = compare_values(low, high)
        if order > 0 or (order == 0 and not (low_closed and high_closed)):
            return None
    return Piece(low, low_closed, high, high_closed)


def _later(
    a: tuple[Value | None, bool], b: tuple[Value | None, bool], side: int
) -> tuple[Value | None, bool]:
    """The narrower of two ends: the larger low end (side -1), the smaller high end (side 1)."""
    if a[0] is None:
        return b
    if b[0] is None:
        return a
    order = compare_values(a[0], b[0]) * side
    if order == 0:
        return a[0], a[1] and b[1]
    return b if order > 0 else a


def compare_values(a: Value, b: Value) -> int:
    """-1, 0 or 1 as a is smaller than, equal to or larger than b. Raises Unreadable where nobody can say."""
    if algebra.equal(a, b):
        return 0
    gap = algebra.add(a, algebra.negative(b))
    number = gap.rational
    if number is not None:
        return 1 if number > 0 else -1
    if gap.symbols:
        raise Unreadable("ends that depend on variables")
    from curate.answers.forms.numeric import approximate

    found = approximate(gap)
    if found is None or abs(found.imag) > 1e-25 or abs(found.real) < 1e-25:
        raise Unreadable("ends that cannot be ordered")
    return 1 if found.real > 0 else -1


def _merged(pieces: list[Piece]) -> Region:
    """Pieces from left to right, those that touch joined."""
    from functools import cmp_to_key

    def order(x: Piece, y: Piece) -> int:
        if x.low is None or y.low is None:
            return (x.low is not None) - (y.low is not None)
        return compare_values(x.low, y.low) or (y.low_closed - x.low_closed)

    found: list[Piece] = []
    for piece in sorted(pieces, key=cmp_to_key(order)):
        if not found:
            found.append(piece)
            continue
        last = found[-1]
        if last.high is None:
            continue
        gap = -1 if piece.low is None else compare_values(piece.low, last.high)
        if gap > 0 or (gap == 0 and not (piece.low_closed or last.high_closed)):
            found.append(piece)
            continue
        if piece.high is None:
            found[-1] = last._replace(high=None, high_closed=False)
        else:
            beyond = compare_values(piece.high, last.high)
            if beyond > 0 or (beyond == 0 and piece.high_closed):
                found[-1] = last._replace(high=piece.high, high_closed=piece.high_closed)
    return Region(tuple(found))


# -- values


def value(tree: Node) -> Value:
    """The exact value of an arithmetic tree. Raises Unreadable for anything else."""
    op = tree.op
    if op == "num":
        number = tree.args[0]
        assert isinstance(number, Fraction)
        return constant(number)
    if op == "sym":
        return algebra.symbol(tree.text())
    if op == "const":
        if tree.text() == "infinity":
            raise Unreadable("infinity in a sum")
        return algebra.atom(("c", tree.text()))
    if op == "add":
        return algebra.add(value(tree.node(0)), value(tree.node(1)))
    if op == "neg":
        return algebra.negative(value(tree.node(0)))
    if op == "mul":
        return algebra.multiply(value(tree.node(0)), value(tree.node(1)))
    if op == "div":
        return algebra.divide(value(tree.node(0)), value(tree.node(1)))
    if op == "mixed":
        return algebra.add(value(tree.node(0)), value(tree.node(1)))
    if op == "pow":
        return algebra.power(value(tree.node(0)), value(tree.node(1)))
    if op == "root":
        return algebra.root(value(tree.node(0)), value(tree.node(1)))
    if op == "percent":
        return algebra.multiply(value(tree.node(0)), constant(Fraction(1, 100)))
    if op == "degree":
        return algebra.multiply(
            value(tree.node(0)), algebra.multiply(constant(Fraction(1, 180)), algebra.atom(algebra.PI))
        )
    if op in ("group", "square"):
        return value(tree.node(0))
    if op == "call":
        name, args = tree.text(), tree.args[1]
        assert isinstance(args, tuple)
        return algebra.function(name, *(value(one) for one in args if isinstance(one, Node)))
    raise Unreadable(f"a {op} in a sum")
