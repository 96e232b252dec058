"""Conversations on everyday topics, from a grammar: one or several turns, each reply with thinking."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from curate.sample.dice import Dice
from curate.sample.words import DAYS, JOBS, MONTHS, THINGS, WARES, name, town


class Talk(NamedTuple):
    """A conversation; turns alternate, the user speaks first and the assistant last."""

    topic: str
    turns: tuple[tuple[str, str], ...]  # (role, content)


class Topic(NamedTuple):
    """What a conversation may be about; braces are filled from `_slots`."""

    name: str
    openers: tuple[str, ...]
    followers: tuple[str, ...]
    advice: tuple[str, ...]


TOPICS = (
    Topic(
        "travel",
        (
            "I am planning a {n}-day trip to {town} with {who} in {month}. What should we keep in mind?",
            "{who} and I have {n} days and about {money} euros for a visit to {town}. How would you divide "
            "the time?",
            "What is a sensible packing list for {n} days of hiking around {town} in {month}?",
        ),
        (
            "And if it rains on {day}?",
            "We would rather avoid {job} shops and crowds. Does that change anything?",
            "{who} gets tired after {n} km of walking. How would you adapt the plan?",
        ),
        (
            "Book the first night in {town} ahead, and leave {day} open so that the plan can bend.",
            "A budget of {money} euros goes further if you eat where the {job}s of the town eat.",
            "Take layers: mornings in {month} can be {n} degrees colder than afternoons.",
            "Ask {who} which single sight must not be missed, and put it on the second day.",
            "Buses often run only every {n} hours on {day}, so note the last one back.",
            "Keep a copy of your papers apart from your bags; {who} can carry one.",
        ),
    ),
    Topic(
        "cooking",
        (
            "I have {n} {thing} worth of space in my fridge and guests from {town} on {day}. What can I "
            "cook for {n} people?",
            "How do I keep bread fresh for {n} days? {who} swears by a clay pot from {town}.",
            "{who} burned the onions again. How do I explain the right heat to a {job}?",
        ),
        (
            "What could I prepare on the evening before {day}?",
            "One guest does not eat milk. What now?",
            "Can the amount be doubled for {n} people?",
        ),
        (
            "Start with what takes longest, so that the oven is free after {n} minutes.",
            "Onions want low heat and patience: about {n} minutes with a lid, stirring now and then.",
            "Write the order of steps on a card; {who} can then help without asking.",
            "Taste before adding salt, and once more just before serving.",
            "A stew made on the day before {day} is usually better than a fresh one.",
            "Let {who} bring dessert from {town}; nobody remembers who baked it.",
        ),
    ),
    Topic(
        "learning",
        (
            "I want to learn to play a {ware} or at least repair one. Where do I begin as a {job} with {n} "
            "free hours a week?",
            "{who} studies for an exam in {month} and has {n} chapters left. How should the weeks be "
            "planned?",
            "How can a {job} from {town} learn {n} new words a day without forgetting them?",
        ),
        (
            "What if I miss {n} days in a row?",
            "How do I notice that I am making progress?",
            "{who} thinks that tests are useless. Do you agree?",
        ),
        (
            "Short sessions on many days beat one long session on {day}.",
            "Test yourself before you feel ready; the effort of recalling is what makes it stay.",
            "Plan {n} chapters as blocks with a free day after each third one.",
            "Explain one idea a day to {who}; what you cannot explain is what to read again.",
            "Keep the first goal small: {n} minutes that you really do.",
            "Write down on {day} what went wrong during the week and change one thing only.",
        ),
    ),
    Topic(
        "work",
        (
            "How do I tell {who}, who has been a {job} in {town} for {n} years, that our meeting on {day} "
            "is too long?",
            "Draft a short note to {who}: the delivery of {n} {thing} to {town} will be late until {month}.",
            "A {job} in my team stays silent in meetings. After {n} weeks I would like to change that. Any "
            "ideas?",
        ),
        ("Could it sound a little warmer?", "What if {who} disagrees?", "And in at most {n} words?"),
        (
            "Say what you saw, not what you suspect: on {day} the meeting ran {n} minutes over.",
            "Offer {who} a choice between two dates; that is easier to answer than an open question.",
            "Thank the {job} first, then give the reason in one sentence, then the new date in {month}.",
            "Ask for written thoughts before the meeting; quiet people often write well.",
            "Keep the note under {n} lines, and put the new date in the first one.",
            "If the answer is no, ask what would have to change for a yes.",
        ),
    ),
    Topic(
        "home",
        (
            "My {ware} makes a noise since {day}. {who} says it is {n} years old. Repair or replace?",
            "How do I get {n} {thing} and a {ware} into a room of {n} square metres without losing the desk?",
            "What is the best way to move a {ware} from {town} to the third floor with only {who} to help?",
        ),
        (
            "Which tool would I need for that?",
            "The landlord in {town} must not notice. Is that possible?",
            "How long would it take two people?",
        ),
        (
            "Listen where the noise is loudest, and tighten what can be tightened before buying anything.",
            "Measure the door first: {n} centimetres decide more than all plans.",
            "Put the {thing} into flat boxes under the bed and label the side that faces out.",
            "Two straps and a blanket are worth more than two more helpers such as {who}.",
            "For a thing of {n} years, half the price of a new one is the limit for a repair.",
            "Do the loud part before eight on {day}, and tell the neighbours the evening before.",
        ),
    ),
    Topic(
        "garden",
        (
            "When should I sow beans in {town} if the last frost comes in {month}? I have {n} pots.",
            "Something eats the leaves of my {n} cabbages every {day}. What can I do without poison?",
            "{who} wants a hedge of {n} metres that needs little care. Which plants would you suggest?",
        ),
        (
            "The soil is heavy clay. Does that matter?",
            "And how often should I water in {month}?",
            "Would that also work on a balcony in {town}?",
        ),
        (
            "Wait until the nights stay above {n} degrees; beans forgive lateness but not cold.",
            "Go out with a lamp on {day} evening: most leaf eaters work at night and can be collected.",
            "Mix the hedge, so that one disease cannot take all {n} metres.",
            "Water rarely and deeply, and in the morning, so that roots go down.",
            "Ask the {job} next door what grew well; soil differs from street to street in {town}.",
            "Cover the bed with fine netting; it costs less than {n} new plants.",
        ),
    ),
)
_SYSTEM = (
    "You are a helpful assistant who answers briefly and kindly.",
    "You are an assistant. Think first, then answer in plain words.",
    "Answer as a patient expert. Avoid lists where a sentence will do.",
)
_THOUGHTS = (
    "The user asks about {topic}. What matters here is probably the situation of {who}.",
    "There is a number in the question, {n}, which I should take seriously rather than repeat.",
    "I could give a long list, but two or three points that can be acted on are better.",
    "Is anything unclear? The place {town} is not known to me, so I will not pretend to know it.",
    "It may help to mention {day}, since timing is part of the question.",
    "I should avoid sounding like a {job} giving a lecture.",
    "Let me think about what could go wrong: cost, time, and other people.",
    "A friendly tone fits. I will end with one practical step.",
    "One option is to ask back, but the request is clear enough to answer.",
    "The mention of {month} suggests that the season plays a role.",
)
_LEADS = (
    "Happy to help.",
    "Good question.",
    "Here is what I would do.",
    "In short:",
    "That can be done.",
    "",
)
_ENDS = ("Shall I write this as a checklist?", "Good luck!", "Tell me if something does not fit.", "", "")


_GREETINGS = (
    "Hi, {who} here, a {job} from {town}.",
    "Hello! I moved to {town} in {month} to work as a {job}.",
    "My neighbour {who}, a {job}, told me to ask you about this.",
    "This is for {who} and me, we live {n} km outside {town}.",
    "I promised {who} an answer by {day}, and in {town} nobody knows.",
    "A {job} in {town} gave me {n} different opinions, so I ask here.",
)


def _slots(words: Dice, topic: str) -> dict[str, object]:
    return {
        "n": words.between(2, 29),
        "who": name(words),
        "town": town(words),
        "month": words.pick(MONTHS),
        "day": words.pick(DAYS),
        "job": words.pick(JOBS),
        "thing": words.pick(THINGS),
        "ware": words.pick(WARES),
        "money": 10 * words.between(9, 240),
        "topic": topic,
    }


def _fill(line: str, slots: dict[str, object], words: Dice) -> str:
    if words.chance(0.5):
        slots = slots | {"n": words.between(2, 29)}
    return line.format_map(slots)


def _reply(slots: dict[str, object], advice: Sequence[str], words: Dice) -> str:
    thoughts = [_fill(line, slots, words) for line in words.some(_THOUGHTS, words.between(3, 7))]
    said = [_fill(line, slots, words) for line in advice]
    lead, end = words.pick(_LEADS), words.pick(_ENDS)
    if words.chance(0.3):
        answer = "\n".join([lead or "A few points:", *(f"- {line}" for line in said)]) + (
            f"\n\n{end}" if end else ""
        )
    else:
        answer = words.pick(("\n\n", " ")).join(part for part in (lead, *said, end) if part)
    return f"<think>\n{' '.join(thoughts)}\n</think>\n\n{answer}"


def talk(topic: int, words: Dice) -> Talk:
    """A conversation on a topic: 2 to 6 turns, sometimes with a system turn before them."""
    chosen = TOPICS[topic]
    slots = _slots(words, chosen.name)
    advice = words.some(chosen.advice, len(chosen.advice))
    lines = words.some(chosen.followers, words.pick((0, 0, 0, 1, 1, 2)))
    opener = (
        f"{_fill(words.pick(_GREETINGS), _slots(words, chosen.name), words)} "
        f"{_fill(words.pick(chosen.openers), slots, words)}"
    )
    turns: list[tuple[str, str]] = []
    for index, line in enumerate([opener, *(_fill(follower, slots, words) for follower in lines)]):
        turns += [
            ("user", line),
            ("assistant", _reply(slots, advice[2 * index : 2 * index + words.between(2, 3)], words)),
        ]
    if words.chance(0.1):
        turns.insert(0, ("system", words.pick(_SYSTEM)))
    return Talk(chosen.name, tuple(turns))


def other_reply(topic: int, words: Dice) -> str:
    """Another assistant's last reply on the topic."""
    chosen = TOPICS[topic]
    return _reply(_slots(words, chosen.name), words.some(chosen.advice, words.between(2, 4)), words)
