r"""Unicode mathematics as LaTeX: `x² ≤ ½√3` as `x^{2} \le \frac{1}{2}\sqrt{3}`, and `४२` as `42`.

Models write both; Math-Verify reads only LaTeX, and takes what it cannot read for unequal.
"""

from __future__ import annotations

import re

_SIGNS = {
    "−": "-", "﹣": "-", "×": r"\times ", "÷": r"\div ", "·": r"\cdot ", "⋅": r"\cdot ",
    "±": r"\pm ", "∓": r"\mp ", "≤": r"\le ", "≥": r"\ge ", "≠": r"\ne ", "≈": r"\approx ",
    "π": r"\pi ", "θ": r"\theta ", "∞": r"\infty ", "°": r"^{\circ}", "∪": r"\cup ", "∩": r"\cap ",
    "∈": r"\in ", "∅": r"\emptyset ", "′": "'", "’": "'", "⁄": "/", "、": ",", "。": ".",
    "½": r"\frac{1}{2}", "⅓": r"\frac{1}{3}", "⅔": r"\frac{2}{3}", "¼": r"\frac{1}{4}",
    "¾": r"\frac{3}{4}", "⅕": r"\frac{1}{5}", "⅙": r"\frac{1}{6}", "⅛": r"\frac{1}{8}",
    "⅖": r"\frac{2}{5}", "⅗": r"\frac{3}{5}", "⅘": r"\frac{4}{5}", "⅚": r"\frac{5}{6}",
    "⅜": r"\frac{3}{8}", "⅝": r"\frac{5}{8}", "⅞": r"\frac{7}{8}", "⅐": r"\frac{1}{7}",
    "⅑": r"\frac{1}{9}", "⅒": r"\frac{1}{10}", "∕": "/", "∶": ":", "∗": "*", "∙": r"\cdot ",
    "℃": r"^{\circ}\text{C}", "℉": r"^{\circ}\text{F}",
    "٫": ".", "٬": ",", "٪": "%", "،": ",", "۔": ".", "।": ".", "↔": r"\leftrightarrow ",
    "α": r"\alpha ", "β": r"\beta ", "γ": r"\gamma ", "δ": r"\delta ", "ε": r"\epsilon ", "λ": r"\lambda ",
    "ρ": r"\rho ", "σ": r"\sigma ", "φ": r"\phi ", "ϕ": r"\phi ", "ω": r"\omega ", "Δ": r"\Delta ",
}  # fmt: skip
# Where the ten digits of a script begin: Arabic, Persian, Devanagari, Bengali, Gurmukhi, Gujarati, Odia,
# Tamil, Telugu, Kannada, Malayalam, Sinhala, Thai, Lao, Tibetan, Burmese, Khmer, Mongolian, and the five
# mathematical alphabets.
_ZEROS = (
    0x660, 0x6F0, 0x966, 0x9E6, 0xA66, 0xAE6, 0xB66, 0xBE6, 0xC66, 0xCE6, 0xD66, 0xDE6, 0xE50, 0xED0, 0xF20,
    0x1040, 0x17E0, 0x1810, 0x1D7CE, 0x1D7D8, 0x1D7E2, 0x1D7EC, 0x1D7F6,
)  # fmt: skip
_MATHEMATICAL_LETTERS = range(0x1D400, 0x1D6A4)  # thirteen alphabets of A to Z and a to z
_BLANKS = "\u00a0\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
_INVISIBLE = (
    "\u200b\u200c\u200d\u200e\u200f\u2060\ufeff\u00ad\u20e3\ufe0e\ufe0f"
    "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
)
_FULL_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
_CONTROL = re.compile(r"\x1b\[[0-9;]*m|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
"""Signs that show nothing: control characters, colours of a terminal, halves of a pair."""
_TABLE: dict[int, str | int | None] = {
    **_FULL_WIDTH,
    **{zero + digit: str(digit) for zero in _ZEROS for digit in range(10)},
    **{
        code: chr((65, 97)[(code - 0x1D400) % 52 // 26] + (code - 0x1D400) % 26)
        for code in _MATHEMATICAL_LETTERS
    },
    **{ord(sign): latex for sign, latex in _SIGNS.items()},
    **dict.fromkeys(map(ord, _BLANKS), " "),
    **dict.fromkeys(map(ord, _INVISIBLE)),
}

_RAISED, _LOWERED = "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺ⁿ", "₀₁₂₃₄₅₆₇₈₉"
_AS_RAISED = str.maketrans(_RAISED, "0123456789-+n")
_AS_LOWERED = str.maketrans(_LOWERED, "0123456789")
_RAISED_RUN = re.compile(f"[{_RAISED}]+")
_LOWERED_RUN = re.compile(f"[{_LOWERED}]+")
_ROOT = re.compile(r"(?P<sign>[√∛∜])\s*(?:\(([^()]*)\)|\{([^{}]*)\}|(\d+(?:\.\d+)?|[A-Za-z]))")


def as_latex(text: str) -> str:
    r"""The text with Unicode signs, superscripts, roots and full-width forms written as LaTeX.

    >>> as_latex("2√3 − x²")
    '2\\sqrt{3} - x^{2}'
    >>> as_latex("٤٢٫٥"), as_latex("∛8")
    ('42.5', '\\sqrt[3]{8}')
    """
    if not text.isprintable():
        text = _CONTROL.sub("", text)
    if text.isascii():
        return text
    text = text.translate(_TABLE)
    text = _RAISED_RUN.sub(lambda run: f"^{{{run.group().translate(_AS_RAISED)}}}", text)
    text = _LOWERED_RUN.sub(lambda run: f"_{{{run.group().translate(_AS_LOWERED)}}}", text)
    return _ROOT.sub(_root, text)


def _root(root: re.Match[str]) -> str:
    """A square, cube or fourth root and what it is taken of, as LaTeX."""
    degree = {"√": "", "∛": "[3]", "∜": "[4]"}[root["sign"]]
    return f"\\sqrt{degree}{{{root[2] or root[3] or root[4] or ''}}}"
