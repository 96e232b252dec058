"""Matrices, vectors, sets and surveys."""

from __future__ import annotations

from fractions import Fraction

from curate.sample.dice import Dice
from curate.sample.values import Problem, interval, latex, matrix, number, point, roots
from curate.sample.words import name, town


def _matrix_text(rows: tuple[tuple[int, ...], ...]) -> str:
    return "\\begin{pmatrix} " + " \\\\ ".join(" & ".join(map(str, row)) for row in rows) + " \\end{pmatrix}"


def determinant(numbers: Dice, words: Dice) -> Problem:
    """A 3 by 3 determinant."""
    a, b, c, d, e, f, g, h, i = (numbers.between(-9, 9) for _ in range(9))
    parts = (a * (e * i - f * h), -b * (d * i - f * g), c * (d * h - e * g))
    text_matrix = _matrix_text(((a, b, c), (d, e, f), (g, h, i)))
    text = words.pick(
        (
            f"Compute the determinant of ${text_matrix}$.",
            f"Let $M = {text_matrix}$. Find $\\det M$.",
            f"What is the signed volume of the parallelepiped spanned by the rows of ${text_matrix}$?",
        )
    )
    steps = (
        "expand along the first row",
        f"the three contributions are ${parts[0]}$, ${parts[1]}$ and ${parts[2]}$",
        "add them",
    )
    slips = (("sign", parts[0] - parts[1] + parts[2]),)
    return Problem("determinant", text, number(sum(parts), slips=slips), steps)


def matrix_product(numbers: Dice, words: Dice) -> Problem:
    """Product of two 2 by 2 matrices."""
    a, b, c, d, e, f, g, h = (numbers.between(-12, 12) for _ in range(8))
    product = ((a * e + b * g, a * f + b * h), (c * e + d * g, c * f + d * h))
    left, right = _matrix_text(((a, b), (c, d))), _matrix_text(((e, f), (g, h)))
    p, q = tuple(words.pick(("AB", "MN", "PQ", "ST")))
    text = words.pick(
        (
            f"Calculate ${left} {right}$.",
            f"Let ${p} = {left}$ and ${q} = {right}$. What is the product ${p}{q}$?",
            f"The map with matrix ${right}$ is followed by the map with matrix ${left}$. Find the matrix "
            f"of the composition.",
        )
    )
    steps = (
        f"the first row of the product is ${a}\\cdot({e}) + {b}\\cdot({g}) = {product[0][0]}$ and "
        f"${a}\\cdot({f}) + {b}\\cdot({h}) = {product[0][1]}$",
        f"the second row starts with ${c}\\cdot({e}) + {d}\\cdot({g}) = {product[1][0]}$",
        "the last entry comes from the second row and the second column",
    )
    return Problem("matrix-product", text, matrix(product), steps)


def dot_product(numbers: Dice, words: Dice) -> Problem:
    """Parameter that makes two vectors orthogonal."""
    a, b, c, d, e = (numbers.nonzero(20) for _ in range(5))
    value = Fraction(-(a * d + b * e), c)
    u, v = words.pick((("u", "v"), ("a", "b"), ("p", "q")))
    text = words.pick(
        (
            f"For which real $k$ are the vectors $({a}, {b}, {c})$ and $({d}, {e}, k)$ orthogonal?",
            f"The vectors $\\vec {u} = ({a}, {b}, {c})$ and $\\vec {v} = ({d}, {e}, k)$ are perpendicular. "
            f"Find $k$.",
            f"Determine $k$ so that the dot product of $({d}, {e}, k)$ and $({a}, {b}, {c})$ is zero.",
        )
    )
    steps = (
        f"the dot product is ${a}\\cdot({d}) + {b}\\cdot({e}) + {c}k$",
        f"without $k$ it is ${a * d + b * e}$",
        f"so ${c}k = {-(a * d + b * e)}$",
    )
    return Problem("dot-product", text, number(value, var="k", slips=(("sign", -value),)), steps)


