"""Algebra: equations, systems, inequalities, polynomials, functions, powers, complex numbers."""

from __future__ import annotations

from fractions import Fraction

from curate.sample.dice import Dice
from curate.sample.values import (
    Problem,
    complex_number,
    complex_text,
    interval,
    latex,
    number,
    point,
    polynomial,
    polynomial_text,
    roots,
    signed,
    square_free,
    surd_sum,
    two_rays,
)


def linear(numbers: Dice, words: Dice) -> Problem:
    """a x + b = c x + d."""
    a, c = numbers.nonzero(24), numbers.nonzero(24)
    c = 2 * c if a == c else c
    b, d = numbers.nonzero(99), numbers.nonzero(99)
    v = words.pick("xtnwyz")
    left, right = polynomial_text((a, b), v), polynomial_text((c, d), v)
    text = words.pick(
        (
            f"Solve the equation ${left} = {right}$ for ${v}$.",
            f"For which value of ${v}$ do the expressions ${left}$ and ${right}$ agree?",
            f"The lines $y = {left}$ and $y = {right}$ (in the variable ${v}$) meet at one point. Find its "
            f"${v}$-coordinate.",
            f"A number ${v}$ satisfies ${left} = {right}$. Compute ${v}$ exactly.",
            f"Given that ${right} = {left}$, what is ${v}$?",
        )
    )
    steps = (
        f"bring the terms with ${v}$ to one side: ${polynomial_text((a - c, 0), v)} = {d} {signed(-b)}$",
        f"the right side is ${d - b}$",
        f"divide by ${a - c}$",
    )
    value = Fraction(d - b, a - c)
    return Problem("linear", text, number(value, var=v, slips=(("sign", Fraction(d + b, a - c)),)), steps)


def system(numbers: Dice, words: Dice) -> Problem:
    """Two linear equations in two unknowns."""
    x, y = numbers.nonzero(25), numbers.nonzero(25)
    a, b, c = numbers.nonzero(9), numbers.nonzero(9), numbers.nonzero(9)
    d = numbers.nonzero(9)
    d = 2 * d if a * d == b * c else d
    first = (
        f"{polynomial_text((a, 0), 'x')} {'+' if b > 0 else '-'} {polynomial_text((abs(b), 0), 'y')} = "
        f"{a * x + b * y}"
    )
    other = (
        f"{polynomial_text((c, 0), 'x')} {'+' if d > 0 else '-'} {polynomial_text((abs(d), 0), 'y')} = "
        f"{c * x + d * y}"
    )
    text = words.pick(
        (
            f"Solve the system ${first}$, ${other}$ and give the ordered pair $(x, y)$.",
            f"Find the point $(x, y)$ at which the lines ${first}$ and ${other}$ intersect.",
            f"The numbers $x$ and $y$ satisfy both ${first}$ and ${other}$. What is $(x, y)$?",
            f"Determine $(x, y)$ from the two conditions\n\\[{first}\\]\n\\[{other}\\]",
        )
    )
    steps = (
        f"the determinant of the system is ${a}\\cdot({d}) - ({b})\\cdot({c}) = {a * d - b * c}$",
        f"eliminating $y$ gives ${polynomial_text((a * d - b * c, 0), 'x')} = {(a * d - b * c) * x}$, so "
        f"$x = {x}$",
        "putting this back into the first equation gives $y$",
    )
    return Problem("system", text, point(x, y), steps)


def quadratic(numbers: Dice, words: Dice) -> Problem:
    """Roots of a quadratic that factors."""
    p, q, a = numbers.nonzero(30), numbers.nonzero(30), numbers.between(1, 6)
    q = -q if q == p else q
    poly = (a, -a * (p + q), a * p * q)
    v = words.pick("xtzn")
    body = polynomial_text(poly, v)
    text = words.pick(
        (
            f"Find all solutions of ${body} = 0$.",
            f"Solve ${body} = 0$ for ${v}$ and list every root.",
            f"For which real numbers ${v}$ does ${body}$ vanish?",
            f"Determine the set of zeros of the function $f({v}) = {body}$.",
        )
    )
    steps = (
        f"look for two numbers with sum ${p + q}$ and product ${p * q}$",
        f"these are ${p}$ and ${q}$",
        f"the left side factors as ${'' if a == 1 else a}({v} {signed(-p)})({v} {signed(-q)})$",
    )
    return Problem("quadratic", text, roots((min(p, q), max(p, q)), v), steps)


