"""Mask rules: passages cut out of prompts, responses and records; the rows stay, and it is told."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from curate.cli.main import app
from curate.errors import RecipeError, RunError
from curate.masking import Cut, Mask, find_cuts, left, without
from curate.pipeline.cutting import cut_originals
from curate.recipe import parse, to_toml

LADDER = "A ladder 13 metres long leans against a wall, its foot 5 metres away. How high does it reach?"
FARM = (
    "A farmer keeps 24 goats and 36 sheep on a meadow near the river. Every goat eats 3 kilograms of hay and every "
    "sheep eats 2 kilograms of hay per day. How many kilograms of hay does the farmer need for 15 days?"
)
WORDS = (
    "I teach a class of fourteen pupils and hand out a sheet every Friday. Look at the wording of the task, say which "
    "words they might not know, and propose an easier text that keeps the sense. Do not solve it, and do not shorten "
    "it either: my pupils are to learn reading."
)


def curate(*arguments: str | Path, fails: bool = False) -> str:
    """Run a command; what it printed."""
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert (done.exit_code != 0) == fails, done.output
    return done.output


@pytest.fixture
def exam(tmp_path: Path) -> Path:
    """A benchmark of two items."""
    path = tmp_path / "exam.parquet"
    pl.DataFrame({"id": ["ladder", "farm"], "problem": [LADDER, FARM]}).write_parquet(path)
    return path


def masked(tmp_path: Path, exam: Path, data: pl.DataFrame, *flags: str) -> Path:
    """The folder of a run of `curate decontam --mode mask`."""
    data.write_parquet(tmp_path / "data.parquet")
    run = tmp_path / "run"
    curate("decontam", tmp_path / "data.parquet", "--against", exam, "--mode", "mask", "-o", run, *flags)
    return run


def table(run: Path, name: str) -> pl.DataFrame:
    """A table of a run."""
    return pl.read_parquet(run / name / "*.parquet")


ROWS = {
    "alone": f"Solve this.\n\n{LADDER}",
    "in a long text": f"{WORDS}\n\n{LADDER}\n\n{FARM.replace('meadow', 'pasture')}",
    "another problem": FARM.replace("36", "41"),
    "unlike": "Prove that the square root of two is irrational.",
}


def test_copies_are_cut_out_and_the_rows_stay(tmp_path: Path, exam: Path) -> None:
    """Every copy in a long prompt is cut, verbatim and edited; a prompt that is the item is dropped; others stay."""
    run = masked(tmp_path, exam, pl.DataFrame({"problem": list(ROWS.values())}))
    kept = table(run, "kept")
    assert kept["problem"].to_list() == [
        f"{WORDS}\n\n[removed]\n\n[removed]", ROWS["another problem"], ROWS["unlike"],
    ]  # fmt: skip
    assert kept["masked"].to_list() == [["contaminated"], [], []]
    verdicts = table(run, "verdicts")
    assert verdicts["masked"].to_list() == [[], ["contaminated"], [], []]
    assert table(run, "dropped").select("row_id", "reasons").rows() == [(0, ["contaminated"])]
    assert table(run, "masked").select("row_id", "masked", "problem").rows() == [
        (1, ["contaminated"], ROWS["in a long text"])
    ]
    assert table(run, "input/originals")["problem"].to_list() == list(ROWS.values())


def test_nothing_is_found_in_what_was_masked(tmp_path: Path, exam: Path) -> None:
    """Decontaminating the kept rows again finds no copy."""
    run = masked(tmp_path, exam, pl.DataFrame({"problem": list(ROWS.values())}))
    curate("decontam", run / "kept", "--against", exam, "--mode", "report", "-o", tmp_path / "again")
    assert table(tmp_path / "again", "evidence/leak")["class"].to_list() == ["none", "variant", "none"]


def test_token_and_what_must_be_left_are_parameters(tmp_path: Path, exam: Path) -> None:
    """`--mask-token` stands where the copy was; `--min-left` says how short the rest may be."""
    data = pl.DataFrame({"problem": list(ROWS.values())})
    run = masked(tmp_path, exam, data, "--mask-token", "", "--min-left", "9")
    assert table(run, "kept")["problem"].to_list()[:2] == ["Solve this.\n\n", f"{WORDS}\n\n\n\n"]
    run = masked(tmp_path, exam, data, "--min-left", "10000")
    assert table(run, "dropped")["row_id"].to_list() == [0, 1]
    curate("decontam", tmp_path / "data.parquet", "--min-left", "5", fails=True)


def test_what_is_reworded_is_dropped(tmp_path: Path, exam: Path) -> None:
    """A class that has no passage goes, for a reason of its own, where it is chosen."""
    other = ROWS["another problem"]
    data = pl.DataFrame({"problem": [f"{WORDS} {other}", f"{WORDS} {LADDER}", f"{WORDS} {LADDER} {other}"]})
    run = masked(tmp_path, exam, data, "--class", "variant", "--class", "verbatim")
    assert table(run, "dropped").select("row_id", "reasons").rows() == [
        (0, ["contaminated-throughout"]), (2, ["contaminated-throughout"]),
    ]  # fmt: skip
    assert table(run, "kept")["problem"].to_list() == [f"{WORDS} [removed]"]
    assert table(run, "masked")["row_id"].to_list() == [1]
    assert json.loads((run / "manifest.json").read_text())["masked"]["row"]["contaminated"]["rows"] == 1
    said = curate("decontam", tmp_path / "data.parquet", "--mode", "mask", "--class", "variant", fails=True)
    assert "add --class verbatim or --class near" in said
    said = curate("decontam", tmp_path / "data.parquet", "--mode", "mask", "--ngram", "8", fails=True)
    assert "leave out --ngram" in said


CHAT = [
    {"role": "system", "content": "Be patient."},
    {"role": "user", "content": f"{WORDS} The first half: {FARM[:112]}"},
    {"role": "assistant", "content": "I see; and the rest?"},
    {"role": "user", "content": FARM[113:]},
    {
        "role": "assistant",
        "content": f"The task reads: {LADDER} No, sorry. It reads: {FARM} Meadow may be unknown. {WORDS}",
    },
]


def test_a_passage_across_turns_is_cut_from_each(tmp_path: Path, exam: Path) -> None:
    """In a conversation a passage is cut where it stands: in two turns, and in a response that quotes it."""
    run = masked(tmp_path, exam, pl.DataFrame({"messages": [CHAT]}), "--format", "messages")
    [turns] = table(run, "kept")["messages"].to_list()
    assert [turn["content"] for turn in turns] == [
        "Be patient.",
        f"{WORDS} The first half: [removed]",
        "I see; and the rest?",
        "[removed]",
        f"The task reads: [removed] No, sorry. It reads: [removed] Meadow may be unknown. {WORDS}",
    ]
    counts = json.loads((run / "manifest.json").read_text())["masked"]
    assert counts["row"]["contaminated"] == {"rows": 1, "passages": 1, "characters": len(FARM) + 1}
    assert counts["response"]["restated"]["passages"] == 2
    run = masked(tmp_path, exam, pl.DataFrame({"messages": [CHAT]}))
    [turns] = table(run, "kept")["messages"].to_list()
    assert [turn["content"] for turn in turns][1::2] == [f"{WORDS} The first half: [removed]", "[removed]"]


@pytest.mark.parametrize("name", ["verl", "trl", "prompt-completion", "sharegpt", "messages", "original"])
def test_no_format_holds_what_was_cut(name: str, tmp_path: Path, exam: Path) -> None:
    """Whatever is written, the item stands nowhere in it, not even in another column or spelt as JSON."""
    text = f'{WORDS}\n\n"{LADDER}"\n\n{WORDS}'
    data = {
        "problem": [text, "1 + 1?"],
        "solution": [f"{WORDS} So: {LADDER}", "2"],
        "extra": [json.dumps({"asked": text}), "{}"],
        "responses": [[f"Asked is {LADDER} {WORDS}", None, "12"], ["2"]],
    }
    run = masked(tmp_path, exam, pl.DataFrame(data), "--format", name)
    kept = table(run, "kept")
    written = json.dumps(kept.to_dicts(), ensure_ascii=False)
    assert "ladder" not in written
    assert "[removed]" in written
    assert "1 + 1?" in written


def test_copied_solutions_are_cut_out_of_responses(tmp_path: Path) -> None:
    """With `--responses` a published solution inside a longer response goes, and the response stays."""
    solution = "Each of the 24 goats eats 3 kilograms a day, that is 72 kilograms. In 15 days the goats eat 1080 kilograms."
    exam = tmp_path / "solved.parquet"
    pl.DataFrame({"id": ["farm"], "problem": [FARM], "solution": [solution]}).write_parquet(exam)
    data = pl.DataFrame(
        {"problem": ["How much hay?"] * 2, "responses": [[f"{WORDS} {solution} So 1080.", solution], ["x"]]}
    )
    run = masked(tmp_path, exam, data, "--responses", "--format", "messages")
    contents = [turns[-1]["content"] for turns in table(run, "kept").sort("row_id")["messages"].to_list()]
    assert contents == [f"{WORDS} [removed] So 1080.", "x"]
    judged = table(run, "response_verdicts")
    assert judged["masked"].to_list() == [["contaminated-response"], [], []]
    assert judged["reasons"].to_list() == [[], ["contaminated-response"], []]


def test_masks_are_decided_again_without_measuring(tmp_path: Path, exam: Path) -> None:
    """Another min-left, or the span of another evidence, needs no second run; `diff` tells the rows."""
    run = masked(tmp_path, exam, pl.DataFrame({"problem": list(ROWS.values())}))
    recipe = tmp_path / "recipe.toml"
    recipe.write_text((run / "recipe.toml").read_text().replace("passages.spans", "leak.row_span"))
    curate(
        "decide", run, "--recipe", recipe, "--set", "mask.contaminated.min-left=9", "-o", tmp_path / "other"
    )
    assert table(tmp_path / "other", "kept")["problem"].to_list()[0] == "Solve this.\n\n[removed]?"
    said = curate("diff", run, tmp_path / "other")
    assert "dropped: contaminated → kept, masked: contaminated" in said
    assert json.loads((tmp_path / "other" / "manifest.json").read_text())["protection"]


def test_a_recipe_masks_and_does_without(tmp_path: Path, exam: Path) -> None:
    """A recipe file may have mask rules; `--without` leaves out the evidence and the rules that name it."""
    recipe = tmp_path / "mine.toml"
    recipe.write_text("""
        [evidence.leak]
        stage = "benchmark-match"
        against = ["exam"]
        [mask.leaky]
        when = "leak.class = 'verbatim'"
        spans = "leak.row_span"
        replace-with = "(...)"
        on-missing = "keep"
        [output]
        format = "original"
    """)
    pl.DataFrame({"problem": list(ROWS.values())}).write_parquet(tmp_path / "data.parquet")
    flags = ["-i", tmp_path / "data.parquet", "--against", exam]
    curate("run", recipe, *flags, "-o", tmp_path / "run")
    kept = table(tmp_path / "run", "kept")
    assert kept["masked"].to_list() == [["leaky"], [], []]
    assert "(...)?" in kept["problem"][0]
    curate("run", recipe, *flags[:2], "--without", "leak", "-o", tmp_path / "other")
    assert table(tmp_path / "other", "kept").columns == ["row_id", "problem"]
    assert not (tmp_path / "other" / "masked").exists()


def test_a_mask_is_told_everywhere(tmp_path: Path, exam: Path) -> None:
    """Funnel, explain, report, data card and SQL say what was cut, and show the text with and without it."""
    data = pl.DataFrame({"problem": list(ROWS.values())})
    data.write_parquet(tmp_path / "data.parquet")
    run = tmp_path / "run"
    said = curate("decontam", tmp_path / "data.parquet", "--against", exam, "--mode", "mask", "-o", run)
    assert "masked: contaminated            1" in said
    said = curate("explain", run, "1")
    assert said.startswith("row 1: kept, masked by contaminated")
    assert "exam item ladder" in said
    assert "passages.spans = start" in said
    assert f"characters left = {len(''.join(WORDS.split()))}" in said
    assert "⟦[removed]⟧" in said
    page = (run / "report.html").read_text(encoding="utf-8")
    assert '<h2 id="masked">Masked</h2>' in page
    assert "<mark>[removed]</mark>" in page
    assert "2 passages, 302 characters" in page
    assert "cut 2 passages (302 characters) out of 1 rows" in (run / "kept" / "README.md").read_text()
    assert "contaminated" in curate("sql", run, "SELECT masked FROM everything WHERE row_id = 1")
    assert "(1 row)" in curate("sql", run, "SELECT problem FROM masked")


def test_bytes_do_not_depend_on_workers(tmp_path: Path, exam: Path) -> None:
    """The same rows give the same files with one worker and with two, cached or not."""
    data = pl.DataFrame({"problem": list(ROWS.values()) * 20})
    hashes = []
    for flags in (["--workers", "1"], ["--workers", "2"], ["--workers", "2"]):
        manifest = json.loads((masked(tmp_path, exam, data, *flags) / "manifest.json").read_text())
        hashes.append(manifest["files"])
    assert hashes[0] == hashes[1] == hashes[2]


def test_a_null_prompt_is_undecided(tmp_path: Path, exam: Path) -> None:
    """A row without a prompt is neither masked nor dropped."""
    data = pl.DataFrame({"problem": [None, f"{WORDS} {LADDER}"]})
    verdicts = table(masked(tmp_path, exam, data), "verdicts")
    assert verdicts.select("keep", "undecided", "masked").rows() == [
        (False, ["contaminated"], []), (True, [], ["contaminated"]),
    ]  # fmt: skip


WRONG = {
    'spans = "leak.class"': "spans: leak.class is of type string. Expected places",
    'spans = "leak.span"': "spans: unknown column leak.span. Did you mean leak.row_span",
    'spans = "leek.row_span"': "spans: unknown evidence leek. Did you mean leak?",
    'spans = "row.prompt"': "spans: `row.prompt` is no evidence that was measured",
    'spans = "length(leak.why)"': "spans: expected one column of evidence",
    'spans = "leak.row_span"\nmin-left = 0': "mask.leaky.min-left: expected greater than or equal to 1",
    'spans = "leak.row_span"\ntoken = ""': "mask.leaky.token: there is no such setting",
    'spans = "leak.row_span"\n[drop.leaky]\nwhen = "leak.hits > 0"': "leaky: names a drop rule and a mask rule",
    'spans = "leak.row_span"\n[keep-one.leaky]\nper = "leak.item"': "leaky: names a mask rule and a keep-one rule",
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_mask_rule_is_told_before_anything_is_read(wrong: str) -> None:
    """Each mistake is named with what was expected."""
    text = (
        '[evidence.leak]\nstage = "benchmark-match"\nagainst = ["x"]\n[mask.leaky]\nwhen = "leak.hits > 0"\n'
    )
    with pytest.raises(RecipeError) as error:
        parse(text + wrong, "mine")
    told = str(error.value).replace("leaky.spans: ", "leaky: spans: ")
    assert WRONG[wrong].replace("Did you mean leak.row_span", "") in told


def test_a_mask_rule_survives_writing() -> None:
    """A recipe with a mask rule is the same after `to_toml`."""
    text = """
        [evidence.leak]
        stage = "benchmark-match"
        against = ["x"]
        [mask.leaky]
        when = "leak.hits > 0"
        spans = "leak.row_span"
        replace-with = "[…]"
    """
    made = parse(text, "mine")
    assert parse(to_toml(made), "again") == made
    assert made.mask["leaky"].replace_with == "[…]"


def facts(prompts: list[str | None], spans: list[object]) -> pl.DataFrame:
    """Facts of rows with these prompts, all to be masked, and the spans of some evidence."""
    rows = [{"prompt": prompt} for prompt in prompts]
    kind = pl.List(pl.Struct({"start": pl.Int32, "end": pl.Int32}))
    evidence = pl.DataFrame({"spans": pl.Series(spans, dtype=kind)}).to_struct("leak")
    row = pl.Series("row", rows, dtype=pl.Struct({"prompt": pl.String}))
    return pl.DataFrame([pl.Series("row_id", range(len(prompts)), dtype=pl.Int64), row, evidence])


def test_spans_are_merged_clipped_and_counted() -> None:
    """Spans that meet are one; what is outside the text is none; white space is nothing that is left."""
    spans = [
        [{"start": 6, "end": 9}, {"start": 0, "end": 3}, {"start": 2, "end": 5}],
        [{"start": 2, "end": 99}],
        [{"start": 1, "end": 2}],
        [],
        None,
        [{"start": 5, "end": 5}],
        [{"start": 0, "end": 1}],
    ]
    prompts = [
        "abcdefghijkl",
        "abcdefgh",
        "a" + "b" + " " * 50 + "c",
        "abcdefgh",
        "abcdefgh",
        "abcdefgh",
        None,
    ]
    found = find_cuts(facts(prompts, spans), [Mask("x", "row.prompt IS NOT NULL", "leak.spans", 3)], "row")
    assert found.select("row_id", "start", "end").rows() == [(0, 0, 5), (0, 6, 9)]
    found = find_cuts(facts(prompts, spans), [Mask("x", "row.prompt IS NOT NULL", "leak.spans", 2)], "row")
    assert found.select("row_id", "start", "end").rows()[2:] == [(1, 2, 8), (2, 1, 2)]


LETTERS = st.text("ab \né", max_size=30)


@given(LETTERS, LETTERS, LETTERS, st.sets(st.integers(0, 30), max_size=6))
def test_no_text_keeps_what_was_cut(text: str, before: str, after: str, at: set[int]) -> None:
    """Whatever stands around it, a passage is gone from every text, in JSON too; other texts stay as they are."""
    ends = sorted(place for place in at if place <= len(text))
    spans = list(zip(ends[::2], ends[1::2], strict=False))
    cut = Cut(text, tuple((a, b, "□") for a, b in spans))
    passages = [text[a:b] for a, b in spans]
    for one in (text, f"{before}{text}{after}", *(f"{before}{passage}{after}" for passage in passages)):
        assert not [passage for passage in passages if passage in without(one, [cut])]
        assert not [
            passage for passage in passages if passage in json.loads(without(json.dumps([one]), [cut]))[0]
        ]
    if (
        not any(passage in before or json.dumps(passage)[1:-1] in before for passage in passages)
        and before not in text
    ):
        assert without(before, [cut]) == before


def test_a_short_word_is_no_part_of_a_prompt() -> None:
    """A column that happens to be a word of the passage is left alone; a paragraph of the prompt is cut."""
    cut = Cut("Q:\n\nmath is fun\n\nbye", ((4, 15, "[removed]"),))
    assert [without(text, [cut]) for text in ("math", "math is fun", "fun", "Q:")] == [
        "math",
        "[removed]",
        "fun",
        "Q:",
    ]


def test_columns_of_any_depth_keep_their_types(tmp_path: Path) -> None:
    """Texts are cut in lists and structs, nulls and other types stay; a prompt that is in no column is told."""
    tags = pa.large_list(pa.large_string())
    turn = pa.struct([("role", pa.large_string()), ("tags", tags), ("at", pa.timestamp("ns"))])
    kind = pa.large_list(turn)
    chats = [
        None,
        [{"role": "say spam now", "tags": ["spam", None, "egg"], "at": 1}, None],
        [],
        [{"role": None, "tags": None, "at": None}, {"role": "spam", "tags": [], "at": 5}],
    ]
    table_ = pa.table(
        {"row_id": pa.array([3, 4, 5, 6]), "chat": pa.array(chats, kind), "n": pa.array([1, 2, None, 4])}
    )
    cut = Cut("say spam now", ((4, 8, "-"),))
    made = cut_originals(table_, {4: [cut], 6: [Cut("spam", ((0, 4, "-"),))]})
    assert made.schema == table_.schema
    assert made["n"].to_pylist() == [1, 2, None, 4]
    turns = made["chat"].combine_chunks().values
    assert pc.struct_field(turns, "role").to_pylist() == ["say - now", None, None, "-"]
    assert pc.struct_field(turns, "tags").to_pylist() == [["-", None, "egg"], None, None, []]
    assert pc.struct_field(turns, "at").cast(pa.int64()).to_pylist() == [1, None, None, 5]
    assert made["chat"].is_null().to_pylist() == [True, False, False, False]
    assert turns.is_null().to_pylist() == [False, True, False, False]
    with pytest.raises(RunError, match="row 5: what a mask rule cuts is in no column"):
        cut_originals(table_, {5: [cut]})


def test_a_drawing_is_nothing_that_is_left() -> None:
    """What is left is counted without white space and drawings; one that does not end is text."""
    text = (
        "the item [asy] draw((0,0)--(é,1)); [/asy] abc \\begin{tikzpicture} x \\end{tikzpicture} de [asy] f"
    )
    assert left(text, [(0, 8)]) == len("abcde[asy]f")
    assert left(text[:-7], [(0, 8)]) == len("abcde")


@pytest.mark.real_data
def test_a_problem_and_its_drawing_is_no_row_of_its_own(shared_data: Path, tmp_path: Path) -> None:
    """Of a corpus of problems every copy is the whole prompt: all are dropped, none masked."""
    problems = pl.read_parquet(shared_data / "corpora" / "dapo_math_25k.parquet").select("query")
    run = masked(tmp_path, shared_data / "benchmarks" / "math_500.parquet", problems)
    counts = json.loads((run / "manifest.json").read_text())
    assert counts["masked"]["row"]["contaminated"]["rows"] == 0
    assert counts["reasons"]["row"]["contaminated"]["rows"] > 30


@pytest.mark.real_data
def test_real_rows_are_masked_and_nothing_else_changes(shared_data: Path, tmp_path: Path) -> None:
    """Of real instructions that AIME problems were put into all are masked, and none is found any more."""
    chats = pl.read_parquet(shared_data / "corpora" / "chat_mix_small.parquet")["query"]
    long = chats.filter(chats.str.len_chars().is_between(400, 2000)).head(240).to_list()
    items = pl.read_parquet(shared_data / "benchmarks" / "aime_2024.parquet")["problem"].to_list()
    texts = [
        f"{text}\n\n{items[n % 30]}\n\n{text[:100]} {items[(n + 1) % 30] if n % 2 else ''}"
        if n < 60
        else text
        for n, text in enumerate(long)
    ]
    exam = shared_data / "benchmarks" / "aime_2024.parquet"
    run = masked(tmp_path, exam, pl.DataFrame({"problem": texts}))
    verdicts = table(run, "verdicts")
    assert verdicts["masked"].list.len().to_list() == [1] * 60 + [0] * (len(texts) - 60)
    kept = table(run, "kept")["problem"].to_list()
    assert kept[60:] == texts[60:]
    for n in range(60):
        assert kept[n].startswith(long[n])
        assert kept[n].count("[removed]") == 1 + n % 2
        left = len(kept[n]) - len(long[n]) - 100 - len("[removed]") * (1 + n % 2)
        assert left < 30, kept[n][len(long[n]) :]
    curate("decontam", run / "kept", "--against", exam, "--mode", "report", "-o", tmp_path / "again")
    found = table(tmp_path / "again", "evidence/leak").filter(
        pl.col("class").is_in(["verbatim", "near", "reworded"])
    )
    assert found.height == 0