def cross_product(numbers: Dice, words: Dice) -> Problem:
    """Cross product of two vectors."""
    a, b, c, d, e, f = (numbers.nonzero(12) for _ in range(6))
    product = (b * f - c * e, c * d - a * f, a * e - b * d)
    text = words.pick(
        (
            f"Compute the cross product $({a}, {b}, {c}) \\times ({d}, {e}, {f})$.",
            f"Let $\\vec p = ({a}, {b}, {c})$ and $\\vec q = ({d}, {e}, {f})$. Find $\\vec p \\times \\vec "
            f"q$.",
            f"A force acts with $\\vec r = ({a}, {b}, {c})$ and $\\vec F = ({d}, {e}, {f})$. What is the "
            f"torque "
            f"$\\vec r \\times \\vec F$?",
        )
    )
    steps = (
        f"the first component is ${b}\\cdot({f}) - ({c})\\cdot({e}) = {product[0]}$",
        f"the second component is ${c}\\cdot({d}) - ({a})\\cdot({f}) = {product[1]}$",
        f"the third one is ${a}\\cdot({e}) - ({b})\\cdot({d})$",
    )
    return Problem("cross-product", text, point(*product, names=""), steps)


def survey(numbers: Dice, words: Dice) -> Problem:
    """Inclusion and exclusion with two groups."""
    both, first, second, neither = (numbers.between(3, 400) for _ in range(4))
    total = both + first + second + neither
    one, two = words.some(
        ("tea", "coffee", "chess", "swimming", "jazz", "cycling", "opera", "hiking", "tennis"), 2
    )
    who, place = name(words), town(words)
    text = words.pick(
        (
            f"Of {total} people in {place}, {both + first} like {one}, {both + second} like {two} and "
            f"{both} like both. How many "
            f"like neither?",
            f"{who} asked {total} visitors of {place}: {both + first} named {one}, {both + second} named "
            f"{two}, {both} named the "
            f"two of them. What is the number of visitors who named none of these?",
            f"In a survey with {total} answers, {one} was ticked {both + first} times and {two} "
            f"{both + second} times; {both} "
            f"forms had both ticks. On how many forms was neither ticked?",
        )
    )
    steps = (
        f"at least one: {both + first} + {both + second} - {both} = {both + first + second}",
        f"subtract this from {total}",
    )
    slips = (("forgotten-term", total - 2 * both - first - second),)
    return Problem("survey", text, number(neither, unit="people", slips=slips), steps)


def common_interval(numbers: Dice, words: Dice) -> Problem:
    """Intersection of two inequalities."""
    a, b = numbers.between(2, 12), numbers.between(-60, 60)
    c, d = numbers.between(2, 12), numbers.between(-60, 60)
    low = Fraction(numbers.between(-50, 40))
    high = low + Fraction(numbers.between(1, 40), 1)
    left, right = a * low + b, c * high + d
    closed = numbers.chance(0.5)
    less, more = ("\\le", "\\ge") if closed else ("<", ">")
    ax, cx = (
        f"{a}x" + (f" + {b}" if b > 0 else f" - {-b}" if b else ""),
        f"{c}x" + (f" + {d}" if d > 0 else f" - {-d}" if d else ""),
    )
    text = words.pick(
        (
            f"Find all real $x$ with ${ax} {more} {left}$ and ${cx} {less} {right}$. Write the answer as "
            f"an interval.",
            f"Which interval is described by the two conditions ${cx} {less} {right}$ and ${ax} {more} "
            f"{left}$?",
            f"Solve the system of inequalities\n\\[{ax} {more} {left},\\qquad {cx} {less} {right}.\\]\n"
            f"Give the solution set in "
            f"interval notation.",
        )
    )
    steps = (
        f"the first condition says $x {more} {latex(low)}$",
        f"the second one gives $x {less} {latex(high)}$",
        "both hold between the two bounds",
    )
    return Problem("common-interval", text, interval(low, high, closed=closed), steps)


def common_elements(numbers: Dice, words: Dice) -> Problem:
    """Intersection of a set of multiples with a range."""
    step, start = numbers.between(7, 60), numbers.between(10, 3000)
    count = numbers.between(2, 4)
    first = -(-start // step) * step
    last = first + (count - 1) * step
    end = last + numbers.between(0, step - 1)
    who = name(words)
    text = words.pick(
        (
            f"List all multiples of {step} from {start} to {end} (both ends included).",
            f"Let $A$ be the set of multiples of {step} and $B = \\{{n : {start} \\le n \\le {end}\\}}$. "
            f"Find $A \\cap B$.",
            f"{who} thinks of an integer between {start} and {end}, ends included, that is divisible by "
            f"{step}. Give the set of "
            f"all possibilities.",
        )
    )
    steps = (
        f"the first multiple of {step} that is at least {start} is {first}, because {step} times "
        f"{first // step} is {first}",
        f"going on in steps of {step}, the numbers up to {end} are found",
    )
    values = tuple(range(first, last + 1, step))
    return Problem("common-elements", text, roots(values, "n"), steps)


FAMILIES = (determinant, matrix_product, dot_product, cross_product, survey, common_interval, common_elements)
