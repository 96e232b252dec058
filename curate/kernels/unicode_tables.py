"""Builds native/unicode.bin, what tokenizers make of code points: `python -m curate.kernels.unicode_tables`.

For both tokenizers the file says which normalised text (NFKC, casefolded, separators blank) a code point
becomes, and which code points may change or be changed by a neighbour under NFKC; texts that hold one of
those are brought to NFKC by Python first. The tables are those of the Unicode version of the Python that
built them, `curate.kernels.native.unicode_version()`; NFKC itself never changes for assigned code points,
and the others are kept from it (`curate.kernels.native.nfkc`), so that every Python reads a text alike.

Layout, little-endian: magic (8 bytes), Unicode version (16), n_pages, n_entries, pool size, 0 (uint32
each); page number of every 256 code points, once for each tokenizer (uint16); pages of 256 entry numbers
(uint16, top bit: composes); entries (uint32: start in the pool << 8 | length); pool (UTF-8).
Entry numbers below 4 are not looked up: 0 the character itself, 1 itself between two blanks, 2 a blank,
3 nothing. Entry 4 is a blank too, the one of code points that are not assigned.
"""

from __future__ import annotations

import sys
import unicodedata
from pathlib import Path

import numpy as np
import numpy.typing as npt

MAGIC = b"curateU1"
HEADER_BYTES = 40
N_CODE_POINTS = 0x110000
COMPOSES = 0x8000
ITSELF, OWN_TOKEN, BLANK, NOTHING, UNASSIGNED = range(5)
FIRST_LISTED = UNASSIGNED

OPERATORS = frozenset("+-*/=<>^%|!()[]@#&")
"""ASCII characters that are one token each for the tokenizer `math`."""

LOOK_ALIKES = {"⁄": "/", "−": "-", "∕": "/", "∗": "*", "∣": "|"}
"""Mathematical signs that `math` reads as the ASCII operator they stand for."""

OWN_TOKEN_RANGES = (
    (0x3040, 0x30FF),  # hiragana, katakana
    (0x31F0, 0x31FF),  # katakana phonetic extensions
    (0x3400, 0x4DBF),  # Han extension A
    (0x4E00, 0x9FFF),  # Han
    (0xF900, 0xFAFF),  # Han compatibility
    (0x20000, 0x323AF),  # Han extensions B to H
)
"""Letters written without blanks between words: one token each."""

VARIATION_SELECTORS = ((0xFE00, 0xFE0F), (0xE0100, 0xE01EF))


def _within(code: int, ranges: tuple[tuple[int, int], ...]) -> bool:
    return any(first <= code <= last for first, last in ranges)


def fold(character: str, *, math: bool) -> str:
    """What one NFKC, casefolded character becomes; blanks separate tokens.

    >>> fold("x", math=True), fold("≤", math=True), fold("≤", math=False), fold("−", math=True)
    ('x', ' ≤ ', ' ', '-')
    """
    category = unicodedata.category(character)
    if category == "Cf" or _within(ord(character), VARIATION_SELECTORS):
        return ""
    if category[0] in "LMN":
        return f" {character} " if _within(ord(character), OWN_TOKEN_RANGES) else character
    if math:
        operator = LOOK_ALIKES.get(character, character)
        if operator in OPERATORS or operator == "\\":  # the kernel parts them from letters and digits
            return operator
        if category == "Sm" and not operator.isascii():
            return f" {operator} "
    return " "


def composing() -> set[int]:
    """Code points whose NFKC form may depend on what stands before them.

    Those are the ones whose full decomposition begins with a character that can be reordered (a
    combining class) or that is the second of a pair that composes. A code point outside this set starts
    anew, so a text without any is normalised character by character.
    """
    seconds = set(range(0x1161, 0x1176)) | set(range(0x11A8, 0x11C3))  # Hangul vowels and final consonants
    for code in range(N_CODE_POINTS):
        parts = unicodedata.decomposition(chr(code)).split()
        if len(parts) == 2 and not parts[0].startswith("<"):
            seconds.add(int(parts[1], 16))
    found = set()
    for code in range(N_CODE_POINTS):
        if unicodedata.category(chr(code)) in ("Cn", "Cs"):
            continue
        first = unicodedata.normalize("NFKD", chr(code))[0]
        if unicodedata.combining(first) or ord(first) in seconds:
            found.add(code)
    return found


def build() -> bytes:
    """The content of unicode.bin; the same bytes for the same Unicode version."""
    composes = composing()
    entries = {" ": UNASSIGNED}
    tables = np.zeros((2, N_CODE_POINTS), dtype=np.uint16)
    for table, math in zip(tables, (False, True), strict=True):
        for code in range(N_CODE_POINTS):
            character = chr(code)
            category = unicodedata.category(character)
            if category in ("Cn", "Cs"):
                table[code] = UNASSIGNED if category == "Cn" else BLANK  # Cs: half of a surrogate pair
                continue
            normal = unicodedata.normalize("NFKC", character).casefold()
            folded = "".join(fold(part, math=math) for part in normal)
            known = {character: ITSELF, f" {character} ": OWN_TOKEN, " ": BLANK, "": NOTHING}
            if folded not in known:
                known[folded] = entries.setdefault(folded, FIRST_LISTED + len(entries))
            table[code] = known[folded] | (COMPOSES if code in composes else 0)
    pages, numbers = np.unique(tables.reshape(-1, 256), axis=0, return_inverse=True)
    pool = bytearray()
    listed = np.zeros(FIRST_LISTED + len(entries), dtype="<u4")
    for text, number in entries.items():
        encoded = text.encode()
        listed[number] = len(pool) << 8 | len(encoded)
        pool += encoded
    assert len(listed) < COMPOSES
    sizes = np.array([len(pages), len(listed), len(pool), 0], dtype="<u4")
    version = unicodedata.unidata_version.encode().ljust(16, b"\0")
    parts = (sizes, numbers.reshape(-1).astype("<u2"), pages.astype("<u2"), listed)
    return MAGIC + version + b"".join(part.tobytes() for part in parts) + bytes(pool)


def unassigned(tables: bytes) -> npt.NDArray[np.bool_]:
    """For every code point, whether the Unicode version of these tables does not assign it."""
    n_pages = int.from_bytes(tables[24:28], "little")
    numbers = np.frombuffer(tables, dtype="<u2", count=N_CODE_POINTS // 256, offset=HEADER_BYTES)
    first_page = HEADER_BYTES + 2 * 2 * (N_CODE_POINTS // 256)
    pages = np.frombuffer(tables, dtype="<u2", count=256 * n_pages, offset=first_page).reshape(-1, 256)
    return np.asarray((pages == UNASSIGNED)[numbers].reshape(-1))


if __name__ == "__main__":
    target = Path(__file__).parent / "native" / "unicode.bin"
    target.write_bytes(build())
    sys.stdout.write(f"{target.name}: Unicode {unicodedata.unidata_version}, {target.stat().st_size} bytes\n")
