r"""Other ways to write a number or formula: functions of a ground truth and a random source; None for none.

`VALUES` rewrites numbers, `FORMULAS` formulas, by sympy or by hand. Every result is read again and evaluated
before it becomes a pair.
"""

# mypy: disable-error-code="import-untyped"
from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache
from random import Random
from typing import Any

import sympy
from verify_golds import Gold
from verify_read import Tree, letters, read, symbolic, value
from verify_surface import ROOT_OF_NUMBER

Form = Callable[[Gold, Random], str | None]

_CJK_DIGITS = "零一二三四五六七八九"
_MAX_TERMS = 12
_MAX_POWER = 12


def _expression(gold: Gold) -> Any:
    assert gold.tree is not None
    return _symbolic(gold.tree)


@lru_cache(maxsize=20_000)
def _symbolic(tree: Tree) -> Any:
    return symbolic(tree)


def latex(expression: Any) -> str:
    """An expression as LaTeX that the reader of the checks takes."""
    return str(sympy.latex(expression, ln_notation=True, inv_trig_style="full", fold_short_frac=False))


def _too_large(tree: Tree | None) -> bool:
    """Whether rewriting a formula could take long, or there is none."""
    return tree is None or len(str(tree)) > 600 or _has_high_power(tree)


def _has_high_power(tree: Tree) -> bool:
    if tree[0] == "!":
        return True
    if tree[0] == "^" and not letters(tree[2]):
        try:
            if abs(value(tree[2], {})) > _MAX_POWER:
                return True
        except (ArithmeticError, ValueError):
            return True
    return any(_has_high_power(part) for part in tree[1:] if isinstance(part, tuple))


def rewritten(change: Callable[[Any], Any]) -> Form:
    """The formula after a change by sympy, if it looks different then."""

    def form(gold: Gold, _rng: Random) -> str | None:
        if _too_large(gold.tree):
            return None
        expression = _expression(gold)
        try:
            changed = change(expression)
        except (NotImplementedError, sympy.PolynomialError):  # sympy knows no such form of it
            return None
        if changed == expression or changed.has(sympy.nan, sympy.zoo, sympy.oo):
            return None
        return latex(changed)

    return form


def _shuffled(gold: Gold, rng: Random) -> str | None:
    """A sum in another order."""
    if _too_large(gold.tree):
        return None
    expression = _expression(gold)
    terms = list(expression.args)
    if not expression.is_Add or len(terms) > _MAX_TERMS:
        return None
    rng.shuffle(terms)
    text = ""
    for term in terms:
        piece = latex(term)
        text += piece if not text or piece.startswith("-") else f"+{piece}"
    return text


def _factors_apart(gold: Gold, rng: Random) -> str | None:
    """A product with its factors in another order and a sign between them."""
    if _too_large(gold.tree):
        return None
    factors = list(_expression(gold).args) if _expression(gold).is_Mul else []
    if len(factors) < 2 or any(factor == -1 for factor in factors):
        return None
    rng.shuffle(factors)
    sign = rng.choice((" \\cdot ", " \\times ", "*"))
    pieces = [latex(factor) for factor in factors]
    pieces = [
        f"({piece})" if re.search(r"[-+/]", piece.lstrip("-")) or piece[0] == "-" else piece
        for piece in pieces
    ]
    return sign.join(pieces)


def _ascii(gold: Gold, rng: Random) -> str | None:
    """As a computer algebra system or a calculator writes it: sqrt(3)/3, x**2, 2*pi."""
    if _too_large(gold.tree):
        return None
    text = str(_expression(gold))
    if re.search(r"exp|log|I|E|Abs|sin|cos|tan|factorial|binomial", text) or text == gold.text:
        return None
    return text if rng.random() < 0.3 else text.replace("**", "^")


def _under_the_root(gold: Gold, _rng: Random) -> str | None:
    found = re.search(r"(?<![\d.])(\d{1,3})\s*\\sqrt\s*\{\s*(\d{1,4})\s*\}", gold.text)
    if found is None:
        return None
    inside = int(found[1]) ** 2 * int(found[2])
    return f"{gold.text[: found.start()]}\\sqrt{{{inside}}}{gold.text[found.end() :]}"


def _irrational_below(gold: Gold, _rng: Random) -> str | None:
    """With a root in the denominator: sqrt(3)/3 as 1/sqrt(3)."""
    found = re.fullmatch(r"(-?)\\[dt]?frac\{(\d*)\s*\\sqrt\{(\d+)\}\}\{(\d+)\}", gold.text)
    if found is None:
        return None
    above = Fraction(int(found[2] or 1) * int(found[3]), int(found[4]))
    below = f"{'' if above.denominator == 1 else above.denominator}\\sqrt{{{found[3]}}}"
    return f"{found[1]}\\frac{{{above.numerator}}}{{{below}}}"


