"""Whether two typed answers are the same: yes, no, or not to be told by exact arithmetic alone.

Each rule is for a pair of kinds. Whatever order the two are given in, the same is said of them.
"""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

from curate.answers.forms import algebra
from curate.answers.forms.algebra import UNIT, Value, constant
from curate.answers.forms.kinds import (
    Answer,
    Based,
    Infinite,
    Matrix,
    Number,
    Option,
    Proportion,
    Region,
    Relation,
    Several,
    Words,
    Yes,
)
from curate.answers.forms.read import read
from curate.answers.forms.show import shown, value_text
from curate.answers.forms.tokens import Unreadable
from curate.answers.profiles import Profile
from curate.answers.verdict import Tier

MAX_ITEMS = 60


class Finding(NamedTuple):
    """Equal, unequal (None where neither is sure), by what, and why."""

    equal: bool | None
    tier: Tier
    why: str


def same(gold: Answer, predicted: Answer, profile: Profile) -> Finding:
    """Whether two answers are the same under a profile."""
    if gold == predicted:
        return Finding(True, "key", f"both are {_cut(shown(gold))}")
    try:
        return _same(gold, predicted, profile)
    except (Unreadable, RecursionError, OverflowError, ZeroDivisionError) as error:
        return Finding(None, "algebra", str(error) or type(error).__name__)


