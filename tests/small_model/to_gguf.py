"""Write the small model as GGUF, which llama.cpp serves: python to_gguf.py FOLDER FILE.

The format (version 3): a header, typed key-value pairs, the names and shapes of the tensors, the tensors,
each at a multiple of 32 bytes. Everything is little-endian and float32.
"""

from __future__ import annotations

import json
import struct
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors.numpy import load_file

ALIGNMENT = 32
UINT32, INT32, FLOAT32, BOOL, STRING, ARRAY = 4, 5, 6, 7, 8, 9
NORMAL, CONTROL, USER_DEFINED = 1, 3, 4
"""Kinds of tokens: control tokens are never shown, user-defined ones are found in text before any merging."""
PARTS = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
}


def string(text: str) -> bytes:
    """A string with its length."""
    raw = text.encode()
    return struct.pack("<Q", len(raw)) + raw


def value(kind: int, content: Any) -> bytes:
    """A value without its kind."""
    if kind == STRING:
        return string(content)
    return struct.pack({UINT32: "<I", INT32: "<i", FLOAT32: "<f", BOOL: "<?"}[kind], content)


def pair(key: str, kind: int, content: Any) -> bytes:
    """A key and its value; a list becomes an array of values of the kind."""
    if isinstance(content, list):
        head = struct.pack("<IIQ", ARRAY, kind, len(content))
        return string(key) + head + b"".join(value(kind, one) for one in content)
    return string(key) + struct.pack("<I", kind) + value(kind, content)


def interleaved(weight: npt.NDArray[np.float32], heads: int) -> npt.NDArray[np.float32]:
    """Rows of a query or key projection, so that what is rotated together lies side by side."""
    halves = weight.reshape(heads, 2, weight.shape[0] // heads // 2, weight.shape[1])
    return halves.swapaxes(1, 2).reshape(weight.shape)


def tensors(folder: Path, config: dict[str, Any]) -> dict[str, npt.NDArray[np.float32]]:
    """The weights under the names of llama.cpp."""
    weights = load_file(folder / "model.safetensors")
    named = {
        "token_embd.weight": weights["model.embed_tokens.weight"],
        "output_norm.weight": weights["model.norm.weight"],
    }
    for layer in range(config["num_hidden_layers"]):
        for theirs, ours in PARTS.items():
            weight = weights[f"model.layers.{layer}.{theirs}.weight"]
            rotated = ours in ("attn_q", "attn_k")
            named[f"blk.{layer}.{ours}.weight"] = (
                interleaved(weight, config["num_attention_heads"]) if rotated else weight
            )
    return named


def pairs(folder: Path, config: dict[str, Any]) -> list[bytes]:
    """What the model is, and its tokenizer."""
    words = json.loads((folder / "tokenizer.json").read_text())
    spelled = {index: token for token, index in words["model"]["vocab"].items()}
    kinds = dict.fromkeys(spelled, NORMAL)
    for added in words["added_tokens"]:
        spelled[added["id"]] = added["content"]
        kinds[added["id"]] = CONTROL if added["special"] else USER_DEFINED
    merges = [merge if isinstance(merge, str) else " ".join(merge) for merge in words["model"]["merges"]]
    order = range(config["vocab_size"])
    rope = config.get("rope_parameters") or config
    return [
        pair("general.architecture", STRING, "llama"),
        pair("general.name", STRING, "small"),
        pair("general.alignment", UINT32, ALIGNMENT),
        pair("general.file_type", UINT32, 0),
        pair("llama.context_length", UINT32, config["max_position_embeddings"]),
        pair("llama.embedding_length", UINT32, config["hidden_size"]),
        pair("llama.block_count", UINT32, config["num_hidden_layers"]),
        pair("llama.feed_forward_length", UINT32, config["intermediate_size"]),
        pair("llama.attention.head_count", UINT32, config["num_attention_heads"]),
        pair("llama.attention.head_count_kv", UINT32, config["num_key_value_heads"]),
        pair("llama.attention.layer_norm_rms_epsilon", FLOAT32, config["rms_norm_eps"]),
        pair("llama.rope.dimension_count", UINT32, config["head_dim"]),
        pair("llama.rope.freq_base", FLOAT32, rope["rope_theta"]),
        pair("llama.vocab_size", UINT32, config["vocab_size"]),
        pair("tokenizer.ggml.model", STRING, "gpt2"),
        # splits at numbers only, as the tokenizer does: no merge holds a digit
        pair("tokenizer.ggml.pre", STRING, "superbpe"),
        pair("tokenizer.ggml.tokens", STRING, [spelled[index] for index in order]),
        pair("tokenizer.ggml.token_type", INT32, [kinds[index] for index in order]),
        pair("tokenizer.ggml.merges", STRING, merges),
        pair("tokenizer.ggml.eos_token_id", UINT32, config["eos_token_id"]),
        pair("tokenizer.ggml.padding_token_id", UINT32, config["pad_token_id"]),
        pair("tokenizer.ggml.add_bos_token", BOOL, False),
        pair("tokenizer.ggml.add_eos_token", BOOL, False),
        pair("tokenizer.chat_template", STRING, (folder / "chat_template.jinja").read_text()),
    ]


def padding(n_bytes: int) -> bytes:
    """What is missing to the next multiple of the alignment."""
    return bytes(-n_bytes % ALIGNMENT)


def write(folder: Path, path: Path) -> None:
    """Write the model that a folder holds, as `save_pretrained` left it."""
    config = json.loads((folder / "config.json").read_text())
    told = pairs(folder, config)
    named = tensors(folder, config)
    head = b"GGUF" + struct.pack("<IQQ", 3, len(named), len(told)) + b"".join(told)
    offset = 0
    for name, weight in named.items():
        shape = struct.pack(f"<{weight.ndim}Q", *reversed(weight.shape))
        head += string(name) + struct.pack("<I", weight.ndim) + shape + struct.pack("<IQ", 0, offset)
        offset += weight.nbytes + len(padding(weight.nbytes))
    with path.open("wb") as out:
        out.write(head + padding(len(head)))
        for weight in named.values():
            raw = np.ascontiguousarray(weight, dtype="<f4").tobytes()
            out.write(raw + padding(len(raw)))


if __name__ == "__main__":
    write(Path(sys.argv[1]), Path(sys.argv[2]))