def _upside_down(gold: Gold, _rng: Random) -> str | None:
    if _too_large(gold.tree):
        return None
    inverse = sympy.radsimp(1 / _expression(gold))
    if inverse.has(sympy.zoo, sympy.nan) or inverse.is_Integer:
        return None
    return f"\\frac{{1}}{{{latex(inverse)}}}"


def _half_power(gold: Gold, rng: Random) -> str | None:
    half = rng.choice(("^{1/2}", "^{\\frac{1}{2}}", "^{0.5}"))
    found = re.sub(r"\\sqrt\s*\{(\w+)\}", rf"({chr(92)}1){half}".replace("\\frac", "\\\\frac"), gold.text)
    return found if found != gold.text else None


def _split_root(gold: Gold, _rng: Random) -> str | None:
    found = ROOT_OF_NUMBER.search(gold.text)
    if found is None:
        return None
    inside = int(found[1])
    factor = next((p for p in (2, 3, 5, 7, 11, 13) if inside % p == 0 and inside > p), None)
    if factor is None:
        return None
    roots = f"\\sqrt{{{factor}}}\\sqrt{{{inside // factor}}}"
    return f"{gold.text[: found.start()]}{roots}{gold.text[found.end() :]}"


def _root_of_fraction(gold: Gold, _rng: Random) -> str | None:
    found = re.sub(
        r"\\[dt]?frac\{\\sqrt\{(\d+)\}\}\{(\d+)\}",
        lambda m: f"\\sqrt{{\\frac{{{m[1]}}}{{{int(m[2]) ** 2}}}}}",
        gold.text,
    )
    return found if found != gold.text else None


def rational(gold: Gold) -> Fraction | None:
    """The value of an integer, decimal or fraction."""
    if gold.family in ("integer", "decimal"):
        return Fraction(gold.text)
    if gold.family == "grouped":
        return Fraction(gold.parts[0])
    if gold.family == "fraction" and not _too_large(gold.tree):
        value = _expression(gold)
        return Fraction(int(value.p), int(value.q)) if value.is_Rational else None
    return None


def decimals(value: Fraction, most: int = 8) -> str | None:
    """The finite decimal of a fraction; None if there is none of so few places."""
    scaled = value * 10**most
    if scaled.denominator != 1:
        return None
    digits = f"{abs(scaled.numerator):0{most + 1}d}"
    text = f"{digits[:-most]}.{digits[-most:]}".rstrip("0").rstrip(".")
    return f"{'-' if value < 0 else ''}{text}"


def _of_value(write: Callable[[Fraction, Random], str | None]) -> Form:
    def form(gold: Gold, rng: Random) -> str | None:
        value = rational(gold)
        text = None if value is None else write(value, rng)
        return None if text == gold.text else text

    return form


def _as_decimal(value: Fraction, _rng: Random) -> str | None:
    return decimals(value) if value.denominator > 1 else None


def _as_fraction(value: Fraction, rng: Random) -> str | None:
    if value.denominator == 1 or value.denominator > 10**8:
        return None
    sign, above = ("-" if value < 0 else ""), abs(value.numerator)
    style = rng.choice(("\\frac{%d}{%d}", "%d/%d", "\\dfrac{%d}{%d}", "%d / %d", "{%d}/{%d}"))
    return sign + style % (above, value.denominator)


def _unreduced(value: Fraction, rng: Random) -> str | None:
    factor = rng.choice((2, 3, 4, 5, 10))
    if abs(value.numerator) > 10**9:
        return None
    above, below = abs(value.numerator) * factor, value.denominator * factor
    return f"{'-' if value < 0 else ''}\\frac{{{above}}}{{{below}}}"


def _mixed(value: Fraction, rng: Random) -> str | None:
    whole, rest = divmod(abs(value), 1)
    if not whole or not rest or rest.denominator > 1000:
        return None
    style = rng.choice(("%d\\frac{%d}{%d}", "%d %d/%d", "%d \\frac{%d}{%d}", "%d\\,\\frac{%d}{%d}"))
    return ("-" if value < 0 else "") + style % (whole, rest.numerator, rest.denominator)


