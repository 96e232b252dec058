"""Geometry: coordinates, areas, lengths, circles, solids, angles."""

from __future__ import annotations

from fractions import Fraction

from curate.sample.dice import Dice
from curate.sample.values import Problem, latex, number, pi_times, point, polynomial_text, root_of
from curate.sample.words import name, town, two_names


def triangle_area(numbers: Dice, words: Dice) -> Problem:
    """Area of a triangle from its corners."""
    xa, ya, xb, yb = (numbers.between(-20, 20) for _ in range(4))
    xc, yc = numbers.between(-20, 20), numbers.between(-20, 20)
    double = abs((xb - xa) * (yc - ya) - (xc - xa) * (yb - ya))
    if double == 0:
        xa, ya, xb, yb, xc, yc = 0, 0, xb or 5, 0, xc, yc or 7
        double = abs(xb * yc)
    p, q, r = tuple(words.pick(("ABC", "PQR", "XYZ", "DEF", "KLM")))
    text = words.pick(
        (
            f"Find the area of the triangle with vertices $({xa},{ya})$, $({xb},{yb})$ and $({xc},{yc})$.",
            f"Let ${p}=({xa},{ya})$, ${q}=({xb},{yb})$ and ${r}=({xc},{yc})$. What is the area of triangle "
            f"${p}{q}{r}$?",
            f"Three posts stand at the grid points $({xa},{ya})$, $({xb},{yb})$, $({xc},{yc})$ (unit: one "
            f"metre). How many "
            f"square metres does the triangular field between them have?",
        )
    )
    steps = (
        f"two side vectors are $({xb - xa}, {yb - ya})$ and $({xc - xa}, {yc - ya})$",
        f"their cross product is ${xb - xa}\\cdot({yc - ya}) - ({xc - xa})\\cdot({yb - ya})$, in absolute "
        f"value {double}",
        "the triangle is half of the parallelogram",
    )
    return Problem(
        "triangle-area", text, number(Fraction(double, 2), slips=(("forgotten-factor", double),)), steps
    )


def distance(numbers: Dice, words: Dice) -> Problem:
    """Distance between two points."""
    xa, ya = numbers.between(-30, 30), numbers.between(-30, 30)
    dx, dy = numbers.nonzero(20), numbers.nonzero(20)
    who, other = two_names(words)
    text = words.pick(
        (
            f"What is the distance between the points $({xa},{ya})$ and $({xa + dx},{ya + dy})$?",
            f"{who} stands at $({xa},{ya})$ and {other} at $({xa + dx},{ya + dy})$ on a map with a unit of "
            f"1 km. How far "
            f"apart are they, exactly?",
            f"Compute the length of the segment from $({xa + dx},{ya + dy})$ to $({xa},{ya})$ in simplest "
            f"radical form.",
        )
    )
    steps = (
        f"the horizontal difference is {abs(dx)} and the vertical difference is {abs(dy)}",
        f"by Pythagoras the square of the distance is {dx * dx} + {dy * dy} = {dx * dx + dy * dy}",
        "take the root and pull out square factors",
    )
    return Problem("distance", text, root_of(dx * dx + dy * dy), steps)


def ladder(numbers: Dice, words: Dice) -> Problem:
    """A leg of a right triangle."""
    leg, more = numbers.between(3, 60), numbers.between(1, 40)
    long = leg + more
    square = long * long - leg * leg
    who, place = name(words), town(words)
    text = words.pick(
        (
            f"A ladder of length {long} dm leans against a wall in {place}; its foot is {leg} dm from the "
            f"wall. How high does "
            f"it reach, in dm?",
            f"In a right triangle the hypotenuse is {long} and one leg is {leg}. Find the other leg exactly.",
            f"{who} flies a kite on a taut string of {long} m. A stone dropped from the kite lands {leg} m "
            f"from {who}. At what "
            f"height in metres is the kite?",
            f"A rectangle has a diagonal of {long} cm and one side of {leg} cm. Determine the other side "
            f"in cm.",
        )
    )
    steps = (
        f"by Pythagoras the square of the unknown side is {long}^2 - {leg}^2",
        f"that is {long * long} - {leg * leg} = {square}",
        "take the square root and simplify",
    )
    return Problem("ladder", text, root_of(square), steps)


