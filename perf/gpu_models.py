"""Models of real shape with random weights, and texts for them: nothing is downloaded."""

from __future__ import annotations

import random
from typing import NamedTuple

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast, Qwen2Config

from curate.models.weights import Opened

SEED = 11
TEMPLATE = (
    "{% for message in messages %}{{ '<|user|>' + message['content'] }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)


class Shape(NamedTuple):
    """A model's size; those of Qwen2.5."""

    hidden: int
    layers: int
    heads: int
    kv_heads: int
    inner: int
    vocabulary: int
    tied: bool


SHAPES = {
    "1.5b": Shape(1536, 28, 12, 2, 8960, 151_936, tied=True),
    "7b": Shape(3584, 28, 28, 4, 18_944, 152_064, tied=False),
    "tiny": Shape(64, 2, 4, 2, 128, 300, tied=True),
}


def make(shape: Shape, device: torch.device) -> Opened:
    """A model with random weights, and a tokenizer for which every byte is a token."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {letter: index for index, letter in enumerate(letters)}
    core = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    core.decoder = decoders.ByteLevel()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=core,
        eos_token="<|end|>",
        pad_token="<|pad|>",
        additional_special_tokens=["<|user|>", "<|assistant|>"],
        chat_template=TEMPLATE,
    )
    config = Qwen2Config(
        vocab_size=shape.vocabulary,
        hidden_size=shape.hidden,
        intermediate_size=shape.inner,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.kv_heads,
        max_position_embeddings=32_768,
        tie_word_embeddings=shape.tied,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    torch.manual_seed(SEED)
    dtype = torch.float32 if device.type == "cpu" else torch.bfloat16
    with device:
        model = AutoModelForCausalLM.from_config(config, dtype=dtype)
    return Opened(model.eval(), tokenizer, device, "random", config.max_position_embeddings)


def text_of(rng: random.Random, n_tokens: int) -> str:
    """Random lower-case letters, as many as tokens are wanted."""
    return "".join(rng.choices("abcdefghijklmnopqrstuvwxyz ", k=n_tokens))