def _repeating(value: Fraction, rng: Random) -> str | None:
    below = value.denominator
    for prime in (2, 5):
        while below % prime == 0:
            below //= prime
    if below == 1 or below > 1000:
        return None
    lead = next(n for n in range(20) if (value.denominator * 1) and (10**n * below) % value.denominator == 0)
    period = next((n for n in range(1, 13) if 10**n % below == 1), None)
    if period is None or lead > 4:
        return None
    digits = abs(value.numerator) * 10 ** (lead + period) // value.denominator
    text = f"{digits:0{lead + period + 1}d}"
    whole, fixed, again = text[: -lead - period], text[-lead - period : -period], text[-period:]
    styles = [f"\\overline{{{again}}}", f"({again})"] + ([f"\\dot{{{again}}}"] if period == 1 else [])
    exact = Fraction(int(whole + fixed), 10**lead) + Fraction(int(again), 10**lead * (10**period - 1))
    assert exact == abs(value), "the decimal was made of the fraction"
    return f"{'-' if value < 0 else ''}{whole}.{fixed}{rng.choice(styles)}"


def _inverse_power(value: Fraction, rng: Random) -> str | None:
    if value.denominator == 1 or value < 0:
        return None
    above = "" if value.numerator == 1 else f"{value.numerator} \\cdot "
    return above + rng.choice((f"{value.denominator}^{{-1}}", f"({value.denominator})^{{-1}}"))


def _prime_power(value: Fraction, _rng: Random) -> str | None:
    factors = sympy.factorint(abs(value.numerator)) if 3 < abs(value.numerator) < 10**12 else {}
    if value.denominator != 1 or value < 0 or not any(n > 1 for n in factors.values()):
        return None
    return " \\cdot ".join(f"{p}^{{{n}}}" if n > 1 else f"{p}" for p, n in sorted(factors.items()))


def _grouped_digits(value: Fraction, rng: Random) -> str | None:
    if value.denominator != 1 or abs(value) < 1000:
        return None
    comma = rng.choice((",", "{,}", "\\,", ",\\!", "\u2009", "\u202f", "\\ "))
    return f"{int(value):,}".replace(",", comma)


def _scientific(value: Fraction, rng: Random) -> str | None:
    text = decimals(value, 12)
    if text is None or not value or len(text.strip("-0.").rstrip("0").replace(".", "")) > 6:
        return None
    exponent = len(f"{int(abs(value))}") - 1 if abs(value) >= 1 else -len(text.lstrip("-0.").join([""])) or 0
    exponent = _exponent_of(abs(value))
    mantissa = decimals(value / Fraction(10) ** exponent, 12)
    style = rng.choice(("%s \\times 10^{%d}", "%s \\cdot 10^{%d}", "%se%d", "%s \\times 10^{%d}"))
    return style % (mantissa, exponent) if mantissa and abs(exponent) > 1 else None


def _exponent_of(value: Fraction) -> int:
    exponent = 0
    while value >= 10:
        value, exponent = value / 10, exponent + 1
    while value < 1:
        value, exponent = value * 10, exponent - 1
    return exponent


def cjk(number: int) -> str:
    """A whole number below 10**8 in Chinese: 三十六, 一千零二, 一万二千."""
    if number < 10:
        return _CJK_DIGITS[number]
    if number >= 10_000:
        high, low = divmod(number, 10_000)
        rest = "" if low == 0 else ("零" if low < 1000 else "") + cjk_below(low)
        return f"{cjk(high)}万{rest}"
    text = cjk_below(number)
    return text[1:] if number < 20 else text


def cjk_below(number: int) -> str:
    """A whole number of one to four digits in Chinese, ten as 一十."""
    text, skipped = "", False
    for unit, name in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit, number = divmod(number, unit)
        if digit:
            text += ("零" if skipped and text else "") + _CJK_DIGITS[digit] + name
            skipped = False
        else:
            skipped = bool(text)
    return text


def _in_chinese(value: Fraction, _rng: Random) -> str | None:
    return cjk(int(value)) if value.denominator == 1 and 0 <= value < 10**8 else None


def _zeros(value: Fraction, rng: Random) -> str | None:
    if value.denominator == 1:
        return (
            f"{'-' if value < 0 else ''}{rng.choice(('0', '00'))}{abs(int(value))}"
            if abs(value) < 1000
            else None
        )
    text = decimals(value)
    return None if text is None else text + rng.choice(("0", "00"))


def _point_zero(value: Fraction, rng: Random) -> str | None:
    return f"{int(value)}.{rng.choice(('0', '00'))}" if value.denominator == 1 else None


def _no_leading_zero(value: Fraction, _rng: Random) -> str | None:
    text = decimals(value)
    return text.replace("0.", ".", 1) if text and 0 < abs(value) < 1 else None


