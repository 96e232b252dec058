"""A model of transformers, opened in this process: weights, tokenizer, what they are."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Literal, NamedTuple

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from curate.disk import HASHERS, file_sha256
from curate.errors import InputError
from curate.models.types import Message

Precision = Literal["float32", "bfloat16", "float16"]
PARTS = ("*.safetensors", "*.bin", "*.json", "*.jinja", "*.model", "merges.txt", "vocab.txt")
"""What a model and its tokenizer are made of."""
THINK, UNTHINK = "<think>", "</think>"


class Opened(NamedTuple):
    """A model ready to run."""

    model: Any
    tokenizer: Any
    device: torch.device
    fingerprint: str
    context: int | None
    """Tokens it can read at once; null if there is no limit."""


def model_files(folder: Path) -> list[Path]:
    """The files of a model and its tokenizer, in order of their names."""
    return sorted({path for part in PARTS for path in folder.glob(part) if path.is_file()})


def fingerprint(folder: Path, precision: str) -> str:
    """32 hexadecimal digits that stand for the content of a model's files, and the type it computes in."""
    files = model_files(folder)
    with ThreadPoolExecutor(HASHERS) as threads:
        sums = list(threads.map(file_sha256, files))
    told = "\n".join(f"{path.name} {sha256}" for path, sha256 in zip(files, sums, strict=True))
    return f"{hashlib.sha256(told.encode()).hexdigest()[:32]}-{precision}"


def open_model(
    path: str | Path | Opened,
    device: str | None = None,
    dtype: Precision | None = None,
    context: int | None = None,
) -> Opened:
    """Load a model from a folder, or from the Hugging Face hub by its name.

    Without a device: the GPU if there is one. Without a dtype: bfloat16 there, float32 on a CPU. `context` is
    taken instead of what the model says if it is shorter. A model that is open already stays as it is.
    Raises InputError if there is no such model.
    """
    if isinstance(path, Opened):
        return path
    folder = _folder(path)
    if not (folder / "config.json").is_file():
        raise InputError(
            f"{path}: expected the folder of a model (with config.json), found no config.json in it"
        )
    where = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    precision: Precision = dtype or ("float32" if where.type == "cpu" else "bfloat16")
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder)
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=getattr(torch, precision))
    except (OSError, ValueError, KeyError) as error:
        raise InputError(
            f"{path}: expected a causal language model that transformers loads: {error}"
        ) from error
    limit = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    limits = [size for size in (limit, context) if size]
    return Opened(
        model.to(where).eval(), tokenizer, where, fingerprint(folder, precision), min(limits, default=None)
    )


def _folder(path: str | Path) -> Path:
    folder = Path(path).expanduser()
    if folder.is_dir():
        return folder
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(str(path), allow_patterns=list(PARTS)))
    except (HFValidationError, HfHubHTTPError, LocalEntryNotFoundError) as error:
        raise InputError(
            f"{path}: expected a folder, or a model on the hub. Found neither: {error}"
        ) from error


def prompt_text(opened: Opened, messages: Sequence[Message]) -> str:
    """The messages in the model's chat template, up to where its answer begins.

    Raises InputError if the tokenizer has no chat template.
    """
    if not opened.tokenizer.chat_template:
        raise InputError(
            f"{opened.tokenizer.name_or_path}: expected a chat template, found none in the tokenizer. "
            "Take the model's instruct version, or put a chat_template.jinja beside the tokenizer"
        )
    turns = [message._asdict() for message in messages]
    return str(opened.tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True))


def token_ids(opened: Opened, texts: Sequence[str]) -> list[list[int]]:
    """The tokens of each text, nothing added."""
    if not texts:
        return []
    ids: list[list[int]] = opened.tokenizer(list(texts), add_special_tokens=False, verbose=False)["input_ids"]
    return ids
