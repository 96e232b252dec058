"""Units of measurement: what a word after a number stands for, and how much of the base unit it is."""

from __future__ import annotations

import re
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

from curate.answers.forms.tokens import names

Dimension = tuple[tuple[str, int], ...]


class Unit(NamedTuple):
    """What a number counts.

    `dimension` is empty for a pure number (percent, dozen); `words` are those that are no known unit.
    """

    factor: Fraction
    dimension: Dimension
    words: str
    shown: str
    written: str = ""
    """As it stood in the text, where that may have been a product of variables."""


_LENGTH, _MASS, _TIME = (("m", 1),), (("g", 1),), (("s", 1),)
_VOLUME, _AREA = (("m", 3),), (("m", 2),)
_FORCE = (("g", 1), ("m", 1), ("s", -2))
_ENERGY = (("g", 1), ("m", 2), ("s", -2))
_POWER = (("g", 1), ("m", 2), ("s", -3))
_PRESSURE = (("g", 1), ("m", -1), ("s", -2))

_TABLE: dict[str, tuple[str, Dimension, str]] = {
    # factor (a fraction as text), dimension, spellings; a trailing s is understood
    "meter": ("1", _LENGTH, "m meter metre"),
    "kilometer": ("1000", _LENGTH, "km kilometer kilometre"),
    "decimeter": ("1/10", _LENGTH, "dm decimeter decimetre"),
    "centimeter": ("1/100", _LENGTH, "cm centimeter centimetre"),
    "millimeter": ("1/1000", _LENGTH, "mm millimeter millimetre"),
    "micrometer": ("1/1000000", _LENGTH, "um micrometer micron"),
    "nanometer": ("1/1000000000", _LENGTH, "nm nanometer nanometre"),
    "inch": ("254/10000", _LENGTH, "inch inche"),
    "foot": ("3048/10000", _LENGTH, "ft foot feet"),
    "yard": ("9144/10000", _LENGTH, "yd yard"),
    "mile": ("1609344/1000", _LENGTH, "mi mile"),
    "angstrom": ("1/10000000000", _LENGTH, "angstrom angstroms"),
    "gram": ("1", _MASS, "g gram gm gramme"),
    "kilogram": ("1000", _MASS, "kg kilogram kilo"),
    "milligram": ("1/1000", _MASS, "mg milligram"),
    "tonne": ("1000000", _MASS, "tonne"),
    "pound": ("45359237/100000", _MASS, "lb pound"),
    "ounce": ("28349523125/1000000000", _MASS, "oz ounce"),
    "second": ("1", _TIME, "s sec second"),
    "millisecond": ("1/1000", _TIME, "ms millisecond"),
    "minute": ("60", _TIME, "min minute"),
    "hour": ("3600", _TIME, "h hr hour"),
    "day": ("86400", _TIME, "day"),
    "week": ("604800", _TIME, "week wk"),
    "month": ("1", (("month", 1),), "month"),
    "year": ("12", (("month", 1),), "year yr"),
    "liter": ("1/1000", _VOLUME, "L l liter litre"),
    "milliliter": ("1/1000000", _VOLUME, "mL ml milliliter millilitre cc"),
    "gallon": ("3785411784/1000000000000", _VOLUME, "gal gallon"),
    "quart": ("946352946/1000000000000", _VOLUME, "qt quart"),
    "pint": ("473176473/1000000000000", _VOLUME, "pint"),
    "hectare": ("10000", _AREA, "ha hectare"),
    "acre": ("40468564224/10000000", _AREA, "acre"),
    "newton": ("1000", _FORCE, "N newton"),
    "joule": ("1000", _ENERGY, "J joule"),
    "kilojoule": ("1000000", _ENERGY, "kJ kilojoule"),
    "calorie": ("4184", _ENERGY, "cal calorie"),
    "kilocalorie": ("4184000", _ENERGY, "kcal kilocalorie"),
    "watt": ("1000", _POWER, "W watt"),
    "kilowatt": ("1000000", _POWER, "kW kilowatt"),
    "pascal": ("1000", _PRESSURE, "Pa pascal"),
    "kilopascal": ("1000000", _PRESSURE, "kPa kilopascal"),
    "atmosphere": ("101325000", _PRESSURE, "atm atmosphere"),
    "hertz": ("1", (("s", -1),), "Hz hertz"),
    "kilohertz": ("1000", (("s", -1),), "kHz kilohertz"),
    "megahertz": ("1000000", (("s", -1),), "MHz megahertz"),
    "volt": ("1", (("volt", 1),), "V volt"),
    "ampere": ("1", (("ampere", 1),), "A amp ampere"),
    "ohm": ("1", (("ohm", 1),), "ohm"),
    "coulomb": ("1", (("coulomb", 1),), "C coulomb"),
    "mole": ("1", (("mole", 1),), "mol mole"),
    "kelvin": ("1", (("kelvin", 1),), "K kelvin"),
    "celsius": ("1", (("celsius", 1),), "celsius degc"),
    "fahrenheit": ("1", (("fahrenheit", 1),), "fahrenheit degf"),
    "radian": ("1", (("radian", 1),), "rad radian"),
    "mph": ("44704/100000", (("m", 1), ("s", -1)), "mph"),
    "kph": ("5/18", (("m", 1), ("s", -1)), "kph kmh"),
    "knot": ("1852/3600", (("m", 1), ("s", -1)), "knot"),
    "dollar": ("100", (("dollar", 1),), "dollar usd buck"),
    "cent": ("1", (("dollar", 1),), "cent"),
    "euro": ("1", (("euro", 1),), "euro eur"),
    "sterling": ("1", (("sterling", 1),), "sterling gbp"),
    "yen": ("1", (("yen", 1),), "yen jpy"),
    "yuan": ("1", (("yuan", 1),), "yuan rmb cny 元"),
    "rupee": ("1", (("rupee", 1),), "rupee rs inr"),
    "percent": ("1/100", (), "percent pct percentage"),
    "unit": ("1", (), "unit time 个 只 人"),
}  # fmt: skip
_BY_NAME: dict[str, tuple[str, Fraction, Dimension]] = {
    spelling: (name, Fraction(factor), dimension)
    for name, (factor, dimension, spellings) in _TABLE.items()
    for spelling in spellings.split()
}
_SIGNS = {"$": "dollar", r"\$": "dollar", "€": "euro", "£": "sterling", "¥": "yen", "₹": "rupee"}
_CHINESE = {
    "厘米": "cm", "千米": "km", "公里": "km", "毫米": "mm", "分米": "dm", "米": "m", "千克": "kg",
    "公斤": "kg",
    "克": "g", "吨": "tonne", "小时": "h", "分钟": "min", "秒": "s", "天": "day", "年": "year", "升": "L",
    "毫升": "mL", "平方米": "m^2", "平方厘米": "cm^2", "平方千米": "km^2", "立方米": "m^3",
    "立方厘米": "cm^3",
}  # fmt: skip
_MANY = {
    "hundred": 100, "thousand": 1_000, "million": 10**6, "billion": 10**9, "trillion": 10**12, "dozen": 12,
    "万": 10_000, "亿": 10**8,
}  # fmt: skip
_FILLING = names(
    "of the a an in each total about approximately or so only more less all are is were was "
    "there that to you will have has had they he she it left away apart"
)
_WORD = re.compile(r"[A-Za-z]+|[\u4e00-\u9fff]+|\$|€|£|¥|₹|%|[/*^()]|-?\d+|[^\sA-Za-z]")
_LATEX = re.compile(
    r"\\(?:text|mathrm|mbox|textbf|textit|operatorname|rm|hbox)(?![A-Za-z])|\\[ ,;:!]|[{}~\\]"
)
_SQUARE = {"square": 2, "sq": 2, "squared": 2, "cubic": 3, "cu": 3, "cubed": 3}
_NOT_WORDS = names(
    "ab ac bc cd abc abcd xy xyz yz xz ax bx cx by cy az mn nm pq qr pqr rs st uv ij jk kl ijk "
    "de ef gh np mx kx ky kn km nk na nb ma mb pa pb pr qs ps bd ad be ce df ef dx dy dt ft"
) - frozenset(["km", "nm", "ft", "pa", "rs", "ma", "mb"])


