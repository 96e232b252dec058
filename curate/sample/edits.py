"""Edits that make a copy out of a text: spacing, a few words, wrappers, layout, odd characters."""

from __future__ import annotations

import re

from curate.sample.dice import Dice
from curate.sample.words import listed, name, town

_TOKEN = re.compile(r"\w+")
_SYNONYMS = dict(
    pair.split("=")
    for pair in listed(
        "Find=Determine|Determine=Find|Compute=Calculate|Calculate=Compute|Solve=Please solve|Given=If|"
        "exact=precise|exactly=precisely|several=some|largest=biggest|smallest=least|needs=requires|"
        "together=jointly|buys=purchases|costs=is sold for|number=count|positive=strictly positive|"
        "integer=whole number|integers=whole numbers|real=real-valued|problem=exercise|following=next|"
        "question=riddle|easier=simpler|similar=comparable|people=persons|wrote=scribbled|found=discovered|"
        "kept=stored|returns=gives back|moved=relocated|probability=chance|sum=total|average=mean|"
        "distance=separation|after=following|begin=start|answer=reply|Write=Create|"
        "remainder=rest|named=called|shop=store|room=hall|above=over|"
        "still=even now|only=just|asked=questioned|divided=split|street=road|words=terms|elements=entries|"
        "list=array|text=string"
    )
)
_POLITE = (
    "Thank you!",
    "Please show your work.",
    "Thanks in advance.",
    "Please explain briefly.",
    "Many thanks.",
    "Show all steps.",
    "Take your time.",
    "I would be grateful for help.",
)
_WRAPPERS = (
    (
        "You are preparing students of {town} for an exam. Solve the problem below and explain each step "
        "so that {who} can follow it.\n\n"
        "Problem: ",
        "\n\nPut the final result in a box at the end of your solution.",
    ),
    (
        "### Instruction:\nAnswer the question. Think step by step before you write the final answer.\n\n"
        "### Input:\n",
        "\n\n### Response:",
    ),
    (
        '{who} from {town} sent us this exercise for the weekly column and asks for a complete solution: "',
        '" Can you help?',
    ),
    (
        "Below you find a question from a collection. First restate it in your own words, then solve it.\n"
        "---\n",
        "\n---\nKeep the restatement under {n} words.",
    ),
    (
        "I could not do number {n} on yesterday's sheet. Here it is. ",
        " My teacher in {town} said that it takes five lines at most.",
    ),
)
_SPACES = (" ", "  ", "\n", "\t", "\u00a0", "   ")


def shingles(tokens: list[str]) -> set[tuple[str, ...]]:
    """The runs of five tokens of a text (the whole text if it is shorter)."""
    return {tuple(tokens[i : i + 5]) for i in range(max(1, len(tokens) - 4))}


def jaccard(text: str, other: str) -> float:
    """Jaccard similarity of five-word shingles, lower-cased: the smaller of two readings.

    Words are runs of letters and digits in one reading, pieces between spaces in the other.
    """
    pairs = (
        (_TOKEN.findall(text.lower()), _TOKEN.findall(other.lower())),
        (text.lower().split(), other.lower().split()),
    )
    values = []
    for one, two in pairs:
        a, b = shingles(one), shingles(two)
        values.append(len(a & b) / len(a | b))
    return min(values)


def respace(text: str, dice: Dice, *, code: bool = False) -> tuple[str, str]:
    """The same words with other white space or case: (text, what was done)."""
    how = (
        dice.pick(("ends", "breaks"))
        if code
        else dice.pick(("ends", "double", "breaks", "lower", "first-letter", "mixed"))
    )
    if how == "ends":
        return dice.pick(("\n", "  ", "\t", "\n\n")) + text + dice.pick(("", " ", "\n", "\r\n")), how
    if how == "lower" and text.lower() != text:
        return text.lower(), how
    if how == "first-letter" and text[0].swapcase() != text[0]:
        return text[0].swapcase() + text[1:], how
    if how == "breaks" and ("\n\n" in text or ". " in text):
        return text.replace("\n\n", "\n\n\n") if code or "\n\n" in text else text.replace(". ", ".\n"), how
    parts = text.split(" ")
    if code or len(parts) < 3:
        return f"{text} \n", "ends"
    if how == "double":
        return "  ".join(parts), how
    return "".join(part + dice.pick(_SPACES) for part in parts[:-1]) + parts[-1], "mixed"


