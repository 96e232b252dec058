"""Cases of JSON Lines, JSON and CSV: odd values, odd layouts, damage, bombs."""

from __future__ import annotations

import csv
import gzip
import io
import json
from pathlib import Path
from random import Random
from typing import Any

import zstandard
from input_cases import NAMES, Case, Make, damaged, row, text, value

BOM = b"\xef\xbb\xbf"
QUARANTINE = ("--on-bad-rows", "quarantine")


def jsonl_bytes(rows: list[Any], rng: Random) -> bytes:
    """The rows as JSON Lines, in one of the ways that people write them."""
    ascii_only = rng.random() < 0.5
    lines = [json.dumps(item, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass") for item in rows]
    end = rng.choice((b"\n", b"\n", b"\r\n", b"\n\n", b" \n"))
    return rng.choice((b"", b"", BOM)) + end.join(lines) + rng.choice((end, b""))


def n_lines(content: bytes) -> int:
    """Lines that hold anything."""
    return sum(1 for line in content.removeprefix(BOM).split(b"\n") if line.strip())


def packed(content: bytes, name: str, rng: Random) -> tuple[bytes, str]:
    """The bytes and the name of a file that is packed, or not."""
    match rng.randrange(6):
        case 0:
            return gzip.compress(content, mtime=0), f"{name}.gz"
        case 1:
            return zstandard.compress(content), f"{name}.zst"
        case 2:
            half = len(content) // 2  # two members, as `cat a.gz b.gz` makes
            return gzip.compress(content[:half]) + gzip.compress(content[half:]), f"{name}.gz"
    return content, name


def write(folder: Path, name: str, content: bytes) -> str:
    """The path of a file with this content."""
    path = folder / name
    path.write_bytes(content)
    return str(path)


def jsonl_odd(rng: Random, folder: Path) -> Case:
    """Rows of any values."""
    content = jsonl_bytes([row(rng) for _ in range(rng.randrange(1, 12))], rng)
    made, name = packed(content, "rows.jsonl", rng)
    return Case([write(folder, name, made)], options=QUARANTINE, n_rows=n_lines(content))


def jsonl_good(rng: Random, folder: Path) -> Case:
    """Good prompts beside columns of anything: nothing may be lost or changed."""
    prompts = [
        text(rng).encode("utf-16", "surrogatepass").decode("utf-16") for _ in range(rng.randrange(1, 12))
    ]
    rows = [{"problem": prompt, "answer": text(rng)} for prompt in prompts]
    for item in rows:
        del item["answer"]
        item[rng.choice(NAMES[:3])] = text(rng).encode("utf-16", "replace").decode("utf-16")
    lines = "\n".join(json.dumps(item) for item in rows)
    made, name = packed(lines.encode(), "rows.jsonl", rng)
    fine = all("\0" not in item for one in rows for item in one.values())
    return Case(
        [write(folder, name, made)], n_rows=len(rows), prompts=list(prompts), fails=False if fine else None
    )


def jsonl_damaged(rng: Random, folder: Path) -> Case:
    """Bytes flipped, cut, put in."""
    content = damaged(jsonl_bytes([row(rng) for _ in range(rng.randrange(1, 12))], rng), rng)
    quarantine = rng.random() < 0.7
    path = write(folder, "rows.jsonl", content)
    return Case([path], options=QUARANTINE if quarantine else (), n_rows=n_lines(content))


def packed_damaged(rng: Random, folder: Path) -> Case:
    """A packed file, damaged."""
    content = jsonl_bytes([row(rng) for _ in range(rng.randrange(1, 12))], rng)
    made = gzip.compress(content) if rng.random() < 0.5 else zstandard.compress(content)
    name = "rows.jsonl.gz" if made[:2] == b"\x1f\x8b" else "rows.jsonl.zst"
    return Case([write(folder, name, damaged(made, rng, rng.choice((0, 4))))], options=QUARANTINE)


def json_odd(rng: Random, folder: Path) -> Case:
    """An array of anything, whole or damaged."""
    items = [row(rng) if rng.random() < 0.9 else value(rng) for _ in range(rng.randrange(8))]
    content = json.dumps(items, indent=rng.choice((None, 1))).encode()
    whole = rng.random() < 0.5
    path = write(folder, "rows.json", content if whole else damaged(content, rng))
    return Case([path], options=QUARANTINE, n_rows=len(items) if whole else None)


def csv_odd(rng: Random, folder: Path) -> Case:
    """CSV of any text, of any line ends and delimiters, whole or damaged."""
    sink = io.StringIO(newline="")
    writer = csv.writer(
        sink,
        lineterminator=rng.choice(("\n", "\r\n", "\r")),
        delimiter=rng.choice(",,,,;\t"),
        quoting=rng.choice((csv.QUOTE_MINIMAL, csv.QUOTE_ALL)),
    )
    names = ["problem", *(rng.choice(NAMES) for _ in range(rng.randrange(4)))]
    writer.writerow(names)
    for _ in range(rng.randrange(8)):
        writer.writerow([text(rng) for _ in range(len(names) + rng.choice((0, 0, 0, 0, 1, -1)))])
    content = rng.choice((b"", BOM)) + sink.getvalue().encode("utf-8", "surrogatepass")
    if rng.random() < 0.4:
        content = damaged(content, rng)
    made, name = packed(content, "rows.csv", rng)
    return Case([write(folder, name, made)], options=QUARANTINE)


def deep(rng: Random, folder: Path) -> Case:
    """Nesting from ordinary to absurd."""
    depth = rng.choice((31, 33, 64, 200, 900, 5_000, 200_000))
    opening, closing = rng.choice((("[", "]"), ('{"a":', "}")))
    nested = opening * depth + "1" + closing * depth
    lines = [
        '{"problem": "What is 1 + 1?"}',
        f'{{"problem": "deep", "meta": {nested}}}',
        f'{{"problem": {nested}}}',
    ]
    if rng.random() < 0.5:
        return Case([write(folder, "rows.jsonl", "\n".join(lines).encode())], options=QUARANTINE, n_rows=3)
    return Case([write(folder, "rows.json", f"[{','.join(lines)}]".encode())], options=QUARANTINE)


def huge(rng: Random, folder: Path) -> Case:
    """One value of megabytes among ordinary rows."""
    size = rng.choice((1 << 16, 1 << 20, 9 << 20))
    long = rng.choice(("x", "a b ", "(", "\\frac{", "<think>", "数", "🙂", "\n", "1", '"', "\\"))
    prompt = long * (size // len(long.encode()))
    rows = [
        {"problem": "What is 1 + 1?"},
        {"problem": prompt, "answer": prompt[:9]},
        {"problem": "What is 2 + 2?"},
    ]
    content = jsonl_bytes(rows, rng)
    return Case(
        [write(folder, "rows.jsonl", content)], n_rows=3, fails=False, prompts=[r["problem"] for r in rows]
    )


def wide(rng: Random, folder: Path) -> Case:
    """Rows of very many columns, or keys that are all different."""
    n = rng.choice((255, 257, 1_000, 4_000))
    if rng.random() < 0.5:
        rows = [{"problem": "a", **{f"c{i}": i for i in range(n)}}]
    else:
        rows = [
            {"problem": f"problem {i}", "meta": {f"key {i} {j}": 1 for j in range(9)}} for i in range(n // 9)
        ]
    return Case([write(folder, "rows.jsonl", jsonl_bytes(rows, rng))], n_rows=len(rows), fails=False)


def bomb(rng: Random, folder: Path) -> Case:
    """A small file that unpacks to a very large one."""
    size = 80 << 20
    line = b'{"problem": "' + rng.choice((b"0", b" ", b"ab")) * 50 + b'"}\n'
    content = rng.choice((b" ", line, b'{"problem": "' + b"0" * (size + 20), b"\n", b"[", b'{"problem":1}\n'))
    content = content * max(1, size // len(content))
    made, end = (
        (gzip.compress(content, 9), ".gz") if rng.random() < 0.5 else (zstandard.compress(content), ".zst")
    )
    limits = rng.choice((("source.max-unpacked-bytes", "8000000"), ("source.max-unpacked-ratio", "20")))
    kind = rng.choice(("jsonl", "json", "csv"))
    path = write(folder, f"rows.{kind}{end}", made)
    return Case([path], options=("--set", "=".join(limits), *QUARANTINE), fails=True)


KINDS: dict[str, Make] = {
    "jsonl-odd": jsonl_odd,
    "jsonl-good": jsonl_good,
    "jsonl-damaged": jsonl_damaged,
    "packed-damaged": packed_damaged,
    "json": json_odd,
    "csv": csv_odd,
    "deep": deep,
    "huge": huge,
    "wide": wide,
    "bomb": bomb,
}
