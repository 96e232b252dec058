r"""Answers that are marked by what they are: percent, money, units, bases, ratios, options, words, times.

`NAMED_EQUAL` and `NAMED_DIFFERENT` map a family to its rewritings and to its near-misses. The labels follow
from the number and the mark that the ground truth was read into, and from the table of units.
"""

from __future__ import annotations

from fractions import Fraction
from random import Random

from verify_forms import Form, decimals
from verify_golds import Gold
from verify_misses import missed, missed_number

_RAISED = dict(zip("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻", strict=True))
_NAMES = {
    "2": "two", "3": "three", "4": "four", "5": "five", "6": "six", "7": "seven", "8": "eight", "9": "nine",
}  # fmt: skip
UNITS: dict[str, tuple[str, Fraction, tuple[str, ...]]] = {
    name: (kind, Fraction(size), tuple(spellings))
    for kind, units in {
        "length": [
            ("1/1000", "mm", "millimeter", "millimeters", "millimetres"),
            ("1/100", "cm", "centimeter", "centimeters", "centimetres"),
            ("1", "m", "meter", "meters", "metres"),
            ("1000", "km", "kilometer", "kilometers", "kilometres"),
        ],
        "distance": [
            ("1/12", "in", "inch", "inches"),
            ("1", "ft", "foot", "feet"),
            ("3", "yd", "yard", "yards"),
            ("5280", "mi", "mile", "miles"),
        ],
        "time": [
            ("1", "s", "second", "seconds"),
            ("60", "min", "minute", "minutes"),
            ("3600", "h", "hour", "hours"),
            ("86400", "days", "day"),
            ("604800", "weeks", "week"),
        ],
        "mass": [("1/1000", "mg"), ("1", "g", "gram", "grams"), ("1000", "kg", "kilogram", "kilograms")],
        "weight": [("1", "oz", "ounce", "ounces"), ("16", "lb", "pound", "pounds")],
        "money": [("1", "cents", "cent"), ("100", "dollars", "dollar")],
        "volume": [("1/1000", "mL", "milliliters"), ("1", "L", "liter", "liters", "litres")],
    }.items()
    for size, *spellings in units
    for name in spellings
}  # fmt: skip


def _written(unit: str, rng: Random) -> str:
    return (
        rng.choice(("\\text{ %s}", " \\text{ %s}", "\\,\\text{%s}", " \\mathrm{%s}", " \\mathrm{~%s}", " %s"))
        % unit
    )


def _respelled(gold: Gold, rng: Random) -> str | None:
    number, unit = gold.parts
    spellings = UNITS[unit][2] if unit in UNITS else (unit,)
    found = f"{number}{_written(rng.choice(spellings), rng)}"
    return found if found != gold.text else None


def _converted(gold: Gold, rng: Random) -> str | None:
    number, unit = gold.parts
    if unit not in UNITS:
        return None
    kind, size, _ = UNITS[unit]
    others = sorted({v[2][0] for v in UNITS.values() if v[0] == kind and v[1] != size})
    if not others:
        return None
    other = rng.choice(others)
    value = decimals(Fraction(number.replace(",", "")) * size / UNITS[other][1], 6)
    return None if value is None else f"{value}{_written(other, rng)}"


def _other_unit(gold: Gold, rng: Random) -> str | None:
    number, unit = gold.parts
    if unit not in UNITS:
        return None
    spellings = UNITS[unit][2]
    others = sorted({v[2][0] for v in UNITS.values() if not set(v[2]) & set(spellings)})
    other = rng.choice(others)
    return f"{number}{_written(other, rng)}" if Fraction(number.replace(",", "")) else None


def _number_changed(style: str) -> Form:
    def form(gold: Gold, rng: Random) -> str | None:
        other = missed_number(gold.parts[0].replace(",", ""), rng)
        if other is None:
            return None
        return style.replace("%n", other).replace("%u", gold.parts[1] if len(gold.parts) > 1 else "")

    return form


def _styles(*styles: str) -> Form:
    def form(gold: Gold, rng: Random) -> str | None:
        text = rng.choice(styles)
        for at, part in enumerate(gold.parts):
            text = text.replace(f"<{at}>", part)
        return text if text != gold.text else None

    return form


def _percent_value(gold: Gold, _rng: Random) -> str | None:
    return decimals(Fraction(gold.parts[0]) / 100)


def _percent_point(gold: Gold, _rng: Random) -> str | None:
    moved = decimals(Fraction(gold.parts[0]) / 10)
    return f"{moved}\\%" if moved and Fraction(gold.parts[0]) else None


def _other_base(gold: Gold, rng: Random) -> str | None:
    digits, base = gold.parts
    others = [str(b) for b in range(2, 17) if str(b) != base and all(int(d) < b for d in digits)]
    return f"{digits}_{{{rng.choice(others)}}}" if len(digits) > 1 and others else None


