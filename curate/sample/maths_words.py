"""Word problems: money, speed, work, mixtures, percent, units, ages, shares, averages, dates."""

from __future__ import annotations

from fractions import Fraction

from curate.sample.dice import Dice
from curate.sample.values import Problem, decimal, latex, money, number, percentage, point, word
from curate.sample.words import DAYS, WARES, name, thing, town, two_names


def shopping(numbers: Dice, words: Dice) -> Problem:
    """Change after buying several things."""
    count, price = numbers.between(3, 19), numbers.between(23, 980)
    other_count, other_price = numbers.between(2, 15), numbers.between(31, 760)
    total = count * price + other_count * other_price
    paid = (total // 1000 + numbers.between(1, 4)) * 1000
    who, place, first, second = name(words), town(words), thing(words), thing(words)
    a, b = f"\\${price / 100:.2f}", f"\\${other_price / 100:.2f}"
    text = words.pick(
        (
            f"{who} buys {count} {first} at {a} each and {other_count} {second} at {b} each in {place} and "
            f"pays "
            f"with \\${paid // 100}. How much change does {who} get?",
            f"At the market in {place}, {first} cost {a} apiece and {second} cost {b} apiece. {who} takes "
            f"{count} of "
            f"the former and {other_count} of the latter, handing over \\${paid // 100}. Find the change "
            f"in dollars.",
            f"A stall sells {first} for {a} and {second} for {b}. With \\${paid // 100} in hand, {who} "
            f"purchases "
            f"{count} {first} and {other_count} {second}. What amount of money is left?",
            f"After paying for {other_count} {second} ({b} a piece) and {count} {first} ({a} a piece), how "
            f"many "
            f"dollars does {who} still have, starting from \\${paid // 100}?",
        )
    )
    steps = (
        f"the {first} cost {count} times {price} cents, which is {count * price} cents",
        f"the {second} cost {other_count} times {other_price} cents, which is {other_count * other_price} "
        f"cents",
        f"together that makes {count * price} + {other_count * other_price} = {total} cents",
        f"the payment is {paid} cents, so the change is {paid} - {total} cents",
    )
    slips = (("forgotten-term", paid - count * price), ("arithmetic", paid - total + 100))
    return Problem("shopping", text, money(paid - total, slips), steps)


def round_trip(numbers: Dice, words: Dice) -> Problem:
    """Average speed there and back."""
    out, back = numbers.between(8, 90), numbers.between(8, 90)
    back += back == out
    distance = numbers.between(12, 480)
    mean = Fraction(2 * out * back, out + back)
    who, here, there = name(words), town(words), town(words)
    text = words.pick(
        (
            f"{who} travels from {here} to {there}, a distance of {distance} km, at {out} km/h and returns "
            f"by the "
            f"same road at {back} km/h. What is the average speed of the whole journey in km/h?",
            f"The road between {here} and {there} is {distance} km long. Going there {who} keeps a speed "
            f"of {out} "
            f"km/h; coming back the speed is {back} km/h. Determine the average speed, in km/h, over both "
            f"ways.",
            f"Driving {distance} km at {out} km/h and then the same {distance} km at {back} km/h, what "
            f"average speed "
            f"(km/h) does {who} reach between {here} and {there} and back?",
            f"A bus covers the {distance} km from {here} to {there} at {out} km/h and the way back at "
            f"{back} km/h. "
            f"Compute its mean speed for the round trip in km/h.",
        )
    )
    steps = (
        f"the way out takes {distance}/{out} hours",
        f"the way back takes {distance}/{back} hours",
        f"the total distance is {2 * distance} km and the total time is "
        f"{latex(Fraction(distance, out) + Fraction(distance, back))} h",
        f"average speed is total distance over total time, and the distance cancels: "
        f"$\\frac{{2\\cdot {out}\\cdot {back}}}{{{out}+{back}}}$",
    )
    return Problem(
        "round-trip",
        text,
        number(mean, unit="km/h", slips=(("mean-of-speeds", Fraction(out + back, 2)),)),
        steps,
    )


def two_pipes(numbers: Dice, words: Dice) -> Problem:
    """Time two workers need together."""
    a, b = numbers.between(3, 60), numbers.between(3, 60)
    b += b == a
    first, second = two_names(words)
    job, place = (
        words.pick(
            (
                "paint a fence",
                "fill a pool",
                "sort the archive",
                "print a booklet",
                "mow a meadow",
                "tile a hall",
                "pack the parcels",
                "harvest a field",
            )
        ),
        town(words),
    )
    text = words.pick(
        (
            f"{first} alone needs {a} hours to {job} in {place}; {second} alone needs {b} hours. How many "
            f"hours do "
            f"they need together?",
            f"To {job}, {first} takes {a} hours and {second} takes {b} hours. If both work at once in "
            f"{place}, after "
            f"how many hours are they done?",
            f"Working on their own, {first} and {second} would {job} in {a} and {b} hours respectively. "
            f"Find the "
            f"number of hours when they join forces.",
            f"In {place} it takes {second} {b} hours to {job}, while {first} manages it in {a} hours. "
            f"Working side "
            f"by side at these rates, what time in hours is required?",
        )
    )
    steps = (
        f"in one hour {first} does $\\frac{{1}}{{{a}}}$ of the job and {second} does $\\frac{{1}}{{{b}}}$",
        f"together they do $\\frac{{1}}{{{a}}}+\\frac{{1}}{{{b}}} = "
        f"{latex(Fraction(1, a) + Fraction(1, b))}$ per hour",
        "the time is the reciprocal of that rate",
    )
    slips = (("inverted", Fraction(a + b, a * b)), ("mean", Fraction(a + b, 2)), ("added", a + b))
    return Problem("two-pipes", text, number(Fraction(a * b, a + b), unit="hours", slips=slips), steps)


def mixture(numbers: Dice, words: Dice) -> Problem:
    """Concentration of a mixture, in percent."""
    total = numbers.pick((50, 80, 100, 125, 160, 200, 250, 400, 500, 625, 800, 1000))  # short decimals
    v = numbers.between(total // 10, 9 * total // 10)
    w = total - v
    p, q = numbers.between(4, 48), numbers.between(50, 95)
    who, place = name(words), town(words)
    stuff = words.pick(("salt", "acid", "syrup", "alcohol", "vinegar", "dye", "fertiliser", "sugar"))
    value = Fraction(v * p + w * q, v + w)
    text = words.pick(
        (
            f"{who} mixes {v} ml of a {p}% {stuff} solution with {w} ml of a {q}% {stuff} solution. What "
            f"is the "
            f"percentage of {stuff} in the mixture?",
            f"In a laboratory in {place}, {w} ml of {q}% {stuff} solution is poured into {v} ml of {p}% "
            f"{stuff} "
            f"solution. Find the concentration of the result in percent.",
            f"Two {stuff} solutions, {v} millilitres at {p} percent and {w} millilitres at {q} percent, "
            f"are put "
            f"together by {who}. How many percent {stuff} does the blend contain?",
        )
    )
    steps = (
        f"the first part holds {decimal(Fraction(v * p, 100))} ml of {stuff}",
        f"the second part holds {decimal(Fraction(w * q, 100))} ml of {stuff}",
        f"that is {decimal(Fraction(v * p + w * q, 100))} ml in a total of {v + w} ml",
        "dividing and multiplying by 100 gives the percentage",
    )
    return Problem("mixture", text, percentage(value, (("mean", Fraction(p + q, 2)),)), steps)


def discount(numbers: Dice, words: Dice) -> Problem:
    """Price after a discount and a tax."""
    price, off, tax = 20 * numbers.between(6, 240), 5 * numbers.between(1, 14), 5 * numbers.between(1, 5)
    cents = price * (100 - off) * (100 + tax) // 100
    who, ware, place = name(words), words.pick(WARES), town(words)
    text = words.pick(
        (
            f"A {ware} in {place} costs \\${price}. It is reduced by {off}%, and then {tax}% tax is added "
            f"to the "
            f"reduced price. How much does {who} pay in dollars?",
            f"{who} sees a {ware} marked \\${price} with {off}% off. Tax of {tax}% is charged on the sale "
            f"price. "
            f"Find the final price in dollars.",
            f"The list price of a {ware} is \\${price}. After a discount of {off} percent and a sales tax "
            f"of {tax} "
            f"percent on what remains, what is the bill at the shop in {place}?",
        )
    )
    steps = (
        f"after the discount the price is {price} times {decimal(Fraction(100 - off, 100))}, "
        f"which is {decimal(Fraction(price * (100 - off), 100))} dollars",
        f"the tax multiplies this by {decimal(Fraction(100 + tax, 100))}",
        "the two factors must be multiplied, not added",
    )
    slips = (("forgotten-factor", price * (100 - off)), ("added-percents", price * (100 - off + tax)))
    return Problem("discount", text, money(cents, slips), steps)


def percent_change(numbers: Dice, words: Dice) -> Problem:
    """Percentage by which a quantity grew or shrank."""
    base = 40 * numbers.between(3, 190)
    change = numbers.between(1, 36) * base // 40
    up = numbers.chance(0.5)
    after = base + change if up else base - change
    place, stuff = town(words), thing(words)
    verb = "increase" if up else "decrease"
    month, year = words.pick(("spring", "summer", "autumn", "winter")), words.between(1950, 2015)
    text = words.pick(
        (
            f"In {month} {year} a workshop in {place} made {base} {stuff}; a year later it made {after}. "
            f"By what "
            f"percentage did the number {verb}?",
            f"The number of {stuff} sold in {place} went from {base} in {year} to {after} in the next "
            f"year. Find the "
            f"percent {verb}.",
            f"A shop counted {base} {stuff} in {month} {year} and {after} in the following {month}. What "
            f"is the "
            f"{verb} in percent?",
        )
    )
    steps = (
        f"the change is {max(base, after)} - {min(base, after)} = {change}",
        f"relative to the starting value this is {change}/{base}",
        "as a percentage it has to be multiplied by 100",
    )
    return Problem(
        "percent-change",
        text,
        percentage(Fraction(100 * change, base), (("wrong-base", Fraction(100 * change, after)),)),
        steps,
    )


def convert_units(numbers: Dice, words: Dice) -> Problem:
    """One unit into another."""
    amount = numbers.between(13, 2400)
    source, target, factor = numbers.pick(
        (
            ("km/h", "m/s", Fraction(5, 18)),
            ("m/s", "km/h", Fraction(18, 5)),
            ("hours", "minutes", Fraction(60)),
            ("litres", "cubic centimetres", Fraction(1000)),
            ("square metres", "square centimetres", Fraction(10000)),
            ("grams", "kilograms", Fraction(1, 1000)),
            ("minutes", "hours", Fraction(1, 60)),
            ("centimetres", "metres", Fraction(1, 100)),
            ("seconds", "minutes", Fraction(1, 60)),
            ("days", "hours", Fraction(24)),
        )
    )
    who, place = name(words), town(words)
    text = words.pick(
        (
            f"{who} notes {amount} {source} in the log book at {place}. How many {target} is that?",
            f"Convert {amount} {source}, as measured in {place} by {who}, to {target}.",
            f"A gauge made in {place} shows {amount} {source}. Express this in {target} for {who}.",
            f"What is {amount} {source} when written in {target}? ({who} from {place} wants an exact value.)",
        )
    )
    steps = (
        f"one of the {source} equals {latex(factor)} in {target}",
        f"so multiply {amount} by {latex(factor)}",
    )
    unit = "" if target not in ("m/s", "km/h", "minutes", "hours") else target
    return Problem(
        "convert-units",
        text,
        number(amount * factor, unit=unit, slips=(("inverted", amount / factor),)),
        steps,
    )


def ages(numbers: Dice, words: Dice) -> Problem:
    """Present age from two statements."""
    child, times, years = numbers.between(3, 19), numbers.between(2, 6), numbers.between(2, 30)
    parent = child * times
    total = parent + child + 2 * years
    old, young = two_names(words)
    text = words.pick(
        (
            f"{old} is {times} times as old as {young}. In {years} years the sum of their ages will be "
            f"{total}. How "
            f"old is {old} now?",
            f"Today {young} has one {'half' if times == 2 else f'part in {times}'} of the years of {old}, "
            f"and {years} "
            f"years from now they will be {total} years old together. Find the present age of {old}.",
            f"The age of {old} equals {times} times the age of {young}. Adding both ages {years} years "
            f"later gives "
            f"{total}. What is {old}'s current age?",
        )
    )
    steps = (
        f"let $x$ be the age of {young}, so {old} is ${times}x$",
        f"in {years} years the sum is ${times + 1}x + {2 * years} = {total}$",
        f"so ${times + 1}x = {total - 2 * years}$ and $x = {child}$",
        f"{old} is {times} times that",
    )
    return Problem("ages", text, number(parent, unit="years", slips=(("wrong-person", child),)), steps)


def sharing(numbers: Dice, words: Dice) -> Problem:
    """Shares in a given ratio."""
    a, b, c = numbers.between(2, 15), numbers.between(2, 15), numbers.between(2, 15)
    part = numbers.between(3, 140)
    total = (a + b + c) * part
    first, second, third = words.some(
        ("Mira", "Jonas", "Priya", "Kofi", "Lena", "Otto", "Nia", "Hugo", "Vera"), 3
    )
    stuff, place = thing(words), town(words)
    text = words.pick(
        (
            f"{first}, {second} and {third} divide {total} {stuff} in the ratio {a} : {b} : {c}. How many "
            f"does "
            f"{third} receive?",
            f"A crate of {total} {stuff} from {place} is shared among {first}, {second} and {third} in "
            f"proportion "
            f"{a} to {b} to {c}. Find {third}'s share.",
            f"For every {a} {stuff} that {first} takes, {second} takes {b} and {third} takes {c}; in all "
            f"there are "
            f"{total}. What is the number for {third}?",
        )
    )
    steps = (
        f"the parts add up to {a} + {b} + {c} = {a + b + c}",
        f"one part is {total} / {a + b + c} = {part}",
        f"{third} has {c} parts",
    )
    slips = (("wrong-person", a * part), ("wrong-person", b * part))
    return Problem("sharing", text, number(c * part, unit=stuff, slips=slips), steps)


def missing_score(numbers: Dice, words: Dice) -> Problem:
    """The score needed for a wanted average."""
    count = numbers.between(3, 7)
    scores = [numbers.between(41, 99) for _ in range(count)]
    wanted = numbers.between(sum(scores) // count - 3, sum(scores) // count + 6)
    needed = wanted * (count + 1) - sum(scores)
    who, place = name(words), town(words)
    listed = ", ".join(map(str, scores[:-1])) + f" and {scores[-1]}"
    text = words.pick(
        (
            f"{who}'s marks in {count} tests are {listed}. What must the next mark be so that the average "
            f"of all "
            f"{count + 1} tests is exactly {wanted}?",
            f"At the {place} archery club {who} scored {listed} points. Which score in one more round "
            f"makes the mean "
            f"of the {count + 1} rounds equal to {wanted}?",
            f"The numbers {listed} and one unknown number have mean {wanted}. {who} looks for the unknown "
            f"number; "
            f"find it.",
        )
    )
    steps = (
        f"the sum so far is {' + '.join(map(str, scores))} = {sum(scores)}",
        f"{count + 1} results with mean {wanted} have sum {wanted * (count + 1)}",
        f"the missing one is the difference {wanted * (count + 1)} - {sum(scores)}",
    )
    return Problem(
        "missing-score",
        text,
        number(needed, slips=(("forgotten-term", wanted * count - sum(scores)),)),
        steps,
    )


def growing_savings(numbers: Dice, words: Dice) -> Problem:
    """Sum of weekly savings that grow by a fixed amount."""
    start, more, weeks = numbers.between(3, 70), numbers.between(2, 25), numbers.between(8, 60)
    total = weeks * (2 * start + (weeks - 1) * more) // 2
    who, goal, place = name(words), words.pick(WARES), town(words)
    text = words.pick(
        (
            f"{who} saves \\${start} in the first week and \\${more} more in each week than in the week "
            f"before. How "
            f"many dollars has {who} saved after {weeks} weeks?",
            f"To buy a {goal} in {place}, {who} puts aside \\${start} in week one, and every further week "
            f"the sum put "
            f"aside rises by \\${more}. What is the total after {weeks} weeks?",
            f"Week by week the amount {who} lays by for a {goal} goes up by \\${more}; it began at "
            f"\\${start}. Find "
            f"the whole sum of {weeks} such weeks.",
        )
    )
    steps = (
        f"the deposits form an arithmetic sequence with first term {start} and difference {more}",
        f"the last deposit is {start} + {weeks - 1} times {more} = {start + (weeks - 1) * more}",
        f"the sum is {weeks} times ({start} + {start + (weeks - 1) * more}) / 2",
    )
    slips = (("off-by-one", total + start + weeks * more), ("forgotten-factor", weeks * start))
    return Problem("growing-savings", text, number(total, unit="dollars", slips=slips), steps)


def heads_and_legs(numbers: Dice, words: Dice) -> Problem:
    """How many of two kinds, from two totals."""
    hens, goats = numbers.between(5, 160), numbers.between(5, 160)
    two, four = words.pick(
        (
            ("hens", "goats"),
            ("geese", "cows"),
            ("ducks", "sheep"),
            ("bicycles", "cars"),
            ("stools with two legs", "tables with four legs"),
        )
    )
    parts = "wheels" if two == "bicycles" else "legs"
    who, place = name(words), town(words)
    text = words.pick(
        (
            f"{who} counts {hens + goats} {two} and {four} in {place} with {2 * hens + 4 * goats} "
            f"{parts} in all. How many {two} and how many {four} are there? Give the pair in this order.",
            f"In {place} there are {two} and {four}, {hens + goats} altogether; they have "
            f"{2 * hens + 4 * goats} {parts}. "
            f"Find the pair (number of {two}, number of {four}).",
            f"A yard in {place} holds only {two} and {four}. {who} finds that {parts} number "
            f"{2 * hens + 4 * goats} while "
            f"the total count is {hens + goats}. Determine the ordered pair of the count of {two} and the "
            f"count of {four}.",
        )
    )
    steps = (
        f"let $x$ be the number of {two} and $y$ that of {four}: $x + y = {hens + goats}$",
        f"counting {parts}: $2x + 4y = {2 * hens + 4 * goats}$",
        f"halving the second equation, $x + 2y = {hens + 2 * goats}$",
        f"the difference gives $y = {goats}$",
    )
    return Problem("heads-and-legs", text, point(hens, goats), steps)


def weekday(numbers: Dice, words: Dice) -> Problem:
    """The day of the week after a number of days."""
    start, days = numbers.below(7), numbers.between(23, 9800)
    end = DAYS[(start + days) % 7]
    who, place = name(words), town(words)
    text = words.pick(
        (
            f"Today is {DAYS[start]}, and {who} leaves {place}. Which day of the week will it be in {days} "
            f"days?",
            f"{who} starts a voyage from {place} on a {DAYS[start]} and returns {days} days later. On "
            f"which day of the "
            f"week is that?",
            f"If a festival in {place} opens on a {DAYS[start]}, what weekday is it exactly {days} days "
            f"afterwards? "
            f"{who} would like to know.",
        )
    )
    steps = (
        "weekdays repeat every 7 days",
        f"{days} = 7 times {days // 7} + {days % 7}",
        f"so count {days % 7} days on from {DAYS[start]}",
    )
    return Problem("weekday", text, word(end, DAYS), steps)


FAMILIES = (
    shopping,
    round_trip,
    two_pipes,
    mixture,
    discount,
    percent_change,
    convert_units,
    ages,
    sharing,
    missing_score,
    growing_savings,
    heads_and_legs,
    weekday,
)