def quadratic_surd(numbers: Dice, words: Dice) -> Problem:
    """The larger root of a quadratic with irrational roots."""
    half = numbers.nonzero(30)
    factor, under = numbers.between(1, 9), numbers.pick((2, 3, 5, 6, 7, 10, 11, 13, 14, 15, 17, 19))
    poly = (1, -2 * half, half * half - factor * factor * under)
    v = words.pick("xtyu")
    body = polynomial_text(poly, v)
    text = words.pick(
        (
            f"What is the larger root of ${body} = 0$? Give an exact value.",
            f"The equation ${body} = 0$ has two real solutions. Find the greater one in simplest radical "
            f"form.",
            f"Let ${v}$ be the greatest real number with ${body} = 0$. Determine ${v}$ exactly.",
        )
    )
    steps = (
        f"complete the square: $({v} {signed(-half)})^2 = {factor * factor * under}$",
        f"the square root of ${factor * factor * under}$ simplifies with "
        f"${square_free(factor * factor * under)[0]}^2$ "
        f"taken out",
        "the larger root takes the positive sign",
    )
    return Problem("quadratic-surd", text, surd_sum(half, factor, under), steps)


def vieta(numbers: Dice, words: Dice) -> Problem:
    """A symmetric expression in the roots of a quadratic."""
    a, b, c = numbers.between(1, 12), numbers.nonzero(40), numbers.nonzero(60)
    total, product = Fraction(-b, a), Fraction(c, a)
    body = polynomial_text((a, b, c))
    kind = numbers.below(3)
    value = (total * total - 2 * product, total / product, total**3 - 3 * total * product)[kind]
    wanted = ("r^2 + s^2", "\\frac{1}{r} + \\frac{1}{s}", "r^3 + s^3")[kind]
    text = words.pick(
        (
            f"Let $r$ and $s$ be the (complex) roots of ${body}$. Find ${wanted}$.",
            f"If $r$ and $s$ denote the two solutions of ${body} = 0$, what is ${wanted}$?",
            f"Without solving ${body} = 0$, compute ${wanted}$, where $r, s$ are its roots.",
        )
    )
    steps = (
        f"by Vieta $r + s = {latex(total)}$ and $rs = {latex(product)}$",
        ("$r^2+s^2 = (r+s)^2 - 2rs$", "$1/r + 1/s = (r+s)/(rs)$", "$r^3+s^3 = (r+s)^3 - 3rs(r+s)$")[kind],
        "insert the two values",
    )
    return Problem(
        "vieta", text, number(value, slips=(("forgotten-term", total * total), ("sign", -value))), steps
    )


def absolute(numbers: Dice, words: Dice) -> Problem:
    """|a x + b| < c."""
    a, b, c = numbers.between(1, 12), numbers.nonzero(60), numbers.between(1, 80)
    closed = numbers.chance(0.5)
    mark = "\\le" if closed else "<"
    body = polynomial_text((a, b))
    low, high = Fraction(-c - b, a), Fraction(c - b, a)
    text = words.pick(
        (
            f"Solve the inequality $|{body}| {mark} {c}$. Write the answer in interval notation.",
            f"Find all real $x$ with $|{body}| {mark} {c}$, as an interval.",
            f"For which real numbers $x$ is $|{body}|$ {'at most' if closed else 'less than'} ${c}$? Give "
            f"an interval.",
        )
    )
    steps = (
        f"this means $-{c} {mark} {body} {mark} {c}$",
        f"subtracting ${b}$ gives ${-c - b} {mark} {polynomial_text((a, 0))} {mark} {c - b}$",
        f"dividing by ${a}$ keeps the direction",
    )
    return Problem("absolute", text, interval(low, high, closed=closed), steps)


