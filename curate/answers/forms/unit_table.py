"""Units of measurement and what they are called, and other words that stand behind numbers."""

from __future__ import annotations

from curate.answers.forms.tokens import names

Dimension = tuple[tuple[str, int], ...]
"""Base units and their exponents, by name."""

LENGTH, MASS, TIME = (("m", 1),), (("g", 1),), (("s", 1),)
VOLUME, AREA = (("m", 3),), (("m", 2),)
FORCE = (("g", 1), ("m", 1), ("s", -2))
ENERGY = (("g", 1), ("m", 2), ("s", -2))
POWER = (("g", 1), ("m", 2), ("s", -3))
PRESSURE = (("g", 1), ("m", -1), ("s", -2))

UNITS: dict[str, tuple[str, Dimension, str]] = {
    # factor (a fraction as text), dimension, spellings; a trailing s is understood
    "meter": ("1", LENGTH, "m meter metre"),
    "kilometer": ("1000", LENGTH, "km kilometer kilometre"),
    "decimeter": ("1/10", LENGTH, "dm decimeter decimetre"),
    "centimeter": ("1/100", LENGTH, "cm centimeter centimetre"),
    "millimeter": ("1/1000", LENGTH, "mm millimeter millimetre"),
    "micrometer": ("1/1000000", LENGTH, "um micrometer micron"),
    "nanometer": ("1/1000000000", LENGTH, "nm nanometer nanometre"),
    "inch": ("254/10000", LENGTH, "inch inche"),
    "foot": ("3048/10000", LENGTH, "ft foot feet"),
    "yard": ("9144/10000", LENGTH, "yd yard"),
    "mile": ("1609344/1000", LENGTH, "mi mile"),
    "angstrom": ("1/10000000000", LENGTH, "angstrom angstroms"),
    "gram": ("1", MASS, "g gram gm gramme"),
    "kilogram": ("1000", MASS, "kg kilogram kilo"),
    "milligram": ("1/1000", MASS, "mg milligram"),
    "tonne": ("1000000", MASS, "tonne"),
    "pound": ("45359237/100000", MASS, "lb pound"),
    "ounce": ("28349523125/1000000000", MASS, "oz ounce"),
    "second": ("1", TIME, "s sec second"),
    "millisecond": ("1/1000", TIME, "ms millisecond"),
    "minute": ("60", TIME, "min minute"),
    "hour": ("3600", TIME, "h hr hour"),
    "day": ("86400", TIME, "day"),
    "week": ("604800", TIME, "week wk"),
    "month": ("1", (("month", 1),), "month"),
    "year": ("12", (("month", 1),), "year yr"),
    "liter": ("1/1000", VOLUME, "L l liter litre"),
    "milliliter": ("1/1000000", VOLUME, "mL ml milliliter millilitre cc"),
    "gallon": ("3785411784/1000000000000", VOLUME, "gal gallon"),
    "quart": ("946352946/1000000000000", VOLUME, "qt quart"),
    "pint": ("473176473/1000000000000", VOLUME, "pint"),
    "hectare": ("10000", AREA, "ha hectare"),
    "acre": ("40468564224/10000000", AREA, "acre"),
    "newton": ("1000", FORCE, "N newton"),
    "joule": ("1000", ENERGY, "J joule"),
    "kilojoule": ("1000000", ENERGY, "kJ kilojoule"),
    "calorie": ("4184", ENERGY, "cal calorie"),
    "kilocalorie": ("4184000", ENERGY, "kcal kilocalorie"),
    "watt": ("1000", POWER, "W watt"),
    "kilowatt": ("1000000", POWER, "kW kilowatt"),
    "pascal": ("1000", PRESSURE, "Pa pascal"),
    "kilopascal": ("1000000", PRESSURE, "kPa kilopascal"),
    "atmosphere": ("101325000", PRESSURE, "atm atmosphere"),
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
SIGNS = {"$": "dollar", r"\$": "dollar", "€": "euro", "£": "sterling", "¥": "yen", "₹": "rupee"}
CHINESE = {
    "厘米": "cm", "千米": "km", "公里": "km", "毫米": "mm", "分米": "dm", "米": "m", "千克": "kg",
    "公斤": "kg",
    "克": "g", "吨": "tonne", "小时": "h", "分钟": "min", "秒": "s", "天": "day", "年": "year", "升": "L",
    "毫升": "mL", "平方米": "m^2", "平方厘米": "cm^2", "平方千米": "km^2", "立方米": "m^3",
    "立方厘米": "cm^3",
}  # fmt: skip
MANY = {
    "hundred": 100, "thousand": 1_000, "million": 10**6, "billion": 10**9, "trillion": 10**12, "dozen": 12,
    "万": 10_000, "亿": 10**8,
}  # fmt: skip
FILLING = names(
    "of the a an in each total about approximately or so only more less all are is were was "
    "there that to you will have has had they he she it left away apart"
)
RAISING = {"square": 2, "sq": 2, "cubic": 3, "cu": 3}
"""Words before a unit that raise it to a power."""
RAISED = {"squared": 2, "cubed": 3}
"""Words behind it that do."""
SHORT_WORDS = names(
    "no am pm of is to in or if at as on it an by "
    "and the for are not any all two one six ten yes odd red day pen cat dog man men boy box "
    "car cup egg ant hen cow pig bag way per our its was has had can may fig nut toy hat mod "
    "non tie won lot old new end top set sum sun mon tue wed thu fri sat jan feb mar apr jun "
    "jul aug sep oct nov dec bus row bar jar can pie bit add"
)
"""Words of two or three letters that are no products of variables."""