def sector(numbers: Dice, words: Dice) -> Problem:
    """Area of a sector or length of an arc."""
    radius, angle = numbers.between(2, 60), 5 * numbers.between(2, 66)
    area = numbers.chance(0.5)
    value = Fraction(angle * radius * radius, 360) if area else Fraction(angle * 2 * radius, 360)
    what = "area of the sector" if area else "length of the arc"
    who = name(words)
    text = words.pick(
        (
            f"A circle has radius {radius}. Find the {what} with central angle ${angle}^\\circ$, in terms "
            f"of $\\pi$.",
            f"{who} cuts a slice with an opening angle of ${angle}^\\circ$ from a round sheet of radius "
            f"{radius} cm. What is "
            f"the {what}, as a multiple of $\\pi$?",
            f"Compute exactly the {what} that belongs to an angle of {angle} degrees in a circle of radius "
            f"{radius}.",
        )
    )
    steps = (
        f"the slice is $\\frac{{{angle}}}{{360}} = {latex(Fraction(angle, 360))}$ of the full circle",
        f"the full circle has {'area' if area else 'circumference'} "
        f"${radius * radius if area else 2 * radius}\\pi$",
        "multiply the two",
    )
    return Problem("sector", text, pi_times(value), steps)


def box(numbers: Dice, words: Dice) -> Problem:
    """Volume or surface of a box."""
    a, b, c = numbers.between(2, 60), numbers.between(2, 60), numbers.between(2, 60)
    volume = numbers.chance(0.5)
    value = a * b * c if volume else 2 * (a * b + b * c + a * c)
    who, place = name(words), town(words)
    wanted = "volume in cubic centimetres" if volume else "total surface area in square centimetres"
    text = words.pick(
        (
            f"A closed box measures {a} cm by {b} cm by {c} cm. What is its {wanted}?",
            f"{who} builds a crate with inner edges of {a}, {b} and {c} centimetres in {place}. Find the "
            f"{wanted}.",
            f"The edges of a cuboid are {a} cm, {b} cm and {c} cm long. Determine its {wanted}.",
        )
    )
    steps = (
        (f"one layer has {a} times {b} = {a * b} cubes", f"there are {c} layers")
        if volume
        else (f"three faces have areas {a * b}, {b * c} and {a * c}", "each of them occurs twice")
    )
    slips = (("wrong-formula", 2 * (a * b + b * c + a * c) if volume else a * b + b * c + a * c),)
    unit = "cm^3" if volume else "cm^2"
    return Problem("box", text, number(value, unit=unit, slips=slips), steps)


def trapezoid(numbers: Dice, words: Dice) -> Problem:
    """Area of a trapezoid."""
    a, b, h = numbers.between(3, 90), numbers.between(3, 90), numbers.between(2, 60)
    who, place = name(words), town(words)
    text = words.pick(
        (
            f"The parallel sides of a trapezoid are {a} and {b} long, and its height is {h}. Find the area.",
            f"A plot near {place} has two parallel borders of {a} m and {b} m at a distance of {h} m. How "
            f"many square metres "
            f"does {who} own?",
            f"What is the area of a trapezium with bases {a} and {b} and altitude {h}?",
        )
    )
    steps = (
        f"the mean of the parallel sides is $\\frac{{{a}+{b}}}{{2}} = {latex(Fraction(a + b, 2))}$",
        f"multiply it by the height {h}",
    )
    return Problem(
        "trapezoid", text, number(Fraction((a + b) * h, 2), slips=(("forgotten-factor", (a + b) * h),)), steps
    )


def crossing(numbers: Dice, words: Dice) -> Problem:
    """Intersection of two lines given by slope and point."""
    m, k = numbers.nonzero(9), numbers.nonzero(9)
    k = -k if k == m else k
    b, c = numbers.between(-40, 40), numbers.between(-40, 40)
    x = Fraction(c - b, m - k)
    y = m * x + b
    one, two = polynomial_text((m, b)), polynomial_text((k, c))
    text = words.pick(
        (
            f"Find the intersection point of $y = {one}$ and $y = {two}$.",
            f"Line one has slope {m} and $y$-intercept {b}; line two has slope {k} and $y$-intercept {c}. "
            f"Where do they cross?",
            f"At which point $(x, y)$ do the graphs of $f(x) = {one}$ and $g(x) = {two}$ meet?",
        )
    )
    steps = (
        f"set the right sides equal: ${one} = {two}$",
        f"so ${polynomial_text((m - k, 0))} = {c - b}$ and $x = {latex(x)}$",
        "insert this into one of the two equations",
    )
    return Problem("crossing", text, point(x, y), steps)


