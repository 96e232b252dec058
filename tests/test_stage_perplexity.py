"""The stage `perplexity`: what a model thinks of responses, as evidence that rules decide by."""

from __future__ import annotations

import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from pydantic import ValidationError
from small_model.problems import problems
from tables import evidence, shards

from curate.engines.local import LocalEngine
from curate.errors import InputError
from curate.flow import Stage
from curate.predicate import evaluate
from curate.stages.measure import evidence_schema
from curate.stages.perplexity import STAGE, Params, measure

ARPA = """\\data\\
ngram 1=6
ngram 2=3

\\1-grams:
-1.0\t<unk>
0\t<s>\t-0.5
-0.6\t</s>
-0.7\tis\t-0.3
-0.8\ttwo\t-0.2
-0.9\tthree

\\2-grams:
-0.1\t<s> two
-0.2\ttwo is
-0.4\tis three

\\end\\
"""


@pytest.fixture
def arpa(tmp_path: Path) -> str:
    """The address of a bigram model over three words."""
    pytest.importorskip("kenlm", reason="NOT RUN with KenLM: kenlm-ex is not installed")
    path = tmp_path / "three.arpa"
    path.write_text(ARPA)
    return f"kenlm:{path}"


def responses(*texts: str | None, prompt: str | None = "two") -> pl.DataFrame:
    """Responses to one problem."""
    return pl.DataFrame(
        {"row_id": [0] * len(texts), "response_id": range(len(texts)), "response": texts},
        schema={"row_id": pl.Int64, "response_id": pl.Int32, "response": pl.String},
    ).with_columns(prompt=pl.lit(prompt, pl.String), system=pl.lit(None, pl.String))


def test_figures_of_an_ngram_model_are_those_of_its_file(arpa: str) -> None:
    """Back-off weights and probabilities added up by hand: after the prompt, as a whole, and unknown words."""
    found = measure(responses("is three", "is cow", prompt="two"), Params(model=arpa))
    # is|two -0.2, three|is -0.4, </s> -0.6  /  is|two -0.2, <unk> after "is": -0.3 - 1.0, </s> -0.6
    assert found["logprob"].to_list() == pytest.approx([-1.2 * math.log(10), -2.1 * math.log(10)])
    assert found["tokens"].to_list() == [3, 3]
    assert found["bytes"].to_list() == [8, 6]
    assert found["perplexity"].to_list() == pytest.approx([10**0.4, 10**0.7])
    assert found["bits_per_byte"].to_list() == pytest.approx(
        [1.2 * math.log2(10) / 8, 2.1 * math.log2(10) / 6]
    )
    assert found["windows"].to_list() == [1, 1]
    assert found["status"].to_list() == ["ok", "ok"]
    whole = measure(responses("is three", prompt="two"), Params(model=arpa, scope="full"))
    assert whole["logprob"].item() == pytest.approx(-1.3 * math.log(10))  # two|<s> -0.1 is counted
    assert whole["tokens"].item() == 4
    assert whole["bytes"].item() == len("two\n\nis three")


def test_what_cannot_be_rated_says_why(arpa: str) -> None:
    """Null texts and empty ones have a status and nulls; odd characters are words like others."""
    odd = "\x00 <s> </s> 🙂 \u0301 " + "a" * 100_000
    found = measure(responses(None, "", odd), Params(model=arpa))
    assert found["status"].to_list() == ["no-text", "empty", "ok"]
    assert found["perplexity"].is_null().to_list() == [True, True, False]
    assert measure(responses("is", prompt=None), Params(model=arpa))["status"].to_list() == ["no-text"]
    assert measure(responses(), Params(model=arpa)).height == 0


def test_a_response_is_rated_after_its_problem(small_model: Path) -> None:
    """The taught answer is likely after its own problem, and not after another; a whole counts both."""
    one, other = problems(seed=21, n=2)
    hf = Params(model=f"hf:{small_model}")
    frame = pl.concat([responses(one.response, prompt=p.question) for p in (one, other)])
    own, foreign = measure(frame, hf).rows(named=True)
    assert own["status"] == foreign["status"] == "ok"
    assert own["tokens"] == foreign["tokens"]
    assert own["bytes"] == len(one.response)
    assert own["perplexity"] < 2 < foreign["perplexity"]
    assert own["bits_per_byte"] == pytest.approx(-own["logprob"] / math.log(2) / own["bytes"])
    (whole,) = measure(frame.head(1), hf.model_copy(update={"scope": "full"})).rows(named=True)
    assert whole["tokens"] > own["tokens"]
    assert whole["bytes"] == len(one.question) + 2 + len(one.response)


