"""Train the small model: python train.py FOLDER. About a minute of one core.

A Llama of 2 layers, 4 heads of 32 and its own byte-level tokenizer with a chat template, as
`AutoModelForCausalLM` and `AutoTokenizer` load it. Same seed, same weights on the same machine.
"""

from __future__ import annotations

import math
import random
import sys
import time
from pathlib import Path

import torch
from problems import KINDS, SYSTEM, Problem, problem
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

SEED = 7
EXAMPLES = 18_000
ROUNDS = 2
BATCH = 32
CONTEXT = 512
SHARES = {"easy": 3, "add": 6, "take": 4, "times": 3, "steps": 4}
"""How often each kind of problem is seen: the rarer and the longer, the more often it goes wrong."""

TEMPLATE = (
    "{% for message in messages %}"
    "{{ '<|' + message['role'] + '|>' + message['content'] + '<|end|>' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)
MARKS = ["<|pad|>", "<|end|>", "<|system|>", "<|user|>", "<|assistant|>"]


def tokenizer() -> PreTrainedTokenizerFast:
    """A tokenizer in which a digit is a token, and so is nearly every phrase between numbers."""
    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(r"\d"), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    core.decoder = decoders.ByteLevel()
    rng = random.Random(SEED)
    shown = [problem(rng, kind) for kind in KINDS for _ in range(100)]
    texts = [line for one in shown for line in (one.question, one.response)] + [SYSTEM] * 100
    core.train_from_iterator(
        texts,
        trainers.BpeTrainer(
            vocab_size=560,
            special_tokens=MARKS,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    core.add_tokens(["<think>", "</think>"])  # not special: they are part of what is written
    return PreTrainedTokenizerFast(
        tokenizer_object=core,
        pad_token="<|pad|>",
        eos_token="<|end|>",
        additional_special_tokens=MARKS[2:],
        padding_side="left",
        model_max_length=CONTEXT,
        chat_template=TEMPLATE,
    )


def conversation(rng: random.Random, shown: Problem) -> list[dict[str, str]]:
    """The problem as a chat, with the system prompt one time in four."""
    turns = [{"role": "user", "content": shown.question}, {"role": "assistant", "content": shown.response}]
    return [{"role": "system", "content": SYSTEM}, *turns] if rng.random() < 0.25 else turns


def examples(words: PreTrainedTokenizerFast, n: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Token ids and labels, (n, longest): labels are the response's tokens, else -100."""
    rng = random.Random(SEED + 1)
    kinds = rng.choices(list(SHARES), list(SHARES.values()), k=n)
    chats = [conversation(rng, problem(rng, kind)) for kind in kinds]
    texts = words.apply_chat_template(chats, tokenize=False)
    starts = words.apply_chat_template(
        [chat[:-1] for chat in chats], tokenize=False, add_generation_prompt=True
    )
    ids = words(texts, add_special_tokens=False)["input_ids"]
    lengths = [len(start) for start in words(starts, add_special_tokens=False)["input_ids"]]
    width = max(map(len, ids))
    inputs = torch.zeros(n, width, dtype=torch.long)
    labels = torch.full((n, width), -100)
    for row, (tokens, start) in enumerate(zip(ids, lengths, strict=True)):
        inputs[row, : len(tokens)] = torch.tensor(tokens)
        labels[row, start : len(tokens)] = torch.tensor(tokens[start:])
    return inputs, labels


def train(folder: Path) -> None:
    """Train, and save model and tokenizer into a folder."""
    torch.manual_seed(SEED)
    words = tokenizer()
    config = LlamaConfig(
        vocab_size=len(words),
        hidden_size=128,
        intermediate_size=256,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=CONTEXT,
        tie_word_embeddings=True,
        initializer_range=0.04,
        bos_token_id=None,
        eos_token_id=words.eos_token_id,
        pad_token_id=words.pad_token_id,
    )
    model = LlamaForCausalLM(config)
    n_parameters = sum(weight.numel() for weight in model.parameters())
    print(f"{n_parameters / 1e6:.2f} M parameters, {len(words)} tokens")  # noqa: T201
    inputs, labels = examples(words, EXAMPLES)
    rng = torch.Generator().manual_seed(SEED)
    batches = [batch for _ in range(ROUNDS) for batch in torch.randperm(EXAMPLES, generator=rng).split(BATCH)]
    optimizer = torch.optim.AdamW(model.parameters(), lr=4e-3, weight_decay=0.05, betas=(0.9, 0.98))
    for step, batch in enumerate(batches):
        rate = 4e-3 * min(1, (step + 1) / 50) * (0.5 + 0.5 * math.cos(math.pi * step / len(batches))) + 1e-5
        for group in optimizer.param_groups:
            group["lr"] = rate
        width = int((inputs[batch] != 0).sum(1).max())
        loss = model(input_ids=inputs[batch, :width], labels=labels[batch, :width]).loss
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if step % 100 == 0:
            print(f"step {step} loss {loss.item():.3f}, {time.process_time():.0f} s", flush=True)  # noqa: T201
    model.generation_config.eos_token_id = words.eos_token_id
    model.generation_config.pad_token_id = words.pad_token_id
    model.save_pretrained(folder)
    words.save_pretrained(folder)


if __name__ == "__main__":
    torch.set_num_threads(1)  # sums come out the same, and other work goes on
    train(Path(sys.argv[1]))
