r"""Answers made to hurt: what burns time or memory, breaks parsers, or tries to run.

Each function of `KINDS` makes a few cases of one kind. A verifier may say of each what is right, or
`undecided`; never the opposite, never nothing. `CANARY` in a text stands for a file that nothing may create.

    python tests/pathological.py FOLDER

verifies them one by one and then all at once, and prints a JSON line for each: name, status, tier, cause,
seconds by the clock, seconds of this process; then the statuses of all together, and at last the peak memory
of this process and of the largest worker, in bytes.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal, NamedTuple

CANARY = "CANARY"
Right = Literal["equal", "unequal"]


class Case(NamedTuple):
    """Two answers, and whether they are equal."""

    name: str
    gold: str
    predicted: str
    right: Right


Cases = list[tuple[str, str, Right]]


def towers() -> Cases:
    """Powers of powers, bare and inside everything that would evaluate them."""
    up = "^{".join(["9"] * 6) + "}" * 5
    flat = "^".join(["2"] * 8)
    return [
        ("1", up, "unequal"),
        (up, "1", "unequal"),
        (up, up, "equal"),
        ("1", "9^{9^{9}}", "unequal"),
        ("9^{9^{9}}", "9^{9^{8}}", "unequal"),
        ("2", "10^{10^{10}}", "unequal"),
        ("2", flat, "unequal"),
        ("2", "2**2**2**2**2**2**2", "unequal"),
        ("2", "(((2^9)^9)^9)^9^9", "unequal"),
        ("1", f"\\frac{{{up}}}{{3}}", "unequal"),
        ("1", f"\\sqrt{{{up}}}", "unequal"),
        ("1", f"\\log({up})", "unequal"),
        ("1", f"\\ln({up})", "unequal"),
        ("0", f"\\sin({up})", "unequal"),
        ("7", f"{up} \\mod 7", "unequal"),
        ("1", "2^{-9^{9^{9}}}", "unequal"),
        ("0", "2^{-2^{2^{2^{2^{2}}}}}", "unequal"),
        ("1", "e^{e^{e^{e^{e}}}}", "unequal"),
        ("x", "x^{x^{x^{x^{x^{x}}}}}", "unequal"),
        ("1", "2^{9^{9^{9}}} - 2^{9^{9^{9}}}", "unequal"),
        ("1", "(-1)^{9^{9^{9^{9}}}}", "unequal"),
        ("1", "0.999^{9^{9^{9}}}", "unequal"),
        ("1", "(1+i)^{9^{9^{9}}}", "unequal"),
        ("10^{100}", "10^{10^{2}}", "equal"),
        ("2", "⁹".join(["9"] * 7), "unequal"),
    ]


def factorials() -> Cases:
    """Factorials and binomials that nobody should multiply out."""
    return [
        ("1", "99999999!", "unequal"),
        ("99999999!", "99999998!", "unequal"),
        ("1", "9!!!!", "unequal"),
        ("1", "((9!)!)!", "unequal"),
        ("1", "(10^{9})!", "unequal"),
        ("1", "(10^{10^{10}})!", "unequal"),
        ("100000", "\\frac{100000!}{99999!}", "equal"),
        ("1", "\\binom{999999999}{499999999}", "unequal"),
        ("499999999500000000", "\\binom{1000000000}{2}", "unequal"),
        ("1", "\\binom{10^{20}}{10^{19}}", "unequal"),
        ("1", "{99999999 \\choose 44444444}", "unequal"),
        ("\\frac{1}{2004!}", "\\frac{1}{2006!}", "unequal"),
        ("1", "\\Gamma(10^{12})", "unequal"),
        ("1", "\\sqrt{999999!}", "unequal"),
        ("1", "\\ln(99999999!)", "unequal"),
        ("2^{99999}", "2^{99998}", "unequal"),
        ("1", "\\frac{9999999!}{9999998!} \\cdot \\frac{8888888!}{8888887!}", "unequal"),
        ("24", "-(-(-(4!)!)!)!", "unequal"),
        ("\\frac{50!}{2^{200}}", "\\frac{51!}{2^{200}}", "unequal"),
    ]


def digits() -> Cases:
    """Numbers longer than any answer."""
    million, five = "7" * 1_000_000, "123456789" * 600
    return [
        (million, million, "equal"),
        (million, million[:-1] + "8", "unequal"),
        ("1", million, "unequal"),
        (million, "1", "unequal"),
        (five, five, "equal"),
        (five, "0" + five, "equal"),
        (five, five[:-1] + "1", "unequal"),
        (five, f"{five}.0", "equal"),
        ("0", "0." + "0" * 5_000 + "1", "unequal"),
        ("0." + "3" * 100_000, "0." + "3" * 100_001, "unequal"),
        ("1", "0." + "9" * 5_000, "unequal"),
        ("1", f"{five}/{five}", "equal"),
        ("1", f"\\frac{{{five}}}{{{five[::-1]}}}", "unequal"),
        ("0", "1" + "0" * 50_000, "unequal"),
        ("5", "0" * 100_000 + "5", "equal"),
        ("0", "1e999999999", "unequal"),
        ("0", "1e-999999999", "unequal"),
        ("1", "10^{99999999999}", "unequal"),
        ("1", "1.5 \\times 10^{" + "9" * 400 + "}", "unequal"),
        ("1", ",".join(["123"] * 5_000), "unequal"),
        ("1", "0.\\overline{" + "123456789" * 2_000 + "}", "unequal"),
        ("1", "1" * 5_000 + "_" + "2" * 5_000, "unequal"),
        ("1", "1" * 5_000 + "%", "unequal"),
        ("1", "九" * 50_000, "unequal"),
        ("1", "1:" * 20_000 + "1", "unequal"),
    ]


def nesting() -> Cases:
    """Brackets in brackets."""

    def inside(left: str, right: str, n: int, core: str = "5") -> str:
        return left * n + core + right * n

    return [
        ("5", "{" * 50_000, "unequal"),
        ("5", "(" * 50_000, "unequal"),
        ("5", ")" * 50_000, "unequal"),
        ("5", "[" * 50_000 + "]" * 50_000, "unequal"),
        ("5", inside("(", ")", 50), "equal"),
        ("5", inside("(", ")", 1_000), "equal"),
        ("5", inside("(", ")", 30_000), "equal"),
        ("5", inside("{", "}", 1_000), "equal"),
        ("5", inside("\\left(", "\\right)", 2_000), "equal"),
        ("6", inside("(", ")", 1_000), "unequal"),
        ("5", inside("\\text{", "}", 3_000), "equal"),
        ("5", inside("\\boxed{", "}", 200), "equal"),
        ("5", inside("\\boxed{", "}", 20_000), "equal"),
        ("6", inside("\\boxed{", "}", 20_000), "unequal"),
        ("5", "\\boxed{" * 30_000, "unequal"),
        ("5", inside("\\sqrt{", "}", 3_000), "unequal"),
        ("5", inside("|", "|", 1_000), "equal"),
        ("5", inside("-(", ")", 1_001), "unequal"),
        ("5", inside("1+(", ")", 2_000), "unequal"),
        ("5", inside("\\{", "\\}", 3_000), "unequal"),
        ("5", inside("\\frac{1}{1+", "}", 20), "unequal"),
        ("5", inside("\\frac{1}{1+", "}", 3_000), "unequal"),
        ("5", inside("\\frac{", "}{2}", 3_000), "unequal"),
        ("5", inside("\\sin(", ")", 2_000), "unequal"),
        ("5", inside("f(", ")", 5_000), "unequal"),
        ("5", inside("x^{", "}", 3_000), "unequal"),
        ("5", inside("x_{", "}", 3_000), "unequal"),
        ("5", inside("$", "$", 10_000), "equal"),
        ("5", inside("(1,", ")", 2_000), "unequal"),
        ("5", inside("\\begin{pmatrix}", "\\end{pmatrix}", 2_000), "unequal"),
    ]


def unclosed() -> Cases:
    """What a cut response ends with."""
    return [
        ("5", "\\boxed{5", "equal"),
        ("6", "\\boxed{5", "unequal"),
        ("\\frac{1}{2}", "\\boxed{\\frac{1}{", "unequal"),
        ("5", "The answer is $5", "equal"),
        ("5", "\\left(", "unequal"),
        ("5", "\\begin{pmatrix} 1 & 2 \\\\ 3", "unequal"),
        ("5", "\\text{five", "equal"),
        ("5", "\\sqrt[3", "unequal"),
        ("5", "\\frac", "unequal"),
        ("5", "\\frac{}{}", "unequal"),
        ("5", "5^", "unequal"),
        ("5", "x_", "unequal"),
        ("5", "\\(", "unequal"),
        ("5", "\\[ \\boxed{", "unequal"),
        ("5", "<think>", "unequal"),
        ("5", "<think> so \\boxed{5}", "unequal"),
        ("5", "\\end{cases}", "unequal"),
        ("5", "}{", "unequal"),
        ("5", "5}", "equal"),
        ("5", "5\\", "equal"),
        ("5", "\\", "unequal"),
    ]


def matrices() -> Cases:
    """Determinants and powers of matrices that are written down only."""

    def body(n: int, cell: Callable[[int, int], str]) -> str:
        return " \\\\ ".join(" & ".join(cell(i, j) for j in range(n)) for i in range(n))

    letters = body(9, lambda i, j: f"{'abcdefghk'[i]}_{{{j}}}")
    numbers = body(40, lambda i, j: str(i * j % 7))
    return [
        ("1", f"\\begin{{vmatrix}} {letters} \\end{{vmatrix}}", "unequal"),
        ("1", f"\\det \\begin{{pmatrix}} {letters} \\end{{pmatrix}}", "unequal"),
        ("1", f"\\begin{{pmatrix}} {letters} \\end{{pmatrix}}^{{-1}}", "unequal"),
        ("1", f"\\begin{{pmatrix}} {numbers} \\end{{pmatrix}}", "unequal"),
        ("1", f"\\begin{{pmatrix}} {numbers} \\end{{pmatrix}}^{{99999}}", "unequal"),
        ("1", "\\begin{pmatrix} 1 & 1 \\\\ 1 & 0 \\end{pmatrix}^{999999999}", "unequal"),
        ("1", "\\begin{pmatrix}" + "&" * 20_000 + "\\end{pmatrix}", "unequal"),
        ("1", "\\begin{pmatrix}" + "\\\\" * 20_000 + "\\end{pmatrix}", "unequal"),
        ("1", "\\begin{pmatrix} 1 & 2 \\\\ 3 \\end{pmatrix}", "unequal"),
    ]


def ranges() -> Cases:
    """Sums, products, integrals and limits that would be worked out."""
    return [
        ("1", "\\sum_{k=1}^{10^{9}} k^{k}", "unequal"),
        ("1", "\\sum_{k=1}^{99999} k^{k}", "unequal"),
        ("1", "\\prod_{k=1}^{10^{8}} k", "unequal"),
        ("1", "\\prod_{p=1}^{99999} (x+p)", "unequal"),
        ("0", "\\sum_{a=1}^{999} \\sum_{b=1}^{999} \\sum_{c=1}^{999} \\frac{1}{a^{b}+c}", "unequal"),
        ("0", "\\int_0^1 x^{x^{x}} dx", "unequal"),
        ("0", "\\int_0^{\\infty} e^{-x^{x}} \\sin(x^{5}) \\ln(x+\\sqrt{x}) dx", "unequal"),
        ("1", "\\int \\int \\int \\frac{\\sin(xyz)}{x^{y}+z^{x}} dx dy dz", "unequal"),
        ("2", "\\lim_{n \\to \\infty} \\frac{n!}{n^{n}} \\sum_{k=1}^{n} k^{k}", "unequal"),
        ("0", "\\sum_{n=1}^{\\infty} \\frac{1}{n^{n^{n}}}", "unequal"),
        ("1", "\\frac{d^{50}}{dx^{50}} \\tan(\\sin(\\cos(x^{x})))", "unequal"),
        ("1", "\\sum_{k=0}^{10^{12}} 1", "unequal"),
        ("\\frac{\\pi^2}{6}", "\\sum_{n=1}^{\\infty} \\frac{1}{n^2}", "equal"),
        ("1", "\\sum_{k=1}^{\\infty} " * 30 + "k", "unequal"),
        ("1", "\\lim_{x \\to 0} " * 100 + "x", "unequal"),
        ("1", "\\int_{0}^{1} " * 50 + "x" + " dx" * 50, "unequal"),
    ]


def injections() -> Cases:
    """Texts that are programs somewhere; none may run."""
    write = f"open('{CANARY}', 'w').write('x')"
    shell = f"__import__('os').system('touch {CANARY}')"
    payloads = [
        shell,
        write,
        f'eval("{shell}")',
        f'exec("{write}")',
        f"(lambda: {shell})()",
        f"[{shell} for _ in range(1)]",
        f"().__class__.__base__.__subclasses__()[0].__init__.__globals__ or {write}",
        f"\\text{{{shell}}}",
        f"\\operatorname{{{shell}}}",
        f"f({shell})",
        f"\\boxed{{{shell}}}",
        f"2+2; {shell}",
        f"\\frac{{{shell}}}{{1}}",
        f"x_{{{shell}}}",
        f"\\write18{{touch {CANARY}}}",
        "\\input{/etc/passwd}",
        f"$(touch {CANARY})",
        f"`touch {CANARY}`",
        f"| touch {CANARY}",
        "{{7*7}}${7*7}<%= 7*7 %>",
        f"Answer: {shell}",
        f"<answer>{write}</answer>",
        f"\\immediate\\openout3={CANARY}",
        "'; DROP TABLE answers; --",
        "%s%s%s%n%n%n {0.__class__} {} %(x)s",
        f'sympify("{shell}")',
        f"Symbol('x').__class__.__mro__[-1].__subclasses__() and {write}",
    ]
    return [("4", payload, "unequal") for payload in payloads] + [(payloads[0], "4", "unequal")]


def characters() -> Cases:
    """What no keyboard writes, and what looks like something else."""
    return [
        ("5", "\x00", "unequal"),
        ("5", "5\x00", "equal"),
        ("5", "\x005", "equal"),
        ("5", "\x1b[31m5\x1b[0m", "equal"),
        ("5", "\x07\x08\x7f", "unequal"),
        ("5", "5\x85", "equal"),
        ("5", "\ud800", "unequal"),
        ("5", "5\udfff", "equal"),
        ("\ud83d", "\ud83d", "equal"),
        ("12", "\u202e21", "unequal"),
        ("5", "\u202d5\u202c", "equal"),
        ("5", "\u200b" * 100_000 + "5", "equal"),
        ("5", "5" + "\u0301" * 50_000, "unequal"),
        ("5", "\ufeff5", "equal"),
        ("5", "\ue000", "unequal"),
        ("5", "5️⃣", "equal"),
        ("5", "🙂" * 50_000, "unequal"),
        ("5", "\U000e0035", "unequal"),
        ("5", "５", "equal"),
        ("5", "٥", "equal"),
        ("5", "𝟓", "equal"),
        ("15", "1\u20685\u2069", "equal"),
        ("x", "х", "unequal"),
        ("½", "1⁄2", "equal"),
        ("\\frac{1}{2}", "½", "equal"),
        ("\\frac{3}{2}", "½", "unequal"),
        ("5", "\r\n\t\v\f\u2028\u2029", "unequal"),
        ("5", "", "unequal"),
        ("5", "ﷺ" * 20_000, "unequal"),
        ("\\sqrt{2}", "√2", "equal"),
        ("\\sqrt{2}", "√" * 20_000, "unequal"),
        ("5", "￼�", "unequal"),
    ]


def chinese() -> Cases:
    """Answers in Chinese."""
    return [
        ("三十六", "36", "equal"),
        ("三十六", "63", "unequal"),
        ("一千零二", "1002", "equal"),
        ("一千零二", "1200", "unequal"),
        ("椭圆", "双曲线", "unequal"),
        ("椭圆", "椭圆", "equal"),
        ("5", "答案是" * 20_000, "unequal"),
        ("5", "因此答案为：５。", "equal"),
        ("是", "否", "unequal"),
        ("一", "一" * 100_000, "unequal"),
        ("12", "十二", "equal"),
    ]


def chains() -> Cases:
    """Long, but of simple parts; some of them double with every part."""
    n = 3_000
    roots = "+".join(f"\\sqrt{{{p}}}" for p in (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37))
    many_roots = "+".join(f"\\sqrt{{{k}}}" for k in range(2, 400))
    return [
        ("1", "\\pm 1" * 30, "unequal"),
        ("1", "\\pm 1" * 2_000, "unequal"),
        ("1", "\\pm\\mp" * 5_000 + "1", "unequal"),
        (str(n), "+".join(["1"] * n), "equal"),
        (str(n), "+".join(["1"] * (n + 1)), "unequal"),
        ("1", "\\cdot".join(["1"] * n), "equal"),
        ("0", "-" * 50_000 + "1", "unequal"),
        ("1", "--" * 2_000 + "1", "equal"),
        (",".join(map(str, range(5_000))), ",".join(map(str, range(5_000))), "equal"),
        (
            "\\{" + ",".join(map(str, range(2_000))) + "\\}",
            "\\{" + ",".join(map(str, range(1_999, -1, -1))) + "\\}",
            "equal",
        ),
        ("\\{1\\}", "\\{" + ",".join(f"x^{{{k}}}" for k in range(2_000)) + "\\}", "unequal"),
        ("(0,1)", " \\cup ".join(f"({2 * k},{2 * k + 1})" for k in range(2_000)), "unequal"),
        ("x", "+".join(f"{k}x^{{{k}}}" for k in range(3_000)), "unequal"),
        ("1", "(a+b+c+d+f+g+h)^{200}", "unequal"),
        ("1", "(x+1)^{1000} - (x-1)^{1000}", "unequal"),
        ("1", "".join(f"(x+{k})" for k in range(300)), "unequal"),
        ("1", "".join(f"(x_{{{k}}}+y_{{{k}}})" for k in range(60)), "unequal"),
        ("1", "".join(f"({c}+1)" for c in "abcdfghjklmnopqrstuvwxyz"), "unequal"),
        ("1", f"({roots})^{{30}}", "unequal"),
        ("1", f"\\frac{{1}}{{{roots}}}", "unequal"),
        (roots, "+".join(reversed(roots.split("+"))), "equal"),
        (many_roots, many_roots + "+1", "unequal"),
        ("1", "\\frac{1}{" + "}+\\frac{1}{".join(map(str, range(1, 3_000))) + "}", "unequal"),
        ("1", "x=" * 5_000 + "1", "equal"),
        ("1", "1<" * 5_000 + "x", "unequal"),
        ("1", "\\sqrt" * 20_000 + "2", "unequal"),
        ("1", "1" + "!" * 20_000, "equal"),
        ("1", "x" + "'" * 20_000, "unequal"),
        ("1", "5" + "\\%" * 20_000, "unequal"),
        ("2", "^".join(["1"] * 5_000), "unequal"),
        ("1", "/".join(["1"] * 5_000), "equal"),
        ("\\sin(1)^2+\\cos(1)^2", "1", "equal"),
        ("\\sqrt{3+2\\sqrt{2}}", "1+\\sqrt{2}", "equal"),
        ("\\sqrt[3]{2+\\sqrt{5}}+\\sqrt[3]{2-\\sqrt{5}}", "1", "equal"),
        ("1-10^{-40}", "1", "unequal"),
        ("e^{\\pi\\sqrt{163}}", "262537412640768744", "unequal"),
    ]


def baits() -> Cases:
    """Texts for patterns that go back and try again."""
    cut, filler = "\\text{", "x"
    repeated = [
        "a" * 50_000,
        "-" * 50_000 + "a",
        "," * 100_000,
        cut * 10_000,
        "$" * 100_000,
        "\\boxed" * 50_000,
        "\\boxed{}" * 30_000,
        "**" * 50_000,
        " " * 1_000_000,
        "\n" * 1_000_000,
        ". " * 100_000,
        "the answer is " * 20_000,
        "answer: " * 30_000,
        "####" * 30_000,
        "#### \n" * 30_000,
        "1," * 50_000,
        "\\" * 100_000,
        "{}" * 50_000,
        "<think>" * 30_000,
        "</think>" * 30_000,
        "<answer>" * 30_000,
        "(A) " * 30_000,
        "\\frac{1}{2} " * 10_000,
        "\\left(" * 10_000 + "\\right)" * 9_999,
        "0" * 30_000 + "." + "0" * 30_000 + filler,
        "1 " * 50_000,
        "1/" * 50_000,
        "e" * 50_000 + "1",
        "\\cup" * 30_000,
        "\\text{a" * 10_000 + "}" * 9_000,
        "\\( " * 30_000,
        "|" * 30_000,
        "\\quad" * 30_000 + "\\boxed{6}",
        "A" + "\n\nA:" * 30_000,
        "答案是" + "（" * 50_000,
        "1.5e" * 20_000,
        "\\circ" * 20_000,
        "^{\\circ}" * 20_000,
    ]
    return [("5", text, "unequal") for text in repeated]


def odd_values() -> Cases:
    """Values that are none, and numbers at the edge of what floats can tell apart."""
    return [
        ("1", "\\frac{1}{0}", "unequal"),
        ("0", "\\frac{0}{0}", "unequal"),
        ("1", "0^{0}", "equal"),
        ("0", "\\infty - \\infty", "unequal"),
        ("\\infty", "-\\infty", "unequal"),
        ("0", "nan", "unequal"),
        ("0", "NaN", "unequal"),
        ("0", "inf", "unequal"),
        ("0", "None", "unequal"),
        ("0", "\\tan(\\frac{\\pi}{2})", "unequal"),
        ("0", "\\log(0)", "unequal"),
        ("0.0000001", "0.0000002", "unequal"),
        ("10^{-34}", "10^{-33}", "unequal"),
        ("(\\frac{9}{10})^{400}", "(\\frac{9}{10})^{500}", "unequal"),
        ("\\frac{1}{2^{99}}", "\\frac{1}{2^{98}}", "unequal"),
        ("1", "x^{10^{9}}", "unequal"),
        ("1", "(1+x)^{1000000}", "unequal"),
        ("1", "3^{-1000000000}", "unequal"),
        ("1", "e^{10^{10}}", "unequal"),
        ("1", "\\log_{10^{-300}}(10^{300})", "unequal"),
        ("\\frac{10^{30}}{3\\cdot10^{30}}", "\\frac{5\\cdot10^{30}}{7\\cdot10^{30}}", "unequal"),
        ("1-\\frac{1}{e}", "1+\\frac{1}{e}", "unequal"),
        ("1", "i^{i^{i^{i}}}", "unequal"),
        ("2", "2^{0.1^{1000000}}", "unequal"),
        ("1", "\\lfloor 9^{9^{9}} \\rfloor", "unequal"),
        ("5", "(-8)^{1/3}", "unequal"),
        ("1", "\\gcd(10^{99999}, 10^{99998})", "unequal"),
        ("1", "999999999999999999999999999999 \\mod 7 \\mod 5", "unequal"),
        ("1", "\\pi^{\\pi^{\\pi^{\\pi}}}", "unequal"),
        ("1", "\\sqrt[999999999]{2}", "unequal"),
        ("1", "\\sqrt[0]{2}", "unequal"),
    ]


def long_responses() -> Cases:
    """Ten megabytes, the answer at the very end, at the beginning, or nowhere."""
    prose = "We add 17 to both sides and look at $x^2$. " * 240_000
    return [
        ("42", prose + "So it is \\boxed{42}.", "equal"),
        ("42", prose + "So it is \\boxed{43}.", "unequal"),
        ("42", "\\boxed{41} " + prose, "unequal"),
        ("42", prose, "unequal"),
        ("42", "<think>" + prose + "</think> The answer is 42.", "equal"),
        ("42", "<think>" + prose, "unequal"),
    ]


KINDS: dict[str, Callable[[], Cases]] = {
    "tower": towers,
    "factorial": factorials,
    "digits": digits,
    "nesting": nesting,
    "unclosed": unclosed,
    "matrix": matrices,
    "range": ranges,
    "injection": injections,
    "characters": characters,
    "chinese": chinese,
    "chain": chains,
    "bait": baits,
    "odd-value": odd_values,
    "long-response": long_responses,
}


def cases(canary: Path | None = None) -> list[Case]:
    """All cases; CANARY in their texts is the file `canary`."""
    found = []
    for kind, make in KINDS.items():
        for number, (gold, predicted, right) in enumerate(make()):
            texts = [
                t.replace(CANARY, str(canary)) if canary and CANARY in t else t for t in (gold, predicted)
            ]
            found.append(Case(f"{kind}/{number}", texts[0], texts[1], right))
    return found


def peak_bytes(who: int) -> int:
    """Peak resident bytes as the kernel keeps them for a process and those before it that ran in its place."""
    return resource.getrusage(who).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def own_peak_bytes() -> int:
    """Peak resident bytes of this program alone: on Linux `ru_maxrss` holds what the process was before exec."""
    status = Path("/proc/self/status")
    if not status.exists():
        return peak_bytes(resource.RUSAGE_SELF)
    return next(int(line.split()[1]) * 1024 for line in status.open() if line.startswith("VmHWM:"))


def main(folder: Path) -> None:
    """Verify every case by itself and then all at once; print what became of them."""
    from curate.answers.verifier import Verifier

    every = cases(folder / "canary")
    with Verifier("strict", workers=1) as verifier:
        verifier.verify_all(["x^2+\\sin x"], ["\\frac{1}{2}x^{2}"])
        for case in every:
            wall, own = time.monotonic(), time.process_time()
            try:
                verdict = verifier.verify_all([case.gold], [case.predicted])[0]
                said = [verdict.status, verdict.tier, verdict.cause]
            except Exception as error:  # the case has failed; the others are still to be seen
                said = ["raised", type(error).__name__, str(error)[:100]]
            seconds = [round(time.monotonic() - wall, 3), round(time.process_time() - own, 3)]
            sys.stdout.write(json.dumps([case.name, *said, *seconds]) + "\n")
            sys.stdout.flush()
            if said[0] == "raised":
                every = [other for other in every if other.name != case.name]
    with Verifier("strict", workers=2) as verifier:
        together = verifier.verify_all([c.gold for c in every], [c.predicted for c in every])
    sys.stdout.write(json.dumps([verdict.status for verdict in together]) + "\n")
    sys.stdout.write(json.dumps([own_peak_bytes(), peak_bytes(resource.RUSAGE_CHILDREN)]) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