def test_a_response_beyond_the_context_is_read_in_windows(small_model: Path) -> None:
    """Every token of it counts once, however many windows it takes."""
    text = "".join(problem.response for problem in problems(seed=22, n=60))
    frame = responses(text, prompt="?")
    whole = measure(frame, Params(model=f"hf:{small_model}")).row(0, named=True)
    cut = measure(frame, Params(model=f"hf:{small_model}", context=64, stride=16)).row(0, named=True)
    assert whole["tokens"] == cut["tokens"]
    assert cut["windows"] > whole["windows"] > 1


def test_limits_of_each_teacher_are_rules() -> None:
    """A rule cuts each model's responses at its own perplexity, and is undecided where there is none."""
    facts = pl.DataFrame(
        {
            "response": [{"model": model} for model in ("r1", "r1", "qwen", "qwen")],
            "ppl": [{"perplexity": value} for value in (21.0, 3.0, 21.0, None)],
        }
    )
    rule = (
        "(ppl.perplexity > 20 AND response.model = 'r1') OR (ppl.perplexity > 30 AND response.model = 'qwen')"
    )
    assert evaluate(rule, facts).to_list() == [True, False, False, None]


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("qwen2.5", "expected server:"),
        ("kenln:x.arpa", "kenlm:FILE"),
        ("http://x/v1", "Did you mean server:"),
    ],
)
def test_a_model_that_is_no_address_is_refused_before_any_data_is_read(model: str, said: str) -> None:
    """The message shows the ways to write one."""
    with pytest.raises(ValidationError, match=said):
        Params(model=model)


def test_a_model_that_is_not_there_is_an_input_error(tmp_path: Path) -> None:
    """It names what was expected."""
    pytest.importorskip("kenlm", reason="NOT RUN with KenLM: kenlm-ex is not installed")
    (tmp_path / "not.arpa").write_text("hello")
    with pytest.raises(InputError, match="expected an ARPA file"):
        measure(responses("is"), Params(model=f"kenlm:{tmp_path / 'not.arpa'}"))
    with pytest.raises(InputError, match="found no such file"):
        measure(responses("is"), Params(model=f"kenlm:{tmp_path / 'none.arpa'}"))


def test_the_files_of_a_model_are_part_of_the_cache_key(arpa: str, small_model: Path) -> None:
    """Another weight file, another key; a server has no files."""
    assert Params(model=arpa).files() == (arpa.removeprefix("kenlm:"),)
    names = {Path(path).name for path in Params(model=f"hf:{small_model}").files()}
    assert {"model.safetensors", "tokenizer.json", "config.json"} <= names
    assert Params(model="server:http://localhost:1/v1").files() == ()


def test_the_stage_asks_for_a_gpu() -> None:
    """Engines give it one process a card, and it names the columns it reads."""
    stage: Stage = STAGE
    assert (stage.runs, stage.grain, stage.reads) == ("gpu", "response", ("prompt", "system", "response"))


def test_the_stage_runs_as_others_do(arpa: str, tmp_path: Path) -> None:
    """Through an engine: its schema, every line once, skipped lines skipped, however the rows are cut."""
    lines = [
        {"prompt": "two", "answer": "2", "responses": ["is three", None]},
        {"prompt": "x", "answer": "2", "responses": ["two"]},
        {"prompt": None, "answer": None, "responses": []},
        {"prompt": "three", "answer": "2", "responses": ["", "two is"]},
    ]
    params = Params(model=arpa, skip_if="row.prompt = 'x'")
    found = []
    for cuts in ((), (1, 3)):
        with LocalEngine(1) as engine:
            items = [
                replace(item, skip_if=params.skip_if)
                for item in shards(tmp_path / f"in{len(cuts)}", lines, "perplexity", cuts)
            ]
            found.append(evidence(engine, tmp_path / f"out{len(cuts)}", params, items))
    assert found[0].equals(found[1])
    assert found[0].to_arrow().schema.names == evidence_schema(STAGE).names
    assert found[0]["status"].to_list() == ["ok", "no-text", "skipped", "empty", "ok"]
    assert found[0]["tokens"].to_list() == [3, None, None, None, 3]


def test_nothing_of_a_model_is_imported_before_one_is_opened() -> None:
    """The catalogue of stages and the parameters of this one cost no import of torch."""
    told = (
        "import sys; from curate.stages import STAGES; "
        "STAGES['perplexity'].params.model_validate({'stage': 'perplexity', 'model': 'hf:nowhere'}).files(); "
        "print(sorted({'torch', 'transformers', 'kenlm'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", told], capture_output=True, check=True).stdout == b"[]\n"