def _digit_in_base(gold: Gold, rng: Random) -> str | None:
    digits, base = gold.parts
    at = rng.randrange(len(digits))
    others = [str(d) for d in range(min(int(base), 10)) if str(d) != digits[at]]
    other = digits[:at] + rng.choice(others) + digits[at + 1 :]
    return f"{other}_{{{base}}}"


def _base_in_words(gold: Gold, rng: Random) -> str | None:
    digits, base = gold.parts
    name = _NAMES.get(base)
    forms = [
        f"{digits}_{{{base}}}",
        f"({digits})_{{{base}}}",
        f"{digits}_{{\\text{{{base}}}}}",
        f"{digits}_{{({base})}}",
    ]
    forms += [f"{digits}_{{\\text{{{name}}}}}"] if name else []
    found = rng.choice(forms)
    return found if found != gold.text else None


def _ratio_multiple(gold: Gold, rng: Random) -> str | None:
    a, b = map(int, gold.parts)
    factor = rng.choice((2, 3, 4))
    is_time = gold.parts[1][0] == "0" or (a <= 24 and b >= 10)
    return None if is_time else f"{a * factor}:{b * factor}"


def _ratio_exchanged(gold: Gold, _rng: Random) -> str | None:
    a, b = gold.parts
    return f"{b}:{a}" if a != b else None


def _mantissa_exponent(gold: Gold, rng: Random) -> str | None:
    mantissa, exponent = gold.parts
    power = int(exponent)
    raised = "".join(_RAISED[c] for c in str(power))
    shifted = decimals(Fraction(mantissa) * 10)
    styles = (
        f"{mantissa}e{power}", f"{mantissa} \\times 10^{{{power}}}", f"{mantissa} \\cdot 10^{{{power}}}",
        f"{mantissa} × 10{raised}", f"{mantissa}*10^{{{power}}}", f"{mantissa}E{power:+03d}",
        f"{shifted} \\times 10^{{{power - 1}}}",
    )  # fmt: skip
    found = rng.choice(styles)
    return found if found != gold.text else None


def _written_out(gold: Gold, _rng: Random) -> str | None:
    value = Fraction(gold.parts[0]) * Fraction(10) ** int(gold.parts[1])
    return decimals(value, 12) if abs(int(gold.parts[1])) <= 9 else None


def _exponent_changed(gold: Gold, rng: Random) -> str | None:
    power = int(gold.parts[1])
    other = rng.choice((power + 1, power - 1, -power, power + 3))
    if other == power or not Fraction(gold.parts[0]):
        return None
    return rng.choice(("%s \\times 10^{%d}", "%se%d")) % (gold.parts[0], other)


def _mantissa_changed(gold: Gold, rng: Random) -> str | None:
    other = missed_number(gold.parts[0], rng)
    if other is None or abs(Fraction(other)) < Fraction(1, 100):
        return None
    return f"{other} \\times 10^{{{int(gold.parts[1])}}}"


def _option_text(gold: Gold, rng: Random) -> str | None:
    letter, text = gold.parts
    return (
        rng.choice(("(%s) %s", "%s. %s", "%s: %s", "(%s)%s", "%s) %s", "\\text{(%s) %s}")) % (letter, text)
        if text
        else None
    )


def _letter(letter: str, rng: Random) -> str:
    styles = (
        "(%s)", "%s.", "%s)", "\\text{%s}", "\\textbf{(%s)}", "\\text{(%s)}", "**%s**", "\\mathrm{%s}",
        "Option %s", "option (%s)", "\\textbf{(%s) }", "[%s]", "%s",
    )  # fmt: skip
    return rng.choice(styles) % letter


def _only_letter(gold: Gold, rng: Random) -> str | None:
    found = _letter(gold.parts[0], rng)
    return found if found != gold.text else None


def _other_letter(gold: Gold, rng: Random) -> str:
    return _letter(rng.choice([letter for letter in "ABCDE" if letter != gold.parts[0]]), rng)


def _other_letter_text(gold: Gold, rng: Random) -> str | None:
    letter = rng.choice([letter for letter in "ABCDE" if letter != gold.parts[0]])
    return f"({letter}) {gold.parts[1]}" if gold.parts[1] else None


def _word_written(gold: Gold, rng: Random) -> str | None:
    word = gold.parts[0]
    styles = (
        "\\text{%s}", "\\mathrm{%s}", "%s.", "\\textbf{%s}", "\\text{ %s}", "**%s**", "\\text{%s.}", "%s",
        '"%s"', "\\mbox{%s}", "\\textit{%s}",
    )  # fmt: skip
    found = rng.choice(styles) % rng.choice((word, word.lower(), word.capitalize()))
    return found if found != gold.text else None