def is_word(letters: str) -> bool:
    """Whether letters side by side are a word or a unit rather than a product of variables."""
    if letters in _BY_NAME or letters.lower() in _BY_NAME or letters.lower() in _MANY:
        return True
    return (
        len(letters) > 3
        or (len(letters) == 3 and letters[0].isupper() and letters[1:].islower())
        or (len(letters) == 3 and letters.lower() in _SHORT_WORDS)
        or letters.lower()
        in ("no", "am", "pm", "of", "is", "to", "in", "or", "if", "at", "as", "on", "it", "an", "by")
    )


_SHORT_WORDS = names(
    "and the for are not any all two one six ten yes odd red day pen cat dog man men boy box "
    "car cup egg ant hen cow pig bag way per our its was has had can may fig nut toy hat mod "
    "non tie won lot old new end top set sum sun mon tue wed thu fri sat jan feb mar apr jun "
    "jul aug sep oct nov dec bus row bar jar can pie bit add"
)


def read_sign(text: str) -> tuple[str, Unit | None]:
    r"""A text without the currency before its number, and that currency.

    >>> read_sign(r"\$5")[0], read_sign(r"\$5")[1].shown
    ('5', 'dollar')
    """
    match = re.match(
        r"\s*([-+]?)\s*(?:(?:US|USD|Rs\.?|RMB|EUR|CAD|AU)\s*)?(\\?\$|€|£|¥|₹)\s*(?=[-\d.(\\])", text
    )
    if match is None:
        return text, None
    return match.group(1) + text[match.end() :], read_unit(_SIGNS[match.group(2)])


