"""Sequences, series and calculus."""

from __future__ import annotations

from fractions import Fraction

from curate.sample.dice import Dice
from curate.sample.values import Problem, latex, number, polynomial, polynomial_text, signed
from curate.sample.words import name, town


def _value(poly: tuple[int, ...], x: int | Fraction) -> int | Fraction:
    total: int | Fraction = 0
    for factor in poly:
        total = total * x + factor
    return total


def _derivative(poly: tuple[int, ...]) -> tuple[int, ...]:
    top = len(poly) - 1
    return tuple(factor * (top - index) for index, factor in enumerate(poly[:-1]))


def arithmetic_sum(numbers: Dice, words: Dice) -> Problem:
    """Sum of an arithmetic series."""
    first, step, count = numbers.between(-40, 60), numbers.nonzero(19), numbers.between(8, 120)
    last = first + (count - 1) * step
    value = count * (first + last) // 2
    text = words.pick(
        (
            f"Find the sum ${first} {signed(first + step)} {signed(first + 2 * step)} + \\cdots "
            f"{signed(last)}$, in which "
            f"consecutive terms differ by {step}.",
            f"An arithmetic sequence has first term {first} and common difference {step}. What is the sum "
            f"of its first {count} "
            f"terms?",
            f"The $n$-th term of a sequence is $a_n = {polynomial_text((step, first - step), 'n')}$. "
            f"Compute $a_1 + a_2 + \\cdots "
            f"+ a_{{{count}}}$.",
        )
    )
    steps = (
        f"there are {count} terms, the first is {first} and the last is {last}",
        f"their mean is ${latex(Fraction(first + last, 2))}$",
        "the sum is the number of terms times the mean",
    )
    return Problem("arithmetic-sum", text, number(value, slips=(("off-by-one", value - last),)), steps)


def geometric_sum(numbers: Dice, words: Dice) -> Problem:
    """Sum of an infinite geometric series."""
    first, bottom = numbers.between(1, 60), numbers.between(3, 20)
    ratio = Fraction(numbers.nonzero(bottom - 1), bottom)
    value = Fraction(first) / (1 - ratio)
    who, place = name(words), town(words)
    text = words.pick(
        (
            f"What is the sum of the infinite geometric series with first term {first} and common ratio "
            f"${latex(ratio)}$?",
            f"Evaluate $\\sum_{{k=0}}^{{\\infty}} {first}\\left({latex(ratio)}\\right)^k$.",
            f"{who} from {place} adds up ${first}$, ${latex(first * ratio)}$, ${latex(first * ratio**2)}$, "
            f"and so on, each term "
            f"being ${latex(ratio)}$ times the one before. To which number do the partial sums converge?",
        )
    )
    steps = (
        f"the ratio ${latex(ratio)}$ is smaller than 1 in absolute value, so the series converges",
        f"the sum is $\\frac{{a}}{{1-q}}$ with $a = {first}$ and $1-q = {latex(1 - ratio)}$",
    )
    return Problem(
        "geometric-sum", text, number(value, slips=(("sign", Fraction(first) / (1 + ratio)),)), steps
    )


def recurrence(numbers: Dice, words: Dice) -> Problem:
    """A term of a linear recurrence."""
    start, p, q, n = numbers.between(1, 12), numbers.between(2, 5), numbers.nonzero(15), numbers.between(5, 9)
    terms = [start]
    for _ in range(n - 1):
        terms.append(p * terms[-1] + q)
    a = words.pick("abcu")
    who = name(words)
    text = words.pick(
        (
            f"A sequence is given by ${a}_1 = {start}$ and ${a}_{{n+1}} = {p}{a}_n {signed(q)}$. Find "
            f"${a}_{n}$.",
            f"{who} starts with {start} and repeatedly multiplies by {p} and then adds {q}. Which number "
            f"stands at position {n} "
            f"if the start is position 1?",
            f"Let ${a}_1 = {start}$ and, for $n \\ge 1$, let ${a}_{{n+1}}$ be {p} times ${a}_n$ plus {q}. "
            f"What is ${a}_{n}$?",
        )
    )
    steps = (
        f"the first terms are {', '.join(map(str, terms[:3]))}",
        f"then come {', '.join(map(str, terms[3:-1])) or 'no others'}",
        f"the next step is {p} times {terms[-2]} plus {q}",
    )
    return Problem("recurrence", text, number(terms[-1], slips=(("off-by-one", p * terms[-1] + q),)), steps)


