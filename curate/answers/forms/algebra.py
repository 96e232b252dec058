r"""Exact values: fractions of sums of products of powers of primes, pi, e, i, logarithms and letters.

Roots of rational numbers are products of primes with exponents in (0, 1), which are linearly independent
over the rationals (Besicovitch 1940), and so are logarithms of primes: two values made of these are equal
exactly when their sums are. For functions that are not evaluated (sin 1) equal arguments give equal values;
different ones may too, which an undecided comparison stands for.

What is here is made of smaller modules: `sums`, `values` (arithmetic), `signs`, `roots`, `trigonometry`,
`powers`, `logarithms`, `functions`. Each raises Unreadable for what has no value, or costs too much.
"""

from __future__ import annotations

from curate.answers.forms.functions import function
from curate.answers.forms.powers import power, root
from curate.answers.forms.renaming import substitute
from curate.answers.forms.sums import HALF, ONE, PI, UNIT, Atom, E, I, Product, Sum
from curate.answers.forms.values import (
    Value,
    add,
    atom,
    constant,
    divide,
    equal,
    is_exact,
    mentions,
    multiply,
    negative,
    symbol,
    thaw,
)

__all__ = [
    "HALF", "ONE", "PI", "UNIT", "Atom", "E", "I", "Product", "Sum", "Value", "add", "atom", "constant",
    "divide", "equal", "function", "is_exact", "mentions", "multiply", "negative", "power", "root",
    "substitute", "symbol", "thaw",
]  # fmt: skip