def polygon_angle(numbers: Dice, words: Dice) -> Problem:
    """Interior angle or number of diagonals of a polygon."""
    n = numbers.between(5, 360)
    angle = numbers.chance(0.5)
    value = Fraction(180 * (n - 2), n) if angle else Fraction(n * (n - 3), 2)
    who, place = name(words), town(words)
    wanted = "size of an inner angle in degrees" if angle else "number of diagonals"
    text = words.pick(
        (
            f"A regular polygon on a coin from {place} has {n} sides. What is the {wanted}?",
            f"The pavilion of {who} in {place} has the floor plan of a regular {n}-gon. Find the {wanted}.",
            f"{who} draws a polygon with {n} equal sides and equal angles in the sand of {place}. Give the "
            f"{wanted}.",
        )
    )
    steps = (
        (f"the interior angles add up to $({n}-2)\\cdot 180 = {180 * (n - 2)}$ degrees", f"divide by {n}")
        if angle
        else (
            f"each of the {n} vertices sends out {n - 3} diagonals",
            "each diagonal is counted from both ends",
        )
    )
    slips = (("forgotten-factor", 180 * (n - 2) if angle else n * (n - 3)), ("confused", Fraction(360, n)))
    return Problem("polygon-angle", text, number(value, slips=slips), steps)


def shadow(numbers: Dice, words: Dice) -> Problem:
    """Similar triangles."""
    stick, shade, far = numbers.between(4, 40), numbers.between(3, 60), numbers.between(20, 900)
    who, place = name(words), town(words)
    tall = words.pick(("tower", "poplar", "chimney", "flagpole", "statue", "water tank", "lighthouse"))
    text = words.pick(
        (
            f"A stick of {stick} dm casts a shadow of {shade} dm. At the same moment a {tall} in {place} "
            f"casts a shadow of {far} "
            f"dm. How tall is the {tall} in dm?",
            f"{who} measures the shadow of a {tall}: {far} feet. A pole {stick} feet high has a shadow of "
            f"{shade} feet. Find the "
            f"height of the {tall} in feet.",
            f"When the {tall} of {place} throws a shadow {far} units long, a rod of {stick} units throws "
            f"one of {shade} units. "
            f"What is the height of the {tall}?",
        )
    )
    steps = (
        f"the ratio of height to shadow is the same for both: $\\frac{{{stick}}}{{{shade}}} = "
        f"{latex(Fraction(stick, shade))}$",
        f"multiply it by the long shadow {far}",
    )
    return Problem(
        "shadow",
        text,
        number(Fraction(stick * far, shade), slips=(("inverted", Fraction(shade * far, stick)),)),
        steps,
    )


def round_solid(numbers: Dice, words: Dice) -> Problem:
    """Volume of a cylinder, cone or sphere."""
    r, h = numbers.between(2, 40), numbers.between(3, 70)
    solid = numbers.pick(("cylinder", "cone", "sphere"))
    value = {
        "cylinder": Fraction(r * r * h),
        "cone": Fraction(r * r * h, 3),
        "sphere": Fraction(4 * r**3, 3),
    }[solid]
    size = f"radius {r} cm" if solid == "sphere" else f"base radius {r} cm and height {h} cm"
    who, place = name(words), town(words)
    text = words.pick(
        (
            f"Find the volume of a {solid} with {size}, in cubic centimetres and in terms of $\\pi$.",
            f"{who} turns a wooden {solid} of {size}. What is its exact volume as a multiple of $\\pi$?",
            f"A {solid} in the museum of {place} has {size}. Express its volume through $\\pi$.",
        )
    )
    formula = {"cylinder": "\\pi r^2 h", "cone": "\\frac{1}{3}\\pi r^2 h", "sphere": "\\frac{4}{3}\\pi r^3"}[
        solid
    ]
    steps = (
        f"the formula is $V = {formula}$",
        f"here $r = {r}$, so $r^2 = {r * r}$ and $r^3 = {r**3}$",
        "multiply and reduce the fraction if there is one",
    )
    return Problem("round-solid", text, pi_times(value), steps)


FAMILIES = (
    triangle_area,
    distance,
    ladder,
    sector,
    box,
    trapezoid,
    crossing,
    polygon_angle,
    shadow,
    round_solid,
)
