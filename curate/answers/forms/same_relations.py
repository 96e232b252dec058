"""Rules for equations and inequalities, and for an equation beside the value that it names."""

from __future__ import annotations

from fractions import Fraction

from curate.answers.forms import algebra
from curate.answers.forms.algebra import UNIT, Value, constant
from curate.answers.forms.build import ORDER
from curate.answers.forms.finding import Compare, Finding, Rules, two_kinds
from curate.answers.forms.kinds import Answer, Number, Proportion, Relation, Several, Words

FUNCTION_LETTERS = frozenset("fghFGHPQpqWT")
_STRICT = ("<", ">")
_NAMING = ("=", r"\in")
_UNSOLVED = Finding(None, "algebra", "an equation and several")


def relations(a: Answer, b: Answer, rules: Rules) -> Finding:
    """Two answers, at least one of them a relation."""
    found: Finding | None = None
    if isinstance(a, Relation) and isinstance(b, Relation):
        found = _two_relations(a, b, rules)
    elif isinstance(a, Relation):
        found = _relation_and_other(a, b, rules.compare)
    elif isinstance(b, Relation):
        found = _relation_and_other(b, a, lambda y, x: rules.compare(x, y))
    return found or Finding(None, "key", two_kinds(a, b))


def is_name(left: Answer) -> bool:
    """Whether the left side of an equation is a name: x, f(x), AB, (x, y)."""
    if isinstance(left, Several):
        return left.kind != "set" and all(is_name(item) for item in left.items)
    if not isinstance(left, Number):
        return isinstance(left, Words | Proportion)
    if left.value.below != UNIT or len(left.value.above) != 1:
        return False
    [(product, factor)] = left.value.above.items()
    are_letters = all(one[0] in ("s", "c") and abs(exponent) == 1 for one, exponent in product)
    return factor == 1 and bool(product) and are_letters


def _is_power(left: Answer) -> bool:
    """Whether the left side of an equation is x^2 or 2x, which is another thing than x."""
    if not isinstance(left, Number) or len(left.value.above) != 1:
        return False
    [(product, factor)] = left.value.above.items()
    return len(product) == 1 and product[0][0][0] == "s" and (factor != 1 or product[0][1] != 1)


def _relation_and_other(relation: Relation, other: Answer, compare: Compare) -> Finding | None:
    """x = 5 is 5, and x = 1 or x = 2 is (x - 1)(x - 2) = 0; None where nothing can be said."""
    left, right = relation.left, relation.right
    if relation.sign == "=" and isinstance(other, Several) and not isinstance(right, Several):
        equation, roots = _difference(relation), _with_roots(other)
        if equation is not None and roots is not None:
            if _proportional(equation, roots):
                return Finding(True, "algebra", "the equation has these solutions")
            return compare(right, other) if _is_explicit(relation) else _UNSOLVED
    if relation.sign not in _NAMING:
        return None
    is_number = isinstance(right, Number) and not right.value.symbols and bool(right.value.above)
    if is_name(left) or (is_number and not _is_power(left)):
        return compare(right, other)
    if isinstance(left, Number) and not left.value.symbols and is_name(right):  # 5 = x
        return compare(left, other)
    if isinstance(other, Number) and other not in (left, right) and not other.value.symbols:
        return Finding(False, "key", two_kinds(relation, other))
    return None


def _is_explicit(one: Relation) -> bool:
    """Whether an equation says what one thing is: a variable or f(x), alone on the left."""
    if not isinstance(one.left, Number) or not isinstance(one.right, Number) or not is_name(one.left):
        return False
    function = _applied(one)
    named = one.left.value.symbols if function is None else {function[0]}
    return len(named) == 1 and not named & one.right.value.symbols


def _two_relations(a: Relation, b: Relation, rules: Rules) -> Finding | None:
    b = _with_variable_of(a, b)
    x, y = _difference(a), _difference(b)
    if a.sign in _NAMING and b.sign in _NAMING and (a.sign, b.sign) != (r"\in", r"\in"):
        return _two_equations(a, b, x, y, rules)
    if x is None or y is None:
        return None
    if _is_strict(a) is None or _is_strict(b) is None:
        return None
    ratio = _ratio(_below_zero(a, x), _below_zero(b, y))
    if _is_strict(a) != _is_strict(b):
        if ratio is None:
            return Finding(None, "algebra", "different inequalities")
        return Finding(False, "key", "one inequality is strict, the other is not")
    if ratio is None:
        return Finding(None, "algebra", "inequalities that are no multiples of each other")
    return Finding(ratio > 0, "algebra", "the same inequality" if ratio > 0 else "opposite inequalities")


