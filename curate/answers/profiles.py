"""How two answers have to agree: each profile is a row of a table."""

from __future__ import annotations

from typing import Literal, NamedTuple

ProfileName = Literal["strict", "lenient", "compat"]


class Profile(NamedTuple):
    """What may differ between equal answers."""

    name: ProfileName
    rounded_digits: int
    """Significant digits from which a decimal that is the other value, rounded, is equal to it."""
    any_order: bool
    """A tuple is equal to the same things in another order."""
    any_unit: bool
    """Units that are of different dimensions do not tell numbers apart."""
    any_case: bool
    """Variables that differ only in capitals are the same."""
    open_or_closed: bool
    """An interval is equal to the one with other brackets."""
    tolerance: float
    """Relative distance up to which two numbers, one of them a decimal, are equal; 0 for none."""


STRICT = Profile(
    "strict", 6, any_order=False, any_unit=False, any_case=False, open_or_closed=False, tolerance=0.0
)
LENIENT = Profile(
    "lenient", 3, any_order=True, any_unit=True, any_case=True, open_or_closed=False, tolerance=1e-3
)
COMPAT = STRICT._replace(name="compat")
"""Math-Verify's verdicts, from `curate.answers.compat`: nothing of this table is looked at."""
PROFILES: dict[str, Profile] = {"strict": STRICT, "lenient": LENIENT, "compat": COMPAT}
