"""Cases of files that are no files, of odd names, of many files, and of files that change while read."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from random import Random

import pyarrow as pa
import pyarrow.parquet as pq
from input_cases import Case, Make, row
from input_tables import writable
from input_texts import QUARANTINE, jsonl_bytes, n_lines, write

GOOD = b'{"problem": "What is 1 + 1?", "answer": "2"}\n{"problem": "What is 2 + 2?", "answer": "4"}\n'
ODD_NAMES = (
    "a b.jsonl", "a\nb.jsonl", "a\tb.jsonl", "-o.jsonl", "--help.jsonl", "'.jsonl", '".jsonl', "[a].jsonl",
    "*.jsonl", "a*b?.jsonl", "{a}.jsonl", "数学🙂.jsonl", "e\u0301.jsonl", "\u202egnp.jsonl", "a;b.jsonl",
    "$HOME.jsonl", "%s.jsonl", "~.jsonl", "#.jsonl", "a.JSONL", "a.b.c.jsonl", "\udcff\udcfe.jsonl",
    "x" * 249 + ".jsonl", "...jsonl", "\x01.jsonl", "a.jsonl ", "a:b.jsonl", "a\\b.jsonl",
    "\x1b[31m.jsonl", "a.jsonl.gz.jsonl", "hf:.jsonl",
)  # fmt: skip


def odd_name(rng: Random, folder: Path) -> Case:
    """A good file under an odd name, by itself, by its folder or by a glob."""
    name = rng.choice(ODD_NAMES)
    inner = folder / rng.choice(("in", "in [1]", "数 学", "in\n", "\udcff", "-in", "a" * 200, "$(id)"))
    inner.mkdir()
    path = write(inner, name, GOOD)
    address = rng.choice((path, path, str(inner), str(inner / "*.jsonl"), str(folder / "**" / "*.jsonl")))
    return Case([address])


def no_file(rng: Random, folder: Path) -> Case:
    """An address of nothing."""
    here = str(folder)
    address = rng.choice(
        (
            f"{here}/none.jsonl", f"{here}/none/none.parquet", f"{here}/*.parquet", f"{here}/[",
            f"{here}/**/x.csv",
            "\x00", f"{here}/a\x00b.jsonl", "x" * 5_000, f"{here}/{'x' * 300}.jsonl",
            f"{here}/{'*' * 300}.jsonl",
            "~nobody-at-all/x.jsonl", "~", "file:///etc/passwd", "s3://", "hf://", "hf://datasets/", "://",
            "gs://a/b",
            "hf://datasets/../..", "s3:///x.parquet", "/dev/null", "/etc/passwd", "/dev/zero",
            "/proc/self/mem",
            f"{here}", "\n", " ", "-", "--", f"{here}/../../../../../../../../etc/shadow", "\udcff", "http://[::1",
            "http://[", "s3://[/x", "hf://datasets/a/b@c/d.parquet\x00",
        )
    )  # fmt: skip
    return Case([address], fails=True)


def special(rng: Random, folder: Path) -> Case:
    """A pipe, a socket, a device, a loop, a folder with the name of a file."""
    path = folder / rng.choice(("rows.jsonl", "rows.parquet", "rows.csv.gz", "rows.json", "rows.arrow"))
    fails: bool | None = True
    match rng.randrange(9):
        case 0:
            os.mkfifo(path)
        case 1:
            with socket.socket(socket.AF_UNIX) as opened:
                here = Path.cwd()
                os.chdir(folder)  # a socket's path is short
                try:
                    opened.bind(path.name)
                finally:
                    os.chdir(here)
        case 2:
            path.symlink_to("/dev/zero")
        case 3:
            path.symlink_to(path)
        case 4:
            path.symlink_to(folder / "gone")
        case 5:
            path.mkdir()
        case 6:
            (folder / "a").mkdir()
            (folder / "a" / "back").symlink_to(folder)
            write(folder / "a", "rows.jsonl", GOOD)
            fails = False
        case 7:
            path.symlink_to("/dev/tty")
        case 8:
            path.symlink_to("/proc/self/environ")
    if fails and rng.random() < 0.3:
        write(folder, "good.jsonl", GOOD)
        fails = None
    beside = [str(folder / "good.jsonl")] if rng.random() < 0.2 and (folder / "good.jsonl").exists() else []
    return Case([str(folder) if fails is not True else str(path), *beside], fails=fails)


def mixed(rng: Random, folder: Path) -> Case:
    """Files of several formats whose columns do not agree."""
    n_rows = 0
    for index in range(rng.randrange(2, 6)):
        if rng.random() < 0.6:
            content = jsonl_bytes([row(rng) for _ in range(rng.randrange(1, 5))], rng)
            n_rows += n_lines(content)
            write(folder, f"{index}.jsonl", content)
        else:
            table, content = writable(rng)
            n_rows += table.num_rows
            write(folder, f"{index}.parquet", content)
    return Case([str(folder)], options=QUARANTINE, n_rows=n_rows)


def twice(rng: Random, folder: Path) -> Case:
    """The same rows, the same ids, the same file by several names."""
    path = write(folder, "a.jsonl", GOOD * rng.randrange(1, 4))
    other = folder / "b.jsonl"
    match rng.randrange(4):
        case 0:
            other.symlink_to(path)
        case 1:
            os.link(path, other)
        case 2:
            other.write_bytes(Path(path).read_bytes())
        case 3:
            return Case([path, path], fails=True)
    return Case(rng.choice(([str(folder)], [path, str(other)], [str(other), str(folder / "*.jsonl")])))


def changing(rng: Random, folder: Path) -> Case:
    """A file that vanishes, shrinks, grows or is replaced while it is read."""
    if rng.random() < 0.5:
        content, name = GOOD * rng.choice((5, 2_000)), "rows.jsonl"
    else:
        table = pa.table({"problem": [f"What is {i} + {i}?" for i in range(rng.choice((5, 5_000)))]})
        sink = pa.BufferOutputStream()
        pq.write_table(table, sink, row_group_size=1_000)
        content, name = (
            sink.getvalue().to_pybytes(),
            rng.choice(("rows.parquet", "rows.parquet", "rows.arrow")),
        )
        if name == "rows.arrow":
            sink = pa.BufferOutputStream()
            with pa.ipc.new_file(sink, table.schema) as writer:
                writer.write_table(table, max_chunksize=500)
            content = sink.getvalue().to_pybytes()
    path = Path(write(folder, name, content))
    other = write(folder, f"other-{name}", content[: len(content) // 2] + GOOD)

    def longer() -> None:
        with path.open("ab") as sink:
            sink.write(GOOD * 50)

    def flipped() -> None:
        with path.open("r+b") as sink:
            sink.seek(len(content) // 2)
            sink.write(b"\xff\x00\xfe")

    def other_way() -> None:
        half = len(content) // 2
        path.write_bytes(content[half:] + content[:half])

    changes = (
        path.unlink, longer, flipped, other_way, lambda: os.truncate(path, len(content) // 2),
        lambda: os.truncate(path, 0), lambda: Path(other).replace(path),
    )  # fmt: skip
    return Case([str(path)], meddle=rng.choice(changes), meddle_at=rng.randrange(4))


KINDS: dict[str, Make] = {
    "odd-name": odd_name,
    "no-file": no_file,
    "special": special,
    "mixed": mixed,
    "twice": twice,
    "changing": changing,
}
