r"""Unicode mathematics as LaTeX: `x² ≤ ½√3` as `x^{2} \le \frac{1}{2}\sqrt{3}`.

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
}  # fmt: skip
_BLANKS = "\u00a0\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
_INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff\u00ad"
_FULL_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
_TABLE: dict[int, str | int | None] = {
    **_FULL_WIDTH,
    **{ord(sign): latex for sign, latex in _SIGNS.items()},
    **dict.fromkeys(map(ord, _BLANKS), " "),
    **dict.fromkeys(map(ord, _INVISIBLE)),
}

_RAISED, _LOWERED = "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺ⁿ", "₀₁₂₃₄₅₆₇₈₉"
_AS_RAISED = str.maketrans(_RAISED, "0123456789-+n")
_AS_LOWERED = str.maketrans(_LOWERED, "0123456789")
_RAISED_RUN = re.compile(f"[{_RAISED}]+")
_LOWERED_RUN = re.compile(f"[{_LOWERED}]+")
_ROOT = re.compile(r"√\s*(?:\(([^()]*)\)|\{([^{}]*)\}|(\d+(?:\.\d+)?|[A-Za-z]))")


def as_latex(text: str) -> str:
    r"""The text with Unicode signs, superscripts, roots and full-width forms written as LaTeX.

    >>> as_latex("2√3 − x²")
    '2\\sqrt{3} - x^{2}'
    """
    if text.isascii():
        return text
    text = text.translate(_TABLE)
    text = _RAISED_RUN.sub(lambda run: f"^{{{run.group().translate(_AS_RAISED)}}}", text)
    text = _LOWERED_RUN.sub(lambda run: f"_{{{run.group().translate(_AS_LOWERED)}}}", text)
    return _ROOT.sub(lambda root: f"\\sqrt{{{root[1] or root[2] or root[3] or ''}}}", text)
