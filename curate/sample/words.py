"""Names, places and scenes that make one template into many different texts."""

from __future__ import annotations

from curate.sample.dice import Dice


def listed(text: str) -> tuple[str, ...]:
    """Words at spaces, or phrases at bars if there are any."""
    return tuple(text.split("|" if "|" in text else None))


NAMES = listed(
    "Mira Tomas Ayşe Jonas Priya Kofi Lena Mateo Noor Ingrid Pavel Amara Dario Sunniva Hiro Elif Bram Salma "
    "Oskar Yara Felix Zuri Anton Leila Marek Freya Idris Clara Viktor Nadia Emil Tala Rafael Greta Samir "
    "Ines "
    "Lukas Wanjiru Piotr Hana Stefan Adaeze Niko Marta Kenji Rosa Arvid Fatima Joel Beatriz Milan Chipo Theo "
    "Anouk Goran Sana Edgar Liv Babak Olena Casper Dalia Henrik Meera Tariq Signe Ruben Aiko Gustav Paloma "
    "Jovan Thandi Matti Carmen Levi Oksana Bastian Nia Filip Soraya Aron Vera Kwame Linnea Daan Rania Hugo "
    "Zofia Ewan Malika Tobias Pilar Andrei Selma Cyrus Edith Nils Jasmin Otto Farah"
)
_STARTS = listed(
    "Var Lin Ost Mar Hol Brin Kel Tor Ash Wen Dun Fal Gry Hart Ives Kor Lam Mel Nor Pel Quen Ros Sel Tam "
    "Ul Ves "
    "Wil Yar Zel Bor Cal Dra"
)
_ENDS = listed(
    "holt wick mere stad by dorf ford ham ville burg port haven field ness bury dale gate moor croft lund"
)
THINGS = listed(
    "marbles stickers pencils apples postcards candles buttons tulips badges lanterns stamps oranges "
    "shells beads "
    "ribbons notebooks muffins cushions kites acorns tickets coins bricks tiles jars baskets plums feathers "
    "magnets corks spoons saplings puzzles envelopes crayons balloons bulbs figs hats ropes"
)
WARES = listed(
    "teapot|lamp|rucksack|wool blanket|chess set|tent|pair of boots|bicycle "
    "bell|flute|sketchbook|raincoat|clock|"
    "kettle|telescope|violin case|garden chair|set of brushes|frying pan|globe|sleeping "
    "bag|watch|carpet|radio|"
    "board game|hammock|suitcase|typewriter|drum|mirror|bookshelf"
)
JOBS = listed(
    "baker|surveyor|librarian|gardener|ferry captain|carpenter|nurse|beekeeper|potter|postal clerk|tailor|"
    "lighthouse keeper|florist|printer|cheesemaker|cartographer|violin maker|train guard|weaver|museum guide"
)
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = listed("January March April May June July August September October November")
_WEATHER = (
    "a rainy",
    "a windy",
    "a bright",
    "an unusually quiet",
    "a foggy",
    "a hot",
    "a snowy",
    "a busy",
    "a slow",
    "a cold",
    "a cloudy",
    "a noisy",
)
_TEXTS = (
    "a worn notebook",
    "an old exercise book",
    "a newsletter",
    "a competition sheet",
    "a letter from a former pupil",
    "the margin of a cookbook",
    "a puzzle calendar",
    "a train timetable",
    "a school magazine",
    "a stack of index cards",
)


def name(words: Dice) -> str:
    """A first name."""
    return words.pick(NAMES)


def two_names(words: Dice) -> tuple[str, str]:
    """Two different first names."""
    first, second = words.some(NAMES, 2)
    return first, second


def town(words: Dice) -> str:
    """An invented place name."""
    return words.pick(_STARTS) + words.pick(_ENDS)


def thing(words: Dice) -> str:
    """A countable thing, plural."""
    return words.pick(THINGS)


def scene(words: Dice) -> str:
    """One to four sentences that lead up to a problem and do not change it."""
    who, other = two_names(words)
    place, job, day = town(words), words.pick(JOBS), words.pick(DAYS)
    page, year = words.between(3, 214), words.between(1897, 2019)
    openings = (
        f"{who}, a {job} from {place}, copied the following problem from {words.pick(_TEXTS)}.",
        f"On {words.pick(_WEATHER)} {day} in {place}, {who} and {other} passed the time with riddles.",
        f"In {year} the {job}s of {place} held a contest, and question {page} is still remembered there.",
        f"{who} found this on page {page} of {words.pick(_TEXTS)}.",
        f"Every {day} the {job} {who} sets one question for the evening class in {place}.",
        f"{who} and {other} share an office above the {job}'s shop on {town(words)} Street.",
        f"While waiting {words.between(12, 95)} minutes for the bus to {place}, {who} was asked a question "
        f"by {other}.",
        f"A {job} named {who} moved to {place} in {words.pick(MONTHS)} {year}.",
    )
    middles = (
        f"Nobody at the table had paper, so {other} wrote on the back of a receipt from {town(words)}.",
        f"It took {other} {words.between(3, 58)} minutes to see how to begin.",
        f"The {words.pick(JOBS)} next door gave up after {words.between(2, 19)} attempts.",
        f"{other} claimed that the problem is easier than it looks, and {who} did not believe a word of it.",
        f"The prize was a {words.pick(WARES)}, which nobody had wanted for {words.between(2, 30)} years.",
        f"There were {words.between(4, 60)} people in the room, and most of them only listened.",
        f"The original is kept in the town archive of {town(words)}, shelf {words.between(11, 999)}.",
        f"{who} had promised {other} to answer before {words.pick(DAYS)}.",
        f"Outside, somebody was unloading {words.between(20, 400)} {thing(words)} from a van.",
        f"{other}, who grew up in {town(words)}, had heard a similar one as a child.",
    )
    closings = (
        "Here is the problem.",
        "It reads as follows.",
        "The question was this.",
        "Help them.",
        "",
        "",
        "",
    )
    parts = [words.pick(openings), *words.some(middles, words.pick((0, 0, 1, 1, 1, 2, 3, 5)))]
    closing = words.pick(closings)
    return " ".join([*parts, closing]) if closing else " ".join(parts)
