r"""The tree that Math-Verify's formula reader makes of a text.

Its grammar is ambiguous; ANTLR's adaptive parser takes, at every choice, the first alternative with which the
rest of the text can still be read. That is the first complete parse in the order of the alternatives, and
what is computed here: for every rule and place, all places where it can end, each with the first tree that
ends there, remembered, so that the cost is polynomial whatever the text.

Source: latex2sympy2_extended 1.11.0, grammar PS, left out: limits, integrals, sums, named operators,
elementary transformations of matrices. A text with one of these is left to Math-Verify.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from curate.answers.compat.tokens import NoToken, Token, Unsure, tokens

MAX_TOKENS = 300
MAX_STEPS = 12_000
"""Rules at places, and places where they end: about 20 ms."""
MAX_NESTED = 12
MAX_SCRIPTS = 40

_GRAMMAR = r"""
math: set_elements_relation | set_elements | set_relation

set_elements_relation: atom_expr_list ('in' | '=') semicolon_elements_no_relation
set_elements: semicolon_elements
semicolon_elements: comma_elements (';' comma_elements)*
semicolon_elements_no_relation: comma_elements_no_relation (';' comma_elements_no_relation)*
comma_elements: element (',' element)*
comma_elements_no_relation: element_no_relation (',' element_no_relation)*
element: plus_minus | set_atom | relation
element_no_relation: plus_minus | set_atom | expr
plus_minus: expr '+-' expr | '+-' expr

set_relation: set_sides (('subset' | 'supset') set_sides)*
set_sides: atom_expr_list ('in' | 'notin' | '=') set_sides | set_minus
set_minus: set_union ('setminus' set_union)*
set_union: set_intersection ('cup' set_intersection)*
set_intersection: set_group ('cap' set_group)*
set_group: '(' set_minus ')' | set_atom
set_atom: interval | literal_set | ordered_tuple | finite_set
interval: ('[' | '(' | '\(' | 'lbrack' | 'lgroup') expr ',' expr (']' | ')' | '\)' | 'rbrack' | 'rgroup')
ordered_tuple: '(' semicolon_elements ')' | '\(' semicolon_elements '\)' | '[' semicolon_elements ']'
finite_set: '{' semicolon_elements '}' | '\{' semicolon_elements '\}' | 'boxed' '{' semicolon_elements '}'
literal_set: 'N' | 'Z' | 'Q' | 'R' | 'C' | 'emptyset' | '{' '}'

relation: expr (('in' | '=' | '==' | '~=' | '<' | '<=' | '>' | '>=' | '!=') expr)*
equality: expr ('==' | '=') expr
expr: mp (('+' | '-') mp)*
mp: unary (('*' | '/' | ':' | 'mod') unary)*
mp_nofunc: unary_nofunc (('*' | '/' | ':' | 'mod') unary_nofunc)*
unary: ('+' | '-') unary | postfix+
unary_nofunc: ('+' | '-') unary_nofunc | postfix postfix_nofunc*
postfix: exp postfix_op*
postfix_nofunc: exp_nofunc postfix_op*
postfix_op: '!' | eval_at | 'transpose' | 'degree'
eval_at: '|' eval_at_sup | '|' eval_at_sub | '|' eval_at_sup eval_at_sub
eval_at_sub: '_' '{' (expr | equality) '}'
eval_at_sup: '^' '{' (expr | equality) '}'
exp: comp ('^' (atom | '{' expr '}') subexpr?)*
exp_nofunc: comp_nofunc ('^' (atom | '{' expr '}') subexpr?)*

comp: group | boxed | bars | func | atom | frac | binom | matrix | det
comp_nofunc: group | boxed | bars | atom | frac | binom | matrix | det
group: '(' expr ')' | 'lgroup' expr 'rgroup' | '{' expr '}' | '[' expr ']'
  | '\{' expr '\}' | 'lbrace' expr 'rbrace' | 'lbrack' expr 'rbrack'
boxed: 'boxed' '{' expr '}'
bars: 'norm' expr 'norm' | '|' expr '|' | 'lvert' expr 'rvert' | 'vert' expr 'vert'
  | 'lfloor' expr 'rfloor' | 'llcorner' expr 'lrcorner' | 'lceil' expr 'rceil' | 'ulcorner' expr 'urcorner'
matrix: 'begin' matrix_row ('\\' matrix_row)* '\\'? 'end'
  | 'array' matrix_row ('\\' matrix_row)* '\\'? 'endarray'
det: 'beginvmatrix' matrix_row ('\\' matrix_row)* '\\'? 'endvmatrix'
matrix_row: expr ('&' expr)*
frac: 'frac' '{' expr '}' '{' expr '}'
binom: '{' expr 'choose' expr '}' | 'binom' '{' expr '}' '{' expr '}'

