"""Which words and commands of a formula mean what."""

from __future__ import annotations

from curate.answers.forms.tokens import names

FUNCTIONS = names(
    "sin cos tan cot sec csc arcsin arccos arctan arccot asin acos atan sinh cosh tanh coth sech csch "
    "arsinh arcosh artanh asinh acosh atanh arcsinh arccosh arctanh log ln lg exp sqrt cbrt abs "
    "floor ceil gcd lcm max min det sgn sign Re Im Arg arg binomial"
)
RENAMED = {
    "asin": "arcsin", "acos": "arccos", "atan": "arctan", "tg": "tan", "ctg": "cot", "arctg": "arctan",
    "asinh": "arsinh", "acosh": "arcosh", "atanh": "artanh", "arcsinh": "arsinh", "arccosh": "arcosh",
    "arctanh": "artanh", "sign": "sgn", "signum": "sgn", "cosec": "csc", "cosech": "csch", "Log": "log",
    "Ln": "ln",
}  # fmt: skip
OF_SEVERAL = names("gcd lcm max min binomial")
GREEK = names(
    "alpha beta gamma delta epsilon zeta eta theta kappa lambda mu nu xi rho sigma tau upsilon "
    "phi chi psi omega Gamma Delta Theta Lambda Xi Sigma Phi Psi Omega ell hbar aleph partial "
    "nabla"
)
CONSTANTS = {
    "pi": "pi", "Pi": "pi", "infty": "infinity", "infinity": "infinity", "inf": "infinity",
    "Infinity": "infinity", "oo": "infinity",
}  # fmt: skip
RUN_TOGETHER = sorted((*GREEK, "pi", "sin", "cos", "tan", "ln", "log"), key=lambda name: (-len(name), name))
r"""What `\omegat` may begin with, where a blank was lost; the longest first."""
RELATIONS = names(
    r"= < > \le \ge \ne \in \approx \notin => \equiv \subset \subseteq -> \mapsto \propto "
    r"\parallel \perp :="
)
SETS = {r"\cup": "union", r"\cap": "intersection", r"\setminus": "difference"}
CONJUNCTIONS = {"and": "and", "or": "or", "和": "and", "或": "or", "and/or": ","}
SEPARATORS = frozenset([",", ";", "&"])
CLOSING = {
    "(": (")", "]"), "[": (")", "]", "["), "]": ("[", "]", ")"), r"\{": (r"\}",), r"\langle": (r"\rangle",),
}  # fmt: skip
"""What may close a bracket: of a half-open interval another one than has opened it."""
ROUNDING = {r"\lfloor": (r"\rfloor", "floor"), r"\lceil": (r"\rceil", "ceil")}
NO_FACTOR = frozenset([
    r"\end", ")", "]", "}", r"\}", r"\rfloor", r"\rceil", r"\rangle", ",", ";", ":", "&", r"\\",
    "+", "-", "*", "/", r"\pm", r"\mp", "^", "_", "!", "'", "%", r"\%", *RELATIONS, *SETS,
])  # fmt: skip
"""Signs that no factor begins with."""
BEHIND_CLOSED = frozenset([")", "]", "}", r"\}", ",", ";", *SETS])
"""Signs that stand behind a closed bracket and not behind an open one."""
APPLIED = frozenset("fghFGHPQpquvyITVNLSEB")
"""Letters that name functions: f(0) is one value, x(0) a product."""
UNIT_LETTERS = frozenset("mgshLlNJWVAKCF")
"""Letters that are units where they stand in text behind a number."""
PRODUCTS = frozenset(["at", "an", "as", "is", "it"])
"""Words that are products of letters where they stand inside brackets, as in an exponent."""
SET_LETTERS = frozenset("RNZQCP")
"""Letters that are sets of numbers where they stand alone in a special font."""
DECORATIONS = names(
    r"\dot \ddot \overline \bar \vec \hat \tilde \overrightarrow \widehat \underline \mathop "
    r"\overarc \widetilde \mathring"
)
BOXES = frozenset([r"\boxed", r"\fbox"])
SHAPES = frozenset([r"\angle", r"\triangle", r"\measuredangle", r"\odot", r"\square", r"\#"])
"""Commands that make a name of what follows them."""
SYSTEMS = names("cases aligned align align* gathered split")
"""Environments of equations below each other."""
MATRICES = names("matrix pmatrix bmatrix Bmatrix vmatrix smallmatrix array")
BASES = {
    "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7", "eight": "8",
    "nine": "9", "ten": "10", "twelve": "12", "sixteen": "16",
}  # fmt: skip
