"""Whole numbers as products of primes, and their roots."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from math import isqrt

from curate.answers.forms.tokens import Unreadable

MAX_TRIAL = 10_000
"""Primes up to here are divided out; what is left stays whole."""
SURELY_PRIME = MAX_TRIAL**2
"""A factor below this is a prime; one above it may be a product of two."""
MAX_BITS = 400
MAX_TOLD_POWER = 12


@lru_cache(maxsize=4096)
def factors(number: int) -> tuple[tuple[int, int], ...]:
    """The prime factors of a positive whole number, and how often each is in it.

    >>> factors(360)
    ((2, 3), (3, 2), (5, 1))

    What is left when small primes are divided out is one factor (of a perfect power, its root).
    Raises Unreadable for a number of more than 400 bits.
    """
    if number.bit_length() > MAX_BITS:
        raise Unreadable("a root of a number of too many digits")
    found = []
    for prime in _primes():
        if prime * prime > number:
            break
        times = 0
        while number % prime == 0:
            number //= prime
            times += 1
        if times:
            found.append((prime, times))
    if number == 1:
        return tuple(found)
    if number > SURELY_PRIME:
        for degree in range(MAX_TOLD_POWER, 1, -1):
            whole = whole_root(number, degree)
            if whole**degree == number:
                return (*found, *((prime, times * degree) for prime, times in factors(whole)))
    return (*found, (number, 1))


def whole_root(number: int, degree: int) -> int:
    """The largest whole number whose power is at most a number.

    >>> whole_root(80, 4)
    2
    """
    if degree == 2:
        return isqrt(number)
    low, high = 1, 1 << (number.bit_length() // degree + 1)
    while low < high:
        middle = (low + high + 1) // 2
        if middle**degree <= number:
            low = middle
        else:
            high = middle - 1
    return low


def rational_root(number: Fraction) -> Fraction | None:
    """The square root of a fraction that is not negative, if it is a fraction."""
    above, below = isqrt(number.numerator), isqrt(number.denominator)
    return Fraction(above, below) if above**2 == number.numerator and below**2 == number.denominator else None


@lru_cache(maxsize=1)
def _primes() -> tuple[int, ...]:
    sieve = bytearray([1]) * MAX_TRIAL
    sieve[:2] = b"\0\0"
    for number in range(2, isqrt(MAX_TRIAL) + 1):
        if sieve[number]:
            sieve[number * number :: number] = bytes(len(range(number * number, MAX_TRIAL, number)))
    return tuple(number for number in range(MAX_TRIAL) if sieve[number])