def quadratic_inequality(numbers: Dice, words: Dice) -> Problem:
    """Where a quadratic is positive or negative."""
    p, gap = numbers.between(-40, 30), numbers.between(1, 40)
    q, closed, positive = p + gap, numbers.chance(0.5), numbers.chance(0.5)
    mark = ("\\ge" if closed else ">") if positive else ("\\le" if closed else "<")
    body = polynomial_text((1, -p - q, p * q))
    text = words.pick(
        (
            f"Solve ${body} {mark} 0$ over the real numbers and give the solution set in interval notation.",
            f"Find the set of real $x$ for which ${body} {mark} 0$. Use interval notation.",
            f"Determine, in interval notation, where the parabola $y = {body}$ satisfies $y {mark} 0$.",
        )
    )
    steps = (
        f"the zeros are ${p}$ and ${q}$, because the product is ${p * q}$ and the sum ${p + q}$",
        f"the parabola opens upwards, so it is negative between ${p}$ and ${q}$",
        "the sign asked for tells which part to take",
    )
    answer = two_rays(p, q, closed=closed) if positive else interval(p, q, closed=closed)
    return Problem("quadratic-inequality", text, answer, steps)


def remainder(numbers: Dice, words: Dice) -> Problem:
    """Remainder of a polynomial on division by x - r."""
    poly = [numbers.between(1, 9), numbers.nonzero(15), numbers.nonzero(20), numbers.nonzero(40)]
    r = numbers.nonzero(7)
    value = ((poly[0] * r + poly[1]) * r + poly[2]) * r + poly[3]
    body = polynomial_text(poly)
    text = words.pick(
        (
            f"What is the remainder when ${body}$ is divided by $x {signed(-r)}$?",
            f"The polynomial $p(x) = {body}$ is divided by $x {signed(-r)}$. Find the remainder.",
            f"Dividing ${body}$ by the linear factor $x {signed(-r)}$ leaves a constant. Which constant?",
        )
    )
    steps = (
        f"by the remainder theorem it is the value at $x = {r}$",
        f"by Horner's scheme: start with ${poly[0]}$, then ${poly[0] * r + poly[1]}$, "
        f"then ${(poly[0] * r + poly[1]) * r + poly[2]}$",
        f"one more step: multiply by ${r}$ and add ${poly[3]}$",
    )
    other = ((-poly[0] * r + poly[1]) * -r + poly[2]) * -r + poly[3]
    return Problem("remainder", text, number(value, slips=(("sign", other),)), steps)


def expand(numbers: Dice, words: Dice) -> Problem:
    """The product of two polynomials."""
    a, b = numbers.between(1, 9), numbers.nonzero(15)
    c, d, e = numbers.between(1, 6), numbers.nonzero(12), numbers.nonzero(20)
    product = (a * c, a * d + b * c, a * e + b * d, b * e)
    v = words.pick("xtyz")
    first, other = polynomial_text((a, b), v), polynomial_text((c, d, e), v)
    text = words.pick(
        (
            f"Expand $({first})({other})$ and collect like terms.",
            f"Write the product of ${first}$ and ${other}$ as a polynomial in ${v}$.",
            f"Multiply out: $({other})({first})$.",
        )
    )
    steps = (
        f"${polynomial_text((a, 0), v)}$ times the second factor is "
        f"${polynomial_text((a * c, a * d, a * e, 0), v)}$",
        f"${b}$ times it is ${polynomial_text((b * c, b * d, b * e), v)}$",
        "add the two lines",
    )
    return Problem("expand", text, polynomial(product, v), steps)


