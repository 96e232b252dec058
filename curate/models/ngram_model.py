"""Rate texts with an n-gram model that KenLM reads: an ARPA file, or KenLM's binary of one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from curate.disk import file_sha256
from curate.errors import InputError
from curate.models.types import Rating, Text


class NgramScorer:
    """An n-gram model as a `Scorer`: thousands of texts a second on one core.

    A text is cut at white space into words and read as one sentence. Counted are its words and the end of
    the sentence, as KenLM's own perplexity has it, so that an empty text has one token. A prompt is read
    before the response (its messages one after the other) and not counted. A word that the model does not
    know gets what the model says of `<unk>`; ARPA files without `<unk>` say 1e-100 of it, which swamps
    everything else. The words must be cut and spelt as in the text the model was made of.
    """

    def __init__(self, path: str | Path) -> None:
        try:
            import kenlm
        except ModuleNotFoundError as error:
            raise InputError(
                f"model kenlm:{path}: expected the package kenlm-ex, found none. "
                "Install it: pip install 'curate[kenlm]'"
            ) from error
        path = Path(path)
        if not path.is_file():
            raise InputError(
                f"model kenlm:{path}: expected an ARPA file or KenLM's binary, found no such file"
            )
        try:
            self._model = kenlm.Model(str(path))
        except OSError as error:
            raise InputError(
                f"model kenlm:{path}: expected an ARPA file or KenLM's binary: {error}"
            ) from error
        self._state = kenlm.State
        self.fingerprint = file_sha256(path)[:32]

    def score(self, texts: Sequence[Text]) -> list[Rating]:
        """One rating per text, in order."""
        return [self._rate(text) for text in texts]

    def _rate(self, text: Text) -> Rating:
        before, after = self._state(), self._state()
        self._model.BeginSentenceWrite(before)
        for message in text.prompt:
            for word in message.content.split():
                self._model.BaseScore(before, _as_word(word), after)
                before, after = after, before
        log10s = []
        for word in (*map(_as_word, text.text.split()), "</s>"):
            log10s.append(self._model.BaseScore(before, word, after))
            before, after = after, before
        return Rating(math.fsum(log10s) * math.log(10), len(log10s), len(text.text.encode()), 1)

    def close(self) -> None:
        """Let the model go."""
        del self._model

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _as_word(word: str) -> str:
    """A word as KenLM takes it: NUL would end it, and its own marks would be read as marks."""
    word = word.replace("\0", "\ufffd")
    return "<unk>" if word in ("<s>", "</s>") else word
