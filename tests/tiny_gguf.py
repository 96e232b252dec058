"""A language model of 60 kB in GGUF, written here: random weights that write random printable characters.

It ends a completion after about 20 characters. It knows nothing; it is there so that a real server has
something to serve a second after it is asked to.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np

HIDDEN = 64
HEADS = 2
MEAN_CHARACTERS = 20
MARKS = ["<pad>", "<end>", "<user>", "<assistant>", "<system>"]
PAD, END = 0, 1
TEMPLATE = (
    "{% for message in messages %}{{ '<' + message['role'] + '>' + message['content'] + '<end>' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<assistant>' }}{% endif %}"
)
UINT32, FLOAT32, TRUTH, STRING, ARRAY = 4, 6, 7, 8, 9


def byte_symbols() -> list[str]:
    """The characters that stand for the 256 bytes in byte-level vocabularies."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = iter(range(256, 512))
    return [chr(byte) if byte in plain else chr(next(others)) for byte in range(256)]


def write_tiny_gguf(path: Path, *, seed: int = 0, context: int = 512) -> None:
    """Write the model; another seed, other weights."""
    vocabulary = [*MARKS, *byte_symbols()]
    fields: dict[str, tuple[int, Any]] = {
        "general.architecture": (STRING, "llama"),
        "general.name": (STRING, f"tiny-{seed}"),
        "llama.context_length": (UINT32, context),
        "llama.embedding_length": (UINT32, HIDDEN),
        "llama.block_count": (UINT32, 1),
        "llama.feed_forward_length": (UINT32, HIDDEN),
        "llama.attention.head_count": (UINT32, HEADS),
        "llama.attention.head_count_kv": (UINT32, HEADS),
        "llama.attention.layer_norm_rms_epsilon": (FLOAT32, 1e-5),
        "llama.rope.dimension_count": (UINT32, HIDDEN // HEADS),
        "llama.rope.freq_base": (FLOAT32, 10_000.0),
        "llama.vocab_size": (UINT32, len(vocabulary)),
        "tokenizer.ggml.model": (STRING, "gpt2"),
        "tokenizer.ggml.pre": (STRING, "smollm"),
        "tokenizer.ggml.tokens": (ARRAY, vocabulary),
        "tokenizer.ggml.token_type": (ARRAY, [3] * len(MARKS) + [1] * 256),
        "tokenizer.ggml.merges": (ARRAY, ["e r"]),
        "tokenizer.ggml.bos_token_id": (UINT32, PAD),
        "tokenizer.ggml.eos_token_id": (UINT32, END),
        "tokenizer.ggml.padding_token_id": (UINT32, PAD),
        "tokenizer.ggml.add_bos_token": (TRUTH, False),
        "tokenizer.chat_template": (STRING, TEMPLATE),
    }
    tensors = _weights(seed, len(vocabulary))
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(fields))
    for name, (kind, value) in fields.items():
        head += _string(name) + struct.pack("<I", kind) + _value(kind, value)
    offset = 0
    body = b""
    for name, array in tensors.items():
        shape = array.shape[::-1]
        head += (
            _string(name)
            + struct.pack(f"<I{len(shape)}Q", len(shape), *shape)
            + struct.pack("<IQ", 0, offset)
        )
        raw = array.astype("<f4").tobytes()
        raw += b"\0" * (-len(raw) % 32)
        body += raw
        offset += len(raw)
    path.write_bytes(head + b"\0" * (-len(head) % 32) + body)


def _weights(seed: int, n_tokens: int) -> dict[str, np.ndarray]:
    """Random, but that dimension 0 says the same everywhere: printable characters, and an end now and then."""
    rng = np.random.default_rng(seed)

    def noise(*shape: int) -> np.ndarray:
        return rng.normal(0.0, 0.3, shape)

    embedding = noise(n_tokens, HIDDEN)
    embedding[:, 0] = 8.0
    output = noise(n_tokens, HIDDEN)
    output[:, 0] = -30.0
    output[len(MARKS) + 33 : len(MARKS) + 127, 0] = 0.0
    output[END, 0] = np.log(94 / MEAN_CHARACTERS) / 6
    weights = {
        "token_embd.weight": embedding,
        "output_norm.weight": np.ones(HIDDEN),
        "output.weight": output,
        "blk.0.attn_norm.weight": np.ones(HIDDEN),
        "blk.0.ffn_norm.weight": np.ones(HIDDEN),
    }
    for name in ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down"):
        weights[f"blk.0.{name}.weight"] = noise(HIDDEN, HIDDEN)
    for name in ("attn_output", "ffn_down"):
        weights[f"blk.0.{name}.weight"][0] = 0.0  # leaves dimension 0 as it is
    return weights


def _string(text: str) -> bytes:
    raw = text.encode()
    return struct.pack("<Q", len(raw)) + raw


def _value(kind: int, value: Any) -> bytes:
    if kind == STRING:
        return _string(value)
    if kind != ARRAY:
        return struct.pack({UINT32: "<I", FLOAT32: "<f", TRUTH: "<?"}[kind], value)
    inner = STRING if isinstance(value[0], str) else 5
    items = b"".join(_string(item) if inner == STRING else struct.pack("<i", item) for item in value)
    return struct.pack("<IQ", inner, len(value)) + items