def composition(numbers: Dice, words: Dice) -> Problem:
    """f(g(x)) at a point."""
    a, b, c, d = numbers.nonzero(12), numbers.nonzero(30), numbers.nonzero(8), numbers.nonzero(30)
    x = numbers.nonzero(12)
    inner = x * x + c * x + d
    f, g = words.pick((("f", "g"), ("p", "q"), ("u", "v"), ("h", "k")))
    text = words.pick(
        (
            f"Let ${f}(x) = {polynomial_text((a, b))}$ and ${g}(x) = {polynomial_text((1, c, d))}$. Compute "
            f"${f}({g}({x}))$.",
            f"Given ${g}(x) = {polynomial_text((1, c, d))}$ and ${f}(x) = {polynomial_text((a, b))}$, what "
            f"is the value "
            f"of ${f}({g}(x))$ at $x = {x}$?",
            f"Two functions are defined by ${f}(t) = {polynomial_text((a, b), 't')}$ and "
            f"${g}(t) = {polynomial_text((1, c, d), 't')}$. Evaluate ${f} \\circ {g}$ at ${x}$.",
        )
    )
    steps = (
        f"first ${g}({x}) = {x * x} {signed(c * x)} {signed(d)} = {inner}$",
        f"then ${f}({inner}) = {a}\\cdot({inner}) {signed(b)}$",
    )
    outer = a * x + b
    slips = (("swapped", outer * outer + c * outer + d),)
    return Problem("composition", text, number(a * inner + b, slips=slips), steps)


def exponent(numbers: Dice, words: Dice) -> Problem:
    """base^(a x + b) = base^c, written with different bases."""
    base, p, q = numbers.pick((2, 3, 5, 7)), numbers.between(2, 6), numbers.between(1, 9)
    a, b = numbers.between(1, 9), numbers.nonzero(25)
    value = Fraction(Fraction(q, p) - b, a)
    left, right = base**p, base**q
    v = words.pick("xtny")
    text = words.pick(
        (
            f"Solve ${left}^{{{polynomial_text((a, b), v)}}} = {right}$ for ${v}$.",
            f"For which real ${v}$ is ${left}^{{{polynomial_text((a, b), v)}}}$ equal to ${right}$?",
            f"Find the exact value of ${v}$ such that ${right} = {left}^{{{polynomial_text((a, b), v)}}}$.",
        )
    )
    steps = (
        f"write both sides as powers of {base}: ${left} = {base}^{p}$ and ${right} = {base}^{q}$",
        f"so ${p}({polynomial_text((a, b), v)}) = {q}$",
        f"hence ${polynomial_text((a, 0), v)} = {latex(Fraction(q, p))} {signed(-b)}$",
    )
    return Problem(
        "exponent", text, number(value, var=v, slips=(("forgotten-factor", Fraction(q - b, a)),)), steps
    )


def complex_product(numbers: Dice, words: Dice) -> Problem:
    """A product of complex numbers."""
    a, b, c, d = numbers.nonzero(30), numbers.nonzero(30), numbers.nonzero(30), numbers.nonzero(30)
    d = 2 * d if a * d + b * c == 0 else d
    real, imaginary = a * c - b * d, a * d + b * c
    z, w = complex_text(a, b), complex_text(c, d)
    text = words.pick(
        (
            f"Write $({z})({w})$ in the form $p + qi$ with real $p$ and $q$.",
            f"Let $z = {z}$ and $w = {w}$, where $i^2 = -1$. Compute $zw$.",
            f"Multiply the complex numbers ${w}$ and ${z}$ and simplify.",
        )
    )
    steps = (
        f"the real part is ${a}\\cdot({c}) - ({b})\\cdot({d}) = {real}$",
        f"the imaginary part is ${a}\\cdot({d}) + ({b})\\cdot({c})$",
    )
    return Problem("complex-product", text, complex_number(real, imaginary), steps)


FAMILIES = (
    linear,
    system,
    quadratic,
    quadratic_surd,
    vieta,
    absolute,
    quadratic_inequality,
    remainder,
    expand,
    composition,
    exponent,
    complex_product,
)