def _word_text(value: Fraction, rng: Random) -> str | None:
    text = decimals(value)
    style = rng.choice(("\\text{%s}", "\\mathrm{%s}", "\\textbf{%s}", "\\mathbf{%s}", "{%s}", "\\mbox{%s}"))
    return style % text if text else None


def _plus(value: Fraction, rng: Random) -> str | None:
    text = decimals(value)
    return rng.choice(("+%s", "+ %s")) % text if text and value > 0 else None


def _assigned(gold: Gold, rng: Random) -> str | None:
    names = letters(gold.tree) if gold.tree else frozenset()
    free = [name for name in "xnkmyta" if name not in names]
    if not names - {"i"}:
        return f"{rng.choice(free)} {rng.choice(('=', '= ', '='))} {gold.text}"
    if len(names - {"i"}) == 1 and len(name := min(names - {"i"})) == 1:
        head = rng.choice((f"f({name})", "y", f"g({name})")) if name not in "yfg" else f"F({name})"
        return f"{head} = {gold.text}"
    return None


VALUES: dict[str, Form] = {
    "as-decimal": _of_value(_as_decimal),
    "as-fraction": _of_value(_as_fraction),
    "unreduced-fraction": _of_value(_unreduced),
    "mixed-number": _of_value(_mixed),
    "repeating-decimal": _of_value(_repeating),
    "inverse-power": _of_value(_inverse_power),
    "prime-powers": _of_value(_prime_power),
    "thousands": _of_value(_grouped_digits),
    "scientific": _of_value(_scientific),
    "chinese-numeral": _of_value(_in_chinese),
    "zeros-added": _of_value(_zeros),
    "point-zero": _of_value(_point_zero),
    "no-leading-zero": _of_value(_no_leading_zero),
    "number-in-text": _of_value(_word_text),
    "plus-sign": _of_value(_plus),
}

FORMULAS: dict[str, Form] = {
    "expanded": rewritten(sympy.expand),
    "factored": rewritten(sympy.factor),
    "one-fraction": rewritten(sympy.together),
    "partial-sums": rewritten(
        lambda e: sympy.expand(sympy.apart(e)) if len(e.free_symbols) == 1 else sympy.expand(e)
    ),
    "rational-denominator": rewritten(sympy.radsimp),
    "logarithm-rules": rewritten(lambda e: sympy.expand_log(e, force=True)),
    "logarithms-joined": rewritten(lambda e: sympy.logcombine(e, force=True)),
    "trigonometry": rewritten(lambda e: sympy.expand_trig(e) if e.has(sympy.sin, sympy.cos) else e),
    "sum-reordered": _shuffled,
    "factors-reordered": _factors_apart,
    "ascii": _ascii,
    "under-the-root": _under_the_root,
    "irrational-denominator": _irrational_below,
    "one-over-inverse": _upside_down,
    "half-power": _half_power,
    "root-split": _split_root,
    "root-of-fraction": _root_of_fraction,
    "assigned-to-letter": _assigned,
}


def _as_printed(gold: Gold, _rng: Random) -> str | None:
    """The formula as sympy prints it, where that is another text."""
    if _too_large(gold.tree):
        return None
    text = latex(_expression(gold))
    return text if re.sub(r"\s", "", text) != re.sub(r"\s", "", gold.text) else None


FORMULAS["as-printed"] = _as_printed


def part_rewritten(part: str, rng: Random) -> str:
    """One part of a tuple, list, interval or matrix in another form; as it is where none comes."""
    tree = read(part)
    gold = Gold(part, "closed", tree, (), "")
    if re.fullmatch(r"-?\d+", part):
        gold = gold._replace(family="integer")
    elif re.fullmatch(r"-?\d*\.\d+", part):
        gold = gold._replace(family="decimal")
    elif tree is not None and not letters(tree) and rationals(tree):
        gold = gold._replace(family="fraction")
    forms = ["as-decimal", "as-fraction", "mixed-number"] if gold.family != "closed" else []
    forms += ["as-printed", "sum-reordered", "factors-reordered", "under-the-root", "irrational-denominator"]
    for kind in rng.sample(forms, len(forms)):
        found = (VALUES | FORMULAS)[kind](gold, rng)
        if found is not None and "," not in found:
            return found
    return part


def rationals(tree: Tree) -> bool:
    """Whether a formula holds numbers, signs and divisions only."""
    if tree[0] == "number":
        return True
    return tree[0] in ("/", "neg") and all(rationals(part) for part in tree[1:])
