r"""How answers are announced, language by language: words in a table, patterns made from it.

The announcement that counts is the last one, so a text is searched from its end, in pieces that
grow, and no further back than `MAX_LOOK` characters: a text of ten megabytes costs no more than one
of two hundred kilobytes. The nouns are looked for as plain strings, which is fifty times as fast as
one pattern of them all; what stands after one is then read with the pattern of its language.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

MAX_LOOK = 200_000  # characters before the end of a text in which an announcement is looked for
_FIRST_PIECE = 2_048
_LONGEST = 24  # characters, of a noun


class Language(NamedTuple):
    """The words of one language that announce an answer; alternatives are parted by `|`."""

    answer: str  # nouns, in small letters; up to four letters may follow ("antwort-en")
    link: str  # what joins the noun to the answer, as a pattern
    therefore: str  # what opens a concluding sentence


_IS = (
    "is|are|was|were|be|equals?|becomes?|comes? (?:out )?to|turns? out to be"
    "|(?:would|should|must|will|can|could|has to|appears to|seems to) be"
)
LANGUAGES: dict[str, Language] = {
    "english": Language(
        "answer|final result",
        _IS,
        "therefore|thus|so|hence|consequently|accordingly|in conclusion|to conclude|conclusion|in summary"
        "|in total|altogether|overall|finally|as a result|it follows|we conclude|this means",
    ),
    "spanish": Language(
        "respuesta",
        "es|son|sería|será|igual a",
        "por lo tanto|por tanto|así que|así|entonces|en total|en conclusión",
    ),
    "french": Language(
        "réponse|reponse",
        "est|sont|serait",
        "donc|ainsi|par conséquent|alors|en conclusion|au total|finalement",
    ),
    "german": Language(
        "antwort|lösung", "ist|lautet|sind|beträgt|wäre", "daher|somit|folglich|deshalb|insgesamt|demnach"
    ),
    "italian": Language(
        "rispost", "è|e'|sono|sarebbe", "quindi|pertanto|dunque|perciò|in totale|in conclusione"
    ),
    "portuguese": Language(
        "resposta", "é|são|seria|será", "portanto|assim|logo|então|por isso|no total|em conclusão"
    ),
    "dutch": Language("antwoord", "is|zijn|luidt", "dus|daarom|derhalve|in totaal"),
    "polish": Language("odpowied", "to|jest|brzmi|wynosi", "zatem|więc|dlatego|czyli|stąd|łącznie"),
    "russian": Language(
        "ответ",
        "есть|это|рав[её]н|равна|равно|равны|будет|[—–-]",
        "следовательно|поэтому|таким образом|итак|значит|тогда|всего",
    ),
    "ukrainian": Language("відповід", "це|дорівнює|буде|[—–-]", "отже|таким чином|тому|всього"),
    "greek": Language("απάντηση", "είναι", "άρα|επομένως|συνεπώς|οπότε"),
    "turkish": Language(
        "cevap|cevab|yanıt", "ise|şudur", "bu nedenle|bu yüzden|dolayısıyla|sonuç olarak|böylece|toplamda"
    ),
    "vietnamese": Language("đáp án|đáp số|trả lời", "là|bằng", "vậy|do đó|vì vậy|như vậy|suy ra|tổng cộng"),
    "indonesian": Language(
        "jawaban|jawapan", "adalah|ialah|yaitu", "jadi|oleh karena itu|maka|dengan demikian"
    ),
    "swahili": Language("jibu", "ni", "kwa hiyo|kwa hivyo|hivyo|jumla"),
    "arabic": Language("إجابة|الاجابة|جواب", "هي|هو|تساوي|يساوي", "لذلك|إذن|إذا|لذا|وبالتالي|بالتالي|ومن ثم"),
    "persian": Language("پاسخ", "برابر است با|برابر با", "بنابراین|پس|در نتیجه"),
    "hebrew": Language("תשובה", "היא|הוא", "לכן|ולכן|אם כן|לסיכום"),
    "hindi": Language("उत्तर|जवाब", "है|होगा|हैं", "इसलिए|अतः|इस प्रकार|तो"),
    "bengali": Language("উত্তর", "হল|হলো|হবে|হচ্ছে", "সুতরাং|অতএব|তাই|তাহলে"),
    "telugu": Language("సమాధానం|జవాబు", "ఇది", "కాబట్టి|అందువల్ల|కనుక"),
    "tamil": Language("பதில்|விடை", "இது", "எனவே|ஆகவே|ஆதலால்"),
    "thai": Language("คำตอบ", "ที่ถูกต้องคือ|คือ|เท่ากับ|เป็น", "ดังนั้น|เพราะฉะนั้น|สรุป"),
    "chinese": Language(
        "答案|正确选项|最终结果",
        "应该是|应为|應為|应是|等于|是|为|為|选|選",
        "因此|所以|故|综上|綜上|于是|总共|總共|一共|即|那么|∴",
    ),
    "japanese": Language(
        "答え|解答|正解|回答", "は", "したがって|よって|ゆえに|従って|だから|そのため|つまり|以上より"
    ),
    "korean": Language("정답|답|해답", "은|는|이|가", "따라서|그러므로|그래서|즉|결국|총"),
}

_UNSPACED = ("thai", "chinese", "japanese", "korean")  # no blank need stand between a noun and its link
_PREFIXED = ("arabic", "hebrew")  # an article or "and" may be written together with the noun
# What may stand between them: "the answer (in metres) to the second part is", "la respuesta final es".
_BRIDGE = (
    r"(?:[ \t]{1,9}(?:to|for|of|in|as)\b[^.\n:]{0,80}?|[ \t]{0,9}\([^().\n]{1,40}\)|,[^,.\n:]{1,60},"
    r"|(?:[ \t]{1,3}[^\W\d_]{2,16}){1,2}?)?"
)
_AFTER = r"[ \t]{0,9}(?:\*\*|__|\)|</?(?:b|strong)>|['\"`])?[ \t]{0,9}[:\uff1a]"
_COLON = rf"(?:{_AFTER}|[ \t]{{0,9}}=(?!=))"
_FORMULA_NEXT = r"(?=[ \t]{0,9}(?:\*\*\w|\$|\\[(\[]))"
_NUMBER_NEXT = r"(?=[ \t]{0,9}(?:\*\*\w|\$|\\[(\[]|[-+−]?\d))"
_HEADING = r"(?:\*\*)?[ \t]{0,9}\n"  # "### Final Answer" alone on its line, and the answer below


def _announcement(name: str, words: Language) -> str:
    """The pattern of a noun with its link, a colon or, directly after it, an answer."""
    if name in _UNSPACED:
        before, ending, link = "", "", rf"[ \t]{{0,3}}(?:{words.link})"
    else:
        before = "" if name in _PREFIXED else r"(?<![^\W\d_])"
        ending = r"(?!s[:\uff1a][ \t]*\n)[^\s\d:\uff1a,.*$]{0,4}"
        link = rf"{_BRIDGE}(?:[ \t\n]{{1,9}}(?:{words.link})(?!\w)|{_AFTER})"
    direct = _FORMULA_NEXT if name == "english" else _NUMBER_NEXT
    return rf"(?i){before}(?:{words.answer}){ending}(?:{_COLON}|{link}|{direct}|{_HEADING})"


_CHOSEN = r"[ \t:\uff1a]{0,3}(?=[(\uff08]?[A-J](?![A-Za-z0-9]))"
_OPTION = (
    r"(?i)(?:(?<=correct )|(?<=right )|(?<=best ))(?:option|choice|alternative)"
    rf"(?:{_COLON}|{_BRIDGE}[ \t\n]{{1,9}}(?:{_IS})(?!\w))"
)
# Nouns → the pattern that must match where one stands. A choice may be named without a noun: "故选C".
_PATTERNS: dict[str, str] = {
    **{
        noun: _announcement(name, words)
        for name, words in LANGUAGES.items()
        for noun in words.answer.split("|")
    },
    **dict.fromkeys(("option", "choice", "alternative"), _OPTION),
    **{
        verb: rf"(?i:\b{verb}(?: (?:option|choice|answer|letter))?){_CHOSEN}"
        for verb in ("choose", "select", "pick", "go with")
    },
    **{verb: rf"{verb}择?{_CHOSEN}" for verb in ("选", "選")},
}
_ASCII_NOUNS = tuple(noun for noun in _PATTERNS if noun.isascii())
_NOUNS = tuple(_PATTERNS)


@cache
def _pattern(noun: str) -> re.Pattern[str]:
    """The compiled pattern of a noun: made when it is first met, since a run meets few languages."""
    return re.compile(_PATTERNS[noun])


# Before a concluding word: a covered formula, marks of lists, emphasis and headings, a step's number, "Yes,".
_OPENING = (
    r"(?:\ue000\ue001*)?[\s*_#>\-•–\"'(]{0,20}(?:\d{1,2}[.)]\s{1,3})?"
    r"(?:(?:and|but|yes|ok(?:ay)?|step \d+)[,:\s]{1,3})?"
)
CONCLUSION = re.compile(
    rf"{_OPENING}(?:"
    + "|".join(
        f"(?:{words.therefore})" + ("" if name in _UNSPACED else r"(?!\w)")
        for name, words in LANGUAGES.items()
    )
    + ")",
    re.IGNORECASE,
)


def announcements(text: str, start: int, end: int) -> Iterator[re.Match[str]]:
    """What announces an answer in a part of a text ("the answer is", "答案："), the last one first."""
    nouns = _ASCII_NOUNS if text.isascii() else _NOUNS
    for low, high in _pieces(start, end, MAX_LOOK):
        piece = text[low : min(end, high + _LONGEST)]
        lower = piece.lower()
        small = lower if len(lower) == len(piece) else piece  # some capitals become two letters
        places = sorted((place, noun) for noun in nouns if noun in small for place in _places(small, noun))
        for place, noun in reversed(places):
            match = _pattern(noun).match(text, low + place, end) if low + place < high else None
            if match is not None:
                yield match


def backwards(
    pattern: re.Pattern[str], text: str, start: int, end: int, look: int | None = MAX_LOOK
) -> Iterator[re.Match[str]]:
    """The matches of a pattern that begin in the last `look` characters of a part, the last one first."""
    for low, high in _pieces(start, end, look):
        found: list[re.Match[str]] = []
        for match in pattern.finditer(text, low, end):
            if match.start() >= high:
                break
            found.append(match)
        yield from reversed(found)


def _pieces(start: int, end: int, look: int | None) -> Iterator[tuple[int, int]]:
    """The stretches of a part, from its end, each four times as long as the one behind it."""
    start = start if look is None else max(start, end - look)
    size = _FIRST_PIECE
    while end > start:
        yield max(start, end - size), end
        end, size = max(start, end - size), size * 4


def _places(text: str, word: str) -> Iterator[int]:
    """Where a word stands in a text."""
    place = text.find(word)
    while place >= 0:
        yield place
        place = text.find(word, place + len(word))