@lru_cache(maxsize=8192)
def read_unit(text: str) -> Unit | None:
    r"""The unit that a text behind a number names; None where it holds what no unit has.

    >>> read_unit(r"\text{ cm}^2").dimension, read_unit("miles per hour").factor
    ((('m', 2),), Fraction(1397, 3125))
    """
    plain = _LATEX.sub(" ", text).strip(" .,;:")
    if not plain:
        return Unit(Fraction(1), (), "", "")
    for chinese in sorted(_CHINESE, key=len, reverse=True):
        plain = plain.replace(chinese, f" {_CHINESE[chinese]} ")
    if len(plain) > 100:
        return None
    factor, dimension, words, sign, power = Fraction(1), dict[str, int](), [], 1, 1
    last: tuple[str, Fraction, Dimension] | None = None
    shown: list[str] = []
    pieces = _WORD.findall(plain)
    if pieces == ["in"]:
        pieces = ["inch"]
    for place, piece in enumerate(pieces):
        low = piece.lower()
        if low in ("per", "/", "an") and (low != "an" or shown):
            sign = -1
            last = None
            shown.append("/")
            continue
        if low == "a" and place and pieces[place - 1].lower() != "per" and shown:
            sign = -1
            last = None
            shown.append("/")
            continue
        if piece in ("^", "*", "(", ")", "-", "·"):
            continue
        if low in _SQUARE and low not in ("squared", "cubed"):
            power = _SQUARE[low]
            continue
        if (re.fullmatch(r"-?\d+", piece) or low in _SQUARE) and last is not None:
            raised = _SQUARE.get(low) or int(piece)
            if not -6 <= raised <= 6:
                return None
            factor, dimension = _with(factor, dimension, last, raised - 1, sign)
            shown.append(f"^{raised}")
            last = None
            continue
        if low in _MANY:
            factor *= Fraction(_MANY[low]) ** sign
            shown.append(low)
            continue
        if piece in ("%",):
            low = "percent"
        found = _named(piece)
        if found is not None:
            factor, dimension = _with(factor, dimension, found, power, sign)
            shown.append(found[0] + (f"^{power}" if power != 1 else ""))
            last, power = found, 1
            continue
        if not piece.isalpha():
            return None
        if low not in _FILLING:
            words.append(low)
            shown.append(low)
        last = None
    left = tuple(sorted((name, times) for name, times in dimension.items() if times))
    return Unit(factor, left, " ".join(words), " ".join(shown), plain if len(plain) <= 6 else "")


def _with(
    factor: Fraction, dimension: dict[str, int], unit: tuple[str, Fraction, Dimension], times: int, sign: int
) -> tuple[Fraction, dict[str, int]]:
    for name, power in unit[2]:
        dimension[name] = dimension.get(name, 0) + power * times * sign
    return factor * unit[1] ** (times * sign), dimension


def _named(word: str) -> tuple[str, Fraction, Dimension] | None:
    """The unit a word is a name of: as it stands, in small letters, without the s of a plural."""
    if word in _SIGNS:
        return _BY_NAME[_SIGNS[word]]
    for one in (
        word,
        word.lower() if len(word) > 2 or word.lower() in ("km", "cm", "mm", "kg", "ml") else word,
    ):
        if one in _BY_NAME:
            return _BY_NAME[one]
        if one.endswith("s") and len(one) > 2 and one[:-1] in _BY_NAME:
            return _BY_NAME[one[:-1]]
    return None
