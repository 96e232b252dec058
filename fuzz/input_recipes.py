"""Cases of recipes and column names as text that nobody trusts."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

from input_cases import NAMES, RECIPE, Case, Make, damaged
from input_places import GOOD
from input_texts import write

EXPRESSIONS = (
    "row.prompt = ''", "query.has_url", "exact.cluster_size > 1",
    "__import__('os').system('touch hacked')", "row.prompt = '' OR 1 = 1; DROP TABLE row",
    "row.prompt LIKE '%' --", "/* */ query.has_url", "'", '"', "((((", "))", "row.prompt = 'it''s'",
    'original."x""y" = 1', 'original."x\'y" = 1', "original.nothing = 1", "original.* = 1",
    "read_csv('/etc/passwd')", "row.prompt IN (SELECT 1)", "(SELECT count(*) FROM row) > 0",
    "exists(select 1)", "row.prompt || row.answer = 'x'", "length(row.prompt) / 0 > 1",
    "CAST(row.prompt AS INT) > 1", "1", "true", "NULL", "row.prompt = NULL", "row.prompt ~ '((a+)+)+$'",
    "regexp_like(row.prompt, '(a*)*b')", "row.prompt LIKE '" + "%" * 99 + "'", "getenv('HOME') = 'x'",
    "pl.col('x')", "eval('1')", "row_id", "row_id > 0", "row.row_id > 0", "query", "query.", ".has_url",
    "query..has_url", "query.has_url = query.has_url = true", "not not not query.has_url",
    "-query.has_url", "query.n_chars + 1", "case when query.has_url then 1 else 'a' end",
    "coalesce(query.has_url, 'x')", "\x00", "\ud83d", "query.has_url AND " * 300 + "true",
    "(" * 3_000 + "query.has_url" + ")" * 3_000, "not " * 5_000 + "query.has_url", "row.turns",
    "row.turns[1].content = 'a'", "strpos(row.prompt, 'a') > 1", "now() > '2020'", "random() > 0.5",
    "row.prompt BETWEEN 1 AND 'b'", "interval '1 day'", "date '2020-13-45'", "row.prompt = U&'\\0041'",
    "$1", ":x", "?", "unnest(row.turns)", "row.prompt = ANY('{a}')", "1e999 > 2", "0x41",
    "row.prompt COLLATE x", "max(row.prompt)", "sum(1) over ()", "loops.repeated_words > 1",
    "responses.given > 0", "original.id > 1", "row.prompt = E'\\x41'",
    "substr(row.prompt, -5, 99999999999) = 'x'", "repeat(row.prompt, 1000000000) = 'x'",
    "row.prompt ILIKE 'A%'",
)  # fmt: skip
KEYS = (
    "../../evil", "..", ".", "/etc/x", "a/b", "con", "é", "A", "a b", "a-b", "a_b", "a" * 300, "", "\n",
    "row", "keep", "original", "everything", "verdicts", "__class__", "1a", "null", "x\x00y", "%s", "{x}",
    "select", "reasons",
)  # fmt: skip
SETTINGS = (
    "output.format=../x", "output.shard-bytes=-1", "output.shard-bytes=1", "output.shard-bytes=1e999",
    "source.files=1", "output.licence='x\\n---\\nevil: true'", "output.system='\\u0000'",
    "output.shuffle-seed=99999999999999999999", "evidence.exact.normalize=none",
    "evidence.exact.normalize=__import__('os')", "a.b.c=1", "=", "x", "evidence=1", "evidence.exact=1",
    "evidence.exact.stage=near-dedup", "evidence.exact.stage=../x", "drop.url.when=''", "drop={}",
    "output.format=original", "output.format=verl", "output.format=messages",
    "output.max-responses-per-row=0", "source.prompt=../x", "source.prompt=''", "source.prompt=a.b.c",
    "source.earlier=/proc/x/y", "title='\\u0007'", "source.answer=__import__",
    "keep-one.exact-duplicate.prefer=['random()']", "evidence.exact.skip-if=row_id > 0",
    "source.max-unpacked-bytes=0", "source.max-unpacked-ratio=-1", "output.prompt-suffix='🙂'",
    "drop.url.on-missing=maybe", "output.data-source='{x}'", "keep-one.exact-duplicate.max-drop-share=nan",
    "keep-one.exact-duplicate.per=row.prompt",
)  # fmt: skip


def predicates(rng: Random, folder: Path) -> Case:
    """Rules of any text."""
    key = rng.choice(("when", "protect", "where", "prefer", "per", "skip-if", "spans", "by"))
    said = rng.choice(EXPRESSIONS)
    if rng.random() < 0.3:
        said = damaged(said.encode("utf-8", "replace"), rng).decode("utf-8", "replace")
    told = json.dumps(said, ensure_ascii=rng.random() < 0.5).replace("\x7f", "")
    table = {
        "when": f"[drop.x]\nwhen = {told}\n",
        "protect": f'[keep-one.x]\nper = "exact.cluster_id"\nprotect = {told}\n',
        "where": f'[keep-one.x]\nper = "exact.cluster_id"\nwhere = {told}\n',
        "prefer": f'[keep-one.x]\nper = "exact.cluster_id"\nprefer = [{told}]\n',
        "per": f"[keep-one.x]\nper = {told}\n",
        "skip-if": f'[evidence.other]\nstage = "query-quality"\nskip-if = {told}\n',
        "spans": f"[mask.x]\nwhen = {told}\nspans = {told}\n",
        "by": f"[replace.x]\nwhen = {told}\nby = {told}\n",
    }[key]
    missing = 'on-missing = "keep"\n' if key in ("when", "protect", "where", "per", "prefer") else ""
    return Case([write(folder, "rows.jsonl", GOOD)], RECIPE + table + missing)


def keys(rng: Random, folder: Path) -> Case:
    """Names of evidence and reasons that mean another place, or nothing."""
    key = json.dumps(rng.choice(KEYS))
    table = rng.choice(
        (
            f'[evidence.{key}]\nstage = "exact-dedup"\n',
            f"[drop.{key}]\nwhen = \"row.prompt = ''\"\n",
            f'[keep-one.{key}]\nper = "exact.cluster_id"\non-missing = "keep"\n',
            f"[{key}]\nx = 1\n",
            f"{key} = 1\n",
            f'[output]\n{key} = "x"\n',
            f'[evidence.other]\nstage = "exact-dedup"\n{key} = {{ a = [1, {{}}] }}\n',
            f'[evidence.other]\nstage = {key}\n',
            f'[source]\nprompt = {key}\n',
        )
    )  # fmt: skip
    return Case([write(folder, "rows.jsonl", GOOD)], RECIPE + table)


def recipe_damaged(rng: Random, folder: Path) -> Case:
    """A recipe with bytes changed."""
    changed = damaged(RECIPE.encode(), rng).decode("utf-8", "surrogateescape")
    return Case([write(folder, "rows.jsonl", GOOD)], changed)


def settings(rng: Random, folder: Path) -> Case:
    """`--set` of anything."""
    chosen = [word for _ in range(rng.randrange(1, 4)) for word in ("--set", rng.choice(SETTINGS))]
    return Case([write(folder, "rows.jsonl", GOOD)], options=tuple(chosen))


def columns(rng: Random, folder: Path) -> Case:
    """Columns of odd names, named as the prompt, looked at by rules, written out and asked for."""
    names = rng.sample(NAMES, 3)
    rows = [{name: f"{index} of {place}" for place, name in enumerate(names)} for index in range(3)]
    content = "\n".join(json.dumps({"problem": f"Problem {i}", **one}) for i, one in enumerate(rows)).encode()
    quoted = json.dumps(f"original.\"{names[0]}\" = '1 of 0'")
    recipe = RECIPE + (f"[drop.named]\nwhen = {quoted}\n" if rng.random() < 0.5 else "")
    options: tuple[str, ...] = ("--format", rng.choice(("original", "verl", "messages", "trl", "sharegpt")))
    if rng.random() < 0.5:
        options = (
            *options,
            rng.choice(("--prompt-column", "--answer-column", "--source-column")),
            rng.choice(names),
        )
    return Case([write(folder, "rows.jsonl", content)], recipe, options, n_rows=3)


KINDS: dict[str, Make] = {
    "predicate": predicates,
    "key": keys,
    "recipe-damaged": recipe_damaged,
    "setting": settings,
    "column-name": columns,
}
