"""How likely a language model thinks a response is: its perplexity, and the same in bits per byte.

*Measures*: the summed log-probability of a response's tokens, given the problem in the model's chat template
(`scope = "response"`, AM-Thinking-v1), or of problem and response as one text (`scope = "full"`, DeepDistill:
drop where it is over 20). A text longer than the model's context is read in overlapping windows, each token
counted once.

*Columns*: `logprob`, the sum, in nats; `tokens` it is over, the prompt's not among them where the scope is
the response; `bytes` of the text in UTF-8; `perplexity` = exp(-logprob / tokens); `bits_per_byte` =
-logprob / (ln 2 * bytes), which alone compares models of different tokenizers; `windows` it was read in;
`status`: `ok`, else null in every other column: `no-text` (the response or the problem is null), `empty` (no
token or no byte), `error` (the model refused it).

*Not covered*: what is likely is not what is right, and short answers, lists of numbers and other languages
are unlikely for reasons of their own: set limits by teacher and by length
(`when = "ppl.perplexity > 3 AND response.model = 'r1'"`). Figures of bfloat16 (the default on a GPU) move by
up to half a percent with the batch. The weights of a `server:` model are not part of the cache key, only its
address. With `kenlm:` tokens are words, and the end of the text is one.

*Source*: AM-Thinking-v1 §2.3; DeepDistill §2.3; windows as `curate.models.windows`, checked against a plain
loop over tokens in `tests/test_models_transformers.py`.

In:  row_id 0, response_id 0, prompt "Tom has 2 pens and buys 5 more. How many pens?", response "\\boxed{7}"
Out: row_id 0, response_id 0, logprob -4.61, tokens 8, bytes 9, perplexity 1.78, bits_per_byte 0.739,
     windows 1, status ok
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, Literal, NamedTuple

import polars as pl
import pyarrow as pa
from pydantic import Field, field_validator

from curate.errors import InputError
from curate.flow import RESPONSE_ID, ROW_ID, STATUS, Stage, StageParams
from curate.models.address import open_scorer, parse_address, weights_of
from curate.models.types import Message, Rating, Scorer, Text

VERSION = 1

EVIDENCE = pa.schema(
    [
        ("logprob", pa.float64()),
        ("tokens", pa.int64()),
        ("bytes", pa.int64()),
        ("perplexity", pa.float64()),
        ("bits_per_byte", pa.float64()),
        ("windows", pa.int32()),
        (STATUS, pa.string()),
    ]
)
KENLM = "kenlm:"
BETWEEN = "\n\n"
"""What stands between problem and response where they are one text."""


class Params(StageParams):
    """Parameters of `perplexity`."""

    stage: Literal["perplexity"] = "perplexity"
    model: str
    """`hf:FOLDER_OR_NAME`, `vllm:FOLDER_OR_NAME`, `server:http://HOST:PORT/v1`, or `kenlm:FILE`."""
    scope: Literal["response", "full"] = "response"
    """Rate the response given the problem, or problem and response as one text."""
    context: int | None = Field(None, ge=2)
    """Tokens read at once, if fewer than the model can; `hf:` models only."""
    stride: int | None = Field(None, ge=1)
    """Tokens by which a window moves on, less than the context; half a context if null. `hf:` models only."""

    @field_validator("model")
    @classmethod
    def _known(cls, model: str) -> str:
        if not model.startswith(KENLM):
            try:
                parse_address(model)
            except InputError as error:
                raise ValueError(f"{error} Or {KENLM}FILE, an n-gram model") from error
        return model

    def files(self) -> tuple[str, ...]:
        """The model's files, where it is a folder or a file of this machine."""
        if self.model.startswith(KENLM):
            return (self.model.removeprefix(KENLM),)
        return weights_of(self.model)


@lru_cache(maxsize=1)  # a model fills the card
def _scorer(model: str, context: int | None, stride: int | None) -> Scorer:
    """This process's model, kept from shard to shard."""
    if model.startswith(KENLM):
        from curate.models.ngram_model import NgramScorer

        return NgramScorer(model.removeprefix(KENLM))
    options: dict[str, Any] = {"context": context, "stride": stride}
    return open_scorer(model, **{name: value for name, value in options.items() if value is not None})


class _Line(NamedTuple):
    """What a response is rated by, or why it is not."""

    text: Text | None
    status: str


def _line(prompt: str | None, system: str | None, response: str | None, scope: str) -> _Line:
    if response is None or prompt is None:
        return _Line(None, "no-text")
    if scope == "full":
        return _Line(Text((), f"{prompt}{BETWEEN}{response}"), "ok")
    told = (Message("system", system),) if system else ()
    return _Line(Text((*told, Message("user", prompt)), response), "ok")


def _evidence(rating: Rating | None, status: str) -> tuple[Any, ...]:
    """One line of evidence, without keys."""
    if rating is None:
        return (*[None] * 6, status)
    if rating.failure is not None:
        return (*[None] * 6, "error")
    if not rating.tokens or not rating.bytes:
        return (*[None] * 6, "empty")
    per_token = -rating.logprob / rating.tokens
    return (
        rating.logprob,
        rating.tokens,
        rating.bytes,
        math.exp(per_token) if per_token < 700 else math.inf,
        -rating.logprob / (math.log(2) * rating.bytes),
        rating.windows,
        status,
    )


def measure(frame: pl.DataFrame, params: Params, _state: None = None) -> pl.DataFrame:
    """One line a response. Raises InputError if the model cannot be opened."""
    told = frame.select("prompt", "system", "response").iter_rows()
    lines = [_line(prompt, system, response, params.scope) for prompt, system, response in told]
    texts = [line.text for line in lines if line.text is not None]
    ratings = iter(_scorer(params.model, params.context, params.stride).score(texts) if texts else [])
    found = [_evidence(None if line.text is None else next(ratings), line.status) for line in lines]
    kinds = {"tokens": pl.Int64, "bytes": pl.Int64, "windows": pl.Int32, STATUS: pl.String}
    schema = {name: kinds.get(name, pl.Float64) for name in EVIDENCE.names}
    return frame.select(ROW_ID, RESPONSE_ID).hstack(pl.DataFrame(found, schema=schema, orient="row"))


STAGE = Stage(
    name="perplexity",
    version=VERSION,
    grain="response",
    reads=("prompt", "system", "response"),
    evidence=EVIDENCE,
    params=Params,
    measure=measure,
    runs="gpu",
)
