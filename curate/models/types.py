"""What every backend of a model takes and gives."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, Literal, NamedTuple, Protocol, Self

from pydantic import Field

from curate.flow import KebabModel


class Message(NamedTuple):
    """One turn of a conversation."""

    role: str
    content: str


class Sampling(KebabModel):
    """How completions are sampled; part of the key of every completion."""

    temperature: Annotated[float, Field(ge=0)] = 1.0
    """0 takes the likeliest token each time."""
    top_p: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Smallest set of tokens with this probability in all; 1 takes all."""
    top_k: Annotated[int, Field(ge=0)] = 0
    """Only the k likeliest tokens; 0 takes all."""
    min_p: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Only tokens with this share of the likeliest one's probability."""
    max_tokens: Annotated[int, Field(ge=1)] = 32_768
    """Tokens of a completion, thinking included; one that reaches it is cut off (finish reason `length`)."""
    stop: list[str] = Field(default=[])
    """Texts that end a completion."""
    think_budget: Annotated[int, Field(ge=1)] | None = None
    """Tokens of thinking after which the answer is asked for; none if null."""
    form: str = ""
    """JSON schema that a completion has to fit, as text: servers and vLLM hold the model to it where they
    can, `hf:` does not. Whoever reads the completion checks it."""
    seed: int = 0
    """Another seed, other completions; each (prompt, sample) has a seed of its own made from it."""


class Request(NamedTuple):
    """One completion that is wanted: the `sample`-th of a prompt."""

    messages: tuple[Message, ...]
    sample: int

    def key(self, fingerprint: str, sampling: Sampling) -> bytes:
        """16 bytes that stand for the model, the prompt, the sampling and the sample."""
        told = [fingerprint, list(map(list, self.messages)), sampling.model_dump(mode="json"), self.sample]
        return hashlib.blake2b(json.dumps(told, ensure_ascii=False).encode(), digest_size=16).digest()

    def seed(self, sampling: Sampling) -> int:
        """31 bits, the same for the same prompt and sample whatever else is asked."""
        told = [list(map(list, self.messages)), sampling.seed, self.sample]
        digest = hashlib.blake2b(json.dumps(told, ensure_ascii=False).encode(), digest_size=4).digest()
        return int.from_bytes(digest, "big") >> 1


Failure = Literal["transient", "permanent"]


class Completion(NamedTuple):
    """What became of a request.

    A completion that did not come (`failure` is set) says nothing of the model: `transient` ones are asked
    for again by the next run, `permanent` ones (the prompt is too long, say) are not.
    """

    text: str = ""
    finish_reason: str = ""
    """`stop`, `length`, as the backend says it; empty if the completion did not come."""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    logprob: float | None = None
    """Sum of the natural log-probabilities of the completion's tokens, where the backend gives it."""
    failure: Failure | None = None
    error: str = ""
    """Why it did not come."""


class Capabilities(NamedTuple):
    """What a model was seen to do, by asking it; never taken from what it says."""

    most_samples: int
    """Samples one call may ask for; 1 if `n` is refused or ignored."""
    logprobs: bool
    prompt_logprobs: bool
    """Whether given text can be rated."""
    seeds: bool
    """Whether the same seed gives the same completion."""
    context: int | None
    """Tokens of prompt and completion together; null if unknown."""
    heeds_temperature: bool = True
    """Whether completions differ where the temperature is high."""


class Generator(Protocol):
    """A model that writes completions. Close it, or use it in `with`."""

    fingerprint: str
    """Which weights: a hash of the files where there are files, else what the server calls itself."""
    capabilities: Capabilities

    def generate(
        self, requests: Iterable[Request], sampling: Sampling
    ) -> Iterator[tuple[Request, Completion]]:
        """Completions as they come, in any order, one for each request, a bounded number in flight.

        Requests are taken as they are needed. Raises MachineError if nothing works any more (the server is
        gone and does not come back); what was yielded is good.
        """
        ...

    def close(self) -> None:
        """Let the model go."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...


class Text(NamedTuple):
    """A text to rate, after a prefix that is not counted.

    `prompt` (messages, put through the chat template) is the prefix of a response; empty for a text alone.
    """

    prompt: tuple[Message, ...]
    text: str


class Rating(NamedTuple):
    """How likely a model thinks a text is. Perplexity is exp(-logprob / tokens)."""

    logprob: float
    """Sum of the natural log-probabilities of the tokens of the text, added up in 64 bits."""
    tokens: int
    bytes: int
    """Of the text in UTF-8: -logprob / (ln 2 * bytes) is bits per byte, which compares tokenizers."""
    windows: int
    """1, or more if the text did not fit the context."""
    failure: Failure | None = None
    error: str = ""


class Scorer(Protocol):
    """A model that rates texts. Close it, or use it in `with`."""

    fingerprint: str

    def score(self, texts: Sequence[Text]) -> list[Rating]:
        """One rating per text, in order."""
        ...

    def close(self) -> None:
        """Let the model go."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...
