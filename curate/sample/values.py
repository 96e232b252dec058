"""Answers: the forms in which a right one may be written, and the slips that make wrong ones.

Every constructor here knows the exact value, so that right forms are right and wrong ones wrong:
numbers are integers or fractions, never floats.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from math import isqrt
from typing import NamedTuple

Rational = int | Fraction
Slips = Iterable[tuple[str, Rational]]


class Answer(NamedTuple):
    """One exact answer and how people write it, rightly and wrongly."""

    kind: str
    forms: tuple[tuple[str, str], ...]  # (name of the form, LaTeX), all equivalent; the plain one first
    wrong: tuple[tuple[str, str], ...]  # (name of the slip, LaTeX), all different from the answer


class Problem(NamedTuple):
    """A generated maths problem with its derivation."""

    family: str
    text: str
    answer: Answer
    steps: tuple[str, ...]  # sentences or equations in order, without the conclusion
    language: str = "en"


def decimal(value: Rational, places: int = 6) -> str | None:
    """The value as a terminating decimal, or None if it needs more than `places` digits.

    >>> decimal(Fraction(3, 8)), decimal(Fraction(1, 3)), decimal(-12)
    ('0.375', None, '-12')
    """
    scaled = value * 10**places
    if scaled.denominator != 1:
        return None
    whole, rest = divmod(abs(int(scaled)), 10**places)
    digits = f"{rest:0{places}d}".rstrip("0")
    return f"{'-' if value < 0 else ''}{whole}{'.' if digits else ''}{digits}"


def latex(value: Rational, command: str = "frac") -> str:
    """The value in LaTeX: an integer or a fraction in lowest terms.

    >>> latex(Fraction(-3, 4)), latex(7)
    ('-\\\\frac{3}{4}', '7')
    """
    if value.denominator == 1:
        return str(value.numerator)
    sign = "-" if value < 0 else ""
    return f"{sign}\\{command}{{{abs(value.numerator)}}}{{{value.denominator}}}"


def signed(value: Rational) -> str:
    """The value with its sign and a space, to stand after another term: `+ 3` or `- 3`."""
    return f"+ {latex(value)}" if value >= 0 else f"- {latex(-value)}"


def number_forms(
    value: Rational, *, unit: str = "", var: str = "", chance: bool = False
) -> list[tuple[str, str]]:
    """Right ways to write a number; `chance` allows a percentage (the number is a probability)."""
    plain = latex(value)
    if value.denominator == 1:
        forms = [("integer", plain), ("integer", plain)]
        if abs(value.numerator) >= 1000:
            forms.append(("grouped", f"{value.numerator:,}"))
        if not unit:
            forms.append(("decimal", f"{plain}.0"))
    else:
        top, bottom = value.numerator, value.denominator
        forms = [("fraction", plain), ("slash", f"{top}/{bottom}"), ("fraction", latex(value, "dfrac"))]
        exact = decimal(value)
        if exact is not None:
            forms.append(("decimal", exact))
            if chance:
                forms.append(("percent", f"{decimal(value * 100)}\\%"))
        if value > 1:
            forms.append(("mixed", f"{top // bottom}\\frac{{{top % bottom}}}{{{bottom}}}"))
    if unit:
        forms.append(("unit", f"{plain} \\text{{ {unit}}}"))
        forms.append(
            ("unit", f"{plain}\\,\\mathrm{{{unit}}}" if " " not in unit else f"{plain} \\text{{{unit}}}")
        )
    if var:
        forms.append(("assignment", f"{var} = {plain}"))
        forms.append(("assignment", f"{var}={plain}"))
    return forms


def number_slips(value: Rational, slips: Slips = (), *, chance: bool = False) -> list[tuple[str, Rational]]:
    """Wrong numbers near a right one, all different; the family's own slips come first."""
    drafts: list[tuple[str, Rational]] = list(slips)
    if chance:
        drafts += [
            ("complement", 1 - value),
            ("forgotten-factor", Fraction(value) / 2),
            ("forgotten-factor", value * 2),
        ]
        drafts.append(("arithmetic", Fraction(value.numerator, value.denominator + 1)))
        drafts.append(("arithmetic", Fraction(value.numerator + 1, value.denominator + 2)))
    else:
        drafts += [("off-by-one", value + 1), ("off-by-one", value - 1), ("forgotten-factor", value * 2)]
        drafts += [("sign", -value), ("arithmetic", value + 10), ("arithmetic", value + 3)]
        if value.denominator == 1:
            text = str(abs(value.numerator))
            drafts.append(("swapped-digits", int(text[:-2] + text[-1] + text[-2:-1]) if len(text) > 1 else 0))
            if value % 2 == 0:
                drafts.append(("forgotten-factor", value.numerator // 2))
        elif value:
            drafts.append(("inverted", 1 / Fraction(value)))
    seen = {value}
    kept = []
    for name, wrong in drafts:
        if wrong not in seen and not (chance and not 0 <= wrong <= 1) and not (name == "sign" and value < 20):
            seen.add(wrong)
            kept.append((name, wrong))
    return kept


def number(
    value: Rational, *, unit: str = "", var: str = "", chance: bool = False, slips: Slips = ()
) -> Answer:
    """A number, possibly with a unit, as the value of a variable, or as a probability."""
    forms = number_forms(value, unit=unit, var=var, chance=chance)
    wrong = [(name, latex(slip)) for name, slip in number_slips(value, slips, chance=chance)]
    return Answer("number", tuple(forms), tuple(wrong))


def money(cents: int, slips: Slips = ()) -> Answer:
    """An amount in dollars, given in cents."""
    plain = f"{cents // 100}.{cents % 100:02d}"
    forms = [("decimal", plain), ("money", f"\\${plain}"), ("unit", f"{plain} \\text{{ dollars}}")]
    if cents % 100 == 0:
        forms.append(("integer", str(cents // 100)))
    wrong = [
        (name, f"{int(slip) // 100}.{int(slip) % 100:02d}")
        for name, slip in number_slips(cents, [*slips, ("arithmetic", cents + 100)])
        if slip > 0 and slip.denominator == 1
    ]
    return Answer("money", tuple(forms), tuple(wrong))


def percentage(value: Rational, slips: Slips = ()) -> Answer:
    """An answer asked for in percent: `value` 12 means 12%."""
    plain = decimal(value) or latex(value)
    forms = (
        ("percent", f"{plain}\\%"),
        ("percent", f"{plain}\\%"),
        ("percent", f"{plain} \\%"),
        ("number", plain),
    )
    wrong = [(name, f"{decimal(slip) or latex(slip)}\\%") for name, slip in number_slips(value, slips)]
    return Answer("percent", forms, tuple(wrong))


def square_free(value: int) -> tuple[int, int]:
    """`value` as a**2 * b with b free of squares: (a, b).

    >>> square_free(72)
    (6, 2)
    """
    for root in range(isqrt(value), 1, -1):
        if value % (root * root) == 0:
            return root, value // (root * root)
    return 1, value


def _surd(factor: int, under: int) -> str:
    if under == 1:
        return str(factor)
    return {1: "", -1: "-"}.get(factor, str(factor)) + f"\\sqrt{{{under}}}"


def root_of(value: int, *, unit: str = "", var: str = "") -> Answer:
    """The square root of a positive integer, simplified."""
    factor, under = square_free(value)
    if under == 1:
        return number(factor, unit=unit, var=var)
    forms = [("radical", _surd(factor, under)), ("radical", _surd(factor, under))]
    if factor > 1:
        forms += [("radical-whole", f"\\sqrt{{{value}}}"), ("radical", f"{factor} \\cdot \\sqrt{{{under}}}")]
    if unit:
        forms.append(("unit", f"{_surd(factor, under)} \\text{{ {unit}}}"))
    wrong = (
        ("off-by-one", _surd(factor + 1, under)),
        ("forgotten-factor", _surd(2 * factor, under)),
        ("wrong-root", _surd(factor, under + 1 if isqrt(under + 1) ** 2 != under + 1 else under + 2)),
        ("forgotten-root", str(value)),
        ("arithmetic", f"\\sqrt{{{value + 1}}}"),
    )
    return Answer("radical", tuple(forms), wrong)


def surd_sum(plain: int, factor: int, under: int, divisor: int = 1) -> Answer:
    """(plain + factor * sqrt(under)) / divisor, with `under` free of squares and above 1."""
    mark = "+" if factor > 0 else "-"
    tail = _surd(abs(factor), under)
    head = f"{plain} {mark} {tail}"
    swapped = f"{tail} {signed(plain)}" if factor > 0 else f"-{tail} {signed(plain)}"
    other = f"{plain} {'-' if mark == '+' else '+'} {tail}"
    shifted = f"{plain + 1} {mark} {tail}"
    bigger = f"{plain} {mark} {_surd(abs(factor) + 1, under)}"
    texts = [head, swapped, other, shifted, bigger]
    if divisor > 1:
        texts = [f"\\frac{{{text}}}{{{divisor}}}" for text in texts]
    forms = (("radical-sum", texts[0]), ("radical-sum", texts[1]))
    wrong = (("sign", texts[2]), ("off-by-one", texts[3]), ("arithmetic", texts[4]))
    return Answer("radical-sum", forms, wrong)


def pi_times(value: Rational, *, unit: str = "") -> Answer:
    """A rational multiple of pi."""

    def write(factor: Rational) -> str:
        top, bottom = factor.numerator, factor.denominator
        multiple = "\\pi" if top == 1 else f"{top}\\pi"
        return multiple if bottom == 1 else f"\\frac{{{multiple}}}{{{bottom}}}"

    forms = [("pi", write(value)), ("pi", f"{latex(value)} \\pi"), ("pi", f"{latex(value)}\\cdot\\pi")]
    exact = decimal(value, 3)
    if exact is not None and value.denominator != 1:
        forms.append(("pi-decimal", f"{exact}\\pi"))
    if unit:
        forms.append(("unit", f"{write(value)} \\text{{ {unit}}}"))
    wrong = [(name, write(slip)) for name, slip in number_slips(value) if slip > 0]
    wrong.append(("forgotten-factor", latex(value)))
    return Answer("pi", tuple(forms), tuple(wrong))


def interval(low: Rational | None, high: Rational | None, *, closed: bool = False, var: str = "x") -> Answer:
    """All numbers from `low` to `high`; None is infinity on that side."""

    def write(lo: Rational | None, hi: Rational | None, shut: bool) -> str:
        left = "(-\\infty" if lo is None else f"{'[' if shut else '('}{latex(lo)}"
        right = "\\infty)" if hi is None else f"{latex(hi)}{']' if shut else ')'}"
        return f"{left}, {right}"

    text = write(low, high, closed)
    less, more = ("\\le", "\\ge") if closed else ("<", ">")
    forms = [("interval", text)] * 4 + [("interval", f"{var} \\in {text}")]
    if low is None and high is not None:
        forms.append(("inequality", f"{var} {less} {latex(high)}"))
    elif high is None and low is not None:
        forms.append(("inequality", f"{var} {more} {latex(low)}"))
    elif low is not None and high is not None:
        forms.append(("inequality", f"{latex(low)} {less} {var} {less} {latex(high)}"))
    wrong = [("wrong-bracket", write(low, high, not closed))]
    if low is not None:
        wrong.append(("off-by-one", write(low - 1, high, closed)))
    if high is not None:
        wrong.append(("arithmetic", write(low, high + 1, closed)))
    if low is not None and high is not None and low != -high:
        wrong.append(("sign", write(-high, -low, closed)))
    return Answer("interval", tuple(forms), tuple(wrong))


def two_rays(low: Rational, high: Rational, *, closed: bool = False) -> Answer:
    """All numbers below `low` or above `high`."""

    def write(lo: Rational, hi: Rational, shut: bool) -> str:
        left, right = ("]", "[") if shut else (")", "(")
        return f"(-\\infty, {latex(lo)}{left} \\cup {right}{latex(hi)}, \\infty)"

    text = write(low, high, closed)
    forms = (("union", text), ("union", f"x \\in {text}"), ("union", text))
    between = f"[{latex(low)}, {latex(high)}]" if closed else f"({latex(low)}, {latex(high)})"
    wrong = (
        ("swapped", between),
        ("off-by-one", write(low - 1, high, closed)),
        ("arithmetic", write(low, high + 2, closed)),
    )
    return Answer("union", forms, wrong)


def roots(values: Sequence[Rational], var: str = "x") -> Answer:
    """A finite set of numbers, such as the solutions of an equation."""
    if len(values) == 1:
        return number(values[0], var=var)
    texts = [latex(value) for value in values]
    back = texts[::-1]
    forms = (
        ("set", "\\{" + ", ".join(texts) + "\\}"),
        ("set", "\\{" + ", ".join(back) + "\\}"),
        ("list", ", ".join(texts)),
        ("assignment", f"{var} = " + ", ".join(texts)),
        ("assignment", " \\text{ or } ".join(f"{var} = {text}" for text in texts)),
    )
    drafts = (
        ("sign", [-value for value in values]),
        ("off-by-one", [values[0] + 1, *values[1:]]),
        ("forgotten-solution", values[:1]),
        ("arithmetic", [*values[:-1], values[-1] + 2]),
    )
    wrong = [
        (name, "\\{" + ", ".join(map(latex, draft)) + "\\}")
        for name, draft in drafts
        if set(draft) != set(values) and len(set(draft)) == len(draft)
    ]
    return Answer("set", forms, tuple(wrong))


def point(*coordinates: Rational, names: str = "xy") -> Answer:
    """An ordered tuple: a point, or the solution of a system in the variables `names`."""
    texts = [latex(value) for value in coordinates]
    forms = [("tuple", f"({', '.join(texts)})"), ("tuple", f"({','.join(texts)})")]
    if names:
        named = ", ".join(f"{name} = {text}" for name, text in zip(names, texts, strict=False))
        forms.append(("assignment", named))
        forms.append(("tuple", f"({', '.join(names)}) = ({', '.join(texts)})"))
    drafts = (
        ("swapped", coordinates[::-1]),
        ("sign", (-coordinates[0], *coordinates[1:])),
        ("off-by-one", (coordinates[0] + 1, *coordinates[1:])),
        ("arithmetic", (*coordinates[:-1], coordinates[-1] - 2)),
    )
    wrong = [(name, f"({', '.join(map(latex, draft))})") for name, draft in drafts if draft != coordinates]
    return Answer("tuple", tuple(forms), tuple(wrong))


def word(text: str, others: Iterable[str]) -> Answer:
    """A word, and the words a careless reader might give."""
    forms = (("word", f"\\text{{{text}}}"), ("word", text), ("word", f"\\textbf{{{text}}}"))
    return Answer(
        "word", forms, tuple(("wrong-word", f"\\text{{{other}}}") for other in others if other != text)
    )


def polynomial_text(coefficients: Sequence[Rational], var: str = "x") -> str:
    """A polynomial in LaTeX; `coefficients` start at the highest power.

    >>> polynomial_text([1, -3, 0, 2])
    'x^3 - 3x^2 + 2'
    """
    out = ""
    for index, factor in enumerate(coefficients):
        power = len(coefficients) - 1 - index
        if factor == 0:
            continue
        size = -factor if factor < 0 else factor
        shown = str(power) if power < 10 else f"{{{power}}}"
        letter = "" if power == 0 else var if power == 1 else f"{var}^{shown}"
        body = letter if size == 1 and letter else f"{latex(size)}{letter}"
        if not out:
            out = body if factor > 0 else f"-{body}"
        else:
            out += f" + {body}" if factor > 0 else f" - {body}"
    return out or "0"


def polynomial(coefficients: Sequence[Rational], var: str = "x", *, name: str = "") -> Answer:
    """A polynomial, highest power first, with at least two terms."""
    text = polynomial_text(coefficients, var)
    forms = [("polynomial", text), ("polynomial", text)]
    constant = coefficients[-1]
    head = [*coefficients[:-1], 0]
    if constant > 0 and any(head):
        lead = polynomial_text(head, var)
        tail = f"- {lead[1:]}" if lead.startswith("-") else f"+ {lead}"
        forms.append(("reordered", f"{latex(constant)} {tail}"))
    if name:
        forms.append(("assignment", f"{name} = {text}"))
    first, last = coefficients[0], coefficients[-1]
    drafts = (
        ("off-by-one", [first + 1, *coefficients[1:]]),
        ("arithmetic", [*coefficients[:-1], last + 1]),
        ("sign", [*coefficients[:-1], -last] if last else [-first, *coefficients[1:]]),
        ("forgotten-term", [first, *[0] * (len(coefficients) - 1)]),
    )
    wrong = [
        (slip, polynomial_text(draft, var)) for slip, draft in drafts if list(draft) != list(coefficients)
    ]
    return Answer("polynomial", tuple(forms), tuple(wrong))


def matrix(rows: Sequence[Sequence[Rational]]) -> Answer:
    """A matrix of integers or fractions."""

    def write(entries: Sequence[Sequence[Rational]], kind: str = "pmatrix") -> str:
        body = " \\\\ ".join(" & ".join(map(latex, line)) for line in entries)
        return f"\\begin{{{kind}}} {body} \\end{{{kind}}}"

    flipped = [list(line) for line in zip(*rows, strict=True)]
    bumped = [list(line) for line in rows]
    bumped[-1][-1] += 1
    shifted = [list(line) for line in rows]
    shifted[0][0] -= 2
    forms = (("matrix", write(rows)), ("matrix", write(rows)), ("matrix", write(rows, "bmatrix")))
    drafts = (("swapped", flipped), ("off-by-one", bumped), ("arithmetic", shifted))
    same = [list(line) for line in rows]
    return Answer("matrix", forms, tuple((name, write(draft)) for name, draft in drafts if draft != same))


def complex_text(real: Rational, imaginary: Rational) -> str:
    """A complex number in LaTeX with a nonzero imaginary part."""
    positive = -imaginary if imaginary < 0 else imaginary
    size = "" if positive == 1 else latex(positive)
    if real == 0:
        return f"{'-' if imaginary < 0 else ''}{size}i"
    return f"{latex(real)} {'+' if imaginary > 0 else '-'} {size}i"


def complex_number(real: int, imaginary: int) -> Answer:
    """A complex number with integer parts; the imaginary part is not 0."""
    drafts = (
        ("sign", (real, -imaginary)),
        ("off-by-one", (real + 1, imaginary)),
        ("swapped", (imaginary, real)),
        ("arithmetic", (real, imaginary + 2)),
    )
    wrong = [
        (name, complex_text(*draft)) for name, draft in drafts if draft != (real, imaginary) and draft[1]
    ]
    text = complex_text(real, imaginary)
    forms = [("complex", text), ("complex", text.replace(" ", ""))]
    return Answer("complex", tuple(forms), tuple(wrong))
