"""Problems of a form that a training set may not want: with links, images, tables, proofs, parts, options."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from curate.sample.dice import Dice
from curate.sample.values import Answer, Problem, number, word
from curate.sample.words import MONTHS, THINGS, name, thing, town

_HOSTS = ("example.org", "www.example.com", "example.net", "puzzles.example.org", "forum.example.com")
_PATHS = ("set", "p", "archive", "topic", "wiki/Problem", "files", "contest/round")


def with_url(problem: Problem, dice: Dice) -> Problem:
    """The problem with a link in it."""
    host, path, page = dice.pick(_HOSTS), dice.pick(_PATHS), dice.between(2, 9999)
    link = f"{dice.pick(('https://', 'http://'))}{host}/{path}/{page}"
    text = dice.pick(
        (
            f"{problem.text} (Source: {link})",
            f"{problem.text}\n\n[original]({link})",
            f"From {link}: {problem.text}",
            f"{problem.text} See also www.{host.removeprefix('www.')}/{path}{page}.html for a picture of "
            f"the setting.",
            f'{problem.text}\n<a href="{link}">discussion</a>',
            f"{problem.text} {link}?page={page % 7}&sort=new#a{page % 13}",
        )
    )
    return problem._replace(text=text)


def with_image(problem: Problem, dice: Dice) -> Problem:
    """The problem with a reference to a picture that is not there."""
    page = dice.between(1, 99)
    text, first = problem.text, problem.text[:1].lower() + problem.text[1:]
    text = dice.pick(
        (
            f"{text} The situation is shown in the figure below.",
            f"![figure](images/fig_{page:02d}.png)\n\n{text}",
            f"<image>\n{text}",
            f"As shown in the diagram, {first}",
            f"{text}\n\n\\includegraphics[width=0.4\\textwidth]{{fig{page}}}",
            f"{text} (See the picture on the right.)",
            f"Refer to Figure {page}. {text}",
            f'<img src="img/{page}.jpg" alt="sketch"/> {text}',
        )
    )
    return problem._replace(text=text)


def with_table(dice: Dice) -> Problem:
    """A question about the numbers of a table."""
    place, stuff, n = town(dice), thing(dice), dice.between(3, 6)
    lines = [(month, dice.between(12, 980), dice.between(12, 980)) for month in dice.some(MONTHS, n)]
    head = ("Month", stuff.capitalize(), dice.pick(THINGS).capitalize())
    style = dice.below(3)
    if style == 0:
        body = "\n".join(
            [f"| {' | '.join(head)} |", "| --- | --- | --- |", *(f"| {a} | {b} | {c} |" for a, b, c in lines)]
        )
    elif style == 1:
        rows = " \\\\\n".join(f"{a} & {b} & {c}" for a, b, c in [head, *lines])
        body = f"\\begin{{tabular}}{{l|rr}}\n{rows} \\\\\n\\end{{tabular}}"
    else:
        cells = "".join(f"<tr><td>{a}</td><td>{b}</td><td>{c}</td></tr>\n" for a, b, c in [head, *lines])
        body = f"<table>\n{cells}</table>"
    column = dice.between(1, 2)
    values = [first if column == 1 else second for _, first, second in lines]
    wanted = dice.pick(("total", "mean", "difference between the largest and the smallest entry"))
    total = sum(values)
    value = (
        total if wanted == "total" else Fraction(total, n) if wanted == "mean" else max(values) - min(values)
    )
    text = dice.pick(
        (
            f"A shop in {place} kept the following record.\n\n{body}\n\nWhat is the {wanted} of the column "
            f"{head[column]}?",
            f"{name(dice)} wrote down sales in {place}:\n\n{body}\n\nFind the {wanted} for "
            f"{head[column].lower()}.",
        )
    )
    steps = (
        f"the column holds {', '.join(map(str, values))}",
        f"its sum is {total}",
        f"what is wanted is the {wanted}",
    )
    return Problem("table", text, number(value), steps)


_PROOF = Answer(
    "proof", (("proof", "\\text{proved}"), ("proof", "\\blacksquare"), ("proof", "\\text{Q.E.D.}")), ()
)


def proof(dice: Dice) -> Problem:
    """A statement to prove."""
    k, a, b = dice.between(2, 9), dice.between(2, 40), dice.between(3, 90)
    prime = dice.pick((2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31))
    product = "".join(f"(n+{i})" for i in range(1, k))
    statement, step = dice.pick(
        (
            (
                f"for every positive integer $n$ the product $n{product}$ is divisible by ${k}!$",
                f"the quotient is the binomial coefficient $\\binom{{n+{k - 1}}}{{{k}}}$",
            ),
            (f"$\\sqrt{{{prime}}} + {a}$ is irrational", f"otherwise $\\sqrt{{{prime}}}$ would be rational"),
            (
                f"${a + b}^n - {b}^n$ is divisible by {a} for all natural numbers $n$",
                f"modulo {a} both powers agree",
            ),
            (f"$x^2 + {a * a} \\ge {2 * a}x$ holds for all real $x$", f"the difference is $(x - {a})^2$"),
            (
                f"the sum of any {2 * k + 1} consecutive integers is a multiple of {2 * k + 1}",
                f"the middle one is the mean of all {2 * k + 1}",
            ),
            (
                f"among any {a + 1} integers there are two whose difference is divisible by {a}",
                f"there are only {a} remainders",
            ),
            (
                f"the equation $x^2 + y^2 = {4 * b + 3}$ has no integer solutions",
                "squares leave remainder 0 or 1 modulo 4",
            ),
            (
                f"for positive real $x$ and $y$ with $x + y = {2 * a}$ we have $xy \\le {a * a}$",
                f"put $x = {a} + t$ and $y = {a} - t$",
            ),
            (
                f"the sequence $a_n = \\frac{{{a}n}}{{n + {b}}}$ is increasing",
                f"$a_n = {a} - \\frac{{{a * b}}}{{n + {b}}}$",
            ),
            (
                f"there are infinitely many integers $n$ for which $n^2 + n$ is divisible by {b}",
                f"all multiples of {b} will do",
            ),
        )
    )
    ask = dice.pick(
        (
            "Prove that {}.",
            "Show that {}.",
            "Give a proof of the following: {}.",
            "Prove the following statement: {}.",
        )
    )
    text = ask.format(statement)
    if dice.chance(0.85):
        text = f"{text} ({name(dice)} asks for a complete argument for the seminar in {town(dice)}.)"
    return Problem("proof", text, _PROOF, (step, "this settles the general case", "so the claim follows"))


def multi_part(dice: Dice) -> Problem:
    """A problem with two or three questions."""
    one, two, three = dice.pick(
        (
            ("(1)", "(2)", "(3)"),
            ("(a)", "(b)", "(c)"),
            ("a)", "b)", "c)"),
            ("(i)", "(ii)", "(iii)"),
            ("1.", "2.", "3."),
        )
    )
    gap = dice.pick(("\n", "\n\n"))
    a, b, n = dice.between(4, 60), dice.between(4, 60), dice.between(6, 40)
    who, place = name(dice), town(dice)
    if dice.chance(0.5):
        setting = f"A rectangular garden in {place} measures {a} m by {b} m."
        asks = (
            "What is its area in square metres?",
            "What is its perimeter in metres?",
            f"{who} puts a path of 1 m around it. Find the area of the path.",
        )
        values = (a * b, 2 * (a + b), 2 * (a + b) + 4)
    else:
        setting = f"An arithmetic sequence starts with {a} and has common difference {b}. ({who}, {place})"
        asks = (
            f"Find the term number {n}.",
            f"Find the sum of the first {n} terms.",
            f"Which is the smallest term above {a + b * n}?",
        )
        values = (a + (n - 1) * b, n * (2 * a + (n - 1) * b) // 2, a + b * (n + 1))
    count = dice.between(2, 3)
    marks = (one, two, three)[:count]
    text = setting + gap + gap.join(f"{mark} {ask}" for mark, ask in zip(marks, asks, strict=False))
    listed = [str(value) for value in values[:count]]
    forms = (
        ("parts", "; ".join(f"{mark} {value}" for mark, value in zip(marks, listed, strict=True))),
        ("parts", ", ".join(listed)),
    )
    steps = tuple(f"for {mark} the value is {value}" for mark, value in zip(marks, listed, strict=True))
    return Problem(
        "multi-part", text, Answer("multi-part", forms, (("swapped", ", ".join(listed[::-1])),)), steps
    )


def multiple_choice(problem: Problem, dice: Dice) -> Problem:
    """The problem with four options; the answer is a letter."""
    plain = problem.answer.forms[0][1]
    wrong = dice.some([text for _, text in problem.answer.wrong if text != plain], 3)
    options = dice.some([plain, *wrong], 4)
    letters = "ABCD"[: len(options)]
    style = dice.pick(("({}) ${}$", "{}. ${}$", "{}) ${}$", "$\\textbf{{({})}}\\ {}$"))
    glue = dice.pick(("\n", " ", "\n", " \\qquad "))
    listed = glue.join(style.format(letter, option) for letter, option in zip(letters, options, strict=True))
    right = letters[options.index(plain)]
    forms = (("letter", right), ("letter", f"\\text{{{right}}}"), ("letter", f"\\textbf{{{right}}}"))
    others = tuple(("wrong-letter", f"\\text{{{letter}}}") for letter in letters if letter != right)
    steps = (*problem.steps, f"comparing with the options, {plain} stands under {right}")
    return Problem(
        "multiple-choice",
        f"{problem.text}\n{listed}",
        Answer("choice", forms, others),
        steps,
        problem.language,
    )


def true_false(problem: Problem, dice: Dice) -> Problem:
    """The problem turned into a claim that is true or false."""
    holds = dice.chance(0.5)
    plain = problem.answer.forms[0][1]
    claimed = plain if holds else dice.pick(problem.answer.wrong)[1]
    text = dice.pick(
        (
            f"True or false: the correct answer to the following question is ${claimed}$.\n\n{problem.text}",
            f"{problem.text}\n\n{name(dice)} answers ${claimed}$. Is this statement true or false?",
            f"Decide whether the claim is true or false.\nQuestion: {problem.text}\nClaim: the answer is "
            f"${claimed}$.",
            f"{problem.text} State whether ${claimed}$ is right. Answer True or False.",
        )
    )
    steps = (*problem.steps, f"the true value is {plain}, to be compared with {claimed}")
    return Problem(
        "true-false", text, word("True" if holds else "False", ("True", "False")), steps, problem.language
    )


FROM_NOTHING: dict[str, Callable[[Dice], Problem]] = {
    "table": with_table,
    "proof": proof,
    "multi-part": multi_part,
}
FROM_PROBLEM: dict[str, Callable[[Problem, Dice], Problem]] = {
    "url": with_url,
    "image": with_image,
    "multiple-choice": multiple_choice,
    "true-false": true_false,
}