def _two_equations(
    a: Relation, b: Relation, x: Value | None, y: Value | None, rules: Rules
) -> Finding | None:
    if x is not None and y is not None and _proportional(x, y):
        return Finding(True, "algebra", "the same equation, written otherwise")
    if a.left == b.left or (is_name(a.left) and is_name(b.left) and _may_be_alike(a.left, b.left)):
        return rules.compare(a.right, b.right)
    if x is None or y is None:
        return None
    if _is_linear(x) and _is_linear(y):
        return Finding(False, "algebra", "different linear equations")
    return Finding(None, "algebra", "equations that are no multiples of each other")


def _with_variable_of(a: Relation, b: Relation) -> Relation:
    """f(n) = n as f(z) = z, where the other equation is about f(z)."""
    mine, other = _applied(a), _applied(b)
    if mine is None or other is None or mine == other or mine[0] != other[0]:
        return b
    if not isinstance(b.right, Number) or mine[1] in b.right.value.symbols:
        return b
    if isinstance(a.right, Number) and other[1] in a.right.value.symbols:
        return b
    renamed = algebra.substitute(b.right.value, other[1], mine[1])
    return b._replace(left=a.left, right=b.right._replace(value=renamed))


def _applied(one: Relation) -> tuple[str, str] | None:
    """The name and the variable of f(x) on the left of an equation, where it is read as a product."""
    if one.sign != "=" or not isinstance(one.left, Number) or not is_name(one.left):
        return None
    symbols = one.left.value.symbols
    functions = [name for name in symbols if name[0] in FUNCTION_LETTERS]
    if len(symbols) != 2 or len(functions) != 1:
        return None
    return functions[0], next(iter(symbols - set(functions)))


def _may_be_alike(a: Answer, b: Answer) -> bool:
    """Whether two names may stand for the same thing: f(x) and y do, x and y do not."""
    if not isinstance(a, Number) or not isinstance(b, Number):
        return True
    symbols = len(a.value.symbols), len(b.value.symbols)
    return a == b if min(symbols) > 1 or symbols == (1, 1) else True


def _with_roots(one: Several) -> Value | None:
    """x = 1 or x = 2 as (x - 1)(x - 2), which is 0; None if there is something else among them."""
    found = constant(1)
    for item in one.items:
        gap = _difference(item) if isinstance(item, Relation) and item.sign == "=" else None
        if gap is None:
            return None
        found = algebra.multiply(found, gap)
    return found if one.kind == "list" else None


def _difference(one: Relation) -> Value | None:
    """The left side less the right side; None where one of them is no number."""
    if not isinstance(one.left, Number) or not isinstance(one.right, Number):
        return None
    return algebra.add(one.left.value, algebra.negative(one.right.value))


def _is_strict(one: Relation) -> bool | None:
    """Whether an inequality leaves out equality; None for what is no inequality."""
    return one.sign in _STRICT if one.sign in ORDER else None


def _below_zero(one: Relation, difference: Value) -> Value:
    """What an inequality says to be below zero, or at most zero."""
    return difference if one.sign in ("<", r"\le") else algebra.negative(difference)


def _ratio(x: Value, y: Value) -> Fraction | None:
    """The rational number that x is of y; None if it is not a constant multiple."""
    return algebra.divide(x, y).rational if x.above and y.above else None


def _proportional(x: Value, y: Value) -> bool:
    """Whether two equations x = 0 and y = 0 are one, but for a constant factor."""
    if not x.above or not y.above:
        return not x.above and not y.above
    if x.above.keys() == y.above.keys() and len({x.above[one] / y.above[one] for one in x.above}) == 1:
        return True
    return not algebra.divide(Value(x.above, UNIT), Value(y.above, UNIT)).symbols


def _is_linear(x: Value) -> bool:
    """Whether a value is a sum of variables with rational factors."""
    return x.below == UNIT and all(
        len(product) <= 1 and all(one[0] == "s" and exponent == 1 for one, exponent in product)
        for product in x.above
    )