func: of_one | of_several | applied | sqrt | exponential
of_one: ('function' | 'gamma') (subexpr? supexpr? | supexpr? subexpr?) ('(' expr ')' | mp_nofunc)
of_several: 'functions' (subexpr? supexpr? | supexpr? subexpr?) ('(' args ')' | mp_nofunc)
applied: name supexpr?
  ('(' arguments ')' | '[' arguments ']' | '{' '(' arguments ')' '}' | '{' '[' arguments ']' '}')
sqrt: 'sqrt' ('[' expr ']')? '{' expr '}'
exponential: 'e' supexpr?
args: expr ',' args | expr
arguments: atom | expr ',' | expr ',' args

name: ('letter' | 'accent') subexpr?
atom_expr: ('letter' | 'accent') (supexpr subexpr | subexpr supexpr | subexpr | supexpr)?
atom_expr_list: '(' atom_expr (',' atom_expr)* ')' | atom_expr
number: 'number' subexpr?
atom: atom_expr | 'symbol' | number | 'percent' | 'power' | 'E' | 'differential' | 'gamma'
subexpr: '_' (atom | '{' (expr | args) '}')
supexpr: '^' (atom | '{' expr '}')
"""
_KEPT = frozenset(
    {
        "comma_elements",
        "comma_elements_no_relation",
        "semicolon_elements",
        "semicolon_elements_no_relation",
        "matrix_row",
        "args",
        "arguments",
        "exponential",
        "set_elements",
    }
)
"""Rules whose nodes stay with a single part; of the others that part is what remains."""
_ELSEWHERE = frozenset({"lim", "int", "sum", "phantom", "langle", "xrightarrow"})
"""Tokens of what this grammar leaves out."""
_NAMES = frozenset({"name", "names"})
r"""Names of operators; with another name `\operatorname` is in no formula."""
_OPENING = frozenset({"(", "{", "[", r"\{", r"\(", "lbrace", "lbrack", "lgroup"})
_CLOSING = frozenset({")", "}", "]", r"\}", r"\)", "rbrace", "rbrack", "rgroup"})


class Node(NamedTuple):
    """What a rule made of the tokens from `start` up to `end`."""

    rule: str
    start: int
    end: int
    parts: tuple[Node | Token, ...]


Tree = Node | Token
Found = tuple[tuple[int, tuple[Tree, ...]], ...]
"""Places where something can end, each with the first parts that lead there, in order of preference."""


class _State:
    """One parse: the kinds of the tokens, and what is known of every rule at every place."""

    def __init__(self, stream: list[Token]) -> None:
        self.stream = stream
        self.kinds = [*(token.kind for token in stream), "end of text"]
        self.known: dict[int, Found] = {}
        self.steps = 0


class _One:
    """A token of one kind."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.first = frozenset({kind})
        self.may_be_empty = False

    def ends(self, state: _State, at: int) -> Found:
        return ((at + 1, (state.stream[at],)),) if state.kinds[at] == self.kind else ()


class _Choice:
    """Alternatives, each a sequence; the first that fits is preferred."""

    def __init__(self, sequences: list[list[Part]]) -> None:
        self.sequences = sequences
        self.first: frozenset[str] = frozenset()
        self.may_be_empty = False
        self.starts: list[frozenset[str] | None] = []

    def learn(self) -> bool:
        """Find with which tokens it may begin, from what is known of its parts; whether that is news."""
        before = self.first, self.may_be_empty
        self.starts = []
        for sequence in self.sequences:
            first: frozenset[str] = frozenset()
            for part in sequence:
                first |= part.first
                if not part.may_be_empty:
                    self.starts.append(first)
                    break
            else:
                self.starts.append(None)
                self.may_be_empty = True
            self.first |= first
        return before != (self.first, self.may_be_empty)

    def ends(self, state: _State, at: int) -> Found:
        kind = state.kinds[at]
        found: dict[int, tuple[Tree, ...]] = {}
        for start, sequence in zip(self.starts, self.sequences, strict=True):
            if start is not None and kind not in start:
                continue
            for end, parts in _sequence(sequence, state, at):
                found.setdefault(end, parts)
        return tuple(found.items())


def _sequence(sequence: list[Part], state: _State, at: int) -> Found:
    reached: Found = ((at, ()),)
    for part in sequence:
        if len(reached) == 1:
            ((place, before),) = reached
            ends = part.ends(state, place)
            reached = tuple((end, before + parts) for end, parts in ends) if before else ends
        else:
            found: dict[int, tuple[Tree, ...]] = {}
            for place, before in reached:
                for end, parts in part.ends(state, place):
                    if end not in found:
                        found[end] = before + parts
            reached = tuple(found.items())
        if not reached:
            break
    return reached


