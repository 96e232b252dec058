"""Which row is what: its kind, its planted defect, its partner. Fixed by (rows, seed) before any text.

Quotas, not coin flips: rows are put in the order of a hash and dealt out from the front, so every
defect has the planned number of rows whatever the seed. Hashes are computed here, because they
must not change with a library's version.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

KINDS = ("maths", "code", "chat")
MATHS, CODE, CHAT = range(3)
_SHARES = {CHAT: 0.18, CODE: 0.12}

# (defect, kind of row, share of all rows); a defect may stand in several lines.
QUOTAS: tuple[tuple[str, int, float], ...] = (
    ("exact-duplicate", MATHS, 0.008), ("exact-duplicate", CODE, 0.002), ("exact-duplicate", CHAT, 0.002),
    ("exact-duplicate-spacing", MATHS, 0.008), ("exact-duplicate-spacing", CODE, 0.001),
    ("exact-duplicate-spacing", CHAT, 0.001),
    ("near-duplicate", MATHS, 0.014), ("near-duplicate", CODE, 0.001), ("near-duplicate", CHAT, 0.001),
    ("leak-verbatim", MATHS, 0.010), ("leak-embedded", MATHS, 0.010), ("leak-reformatted", MATHS, 0.010),
    ("leak-reworded", MATHS, 0.010), ("leak-renumbered", MATHS, 0.010),
    ("wrong-answer-key", MATHS, 0.015), ("no-correct-response", MATHS, 0.015),
    ("url", MATHS, 0.010), ("image", MATHS, 0.010), ("table", MATHS, 0.008), ("proof", MATHS, 0.008),
    ("multi-part", MATHS, 0.008), ("multiple-choice", MATHS, 0.012), ("true-false", MATHS, 0.008),
    ("empty-prompt", MATHS, 0.008), ("missing-answer", MATHS, 0.008), ("odd-unicode", MATHS, 0.010),
    ("last-turn-user", CHAT, 0.008), ("odd-turns", CHAT, 0.008),
)  # fmt: skip
COPIES = ("exact-duplicate", "exact-duplicate-spacing", "near-duplicate")
LEAKS = ("leak-verbatim", "leak-embedded", "leak-reformatted", "leak-reworded", "leak-renumbered")
DEFECTS: tuple[str, ...] = tuple(dict.fromkeys(defect for defect, _, _ in QUOTAS))


class Plan(NamedTuple):
    """One entry a row in every array; `clean` and `copies` by kind."""

    kind: npt.NDArray[np.int8]
    defect: npt.NDArray[np.int8]  # index into DEFECTS, -1 for none
    serial: npt.NDArray[np.int64]  # counts the copies of a kind, and the leaks
    pick: npt.NDArray[np.float64]  # uniform in [0, 1): chooses the family
    clean: tuple[npt.NDArray[np.int64], ...]  # rows without a defect, by kind
    copies: tuple[int, ...]  # number of planted copies, by kind


def mixed(values: npt.NDArray[np.uint64], key: int) -> npt.NDArray[np.uint64]:
    """A 64-bit hash of each value under a key, the same on every machine.

    Source: the finaliser of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014, figure 15).
    """
    start = np.uint64((key + 1) * 0x9E3779B97F4A7C15 % 2**64)
    with np.errstate(over="ignore"):
        z = (values + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15) + start
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


def benchmark_size(rows: int) -> int:
    """Items of the evaluation set: one for 20 rows, at least 40 and at most 400."""
    return min(400, max(40, rows // 20))


def make_plan(rows: int, seed: int) -> Plan:
    """Deal kinds, defects and partners to the rows.

    Every item of the evaluation set leaks at most once, so above 8,000 rows the leaks stay at
    80 of each sort; all other defects keep their share of the rows.
    """
    ids = np.arange(rows, dtype=np.uint64)
    order = np.argsort(mixed(ids, 3 * seed), kind="stable")
    kind = np.zeros(rows, dtype=np.int8)
    defect = np.full(rows, -1, dtype=np.int8)
    serial = np.zeros(rows, dtype=np.int64)
    n_chat, n_code = (round(rows * _SHARES[k]) for k in (CHAT, CODE))
    dealt = {CHAT: order[:n_chat], CODE: order[n_chat : n_chat + n_code], MATHS: order[n_chat + n_code :]}
    kind[dealt[CHAT]] = CHAT
    kind[dealt[CODE]] = CODE
    position = dict.fromkeys(dealt, 0)
    copies, leaks = dict.fromkeys(dealt, 0), 0
    for name, of, share in QUOTAS:
        count = max(1, round(rows * share))
        if name in LEAKS:
            count = min(count, benchmark_size(rows) // len(LEAKS))
        taken = dealt[of][position[of] : position[of] + count]
        position[of] += count
        defect[taken] = DEFECTS.index(name)
        if name in COPIES:
            serial[taken] = np.arange(copies[of], copies[of] + len(taken))
            copies[of] += len(taken)
        if name in LEAKS:
            serial[taken] = np.arange(leaks, leaks + len(taken))
            leaks += len(taken)
    clean = tuple(dealt[of][position[of] :].astype(np.int64) for of in range(len(KINDS)))
    pick = mixed(ids, 3 * seed + 1).astype(np.float64) / 2.0**64
    return Plan(
        kind, defect, serial, np.minimum(pick, 1 - 2.0**-53), clean, tuple(copies[of] for of in range(3))
    )
