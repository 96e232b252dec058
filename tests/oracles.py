"""Naive twins of the native kernels: the plain reading of what they must compute, slow and obvious."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Literal

Tokenizer = Literal["words", "math"]

OPERATORS = frozenset("+-*/=<>^%|!()[]@#&")
"""ASCII characters that are one token each in `math`."""

LOOK_ALIKES = {"\u2044": "/", "\u2212": "-", "\u2215": "/", "\u2217": "*", "\u2223": "|"}
"""Mathematical signs read as the ASCII operator they stand for in `math`."""

ESCAPED = frozenset("()[]!")
"""Operators that are no token in `math` straight after a backslash."""

COMMANDS = dict.fromkeys(
    [
        "left",
        "right",
        "middle",
        "big",
        "bigg",
        "bigl",
        "bigr",
        "biggl",
        "biggr",
        "bigm",
        "lbrace",
        "rbrace",
        "colon",
        "displaystyle",
        "textstyle",
        "scriptstyle",
        "limits",
        "nolimits",
        "quad",
        "qquad",
        "enspace",
        "thinspace",
        "noindent",
        "text",
        "textrm",
        "textnormal",
        "textbf",
        "textit",
        "textsf",
        "texttt",
        "mbox",
        "hbox",
        "emph",
        "em",
        "underline",
        "operatorname",
        "mathrm",
        "mathbf",
        "mathit",
        "mathsf",
        "mathtt",
        "mathbb",
        "mathcal",
        "mathscr",
        "mathfrak",
        "boldsymbol",
        "bm",
        "rm",
        "bf",
        "it",
        "cal",
        "cdot",
        "dots",
        "ldots",
        "cdots",
        "dotsc",
        "dotsb",
        "dotsm",
        "dotsi",
        "dotso",
        "hdots",
    ],
    "",
) | {
    command: token
    for token, commands in {
        "frac": "dfrac tfrac cfrac",
        "triangle": "vartriangle",
        "epsilon": "varepsilon",
        "phi": "varphi",
        "theta": "vartheta",
        "l": "ell",
        "|": "lvert rvert vert mid",
        "<": "lt",
        ">": "gt",
        "*": "ast",
        "≤": "le leq leqslant leqq",
        "≥": "ge geq geqslant geqq",
        "≠": "ne neq",
        "×": "times",
        "÷": "div",
        "±": "pm",
        "∓": "mp",
        "∈": "in",
        "∉": "notin",
        "∪": "cup",
        "∩": "cap",
        "⊂": "subset",
        "⊆": "subseteq",
        "∅": "emptyset varnothing",
        "→": "to rightarrow",
        "≡": "equiv",
        "≈": "approx",
        "∞": "infty",
        "∧": "land wedge",
        "∨": "lor vee",
        "¬": "neg lnot",
        "∀": "forall",
        "∃": "exists",
    }.items()
    for command in commands.split()
}
"""What a word straight after a backslash is read as in `math`; '' = no token."""

PIECE = re.compile(r"(\\?)([0-9]+|[-+*/=<>^%|!()\[\]@#&]|[^- 0-9+*/=<>^%|!()\[\]@#&\\]+)")
"""A run of digits, an operator, or a run of others, and the backslash straight before it."""


def is_han_or_kana(character: str) -> bool:
    """Whether the character is one token by itself, as in text written without blanks."""
    code = ord(character)
    return (
        0x3400 <= code <= 0x4DBF
        or 0x4E00 <= code <= 0x9FFF
        or 0xF900 <= code <= 0xFAFF
        or 0x20000 <= code <= 0x323AF
        or 0x3040 <= code <= 0x30FF
        or 0x31F0 <= code <= 0x31FF
    )


@cache
def fold(character: str, tokenizer: Tokenizer) -> str:
    """Text of one character that is already NFKC and casefolded: blank = separator, '' = dropped.

    In `math` operators and the backslash are themselves; `tokens` parts them from the rest.
    """
    code, category = ord(character), unicodedata.category(character)
    if category == "Cf" or 0xFE00 <= code <= 0xFE0F or 0xE0100 <= code <= 0xE01EF:
        return ""
    if category[0] in "LNM":
        return f" {character} " if is_han_or_kana(character) else character
    if tokenizer == "math":
        operator = LOOK_ALIKES.get(character, character)
        if operator in OPERATORS or operator == "\\":
            return operator
        if category == "Sm" and code >= 0x80:
            return f" {operator} "
    return " "


def normalize(text: str, tokenizer: Tokenizer) -> str:
    """NFKC, casefold, then `fold` of every character."""
    return "".join(fold(c, tokenizer) for c in unicodedata.normalize("NFKC", text).casefold())


def tokens(text: str, tokenizer: Tokenizer) -> list[str]:
    """The tokens of a text."""
    folded = normalize(text, tokenizer)
    if tokenizer == "words":
        return [token for token in folded.split(" ") if token]
    found = []
    for backslash, piece in PIECE.findall(folded):
        token = COMMANDS.get(piece, piece) if backslash else piece
        if token and not (backslash and piece in ESCAPED):
            found.append(token)
    return found


MASK = (1 << 64) - 1
"""Arithmetic of the kernels is modulo 2^64."""


def fold_multiply(a: int, b: int) -> int:
    """The two halves of the 128-bit product, xored."""
    product = (a & MASK) * (b & MASK)
    return (product & MASK) ^ (product >> 64)


def finish(h: int) -> int:
    """The bijection of 64 bits that ends every hash."""
    h ^= h >> 33
    h = h * 0xFF51AFD7ED558CCD & MASK
    h ^= h >> 33
    h = h * 0xC4CEB9FE1A85EC53 & MASK
    return h ^ (h >> 33)


@cache
def token_hash(token: str) -> int:
    """Hash of one token: of its UTF-8 bytes, eight at a time."""
    rest = token.encode()
    if len(rest) == 1:
        rest = bytes([rest[0] | 0x20])
    h = 0xA0761D6478BD642F ^ (len(rest) * 0xE7037ED1A0B428DB & MASK)
    for start in range(0, len(rest), 8):
        h = fold_multiply(h ^ int.from_bytes(rest[start : start + 8], "little"), 0xE7037ED1A0B428DB)
    return h


@cache
def number_hash(digits: str) -> int:
    """Hash of one run of digits, eight at a time; the last part has fewer than eight, and may have none."""
    h = 0
    for start in range(0, len(digits) + 1, 8):
        h = finish(h ^ int.from_bytes(digits[start : start + 8].encode(), "little"))
    return h


def numbers_in(text: str) -> list[str]:
    """The runs of ASCII digits of the normalised text."""
    return re.findall("[0-9]+", normalize(text, "words"))


def number_key(text: str) -> int:
    """Sum of the hashes of the runs of ASCII digits of the normalised text: their order does not matter."""
    return sum(map(number_hash, numbers_in(text))) & MASK


def ngram_hash(gram: list[str]) -> int:
    """Hash of a run of tokens."""
    h = 0
    for token in gram:
        h = (h * 0x9E3779B97F4A7C15 + token_hash(token)) & MASK
    return finish(h)


def shingles(text: str, tokenizer: Tokenizer, n: int) -> set[int]:
    """Hashes of the n-grams of a text; of all its tokens together if they are fewer than n."""
    words = tokens(text, tokenizer)
    if not words:
        return set()
    if len(words) < n:
        h = len(words)
        for word in words:
            h = finish(h ^ token_hash(word)) * 0x9E3779B97F4A7C15 & MASK
        return {finish(h)}
    return {ngram_hash(words[start : start + n]) for start in range(len(words) - n + 1)}


def signature(shingle_set: set[int], n: int, seed: int) -> list[int]:
    """The MinHash values of the upper halves of the shingles, as datasketch computes them."""
    from datasketch import MinHash

    minhash = MinHash(num_perm=n, seed=seed, hashfunc=lambda value: value, scheme="affine32")
    for shingle in sorted(shingle_set):
        minhash.update(shingle >> 32)
    return [int(value) for value in minhash.hashvalues]


def band_keys(minima: Sequence[int], bands: int, rows_per_band: int, numbers: int = 0) -> list[int]:
    """Hash of each band of a signature, two places at a time, mixed with the key of the numbers."""
    keys = []
    for band in range(bands):
        h = (numbers ^ (band + 1)) * 0x9E3779B97F4A7C15 & MASK
        own = minima[band * rows_per_band : (band + 1) * rows_per_band]
        for place in range(0, rows_per_band, 2):
            both = own[place] | (own[place + 1] << 32 if place + 1 < rows_per_band else 0)
            h = fold_multiply(h ^ both, 0xE7037ED1A0B428DB)
        keys.append(finish(h) >> 32)
    return keys


def word_gap(words: Sequence[str], place: int, max_tokens: int) -> tuple[object, ...] | None:
    """What is left of the tokens, and how many there were, without a word; None if there is no word to leave out.

    A word has three letters or more and nothing else.
    """
    if len(words) > max_tokens or place >= len(words):
        return None
    if len(words[place]) < 3 or not words[place].isalpha():
        return None
    return (len(words), *words[:place], None, *words[place + 1 :])


def jaccard(a: set[int], b: set[int]) -> float:
    """Share of the members of either set that both have; 0.0 if both are empty."""
    return len(a & b) / len(a | b) if a | b else 0.0


def candidate_pairs(keys: Sequence[int], cap: int) -> set[tuple[int, int]]:
    """Pairs (lower, higher) of positions with equal keys; in a group above `cap` first and last ones only."""
    pairs = set()
    for key in set(keys):
        members = [position for position, own in enumerate(keys) if own == key]
        for rank, higher in enumerate(members):
            lower = members[:rank]
            if len(members) > cap:
                lower = lower[: cap // 2] + lower[-(cap // 2) :] if cap > 1 else []
            pairs |= {(other, higher) for other in lower}
    return pairs


AMOUNTS = {
    "two": "two",
    "three": "three",
    "half": "half",
    "halves": "half",
    "twice": "twice",
    "double": "twice",
}
NEGATIONS = frozenset(["not", "no", "never", "except", "without"])
LOGIC = {"and": "and", "both": "and", "or": "or", "either": "or"}
FUNCTIONS = {"area": "area", "largest": "max", "greatest": "max", "smallest": "min", "sine": "sine"}
PASSED_OVER = frozenset(["the", "is", "of", "a", "find", "calculate", "what", "given", "then"])
"""Some of the words of native/symbols.cpp; texts of others are not for `words_part`."""

FAMILIES = [
    {*family.split(",")}
    for family in [
        ",s",
        ",es",
        ",ed",
        ",d",
        ",ing",
        "e,ing",
        "y,ies",
        "y,ied",
        "s,ed",
        "s,ing",
        "ed,ing",
        "es,ed",
        "es,ing",
        "ies,ied",
    ]
]
"""Endings of one word: two of a family go with one stem."""


def same_word(one: str, other: str) -> bool:
    """Whether two different words are one: inflected, or misspelt (five letters or more, the same first letter)."""
    for size in range(3, min(len(one), len(other)) + 1):
        endings = {one[size:], other[size:]}
        if one[:size] == other[:size] and (
            endings in FAMILIES or endings in ({"", one[size - 1] + "ed"}, {"", one[size - 1] + "ing"})
        ):
            return True
    if min(len(one), len(other)) < 5 or one[0] != other[0]:
        return False
    if len(one) == len(other):
        swaps = {one[:i] + one[i + 1] + one[i] + one[i + 2 :] for i in range(len(one) - 1)}
        return other in swaps or sum(a != b for a, b in zip(one, other, strict=True)) == 1
    shorter, longer = sorted((one, other), key=len)
    return any(shorter == longer[:i] + longer[i + 1 :] for i in range(len(longer)))


def _as_packed(word: str) -> list[str]:
    """Sorts words as the kernel has them: by their letters, the last of twelve first."""
    return list(word.ljust(12, "\0"))[::-1]


def words_part(one: str, other: str) -> bool:
    """Whether words keep two texts of small letters apart whose ground truths are not known to be the same."""
    sides = [re.findall("[a-z]{2,}", text) for text in (one, other)]
    amounts = [Counter(AMOUNTS[word] for word in side if word in AMOUNTS) for side in sides]
    negated = [sum(word in NEGATIONS for word in side) for side in sides]
    logic = [Counter(LOGIC[word] for word in side if word in LOGIC) for side in sides]
    if amounts[0] != amounts[1] or negated[0] != negated[1]:
        return True
    if logic[0] - logic[1] and logic[1] - logic[0]:
        return True
    known = {*AMOUNTS, *NEGATIONS, *LOGIC, *PASSED_OVER}
    words = [Counter(FUNCTIONS.get(word, word) for word in side if word not in known) for side in sides]
    only = [sorted((a - b).elements(), key=_as_packed) for a, b in (words, words[::-1])]
    for word in list(only[0]):
        match = next((fellow for fellow in only[1] if same_word(word, fellow)), None)
        if match is not None:
            only[0].remove(word)
            only[1].remove(match)
    return bool(only[0] and only[1])


def leader_clusters(
    sets: Sequence[set[int]], pairs: set[tuple[int, int]], threshold: float
) -> list[tuple[int, float]]:
    """For each set its leader and the Jaccard to it, by leader linkage over the given pairs."""
    leaders: list[tuple[int, float]] = []
    for node, own in enumerate(sets):
        near = [low for low, high in pairs if high == node and jaccard(own, sets[low]) >= threshold]
        reachable = {leaders[low][0] for low in near}
        joinable = [(-jaccard(own, sets[leader]), leader) for leader in reachable]
        joinable = [(value, leader) for value, leader in joinable if -value >= threshold]
        value, leader = min(joinable, default=(-1.0, node))
        leaders.append((leader, -value))
    return leaders


def single_clusters(
    sets: Sequence[set[int]], pairs: set[tuple[int, int]], threshold: float
) -> list[tuple[int, float]]:
    """For each set the smallest member of its connected component and the Jaccard to it."""
    near = {pair for pair in pairs if jaccard(sets[pair[0]], sets[pair[1]]) >= threshold}
    component = components(len(sets), near)
    return [
        (first, 1.0 if first == node else jaccard(sets[node], sets[first]))
        for node, first in enumerate(component)
    ]


def closest_leaders(n: int, similar: Mapping[tuple[int, int], float]) -> list[tuple[int, float]]:
    """For each node its leader and how like it is: the leader most like it, the smaller on a tie, or itself.

    `similar` holds every pair (lower, higher) that is at the threshold or above.
    """
    leaders: list[tuple[int, float]] = []
    for node in range(n):
        known = [
            (-similar[low, node], low)
            for low in range(node)
            if leaders[low][0] == low and (low, node) in similar
        ]
        value, leader = min(known, default=(-1.0, node))
        leaders.append((leader, -value))
    return leaders


def components(n: int, pairs: set[tuple[int, int]]) -> list[int]:
    """For each node the smallest node of its connected component."""
    component, before = list(range(n)), None
    while component != before:
        before = list(component)
        for low, high in pairs:
            component[low] = component[high] = min(component[low], component[high])
    return component


def links(
    leaders: Sequence[tuple[int, float]], jaccards: Mapping[tuple[int, int], float]
) -> list[tuple[float, float] | None]:
    """Highest and lowest known Jaccard of each node within its cluster; None if it has none."""
    known: list[list[float]] = [[] for _ in leaders]
    for (low, high), value in jaccards.items():
        if leaders[low][0] == leaders[high][0]:
            known[low].append(value)
            known[high].append(value)
    for node, (leader, value) in enumerate(leaders):
        if leader != node:
            known[node].append(value)
            known[leader].append(value)
    return [(max(values), min(values)) if values else None for values in known]