class _Repeated:
    """A part as often as it fits, more often preferred."""

    def __init__(self, part: Part, least: int, most: int | None) -> None:
        self.part = part
        self.least = least
        self.most = most
        self.first: frozenset[str] = frozenset()
        self.may_be_empty = least == 0

    def learn(self) -> bool:
        news = self.first != self.part.first
        self.first = self.part.first
        return news

    def ends(self, state: _State, at: int) -> Found:
        found: dict[int, tuple[Tree, ...]] = {}
        seen = {at}
        walking: list[tuple[int, tuple[Tree, ...], Iterator[tuple[int, tuple[Tree, ...]]]]] = [
            (at, (), self._further(state, at, 0))
        ]
        while walking:
            place, before, further = walking[-1]
            for end, parts in further:
                if end not in seen:
                    seen.add(end)
                    walking.append((end, before + parts, self._further(state, end, len(walking))))
                    break
            else:
                walking.pop()
                if len(walking) >= self.least:
                    found[place] = before
        return tuple(found.items())

    def _further(self, state: _State, at: int, times: int) -> Iterator[tuple[int, tuple[Tree, ...]]]:
        """Where it ends when it is there once more."""
        if times == self.most or state.kinds[at] not in self.first:
            return iter(())
        return iter(self.part.ends(state, at))


class _Rule:
    """A named rule, whose trees are remembered for every place."""

    def __init__(self, name: str, number: int) -> None:
        self.name = name
        self.number = number
        self.body: _Choice
        self.kept = name in _KEPT

    @property
    def first(self) -> frozenset[str]:
        return self.body.first

    @property
    def may_be_empty(self) -> bool:
        return self.body.may_be_empty

    def ends(self, state: _State, at: int) -> Found:
        if state.kinds[at] not in self.body.first:
            return ()
        key = at * 128 + self.number
        known = state.known.get(key)
        if known is not None:
            return known
        found = tuple(
            (end, parts if len(parts) == 1 and not self.kept else (Node(self.name, at, end, parts),))
            for end, parts in self.body.ends(state, at)
        )
        state.known[key] = found
        state.steps += 1 + len(found)
        if state.steps > MAX_STEPS:
            raise Unsure
        return found


Part = _One | _Choice | _Repeated | _Rule


class _Reader:
    """Makes the parts of rules out of the text of a grammar."""

    def __init__(self, grammar: str) -> None:
        lines = [
            line.partition(":")[::2] for line in grammar.strip().replace("\n  ", " ").splitlines() if line
        ]
        self.rules = {name: _Rule(name, number) for number, (name, _) in enumerate(lines)}
        self.learning: list[_Choice | _Repeated] = []
        for name, body in lines:
            self.words = iter([*re.findall(r"'[^']+'|\w+|[|()?*+]", body), ")"])
            self.rules[name].body = self._choice()
        while sum(part.learn() for part in self.learning):
            pass

    def _choice(self) -> _Choice:
        sequences: list[list[Part]] = [[]]
        for word in self.words:
            if word == ")":
                break
            if word == "|":
                sequences.append([])
            elif word in "?*+":
                last = sequences[-1].pop()
                repeated = _Repeated(last, int(word == "+"), 1 if word == "?" else None)
                self.learning.append(repeated)
                sequences[-1].append(repeated)
            elif word == "(":
                sequences[-1].append(self._choice())
            else:
                sequences[-1].append(_One(word[1:-1]) if word[0] == "'" else self.rules[word])
        choice = _Choice(sequences)
        self.learning.append(choice)
        return choice


_RULES = _Reader(_GRAMMAR).rules


class Parsed(NamedTuple):
    """A tree and the tokens that its places count."""

    tree: Node | Token
    stream: tuple[Token, ...]

    def text(self, node: Tree) -> str:
        """What a node was read from, without blanks."""
        if isinstance(node, Token):
            return node.text
        return "".join(token.text for token in self.stream[node.start : node.end])


def parsed(text: str) -> Parsed | None:
    """The tree of a cleaned text, None where Math-Verify's grammar has none.

    Raises Unsure where that is not known here.
    """
    try:
        stream = tokens(text)
    except NoToken:
        return None
    kinds = {token.kind for token in stream}
    if "unused" in kinds or not stream:
        return None
    if kinds & _ELSEWHERE or len(stream) > MAX_TOKENS or ("operatorname" in kinds and kinds & _NAMES):
        raise Unsure
    depth = 0
    for token in stream:
        depth += (token.kind in _OPENING) - (token.kind in _CLOSING)
        if depth > MAX_NESTED:
            raise Unsure
    state = _State(stream)
    # Of a chain of powers every link may be read in several ways.
    if sum(token.kind in ("^", "_") for token in stream) > MAX_SCRIPTS:
        raise Unsure
    for end, (tree,) in _RULES["math"].ends(state, 0):
        if end == len(stream):
            return Parsed(tree, tuple(stream))
    return None


def is_token(tree: Tree, *kinds: str) -> bool:
    """Whether a part is a token of one of these kinds."""
    return isinstance(tree, Token) and tree.kind in kinds


def is_rule(tree: Tree, rule: str) -> bool:
    """Whether a part was made by this rule."""
    return isinstance(tree, Node) and tree.rule == rule
