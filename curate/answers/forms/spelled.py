"""Numbers in words, English or Chinese."""

from __future__ import annotations

from fractions import Fraction

_ONES = {
    "zero": 0, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8,
    "nine": 9, "ten": 10, "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15,
    "sixteen": 16, "seventeen": 17, "eighteen": 18, "nineteen": 19,
}  # fmt: skip
_TENS = {
    "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70,
    "eighty": 80, "ninety": 90,
}  # fmt: skip
_LARGE = {"thousand": 1_000, "million": 10**6, "billion": 10**9}
_PARTS = {
    "half": 2, "halves": 2, "third": 3, "thirds": 3, "quarter": 4, "quarters": 4, "fourth": 4, "fourths": 4,
    "fifth": 5, "fifths": 5, "sixth": 6, "sixths": 6, "seventh": 7, "sevenths": 7, "eighth": 8, "eighths": 8,
    "ninth": 9, "ninths": 9, "tenth": 10, "tenths": 10,
}  # fmt: skip
_PARTS_ALONE = ("half", "quarter")
"""Parts that need no number before them: a third may be an ordinal."""
_CHINESE_DIGITS = {
    "零": 0, "〇": 0, "一": 1, "二": 2, "两": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8,
    "九": 9,
}  # fmt: skip
_CHINESE_UNITS = {"十": 10, "百": 100, "千": 1_000}
_CHINESE_LARGE = {"万": 10**4, "亿": 10**8}
_CHINESE = frozenset([*_CHINESE_DIGITS, *_CHINESE_UNITS, *_CHINESE_LARGE])


def spelled(words: str) -> Fraction | None:
    """The value of a number in small letters; None for other words.

    >>> [str(spelled(words)) for words in ("two hundred and five", "three quarters", "三十二")]
    ['205', '3/4', '32']
    """
    if words and _CHINESE.issuperset(words):
        return _chinese(words)
    total = current = 0
    seen = False
    pieces = words.replace("-", " ").split()
    for place, piece in enumerate(pieces):
        is_last = place == len(pieces) - 1
        if piece in _ONES or piece in _TENS:
            current += _ONES.get(piece, 0) or _TENS.get(piece, 0)
        elif piece == "hundred":
            current = max(1, current) * 100
        elif piece in _LARGE:
            total += max(1, current) * _LARGE[piece]
            current = 0
        elif is_last and piece in _PARTS and (seen or piece in _PARTS_ALONE):
            return Fraction(max(1, total + current), _PARTS[piece])
        elif piece != "and" or not seen or is_last:
            return None
        seen = True
    return Fraction(total + current) if seen else None


def _chinese(words: str) -> Fraction:
    total = section = digit = 0
    for sign in words:
        if sign in _CHINESE_DIGITS:
            digit = _CHINESE_DIGITS[sign]
        elif sign in _CHINESE_UNITS:
            section += max(1, digit) * _CHINESE_UNITS[sign]
            digit = 0
        else:
            total = (total + section + digit) * _CHINESE_LARGE[sign]
            section = digit = 0
    return Fraction(total + section + digit)