_WORDS = (
    "east", "west", "north", "Monday", "Friday", "even", "odd", "parabola", "circle", "ellipse", "hyperbola",
    "red", "blue", "Alice", "Bob", "increasing", "decreasing", "isosceles", "Tuesday", "south", "line",
)  # fmt: skip


def _other_word(gold: Gold, rng: Random) -> str:
    word = rng.choice([word for word in _WORDS if word.lower() != gold.parts[0].lower()])
    return rng.choice(("\\text{%s}", "%s", "\\text{%s.}")) % word


def _anagram(gold: Gold, rng: Random) -> str | None:
    letters = list(gold.parts[0])
    rng.shuffle(letters)
    found = "".join(letters)
    return f"\\text{{{found}}}" if found.lower() != gold.parts[0].lower() and " " not in found else None


def _clock(gold: Gold, rng: Random) -> str | None:
    hour, minute, half = gold.parts
    styles = (
        f"{hour}:{minute} {half}.m.",
        f"{hour}:{minute} {half.upper()}M",
        f"\\text{{{hour}:{minute} {half}.m.}}",
        f"{hour}:{minute}\\text{{ {half.upper()}.M.}}",
        f"{hour.zfill(2)}:{minute} {half}m",
        f"{hour}:{minute}{half}m",
    )
    found = rng.choice(styles)
    return found if found != gold.text else None


def _other_time(gold: Gold, rng: Random) -> str:
    hour, minute, half = gold.parts
    later = str(int(hour) % 12 + 1)
    return rng.choice(
        (
            f"{later}:{minute} {half}.m.",
            f"{hour}:{(int(minute) + 10) % 60:02d} {half}.m.",
            f"{hour}:{minute} {'a' if half == 'p' else 'p'}.m.",
        )
    )


def _other_currency(gold: Gold, rng: Random) -> str | None:
    if not Fraction(gold.parts[0]):
        return None
    return rng.choice(("%s cents", "€%s", "£%s")) % gold.parts[0]


def _value_changed(gold: Gold, rng: Random) -> str | None:
    other = missed(gold.parts[1], rng)
    return None if other is None else f"{gold.parts[0]} = {other}"


NAMED_EQUAL: dict[str, dict[str, Form]] = {
    "assigned": {"prefix-dropped": _styles("<1>", "<0> = <1>", "<0>=<1>", "$<1>$")},
    "percent": {
        "percent-written": _styles(
            "<0>%", "<0>\\%", "<0> \\%", "<0> percent", "<0>\\text{ percent}", "<0>\\,\\%"
        ),
        "percent-as-decimal": _percent_value,
    },
    "degrees": {
        "degrees-written": _styles(
            "<0>°", "<0>^{\\circ}", "<0>^\\circ", "<0> degrees", "<0>\\text{ degrees}", "<0>\\degree"
        ),
    },
    "money": {
        "money-written": _styles(
            "\\$<0>", "$<0>", "\\$ <0>", "<0> dollars", "<0>\\text{ dollars}", "\\text{\\$<0>}"
        ),
    },
    "quantity": {"unit-spelled": _respelled, "unit-converted": _converted},
    "base": {"base-written": _base_in_words},
    "ratio": {
        "ratio-written": _styles("<0> : <1>", "<0>:<1>", "<0>\\!:\\!<1>", "<0> \\colon <1>"),
        "ratio-multiple": _ratio_multiple,
    },
    "scientific": {"scientific-written": _mantissa_exponent, "written-out": _written_out},
    "option": {"option-written": _only_letter, "option-with-text": _option_text},
    "word": {"word-written": _word_written},
    "time": {"time-written": _clock},
}

NAMED_DIFFERENT: dict[str, dict[str, Form]] = {
    "assigned": {"number-changed": _value_changed},
    "percent": {
        "number-changed": _number_changed("%n\\%"),
        "percent-ten-times": _percent_point,
        "percent-negative": _styles("-<0>\\%"),
    },
    "degrees": {"number-changed": _number_changed("%n^\\circ")},
    "money": {
        "number-changed": _number_changed("\\$%n"),
        "other-unit": _other_currency,
    },
    "quantity": {"number-changed": _number_changed("%n \\text{ %u}"), "other-unit": _other_unit},
    "base": {"other-base": _other_base, "number-changed": _digit_in_base},
    "ratio": {"order-exchanged": _ratio_exchanged, "number-changed": _number_changed("%n:%u")},
    "scientific": {"exponent-changed": _exponent_changed, "number-changed": _mantissa_changed},
    "option": {"other-option": _other_letter, "other-option-same-text": _other_letter_text},
    "word": {"other-word": _other_word, "anagram": _anagram},
    "time": {"number-changed": _other_time},
}