def telescope(numbers: Dice, words: Dice) -> Problem:
    """A telescoping sum."""
    start, gap, count = numbers.between(1, 30), numbers.between(1, 9), numbers.between(5, 80)
    end = start + gap * count
    value = (Fraction(1, start) - Fraction(1, end)) / gap
    terms = (
        f"\\frac{{1}}{{{start}\\cdot {start + gap}}} + \\frac{{1}}{{{start + gap}\\cdot {start + 2 * gap}}}"
    )
    text = words.pick(
        (
            f"Compute ${terms} + \\cdots + \\frac{{1}}{{{end - gap}\\cdot {end}}}$.",
            f"Find the exact value of the sum of $\\frac{{1}}{{m(m+{gap})}}$ over $m = {start}, "
            f"{start + gap}, \\ldots, "
            f"{end - gap}$.",
            f"Simplify the {count}-term sum ${terms} + \\cdots + \\frac{{1}}{{{end - gap}\\cdot {end}}}$ "
            f"to a single fraction.",
        )
    )
    steps = (
        f"$\\frac{{1}}{{m(m+{gap})}} = \\frac{{1}}{{{gap}}}\\left(\\frac{{1}}{{m}} - "
        f"\\frac{{1}}{{m+{gap}}}\\right)$",
        "in the sum everything but the first and the last part cancels",
        f"what remains is $\\frac{{1}}{{{gap}}}\\left(\\frac{{1}}{{{start}}} - \\frac{{1}}{{{end}}}\\right)$",
    )
    return Problem("telescope", text, number(value, slips=(("forgotten-factor", value * gap),)), steps)


def slope_at(numbers: Dice, words: Dice) -> Problem:
    """Derivative of a polynomial at a point."""
    poly = (numbers.nonzero(6), numbers.nonzero(9), numbers.nonzero(15), numbers.nonzero(30))
    x = numbers.nonzero(9)
    slope = _derivative(poly)
    body = polynomial_text(poly)
    who = name(words)
    text = words.pick(
        (
            f"Let $f(x) = {body}$. Find $f'({x})$.",
            f"What is the slope of the tangent to $y = {body}$ at $x = {x}$?",
            f"A bead moves on a wire in such a way that {who} finds it at position $s(t) = "
            f"{polynomial_text(poly, 't')}$ metres "
            f"after $t$ seconds (negative $t$ means before the start of the clock). What is its velocity "
            f"at $t = {x}$?",
        )
    )
    steps = (
        f"differentiate term by term: ${polynomial_text(slope)}$",
        f"insert ${x}$: ${slope[0] * x * x} {signed(slope[1] * x)} {signed(slope[2])}$",
    )
    slips = (("forgotten-derivative", _value(poly, x)),)
    return Problem("slope-at", text, number(_value(slope, x), slips=slips), steps)


def derivative(numbers: Dice, words: Dice) -> Problem:
    """Derivative of a product of two polynomials, as a polynomial."""
    a, b, c, d = numbers.nonzero(9), numbers.nonzero(20), numbers.nonzero(9), numbers.nonzero(20)
    poly = (a * c, a * d, b * c, b * d)
    v = words.pick("xtuz")
    left, right = polynomial_text((a, 0, b), v), polynomial_text((c, d), v)
    text = words.pick(
        (
            f"Differentiate $({left})({right})$ with respect to ${v}$ and expand the result.",
            f"Find the derivative of $h({v}) = ({right})({left})$ as a polynomial in standard form.",
            f"Let $p({v}) = ({left})({right})$. Determine $p'({v})$, fully expanded.",
        )
    )
    steps = (
        f"expanded, the function is ${polynomial_text(poly, v)}$",
        "each power comes down as a factor and the exponent drops by one",
        f"the leading term becomes ${polynomial_text((3 * poly[0], 0, 0), v)}$",
    )
    return Problem("derivative", text, polynomial(_derivative(poly), v), steps)