def reword_slightly(text: str, dice: Dice, rest: str = "") -> tuple[str, float] | None:
    """The text after one to three small edits and its true similarity; None if it falls below 0.8.

    The numbers stay, so the problem is the same. `rest` is text that follows on both sides.
    """
    parts = text.split(" ")
    places = [index for index, part in enumerate(parts) if part.rstrip(",.?") in _SYNONYMS]
    edits = 0
    for index in dice.some(places, dice.pick((0, 1, 1, 2, 3))):
        bare = parts[index].rstrip(",.?")
        parts[index] = _SYNONYMS[bare] + parts[index][len(bare) :]
        edits += 1
    changed = " ".join(parts)
    if dice.chance(0.3) and ", " in changed:
        changed = changed.replace(", ", " ", 1)
    if not edits or dice.chance(0.35):
        changed = (
            f"{changed} {dice.pick(_POLITE)}"
            if dice.chance(0.7)
            else f"{dice.pick(('Question:', 'Please help:', 'Exercise.'))} {changed}"
        )
    similarity = jaccard(text + rest, changed + rest)
    return (changed, similarity) if similarity >= 0.8 else None


def wrap(text: str, dice: Dice) -> str:
    """The text inside an instruction."""
    before, after = dice.pick(_WRAPPERS)
    slots = {"town": town(dice), "who": name(dice), "n": dice.between(3, 90)}
    return before.format_map(slots) + text + after.format_map(slots)


def reformat(text: str, dice: Dice) -> tuple[str, str]:
    """The same words with other case, punctuation and line breaks: (text, what was done)."""
    done = dice.some(("lower", "punctuation", "lines", "maths-signs", "spaces"), dice.between(2, 4))
    if "punctuation" in done:
        text = re.sub(r"[,.?!;:]+(?=\s|$)", "", text)
    if "lower" in done:
        text = text.lower()
    if "maths-signs" in done:
        text = (
            text.replace("\\$", "USD ").replace("$", "")
            if dice.chance(0.5)
            else re.sub(r"(?<!\\)\$([^$]*)\$", r"\\( \1 \\)", text)
        )
    if "spaces" in done:
        text = "  ".join(text.split(" "))
    if "lines" in done:
        words = text.split(" ")
        width = dice.between(5, 11)
        text = "\n".join(" ".join(words[i : i + width]) for i in range(0, len(words), width))
    return text, "+".join(sorted(done))


_WIDE = str.maketrans("0123456789", "０１２３４５６７８９")
_ODD_SPACES = ("\u200b", "\u200d", "\ufeff", "\u2060")


def _in_words(text: str, old: str, new: str, most: int) -> str:
    """Replace in at most `most` words, never inside a formula's command."""
    parts = text.split(" ")
    for index, part in enumerate(parts):
        if most and old in part and "\\" not in part:
            parts[index] = part.replace(old, new, 1)
            most -= 1
    return " ".join(parts)


def odd_characters(text: str, dice: Dice) -> tuple[str, str]:
    """The same text with characters that trip careless programs: (text, which)."""
    which = dice.pick(
        ("full-width-digits", "zero-width", "combining", "emoji", "soft-hyphen", "direction-mark")
    )
    if which == "full-width-digits" and any(letter.isdigit() for letter in text):
        return text.translate(_WIDE), which
    if which == "zero-width":
        mark = dice.pick(_ODD_SPACES)
        return "".join(part + (mark + " " if dice.chance(0.4) else " ") for part in text.split(" "))[
            :-1
        ] + mark, which
    if which == "combining" and "e" in text:
        return _in_words(text, "e", "e\u0301", dice.between(1, 6)), which
    if which == "soft-hyphen":
        return _in_words(text, "in", "i\u00adn", dice.between(1, 5)) + "\u00ad", which
    if which == "direction-mark":
        return f"\u200e{text}\u200f", which
    faces = "".join(dice.pick("🙂🤔📐🎲👩‍🏫🧮🇫🇮✅") for _ in range(dice.between(1, 4)))
    return f"{text} {faces}", "emoji"
