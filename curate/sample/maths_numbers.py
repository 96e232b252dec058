"""Number theory, counting and probability."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from math import comb, factorial, gcd, lcm, prod

from curate.sample.dice import Dice
from curate.sample.values import Problem, latex, number
from curate.sample.words import THINGS, listed, name, thing, town, two_names

_PRIMES = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29)


def greatest_divisor(numbers: Dice, words: Dice) -> Problem:
    """gcd of two numbers, as a tiling or grouping question too."""
    g, m, n = numbers.between(3, 90), numbers.between(4, 95), numbers.between(4, 95)
    a, b = g * m, g * (n + (n == m))
    value = gcd(a, b)
    who, place, one, two = name(words), town(words), thing(words), thing(words)
    text = words.pick(
        (
            f"Find the greatest common divisor of {a} and {b}.",
            f"{who} packs {a} {one} and {b} {two} into as many boxes as possible. In {place} every box "
            f"must hold "
            f"the same, with no {one} and no {two} left over. How many boxes are there?",
            f"What is the largest integer that divides both {a} and {b}?",
            f"A floor of {a} cm by {b} cm in {place} is covered with equal square tiles, none of them cut. "
            f"{who} "
            f"takes the largest that fit. How many centimetres long is a side?",
        )
    )
    steps = (
        f"Euclid: {max(a, b)} = {max(a, b) // min(a, b)} times {min(a, b)} + {max(a, b) % min(a, b)}",
        f"so the gcd is also that of {min(a, b)} and {max(a, b) % min(a, b)}",
        f"{a} = {value} times {a // value} and {b} = {value} times {b // value}, and the cofactors share "
        f"no factor",
    )
    return Problem("greatest-divisor", text, number(value, slips=(("confused-with-lcm", lcm(a, b)),)), steps)


def least_multiple(numbers: Dice, words: Dice) -> Problem:
    """lcm of three numbers."""
    a, b, c = numbers.between(4, 48), numbers.between(5, 60), numbers.between(6, 72)
    value = lcm(a, b, c)
    who, place = name(words), town(words)
    text = words.pick(
        (
            f"What is the least common multiple of {a}, {b} and {c}?",
            f"Three lamps in the harbour of {place} blink every {a}, {b} and {c} seconds. They have just "
            f"blinked together. "
            f"After how many seconds does this happen again?",
            f"Find the smallest positive integer divisible by {a}, by {b} and by {c}.",
            f"{who} waters one plant every {a} days, another every {b} days and a third every {c} days. "
            f"Today all three got "
            f"water. In how many days will that be so again?",
        )
    )
    steps = (
        f"the lcm of {a} and {b} is {lcm(a, b)}",
        f"the gcd of {lcm(a, b)} and {c} is {gcd(lcm(a, b), c)}",
        f"so the answer is {lcm(a, b)} times {c} divided by {gcd(lcm(a, b), c)}",
    )
    return Problem("least-multiple", text, number(value, slips=(("forgotten-factor", a * b * c),)), steps)


def power_mod(numbers: Dice, words: Dice) -> Problem:
    """Remainder of a power."""
    base, power, modulus = numbers.between(2, 60), numbers.between(15, 3000), numbers.between(7, 101)
    value = pow(base, power, modulus)
    text = words.pick(
        (
            f"Find the remainder when ${base}^{{{power}}}$ is divided by {modulus}.",
            f"What is ${base}^{{{power}}} \\bmod {modulus}$?",
            f"Determine the smallest non-negative integer $r$ with ${base}^{{{power}}} \\equiv r "
            f"\\pmod{{{modulus}}}$.",
            f"The number ${base}^{{{power}}}$ leaves which remainder on division by ${modulus}$?",
        )
    )
    steps = (
        f"square repeatedly modulo {modulus}: {base}^2 gives {pow(base, 2, modulus)}, {base}^4 gives "
        f"{pow(base, 4, modulus)}, {base}^8 gives {pow(base, 8, modulus)}",
        f"the exponent in binary is {power:b}",
        "multiply the squares that belong to the ones in the binary expansion, reducing each time",
    )
    return Problem("power-mod", text, number(value), steps)


def divisor_count(numbers: Dice, words: Dice) -> Problem:
    """Number of positive divisors."""
    primes = sorted(numbers.some(_PRIMES[:9], numbers.between(2, 3)))
    powers = [numbers.between(1, 4) for _ in primes]
    n = prod(p**e for p, e in zip(primes, powers, strict=True))
    value = prod(e + 1 for e in powers)
    text = words.pick(
        (
            f"How many positive divisors does {n} have?",
            f"Find the number of positive integers that divide {n} without remainder.",
            f"In how many ways can {n} identical {thing(words)} be laid out in equal rows? (The order rows "
            f"by columns matters.)",
        )
    )
    factored = " \\cdot ".join(f"{p}^{{{e}}}" for p, e in zip(primes, powers, strict=True))
    steps = (
        f"factor: ${n} = {factored}$",
        "each exponent can be chosen from 0 up to its maximum",
        "the count is the product of the exponents, each raised by one",
    )
    return Problem("divisor-count", text, number(value, slips=(("forgotten-one", prod(powers)),)), steps)


def remainders(numbers: Dice, words: Dice) -> Problem:
    """Smallest number with two given remainders."""
    p = numbers.between(5, 40)
    q = numbers.pick([other for other in range(5, 60) if gcd(other, p) == 1])
    r, s = numbers.between(1, p - 1), numbers.between(1, q - 1)
    value = next(n for n in range(r, p * q, p) if n % q == s)
    who, stuff = name(words), thing(words)
    text = words.pick(
        (
            f"What is the smallest positive integer that leaves remainder {r} when divided by {p} and "
            f"remainder {s} when "
            f"divided by {q}?",
            f"{who} has fewer than {p * q} {stuff}. Put in rows of {p}, {r} are left; put in rows of {q}, "
            f"{s} are left. How "
            f"many {stuff} are there?",
            f"Find the least $n > 0$ with $n \\equiv {r} \\pmod{{{p}}}$ and $n \\equiv {s} \\pmod{{{q}}}$.",
        )
    )
    steps = (
        f"numbers with remainder {r} modulo {p} are {r}, {r + p}, {r + 2 * p}, {r + 3 * p}, and so on",
        f"their remainders modulo {q} are {r % q}, {(r + p) % q}, {(r + 2 * p) % q}, {(r + 3 * p) % q}",
        f"continue until the remainder is {s}; below {p * q} there is exactly one such number",
    )
    return Problem("remainders", text, number(value, slips=(("off-by-one", value + p),)), steps)


def trailing_zeros(numbers: Dice, words: Dice) -> Problem:
    """Exponent of a prime in a factorial."""
    n, p = numbers.between(40, 6000), numbers.pick((3, 5, 7, 11, 13))
    count, power, terms = 0, p, []
    while power <= n:
        terms.append(n // power)
        count += n // power
        power *= p
    text = words.pick(
        (
            f"What is the largest integer $k$ such that ${p}^k$ divides ${n}!$?",
            f"Find the exponent of the prime {p} in the factorisation of ${n}!$.",
            f"The product $1 \\cdot 2 \\cdot 3 \\cdots {n}$ is divided by {p} as often as possible without "
            f"remainder. How "
            f"often is that?",
        )
    )
    steps = (
        f"every multiple of {p} up to {n} gives one factor: {terms[0]} of them",
        f"higher powers of {p} give further ones: {', '.join(map(str, terms[1:])) or 'none'}",
        f"add the numbers {' + '.join(map(str, terms))}",
    )
    slips = (("forgotten-term", terms[0]),) if len(terms) > 1 else ()
    return Problem("trailing-zeros", text, number(count, slips=slips), steps)


def multiples_in_range(numbers: Dice, words: Dice) -> Problem:
    """Integers in a range divisible by one of two numbers."""
    a, b = numbers.some((3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15), 2)
    top = numbers.between(120, 9800)
    value = top // a + top // b - top // lcm(a, b)
    text = words.pick(
        (
            f"How many integers from 1 to {top} are divisible by {a} or by {b} (or by both)?",
            f"Find the number of positive integers not exceeding {top} that are multiples of at least one "
            f"of {a} and {b}.",
            f"Lockers are numbered 1 to {top}. {name(words)} opens each locker whose number is a multiple "
            f"of {a} or of {b}. "
            f"How many lockers are opened?",
        )
    )
    steps = (
        f"there are {top // a} multiples of {a} and {top // b} multiples of {b}",
        f"multiples of both are multiples of {lcm(a, b)}: there are {top // lcm(a, b)}",
        f"inclusion and exclusion: {top // a} + {top // b} - {top // lcm(a, b)}",
    )
    return Problem(
        "multiples-in-range", text, number(value, slips=(("forgotten-term", top // a + top // b),)), steps
    )


def committee(numbers: Dice, words: Dice) -> Problem:
    """Committees with fixed numbers from two groups."""
    m, n = numbers.between(5, 20), numbers.between(5, 20)
    i, j = numbers.between(2, 4), numbers.between(2, 4)
    value = comb(m, i) * comb(n, j)
    one, two = words.some(
        ("bakers", "sailors", "pianists", "chemists", "runners", "painters", "pilots", "dancers"), 2
    )
    place, who = town(words), name(words)
    text = words.pick(
        (
            f"A club in {place} has {m} {one} and {n} {two}. In how many ways can a committee of {i} {one} "
            f"and {j} {two} be "
            f"chosen?",
            f"{who} must select {i} of {m} {one} and {j} of {n} {two} for a trip to {place}. How many "
            f"selections are possible?",
            f"From {m} {one} and {n} {two}, a group with exactly {i} {one} and exactly {j} {two} is "
            f"formed. Count the "
            f"possible groups.",
        )
    )
    steps = (
        f"the {one} can be chosen in $\\binom{{{m}}}{{{i}}} = {comb(m, i)}$ ways",
        f"the {two} can be chosen in $\\binom{{{n}}}{{{j}}} = {comb(n, j)}$ ways",
        "the choices are independent, so multiply",
    )
    slips = (("added", comb(m, i) + comb(n, j)), ("one-group", comb(m + n, i + j)))
    return Problem("committee", text, number(value, slips=slips), steps)


_LETTER_WORDS = listed(
    "BANANA LETTER COMMITTEE BALLOON PEPPER SUCCESS TENNESSEE COFFEE PARALLEL BOOKKEEPER ADDRESS "
    "PUPPET KAYAK SUMMER HAMMOCK MISSION CORRIDOR ASSASSIN ENGINEER CALENDAR LANTERN NOTEBOOK "
    "SENTENCE RHYTHM TOBOGGAN ALMANAC MAMMAL PIZZERIA BUTTERFLY TERRACOTTA"
)


def letters(numbers: Dice, words: Dice) -> Problem:
    """Arrangements of the letters of a word."""
    text_word = "".join(numbers.some(numbers.pick(_LETTER_WORDS), 12))
    counts = sorted(Counter(text_word).values(), reverse=True)
    value = factorial(len(text_word)) // prod(map(factorial, counts))
    repeated = [count for count in counts if count > 1]
    text = words.pick(
        (
            f"In how many different orders can the letters of the string {text_word} be arranged?",
            f"How many distinct strings can {name(words)} from {town(words)} make by rearranging all "
            f"letters of {text_word}?",
            f"Find the number of distinguishable permutations of {text_word}, using every letter once per "
            f"occurrence.",
        )
    )
    steps = (
        f"there are {len(text_word)} letters, so ${len(text_word)}! = {factorial(len(text_word))}$ orders "
        f"if all differed",
        f"repeated letters occur {', '.join(map(str, repeated)) or 'never more than once'} times",
        "divide by the factorial of each repetition",
    )
    return Problem(
        "letters", text, number(value, slips=(("forgotten-factor", factorial(len(text_word))),)), steps
    )


def grid_paths(numbers: Dice, words: Dice) -> Problem:
    """Lattice paths through a point."""
    a, b, c, d = (numbers.between(2, 9) for _ in range(4))
    value = comb(a + b, a) * comb(c + d, c)
    who, place = name(words), town(words)
    text = words.pick(
        (
            f"How many paths lead from $(0,0)$ to $({a + c},{b + d})$ with unit steps right or up that "
            f"pass through "
            f"$({a},{b})$?",
            f"The streets of {place} form a grid. {who} walks {a + c} blocks east and {b + d} blocks north "
            f"to work, never "
            f"turning back, and stops at a bakery {a} blocks east and {b} blocks north of home. How many "
            f"routes are there?",
            f"Count the shortest lattice routes from the origin to $({a + c},{b + d})$ that visit the "
            f"point $({a},{b})$.",
        )
    )
    steps = (
        f"to the middle point there are $\\binom{{{a + b}}}{{{a}}} = {comb(a + b, a)}$ ways",
        f"from there on {c} steps right and {d} steps up remain: $\\binom{{{c + d}}}{{{c}}} = "
        f"{comb(c + d, c)}$ ways",
        "multiply the two counts",
    )
    slips = (("added", comb(a + b, a) + comb(c + d, c)), ("forgotten-condition", comb(a + b + c + d, a + c)))
    return Problem("grid-paths", text, number(value, slips=slips), steps)


def same_colour(numbers: Dice, words: Dice) -> Problem:
    """Probability that two drawn balls have the same colour."""
    r, g, b = numbers.between(2, 25), numbers.between(2, 25), numbers.between(2, 25)
    total = r + g + b
    value = Fraction(comb(r, 2) + comb(g, 2) + comb(b, 2), comb(total, 2))
    one, two, three = words.some(("red", "green", "blue", "white", "black", "yellow", "purple", "orange"), 3)
    who, stuff = name(words), thing(words)
    text = words.pick(
        (
            f"A bag holds {r} {one}, {g} {two} and {b} {three} {stuff}. Two are drawn at random without "
            f"replacement. What is "
            f"the probability that they have the same colour?",
            f"{who} takes two {stuff} at once from a box with {r} {one}, {g} {two} and {b} {three} ones. "
            f"Find the probability "
            f"of a pair of equal colour.",
            f"Among {total} {stuff}, {r} are {one}, {g} are {two} and the other {b} are {three}. {who} "
            f"picks two of them "
            f"blindly. How likely is it that both are of one colour?",
        )
    )
    steps = (
        f"there are $\\binom{{{total}}}{{2}} = {comb(total, 2)}$ equally likely pairs",
        f"pairs of one colour: {comb(r, 2)} + {comb(g, 2)} + {comb(b, 2)} = "
        f"{comb(r, 2) + comb(g, 2) + comb(b, 2)}",
        "divide and reduce the fraction",
    )
    slips = (("with-replacement", Fraction(r * r + g * g + b * b, total * total)),)
    return Problem("same-colour", text, number(value, chance=True, slips=slips), steps)


def dice_sum(numbers: Dice, words: Dice) -> Problem:
    """Probability of a sum of two dice with given numbers of faces."""
    m, n = numbers.between(4, 30), numbers.between(4, 30)
    s = numbers.between(3, m + n - 1)
    hits = sum(1 for a in range(1, m + 1) if 1 <= s - a <= n)
    who = name(words)
    text = words.pick(
        (
            f"A fair die with faces 1 to {m} and a fair die with faces 1 to {n} are rolled. What is the "
            f"probability that the "
            f"sum is {s}?",
            f"{who} draws one card numbered from 1 to {m} and another numbered from 1 to {n}, "
            f"independently and uniformly. Find "
            f"the probability that the two numbers add up to {s}.",
            f"Two spinners show 1 to {m} and 1 to {n}, all results equally likely. Determine the "
            f"probability of total {s}.",
        )
    )
    steps = (
        f"there are {m} times {n} = {m * n} outcomes",
        f"the first number $a$ needs $1 \\le {s} - a \\le {n}$ and $1 \\le a \\le {m}$",
        f"that holds for {hits} values of $a$",
    )
    slips = (("off-by-one", Fraction(hits - 1, m * n)), ("forgotten-factor", Fraction(hits, m + n)))
    return Problem("dice-sum", text, number(Fraction(hits, m * n), chance=True, slips=slips), steps)


def stars_and_bars(numbers: Dice, words: Dice) -> Problem:
    """Distributions of equal things with at least some each."""
    people, least, spare = numbers.between(3, 7), numbers.between(0, 4), numbers.between(4, 40)
    total = people * least + spare
    value = comb(spare + people - 1, people - 1)
    stuff, who = words.pick(THINGS), name(words)
    rule = f"at least {least}" if least else "any number (possibly none)"
    text = words.pick(
        (
            f"In how many ways can {total} identical {stuff} be given to {people} children if each child "
            f"gets {rule}?",
            f"{who} distributes {total} equal {stuff} over {people} labelled drawers, {rule} in each. How "
            f"many distributions "
            f"are there?",
            f"Find the number of integer solutions of $x_1 + \\cdots + x_{{{people}}} = {total}$ with all "
            f"$x_i \\ge {least}$.",
        )
    )
    steps = (
        f"first hand out the required {least} to everyone, which leaves {spare}",
        f"then place {people - 1} bars among {spare} stars",
        f"this can be done in $\\binom{{{spare + people - 1}}}{{{people - 1}}}$ ways",
    )
    slips = (
        ("off-by-one", comb(spare + people, people)),
        ("forgotten-condition", comb(total + people - 1, people - 1)),
    )
    return Problem("stars-and-bars", text, number(value, slips=slips), steps)


def at_least_one(numbers: Dice, words: Dice) -> Problem:
    """Probability of at least one success in independent trials."""
    p, trials = Fraction(numbers.between(1, 23), numbers.between(24, 60)), numbers.between(2, 4)
    value = 1 - (1 - p) ** trials
    who, place = two_names(words)[0], town(words)
    text = words.pick(
        (
            f"{who} hits the target with probability ${latex(p)}$, independently each time. What is the "
            f"probability of at least "
            f"one hit in {trials} shots?",
            f"On any day it rains in {place} with probability ${latex(p)}$, independently of other days. "
            f"Find the probability "
            f"that it rains at least once in {trials} days.",
            f"A machine in {place} fails a test with probability ${latex(p)}$. It is tested {trials} "
            f"times, independently. What "
            f"is the chance that it fails at least once?",
        )
    )
    steps = (
        f"the opposite event is no success in {trials} trials",
        f"one trial without success has probability ${latex(1 - p)}$",
        f"all of them: ${latex((1 - p) ** trials)}$; subtract this from 1",
    )
    return Problem(
        "at-least-one", text, number(value, chance=True, slips=(("forgotten-factor", p * trials),)), steps
    )


FAMILIES = (
    greatest_divisor,
    least_multiple,
    power_mod,
    divisor_count,
    remainders,
    trailing_zeros,
    multiples_in_range,
    committee,
    letters,
    grid_paths,
    same_colour,
    dice_sum,
    stars_and_bars,
    at_least_one,
)