def definite_integral(numbers: Dice, words: Dice) -> Problem:
    """Definite integral of a quadratic."""
    a, b, c = numbers.nonzero(12), numbers.nonzero(20), numbers.nonzero(30)
    low = numbers.between(-5, 4)
    high = low + numbers.between(1, 6)
    v = words.pick("xtu")
    body = polynomial_text((a, b, c), v)
    inner = (Fraction(a, 3), Fraction(b, 2), Fraction(c), Fraction(0))

    def primitive(x: int) -> Fraction:
        return ((inner[0] * x + inner[1]) * x + inner[2]) * x

    value = primitive(high) - primitive(low)
    text = words.pick(
        (
            f"Evaluate $\\int_{{{low}}}^{{{high}}} \\left({body}\\right) d{v}$.",
            f"Compute the definite integral of ${body}$ from ${v} = {low}$ to ${v} = {high}$ as an exact "
            f"number.",
            f"What is the signed area between the graph of $f({v}) = {body}$ and the ${v}$-axis for ${v}$ "
            f"from ${low}$ to "
            f"${high}$?",
        )
    )
    steps = (
        f"an antiderivative is ${polynomial_text(inner, v)}$",
        f"at the upper limit it is ${latex(primitive(high))}$",
        f"at the lower limit it is ${latex(primitive(low))}$",
        "subtract the second from the first",
    )
    slips = (("sign", primitive(high) + primitive(low)), ("forgotten-term", primitive(high)))
    return Problem("definite-integral", text, number(value, slips=slips), steps)


def extremum(numbers: Dice, words: Dice) -> Problem:
    """Largest value of a downward parabola, or smallest of an upward one."""
    a, b, c = numbers.nonzero(9), numbers.nonzero(40), numbers.nonzero(70)
    value = c - Fraction(b * b, 4 * a)
    word = "maximum" if a < 0 else "minimum"
    body = polynomial_text((a, b, c))
    place = town(words)
    text = words.pick(
        (
            f"What is the {word} value of $f(x) = {body}$ over all real $x$?",
            f"Find the {word} of the expression ${body}$ for real $x$.",
            f"The profile of a roof in {place} follows $y = {body}$. Determine the $y$-coordinate of the "
            f"vertex.",
        )
    )
    steps = (
        f"the derivative ${polynomial_text((2 * a, b))}$ vanishes at $x = {latex(Fraction(-b, 2 * a))}$",
        f"the square of half the middle coefficient over $a$ is ${latex(Fraction(b * b, 4 * a))}$",
        f"so the value there is ${c} {signed(-Fraction(b * b, 4 * a))}$",
    )
    return Problem("extremum", text, number(value, slips=(("sign", c + Fraction(b * b, 4 * a)),)), steps)


def limit(numbers: Dice, words: Dice) -> Problem:
    """A limit with a removable singularity."""
    r, s, p, q = numbers.nonzero(15), numbers.nonzero(30), numbers.between(1, 9), numbers.nonzero(40)
    q = q + 1 if p * r + q == 0 else q
    top = polynomial_text((1, -r - s, r * s))
    bottom = polynomial_text((p, q - p * r, -q * r))
    value = Fraction(r - s, p * r + q)
    text = words.pick(
        (
            f"Compute $\\lim_{{x \\to {r}}} \\frac{{{top}}}{{{bottom}}}$.",
            f"Find the limit of $\\frac{{{top}}}{{{bottom}}}$ as $x$ approaches ${r}$.",
            f"Which value must be assigned at $x = {r}$ so that $f(x) = \\frac{{{top}}}{{{bottom}}}$ "
            f"becomes continuous there?",
        )
    )
    steps = (
        f"top and bottom both vanish at ${r}$, so $x {signed(-r)}$ can be cancelled",
        f"the top is $(x {signed(-r)})(x {signed(-s)})$",
        f"the bottom is $(x {signed(-r)})({polynomial_text((p, q))})$",
        f"insert ${r}$ into what is left: ${r - s}$ over ${p * r + q}$",
    )
    return Problem("limit", text, number(value), steps)


FAMILIES = (
    arithmetic_sum,
    geometric_sum,
    recurrence,
    telescope,
    slope_at,
    derivative,
    definite_integral,
    extremum,
    limit,
)
