"""Models by their address: `server:http://HOST:PORT/v1[#NAME]`, `hf:FOLDER`, `vllm:FOLDER`."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any, Literal, NamedTuple
from urllib.parse import urlsplit

from curate.errors import InputError, did_you_mean
from curate.models.types import Generator, Scorer

Kind = Literal["server", "hf", "vllm"]
SHOWN = "server:http://HOST:PORT/v1, hf:FOLDER_OR_NAME or vllm:FOLDER_OR_NAME"
BACKENDS: dict[Kind, tuple[str, str, str]] = {
    "server": ("curate.models.server", "ServerGenerator", "curate[server]"),
    "hf": ("curate.models.transformers_", "TransformersGenerator", "curate[hf]"),
    "vllm": ("curate.models.vllm_", "VllmGenerator", "vllm"),
}
"""Where a kind of model is implemented, and what has to be installed for it."""
SCORERS: dict[Kind, tuple[str, str, str]] = {
    "server": ("curate.models.rating", "ServerScorer", "curate[server]"),
    "hf": ("curate.models.transformers_", "TransformersScorer", "curate[hf]"),
    "vllm": ("curate.models.vllm_", "VllmScorer", "vllm"),
}


class Address(NamedTuple):
    """Where a model runs."""

    kind: Kind
    place: str
    """URL of a server up to and with `/v1`; folder or name of a model that runs in this process."""
    model: str = ""
    """Which of a server's models; empty if it has one."""


def parse_address(text: str) -> Address:
    """The address that a recipe or a flag names.

    Raises InputError if it is none.

    >>> parse_address("server:http://localhost:8000/v1#qwen")
    Address(kind='server', place='http://localhost:8000/v1', model='qwen')
    >>> parse_address("hf:models/small").place
    'models/small'
    """
    kind, colon, place = text.partition(":")
    if kind not in BACKENDS or not colon:
        near = " Did you mean server:" + text + "?" if kind in ("http", "https") else ""
        near = near or (" " + did_you_mean(kind, BACKENDS) if colon else "")
        raise InputError(f"model {text!r}: expected {SHOWN}.{near}")
    if kind != "server":
        if not place:
            raise InputError(f"model {text!r}: expected a folder or a name after {kind}:")
        return Address("hf" if kind == "hf" else "vllm", place)
    url, _, model = place.partition("#")
    wrong = _wrong_url(url)
    if wrong:
        raise InputError(f"model {text!r}: expected server:http://HOST:PORT/v1 or https, found {wrong}")
    return Address("server", url.rstrip("/"), model)


def _wrong_url(url: str) -> str:
    """What is wrong with the URL of a server; empty if nothing is."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        return f"{url!r} ({error})"
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return repr(url) if url else "nothing"
    if parts.username or parts.password:
        return "a name or a password in it; give the key in the environment variable OPENAI_API_KEY"
    if parts.query:
        return f"a query ({parts.query!r})"
    return ""


def open_generator(address: str | Address, **options: Any) -> Generator:
    """The model at an address, ready to write completions; `options` go to its backend.

    Raises InputError if the address is none, or if what the backend needs is not installed.
    """
    generator: Generator = _open(BACKENDS, address, options)
    return generator


def open_scorer(address: str | Address, **options: Any) -> Scorer:
    """The model at an address, ready to rate texts; `options` go to its backend.

    Raises InputError if the address is none, or if what the backend needs is not installed.
    """
    scorer: Scorer = _open(SCORERS, address, options)
    return scorer


def _open(backends: dict[Kind, tuple[str, str, str]], address: str | Address, options: dict[str, Any]) -> Any:
    if isinstance(address, str):
        address = parse_address(address)
    module, name, needed = backends[address.kind]
    try:
        backend = getattr(importlib.import_module(module), name)
    except ModuleNotFoundError as error:
        if (error.name or "curate").partition(".")[0] == "curate":
            raise
        raise InputError(
            f"model {address.kind}:{address.place}: expected the package {error.name}, found none. "
            f"Install it: pip install '{needed}'"
        ) from error
    if address.kind == "server":
        return backend(address.place, address.model, **options)
    return backend(address.place, **options)


def weights_of(model: str) -> tuple[str, ...]:
    """Files that tell one set of weights in a folder from another; none of a server, nor of a hub's model."""
    address = parse_address(model)
    folder = Path(address.place)
    if address.kind == "server" or not folder.is_dir():
        return ()
    return tuple(str(path) for path in sorted(folder.iterdir()) if path.is_file() and path.name[0] != ".")