def _cut(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "..."


def _same(a: Answer, b: Answer, profile: Profile) -> Finding:
    if isinstance(a, Option) or isinstance(b, Option):
        return _options(a, b, profile)
    if isinstance(a, Words) or isinstance(b, Words):
        return _words(a, b)
    a, b = _single(a), _single(b)
    if isinstance(a, Relation) or isinstance(b, Relation):
        return _relations(a, b, profile)
    if isinstance(a, Number) and isinstance(b, Number):
        return _numbers(a, b, profile)
    if isinstance(a, Several) and isinstance(b, Several):
        return _several(a, b, profile)
    for one, other in ((a, b), (b, a)):
        found = _mixed(one, other, profile)
        if found is not None:
            return found
    if isinstance(a, Region) and isinstance(b, Region):
        return _regions(a, b, profile)
    if isinstance(a, Matrix) and isinstance(b, Matrix):
        return _matrices(a, b, profile)
    if isinstance(a, Proportion) and isinstance(b, Proportion):
        return _proportions(a, b)
    if isinstance(a, Based) and isinstance(b, Based):
        if a.base == b.base:
            return Finding(False, "key", f"{shown(a)} and {shown(b)}")
        is_same = int(a.digits, a.base) == int(b.digits, b.base)
        return Finding(is_same, "algebra", f"{shown(a)} {'is' if is_same else 'is not'} {shown(b)}")
    if isinstance(a, Yes) and isinstance(b, Yes):
        return Finding(a.value == b.value, "key", f"{shown(a)} and {shown(b)}")
    return Finding(False, "key", f"{_kind(a)} and {_kind(b)}")


def _kind(one: Answer) -> str:
    names = {
        Number: "a number", Several: "several values", Region: "a set of numbers", Relation: "a relation",
        Matrix: "a matrix", Words: "words", Based: "a number in another base", Proportion: "a proportion",
        Infinite: "infinity", Yes: "yes or no", Option: "an option",
    }  # fmt: skip
    return f"{names[type(one)]} ({_cut(shown(one))})"


def _single(one: Answer) -> Answer:
    """What is alone in a list or a set."""
    while isinstance(one, Several) and one.kind != "tuple" and len(one.items) == 1:
        one = one.items[0]
    return one


# -- numbers


def _numbers(a: Number, b: Number, profile: Profile) -> Finding:
    if a.degrees != b.degrees and (a.unit or b.unit) is None:
        plain, angle = (b, a) if a.degrees else (a, b)
        found = _values(angle, plain, profile)
        if found.equal:
            return found
        radians = algebra.multiply(
            angle.value, algebra.multiply(constant(Fraction(1, 180)), algebra.atom(algebra.PI))
        )
        if algebra.equal(radians, plain.value):
            return Finding(True, "algebra", f"both are {value_text(plain.value)} in radians")
        return found
    if a.unit is None and b.unit is None:
        return _values(a, b, profile)
    if a.unit is None or b.unit is None:
        plain, counted = (a, b) if a.unit is None else (b, a)
        unit = counted.unit
        assert unit is not None
        found = _values(plain, counted, profile)
        if found.equal:
            return found._replace(why=f"{found.why} ({unit.shown} left out)")
        if not unit.dimension and unit.factor != 1:  # 50 % is one half
            return _values(plain, _converted(counted), profile)
        product = _as_product_of_letters(counted) if plain.value.symbols else None
        return found if product is None else _values(plain, product, profile)
    if a.unit.dimension != b.unit.dimension:
        if (a.unit.words and not a.unit.dimension) or (b.unit.words and not b.unit.dimension):
            return _values(a, b, profile)
        if a.unit.dimension and b.unit.dimension and not profile.any_unit:
            return Finding(False, "key", f"units differ: {a.unit.shown}, {b.unit.shown}")
        return _values(a, b, profile)
    if a.unit.factor == b.unit.factor:
        found = _values(a, b, profile)
        if a.unit.words != b.unit.words and found.equal:
            return found._replace(why=f"{found.why} ({a.unit.shown} and {b.unit.shown} not compared)")
        return found
    return _values(_converted(a), _converted(b), profile)


def _as_product_of_letters(one: Number) -> Number | None:
    """5 m, where m was read as a unit, as 5 times the variable m."""
    if one.unit is None or not one.unit.written:
        return None
    letters = read(one.unit.written).answer
    return Number(algebra.multiply(one.value, letters.value)) if isinstance(letters, Number) else None


def _converted(one: Number) -> Number:
    assert one.unit is not None
    return one._replace(value=algebra.multiply(one.value, constant(one.unit.factor)), places=None)


def _values(a: Number, b: Number, profile: Profile) -> Finding:
    x, y = a.value, b.value
    if algebra.equal(x, y):
        return Finding(True, "algebra" if x != y else "key", f"both are {_cut(value_text(x))}")
    if profile.any_case and x.symbols != y.symbols:
        lower_x, lower_y = _lower(x), _lower(y)
        if algebra.equal(lower_x, lower_y):
            return Finding(True, "algebra", f"both are {_cut(value_text(x))} but for capitals")
    rounded = _rounded(a, b, profile)
    if rounded is not None:
        return rounded
    if x.rational is not None and y.rational is not None:
        return Finding(False, "key", f"{_cut(value_text(x))} and {_cut(value_text(y))} are different numbers")
    if algebra.is_exact(x) and algebra.is_exact(y):
        return Finding(False, "algebra", f"{_cut(value_text(x))} and {_cut(value_text(y))} differ")
    from curate.answers.forms.numeric import differ

    if differ(x, y):
        return Finding(False, "numeric", f"computed, {_cut(value_text(x))} and {_cut(value_text(y))} differ")
    return Finding(None, "numeric", "they agree to many digits, which proves nothing")


def _lower(x: Value) -> Value:
    def lowered(one: object) -> object:
        if isinstance(one, tuple):
            if len(one) == 2 and one[0] == "s" and isinstance(one[1], str):
                return ("s", one[1].lower())
            return tuple(lowered(part) for part in one)
        return one

    above, below = lowered(x.frozen)  # type: ignore[misc]
    return Value(dict(above), dict(below))  # type: ignore[has-type]


def _rounded(a: Number, b: Number, profile: Profile) -> Finding | None:
    """A decimal that is the other value, rounded to the digits it is written with."""
    for one, other in ((a, b), (b, a)):
        if one.places is None:
            continue
        written = one.value.rational
        if written is None:
            continue
        exact = other.value.rational
        if exact is None:
            if other.value.symbols:
                continue
            from curate.answers.forms.numeric import approximate, as_fraction

            found = approximate(other.value)
            if found is None or abs(found.imag) > 0:
                continue
            exact = as_fraction(found.real)
        elif other.places is not None and other.places < one.places:
            continue
        digits = len(str(abs(written.numerator * 10**one.places // written.denominator)).lstrip("0"))
        is_longer = (exact * 10**one.places).denominator != 1
        if (
            digits >= profile.rounded_digits
            and is_longer
            and abs(exact - written) < Fraction(1, 10**one.places)
        ):
            return Finding(
                True, "numeric", f"{value_text(other.value)} is {float(written):g} to the digits given"
            )
        if profile.tolerance and exact and abs(exact - written) <= Fraction(profile.tolerance) * abs(exact):
            return Finding(
                True, "numeric", f"{float(written):g} is within {profile.tolerance:g} of {float(exact):g}"
            )
    return None


# -- several things


def _several(a: Several, b: Several, profile: Profile) -> Finding:
    kinds = {a.kind, b.kind}
    if kinds == {"tuple", "set"} and not profile.any_order:
        return Finding(False, "key", "a tuple and a set")
    if a.kind == "set" or b.kind == "set":
        a, b = _distinct(a, profile), _distinct(b, profile)
    if len(a.items) != len(b.items):
        regrouped = _regrouped(a, b)
        if regrouped is not None:
            return _several(*regrouped, profile)
        return Finding(False, "key", f"{len(a.items)} values and {len(b.items)}")
    if len(a.items) > MAX_ITEMS:
        return Finding(None, "algebra", f"more than {MAX_ITEMS} values")
    ordered = _in_order(a, b, profile)
    if ordered.equal or ("tuple" in kinds and not profile.any_order):
        return ordered
    found = _any_order(a, b, profile)
    if found.equal:
        return found._replace(why="the same values, in another order")
    return found if found.equal is False else Finding(None, "algebra", found.why)


def _distinct(one: Several, profile: Profile) -> Several:
    kept: list[Answer] = []
    for item in one.items:
        if not any(same(item, other, profile).equal for other in kept):
            kept.append(item)
    return one._replace(items=tuple(kept))


def _regrouped(a: Several, b: Several) -> tuple[Several, Several] | None:
    """The list x = 1, y = 2 is one more way to write a tuple; 1, 2 and 1,2 as a number is not."""
    if a.kind == "list" and len(a.items) == 1 and isinstance(a.items[0], Several):
        return a.items[0], b
    if b.kind == "list" and len(b.items) == 1 and isinstance(b.items[0], Several):
        return a, b.items[0]
    flat = [_flat(one) for one in (a, b)]
    if flat != [a, b]:
        return flat[0], flat[1]
    return None


def _flat(one: Several) -> Several:
    """A list of sets as one list."""
    if one.kind != "list" or not all(isinstance(item, Several) and item.kind == "set" for item in one.items):
        return one
    return Several(
        "list", tuple(inner for item in one.items if isinstance(item, Several) for inner in item.items)
    )


def _in_order(a: Several, b: Several, profile: Profile) -> Finding:
    worst = Finding(True, "key", f"the same {len(a.items)} values")
    for x, y in zip(a.items, b.items, strict=True):
        found = _item(x, y, profile)
        if found.equal is False:
            return found._replace(why=f"in place, {found.why}")
        if found.equal is None:
            worst = found
        elif worst.equal and found.tier != "key":
            worst = worst._replace(tier=found.tier)
    return worst


def _item(x: Answer, y: Answer, profile: Profile) -> Finding:
    """One of several: names on both sides have to agree."""
    if isinstance(x, Relation) and isinstance(y, Relation) and x.sign == y.sign == "=":
        names = {_name(x), _name(y)}
        if len(names) == 2 and None not in names:
            return Finding(False, "key", f"{_cut(shown(x))} and {_cut(shown(y))}")
    return same(x, y, profile)


def _name(one: Relation) -> str | None:
    if isinstance(one.left, Number) and len(one.left.value.symbols) == 1 and _is_simple(one.left):
        return next(iter(one.left.value.symbols))
    return None


def _any_order(a: Several, b: Several, profile: Profile) -> Finding:
    left = list(b.items)
    unsure: str | None = None
    for x in a.items:
        for place, y in enumerate(left):
            found = _item(x, y, profile)
            if found.equal:
                del left[place]
                break
            if found.equal is None:
                unsure = found.why
        else:
            if unsure is None:
                return Finding(False, "key", f"{_cut(shown(x))} is in one of them only")
    if left:
        return Finding(None, "algebra", unsure or "not all values could be compared")
    return Finding(True, "key", "the same values")


# -- relations


def _is_simple(left: Answer) -> bool:
    """Whether the left side of an equation is a name: x, f(x), AB, (x, y)."""
    if isinstance(left, Several):
        return left.kind in ("tuple", "list") and all(_is_simple(item) for item in left.items)
    if isinstance(left, Words | Proportion):
        return True
    if not isinstance(left, Number) or left.value.below != UNIT or len(left.value.above) != 1:
        return False
    [(product, factor)] = left.value.above.items()
    return (
        factor == 1
        and bool(product)
        and all(one[0] in ("s", "c") and abs(exponent) == 1 for one, exponent in product)
    )


def _is_power(left: Answer) -> bool:
    """Whether the left side is x^2 or 2x, which is another thing than x."""
    if not isinstance(left, Number) or len(left.value.above) != 1:
        return False
    [(product, factor)] = left.value.above.items()
    return len(product) == 1 and product[0][0][0] == "s" and (factor != 1 or product[0][1] != 1)


def _relations(a: Answer, b: Answer, profile: Profile) -> Finding:
    if isinstance(a, Relation) and isinstance(b, Relation):
        return _two_relations(a, b, profile)
    if isinstance(a, Relation):
        relation, other = a, b
    else:
        assert isinstance(b, Relation)
        relation, other = b, a
    if relation.sign == "=" and isinstance(other, Several) and not isinstance(relation.right, Several):
        roots = _as_product(other)
        if roots is not None and isinstance(relation.left, Number) and isinstance(relation.right, Number):
            if _proportional(_difference(relation), roots):
                return Finding(True, "algebra", "the equation has these solutions")
            return Finding(None, "algebra", "an equation and several")
    if relation.sign in ("=", r"\in"):
        right = relation.right
        droppable = _is_simple(relation.left) or (
            isinstance(right, Number)
            and not right.value.symbols
            and bool(right.value.above)
            and not _is_power(relation.left)
        )
        if (
            isinstance(relation.left, Number)
            and _is_simple(relation.left) is False
            and isinstance(right, Number)
            and (right.value.symbols and not relation.left.value.symbols)
        ):
            return _ordered(relation.left, other, a is relation, profile)  # 5 = x
        if droppable:
            return _ordered(right, other, a is relation, profile)
        if isinstance(other, Number) and relation.right != other and not other.value.symbols:
            return Finding(False, "key", f"{_kind(relation)} and {_kind(other)}")
    if isinstance(other, Several) and relation.sign == "=":
        return Finding(None, "key", f"{_kind(relation)} and {_kind(other)}")
    return Finding(None, "key", f"{_kind(a)} and {_kind(b)}")


def _ordered(right: Answer, other: Answer, relation_first: bool, profile: Profile) -> Finding:
    return same(right, other, profile) if relation_first else same(other, right, profile)


def _two_relations(a: Relation, b: Relation, profile: Profile) -> Finding:
    if a.sign == b.sign == "=" or {a.sign, b.sign} == {"=", r"\in"}:
        are_values = all(isinstance(side, Number) for side in (a.left, a.right, b.left, b.right))
        if are_values and _proportional(_difference(a), _difference(b)):
            return Finding(True, "algebra", "the same equation, written otherwise")
        if a.left == b.left or (_is_simple(a.left) and _is_simple(b.left) and _alike(a.left, b.left)):
            found = same(a.right, b.right, profile)
            if found.equal is not False or a.left == b.left or _is_simple(a.left):
                return found
        if not are_values:
            return Finding(None, "key", f"{_kind(a)} and {_kind(b)}")
        x, y = _difference(a), _difference(b)
        if _is_linear(x) and _is_linear(y):
            return Finding(False, "algebra", "different linear equations")
        return Finding(None, "algebra", "equations that are no multiples of each other")
    if a.sign in _ORDER and b.sign in _ORDER:
        if not all(isinstance(side, Number) for side in (a.left, a.right, b.left, b.right)):
            return Finding(None, "key", f"{_kind(a)} and {_kind(b)}")
        x, y = _turned(a), _turned(b)
        if (a.sign in ("<", ">") and b.sign in ("<", ">")) or {a.sign, b.sign} <= {r"\le", r"\ge"}:
            ratio = _ratio(x, y)
            if ratio is not None:
                return Finding(
                    ratio > 0, "algebra", "the same inequality" if ratio > 0 else "opposite inequalities"
                )
            return Finding(None, "algebra", "inequalities that are no multiples of each other")
        return (
            Finding(False, "key", "one inequality is strict, the other is not")
            if _ratio(x, y)
            else Finding(None, "algebra", "different inequalities")
        )
    return Finding(None, "key", f"{_kind(a)} and {_kind(b)}")


def _as_product(one: Several) -> Value | None:
    """x = 1 or x = 2 as (x - 1)(x - 2), which is 0; None if there is something else among them."""
    found = constant(1)
    if one.kind != "list":
        return None
    for item in one.items:
        if not isinstance(item, Relation) or item.sign != "=":
            return None
        if not isinstance(item.left, Number) or not isinstance(item.right, Number):
            return None
        found = algebra.multiply(found, _difference(item))
    return found


_ORDER = ("<", ">", r"\le", r"\ge")


def _alike(a: Answer, b: Answer) -> bool:
    """Whether two left sides name the same thing: f(x) and y do, x and y do not."""
    if isinstance(a, Number) and isinstance(b, Number):
        if min(len(a.value.symbols), len(b.value.symbols)) > 1:
            return a == b
        plain_a = len(a.value.symbols) == 1 and len(next(iter(a.value.above), ())) == 1
        plain_b = len(b.value.symbols) == 1 and len(next(iter(b.value.above), ())) == 1
        if plain_a and plain_b:
            return a == b
    return True


def _difference(one: Relation) -> Value:
    assert isinstance(one.left, Number)
    assert isinstance(one.right, Number)
    return algebra.add(one.left.value, algebra.negative(one.right.value))


def _turned(one: Relation) -> Value:
    """What is below zero, or at most zero."""
    found = _difference(one)
    return found if one.sign in ("<", r"\le") else algebra.negative(found)


def _ratio(x: Value, y: Value) -> Fraction | None:
    """The rational number that x is of y; None if it is not a constant multiple."""
    if not x.above or not y.above:
        return None
    return algebra.divide(x, y).rational


def _proportional(x: Value, y: Value) -> bool:
    """Whether two equations x = 0 and y = 0 are one, but for a constant factor."""
    if not x.above or not y.above:
        return not x.above and not y.above
    if x.above.keys() == y.above.keys():
        ratios = {x.above[product] / y.above[product] for product in x.above}
        if len(ratios) == 1:
            return True
    quotient = algebra.divide(Value(x.above, UNIT), Value(y.above, UNIT))
    return not quotient.symbols


def _is_linear(x: Value) -> bool:
    """Whether a value is a sum of variables with rational factors."""
    return x.below == UNIT and all(
        len(product) <= 1 and all(one[0] == "s" and exponent == 1 for one, exponent in product)
        for product in x.above
    )


# -- the rest


def _options(a: Answer, b: Answer, profile: Profile) -> Finding:
    if isinstance(a, Option) and isinstance(b, Option):
        return Finding(a.letter == b.letter, "key", f"{shown(a)} and {shown(b)}")
    option, other = (a, b) if isinstance(a, Option) else (b, a)
    assert isinstance(option, Option)
    if option.rest:
        rest = read(option.rest).answer
        if isinstance(rest, Option):
            return Finding(None, "key", "an option and a value")
        return _ordered(rest, other, a is option, profile)
    if isinstance(other, Number) and other.value.symbols:
        names = [Number(algebra.symbol(letter)) for letter in (option.letter, option.letter.lower())]
        if other.value in (names[0].value, names[1].value):
            return Finding(True, "key", f"both are {option.letter}")
        return same(names[0], other, profile)
    if isinstance(other, Relation):
        return (
            _relations(names_of(option), other, profile)
            if a is option
            else _relations(other, names_of(option), profile)
        )
    if isinstance(other, Several) and all(
        isinstance(item, Number) and item.value.symbols for item in other.items
    ):
        return (
            Finding(False, "key", f"{_kind(option)} and {_kind(other)}")
            if len(other.items) > 1
            else Finding(None, "key", "an option and a list")
        )
    if isinstance(other, Words):
        return Finding(None, "key", "an option and words")
    return Finding(None, "key", "an option and a value, without the text of the option")


def names_of(option: Option) -> Number:
    """The letter of an option as a variable."""
    return Number(algebra.symbol(option.letter))


def _words(a: Answer, b: Answer) -> Finding:
    if isinstance(a, Words) and isinstance(b, Words):
        if a.text == b.text:
            return Finding(True, "text", "the same words")
        x, y = a.text.split(), b.text.split()
        if _stems(x) == _stems(y):
            return Finding(True, "text", "the same words")
        if (
            len(x) <= 3
            and len(y) <= 3
            and not set(_stems(x)) & set(_stems(y))
            and _is_prose(a)
            and _is_prose(b)
        ):
            return Finding(False, "text", f"{_cut(a.text)} and {_cut(b.text)}")
        return Finding(None, "text", "other words")
    words, other = (a, b) if isinstance(a, Words) else (b, a)
    assert isinstance(words, Words)
    if isinstance(other, Option):
        return Finding(None, "text", "words and an option")
    if isinstance(other, Yes) and len(words.text.split()) == 1 and words.text.isalpha():
        return Finding(False, "text", f"{words.text} and {_kind(other)}")
    return Finding(None, "text", f"words and {_kind(other)}")


def _is_prose(one: Words) -> bool:
    return all(sign.isalpha() or sign in " -" for sign in one.text)


def _stems(words: list[str]) -> list[str]:
    return [word[:-1] if word.endswith("s") and len(word) > 3 else word for word in words]


def _mixed(one: Answer, other: Answer, profile: Profile) -> Finding | None:
    """Two kinds that can mean the same: an interval and a pair, a column and a tuple, 1,234 and 1, 234."""
    if isinstance(one, Region) and isinstance(other, Several):
        if len(one.pieces) == 1 and other.kind == "tuple" and len(other.items) == 2:
            piece = one.pieces[0]
            if piece.low_closed or piece.high_closed:
                return Finding(False, "key", f"{_kind(one)} and {_kind(other)}")
            ends = [_end(piece.low, -1), _end(piece.high, 1)]
            return _in_order(Several("tuple", tuple(ends)), other, profile)
        if not one.pieces:
            return Finding(
                not other.items, "key", "the empty set" if not other.items else "the empty set and values"
            )
        points = _points(one)
        if points is not None:
            return _several(points, other, profile)
        if other.kind == "tuple" and one.pieces and len(other.items) == 2 and len(one.pieces) == 1:
            return None
        return Finding(False, "key", f"{_kind(one)} and {_kind(other)}")
    if isinstance(one, Region) and isinstance(other, Number) and len(one.pieces) == 1:
        points = _points(one)
        if points is not None:
            return same(points.items[0], other, profile)
    if isinstance(one, Matrix) and isinstance(other, Several) and other.kind == "tuple":
        cells = [cell for row in one.rows for cell in row]
        if 1 in (len(one.rows), len(one.rows[0])):
            return _in_order_if_long(Several("tuple", tuple(Number(cell) for cell in cells)), other, profile)
    if isinstance(one, Several) and isinstance(other, Number):
        if other.places is not None and one.kind == "list" and _decimal_comma(one) == other.value.rational:
            return Finding(True, "key", f"both are {value_text(other.value)}, one with a decimal comma")
        if (other.thousands and one.kind != "set") or (other.thousands and one.kind == "set"):
            parts = value_text(other.value)
            digits = f"{int(parts):,}".split(",") if parts.isdigit() else []
            split = Several("list", tuple(Number(constant(int(part))) for part in digits))
            if len(split.items) == len(one.items):
                return _in_order(split, one, profile)
        return Finding(False, "key", f"{_kind(one)} and {_kind(other)}")
    is_ratio = isinstance(one, Proportion) and len(one.items) == 2 and bool(one.items[1].above)
    if is_ratio and isinstance(one, Proportion) and isinstance(other, Number) and not one.clock:
        return same(Number(algebra.divide(one.items[0], one.items[1])), other, profile)
    if (
        isinstance(one, Proportion)
        and isinstance(other, Number)
        and len(one.items) == 2
        and one.items[1].above
    ):
        quotient = algebra.divide(one.items[0], one.items[1])
        if other.places is None and algebra.equal(quotient, other.value) and one.items[1].rational != 0:
            return Finding(True, "algebra", f"both are {value_text(quotient)}")
    if isinstance(one, Based) and isinstance(other, Number):
        number = other.value.rational
        if number is not None and number.denominator == 1 and str(number.numerator) == one.digits:
            return Finding(True, "key", f"both are {one.digits} (base {one.base} left out)")
        return Finding(False, "key", f"{shown(one)} and {_cut(shown(other))}")
    return None


def _decimal_comma(one: Several) -> Fraction | None:
    """1000,99 as 1000.99."""
    parts = [item.value.rational for item in one.items if isinstance(item, Number) and item.places is None]
    if (
        len(one.items) != 2
        or len(parts) != 2
        or any(part is None or part < 0 or part.denominator != 1 for part in parts)
    ):
        return None
    whole, decimals = (str(part) for part in parts)
    return Fraction(f"{whole}.{decimals}")


def _in_order_if_long(a: Several, b: Several, profile: Profile) -> Finding:
    if len(a.items) != len(b.items):
        return Finding(False, "key", f"{len(a.items)} values and {len(b.items)}")
    return _in_order(a, b, profile)


def _end(value: Value | None, sign: int) -> Answer:
    return Infinite(sign) if value is None else Number(value)


def _points(region: Region) -> Several | None:
    """A region of single points as a set."""
    found = []
    for piece in region.pieces:
        if piece.low is None or piece.high is None or not algebra.equal(piece.low, piece.high):
            return None
        found.append(Number(piece.low))
    return Several("set", tuple(found))


def _regions(a: Region, b: Region, profile: Profile) -> Finding:
    if len(a.pieces) != len(b.pieces):
        return Finding(False, "key", f"{_cut(shown(a))} and {_cut(shown(b))}")
    for x, y in zip(a.pieces, b.pieces, strict=True):
        if (x.low is None) != (y.low is None) or (x.high is None) != (y.high is None):
            return Finding(False, "key", f"{_cut(shown(a))} and {_cut(shown(b))}")
        if not profile.open_or_closed and (x.low_closed, x.high_closed) != (y.low_closed, y.high_closed):
            return Finding(
                False,
                "key",
                f"an end is open in one and closed in the other: {_cut(shown(a))}, {_cut(shown(b))}",
            )
        for left, right in ((x.low, y.low), (x.high, y.high)):
            if left is None or right is None:
                continue
            found = _numbers(
                Number(left, places=_decimal(left)), Number(right, places=_decimal(right)), profile
            )
            if not found.equal:
                return found
    return Finding(True, "algebra", f"both are {_cut(shown(a))}")


def _decimal(value: Value) -> int | None:
    """Digits behind the point that a rational end may have been written with."""
    number = value.rational
    if number is None:
        return None
    below, places = number.denominator, 0
    while below > 1 and places < 12:
        if 10**12 % below:
            return None
        places += 1
        if 10**places % below == 0:
            return places
    return None


def _matrices(a: Matrix, b: Matrix, profile: Profile) -> Finding:
    if (len(a.rows), len(a.rows[0])) != (len(b.rows), len(b.rows[0])):
        flat = [cell for row in a.rows for cell in row], [cell for row in b.rows for cell in row]
        if (
            1 in (len(a.rows), len(a.rows[0]))
            and 1 in (len(b.rows), len(b.rows[0]))
            and len(flat[0]) == len(flat[1])
        ):
            return _cells(flat[0], flat[1], profile)
        return Finding(False, "key", "matrices of different shapes")
    return _cells([c for row in a.rows for c in row], [c for row in b.rows for c in row], profile)


def _cells(a: list[Value], b: list[Value], profile: Profile) -> Finding:
    return _in_order(
        Several("tuple", tuple(Number(x) for x in a)), Several("tuple", tuple(Number(y) for y in b)), profile
    )


def _late(a: Proportion, b: Proportion) -> bool:
    """Whether one is a time after noon on a clock of 24 hours and the other says am or pm."""
    plain, half = (a, b) if b.half else (b, a)
    hour = plain.items[0].rational
    return bool(half.half) and not plain.half and hour is not None and hour > 12


def _minutes(one: Proportion) -> Fraction | None:
    """Minutes since midnight."""
    parts = [item.rational for item in one.items]
    hour, minute = parts[0], parts[1]
    if hour is None or minute is None:
        return None
    if one.half:
        hour = hour % 12 + (12 if one.half == "p" else 0)
    return hour * 60 + minute


def _proportions(a: Proportion, b: Proportion) -> Finding:
    if len(a.items) != len(b.items):
        return Finding(False, "key", f"{shown(a)} and {shown(b)}")
    if a.half or b.half or (a.clock and b.clock):
        halves = {a.half, b.half} - {""}
        is_same = (
            _minutes(a) == _minutes(b)
            if len(halves) == 2 or (not all((a.half, b.half)) and _late(a, b))
            else (a.items == b.items)
        )
        return Finding(is_same, "key", f"{shown(a)} and {shown(b)}")
    if not all(one.above for one in (*a.items, *b.items)):
        return Finding(a.items == b.items, "key", f"{shown(a)} and {shown(b)}")
    for place in range(1, len(a.items)):
        left = algebra.multiply(a.items[0], b.items[place])
        right = algebra.multiply(b.items[0], a.items[place])
        if not algebra.equal(left, right):
            return Finding(
                False, "algebra", f"{_cut(shown(a))} and {_cut(shown(b))} are different proportions"
            )
    return Finding(True, "algebra", f"both are {_cut(shown(a))}")
