"""`curate benchmarks` and the names that `decontam` and `run` take: at the command line, against a hub."""

from __future__ import annotations

import hashlib
import http.server
import json
import re
import threading
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from typer.testing import CliRunner

from curate.benchmarks import resolve
from curate.benchmarks.registry import registry
from curate.cli.main import app

COMMIT = "0123456789abcdef0123456789abcdef01234567"
QUESTION = "Find the number of pairs of positive integers whose sum is 2024."


def _listed(name: str, content: bytes) -> dict[str, Any]:
    """A file as the hub lists it: its size, and the SHA-256 of what is stored apart."""
    item: dict[str, Any] = {"type": "file", "path": name, "size": len(content)}
    if name.startswith("data/"):
        item["lfs"] = {"oid": hashlib.sha256(content).hexdigest(), "size": len(content)}
    return item


class _Hub(http.server.BaseHTTPRequestHandler):
    """A data set hub: revisions, listing, files with ranges; `stop_after` breaks the first transfer off."""

    files: dict[str, bytes]
    asked: list[tuple[str, str | None]]
    stop_after: int | None
    changed: bytes | None
    """What is sent in place of a file, whatever the listing says of it."""
    refuses: tuple[int, str] | None
    """Status and X-Error-Code of every answer."""
    page: bytes | None
    """What is answered to every question."""

    def do_GET(self) -> None:
        path = urllib.parse.unquote(urllib.parse.urlsplit(self.path).path)
        self.asked.append((path, self.headers.get("Range")))
        if self.refuses is not None:
            self.send_response(self.refuses[0])
            self.send_header("X-Error-Code", self.refuses[1])
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif self.page is not None:
            self._answer(self.page)
        elif path == "/api/datasets/MathArena/brumo_2025/revision/main":
            self._answer(json.dumps({"sha": COMMIT}).encode())
        elif path == f"/api/datasets/MathArena/brumo_2025/tree/{COMMIT}":
            self._answer(
                json.dumps([_listed(name, content) for name, content in self.files.items()]).encode()
            )
        elif path.startswith(f"/datasets/MathArena/brumo_2025/resolve/{COMMIT}/"):
            self._send(self.changed or self.files[path.partition(f"{COMMIT}/")[2]])
        else:
            self.send_error(404)

    def _answer(self, content: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _send(self, content: bytes) -> None:
        begin = int(re.findall(r"bytes=(\d+)-", self.headers.get("Range", "bytes=0-"))[0])
        self.send_response(206 if begin else 200)
        self.send_header("Content-Length", str(len(content) - begin))
        self.end_headers()
        stop, type(self).stop_after = self.stop_after, None
        self.wfile.write(content[begin : None if stop is None else begin + stop])

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[_Hub]]:
    """A hub on this machine with BrUMO 2025: a file of 30 items, and a page that is no data."""
    rows = [{"problem_idx": i, "problem": f"{QUESTION} ({i})", "answer": i} for i in range(1, 31)]
    content = "".join(json.dumps(row) + "\n" for row in rows).encode()
    handler = type(
        "Hub",
        (_Hub,),
        {
            "files": {"README.md": b"words", "data/train.jsonl": content},
            "asked": [],
            "stop_after": None,
            "changed": None,
            "refuses": None,
            "page": None,
        },
    )
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    yield handler
    server.shutdown()
    server.server_close()


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CURATE_BENCHMARKS", str(tmp_path / "home"))
    for name in ("CURATE_OFFLINE", "HF_HUB_OFFLINE", "HF_TOKEN"):
        monkeypatch.delenv(name, raising=False)


def curate(*arguments: str | Path, fails: bool = False) -> str:
    """Run a command; what it printed."""
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert (done.exit_code != 0) == fails, done.output
    return done.output


def test_pull_loads_a_set_at_one_commit(hub: type[_Hub], tmp_path: Path) -> None:
    """The commit is resolved first and written down with the files' hashes; then the text is preferred."""
    assert f"brumo-2025: 30 items at {COMMIT}" in curate("benchmarks", "pull", "brumo-2025")
    [one] = resolve(["brumo-2025"])
    assert one.items().ids[:2] == ["1", "2"]
    assert one.items().answers[:2] == ["1", "2"]
    origin = registry().origins["brumo-2025"]
    assert (origin.how, origin.revision) == ("pulled", COMMIT)
    assert list(origin.files) == [f"hf://datasets/MathArena/brumo_2025@{COMMIT}/data/train.jsonl"]
    assert not list((tmp_path / "home" / ".loading").iterdir())
    assert "30 items, found by word 8-grams of the text" in curate(
        "benchmarks", "show", "brumo", "--ngram", "8"
    )


def test_a_load_that_broke_off_goes_on(hub: type[_Hub], tmp_path: Path) -> None:
    """Nothing is there after half a file; the same command asks for the rest alone."""
    hub.stop_after = 1000
    assert "the transfer broke off" in curate("benchmarks", "pull", "brumo-2025", fails=True)
    assert resolve(["brumo-2025"])[0].text is None
    curate("benchmarks", "pull", "brumo-2025")
    ranges = [asked for path, asked in hub.asked if "/resolve/" in path]
    assert ranges == [None, "bytes=1000-"]
    assert len(resolve(["brumo-2025"])[0].items().ids) == 30


def test_another_number_of_items_stops(hub: type[_Hub]) -> None:
    """A set that changed at the publisher's is not taken for the one that is known, unless asked for."""
    hub.files["data/train.jsonl"] = hub.files["data/train.jsonl"].partition(b"\n")[2]
    message = curate("benchmarks", "pull", "brumo-2025", fails=True)
    assert f"expected 30 items, found 29 in hf://datasets/MathArena/brumo_2025 at {COMMIT}" in message
    assert "29 items" in curate("benchmarks", "pull", "brumo-2025", "--any-count")


def test_what_cannot_be_pulled_is_told(hub: type[_Hub], monkeypatch: pytest.MonkeyPatch) -> None:
    """No such name, no address, no such revision, another column, no network, offline: each with what to do."""
    assert "Did you mean brumo-2025?" in curate("benchmarks", "pull", "brumo-2052", fails=True)
    assert "curate benchmarks add asdiv FILE" in curate("benchmarks", "pull", "asdiv", fails=True)
    no = curate("benchmarks", "pull", "brumo-2025", "--revision", "v9", fails=True)
    assert "hf://datasets/MathArena/brumo_2025@v9: expected a readable data set, found no such data set" in no
    hub.files["data/train.jsonl"] = b'{"question": "x"}\n'
    assert "no column problem (the problem)" in curate("benchmarks", "pull", "brumo-2025", fails=True)
    monkeypatch.setenv("CURATE_OFFLINE", "1")
    n_asked = len(hub.asked)
    assert "CURATE_OFFLINE is set, so nothing is loaded" in curate(
        "benchmarks", "pull", "brumo-2025", fails=True
    )
    assert len(hub.asked) == n_asked
    monkeypatch.delenv("CURATE_OFFLINE")
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    assert "Check the network" in curate("benchmarks", "pull", "brumo-2025", fails=True)


def test_what_is_here_is_not_loaded_again(hub: type[_Hub], monkeypatch: pytest.MonkeyPatch) -> None:
    """A second pull asks for the commit alone, one of the same commit for nothing, and offline the text will do."""
    curate("benchmarks", "pull", "brumo-2025")
    n_asked = len(hub.asked)
    assert f"30 items at {COMMIT}, here already" in curate("benchmarks", "pull", "brumo-2025")
    assert [path.rpartition("/")[2] for path, _ in hub.asked[n_asked:]] == ["main"]
    assert "here already" in curate("benchmarks", "pull", "brumo-2025", "--revision", COMMIT)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert "here already" in curate("benchmarks", "pull", "brumo-2025")
    assert len(hub.asked) == n_asked + 1
    said = curate("benchmarks", "pull", "brumo-2025", "--revision", "v2", fails=True)
    assert "HF_HUB_OFFLINE is set, so nothing is loaded" in said


def test_a_copy_that_is_not_the_file_is_not_taken(hub: type[_Hub]) -> None:
    """Size and SHA-256 are compared with the listing; the next pull loads the file anew."""
    content = hub.files["data/train.jsonl"]
    hub.changed = content[:-100]
    said = curate("benchmarks", "pull", "brumo-2025", fails=True)
    assert f"expected {len(content):,} bytes of data/train.jsonl, found {len(content) - 100:,}" in said
    hub.changed = content.replace(b"pairs", b"piars")
    assert "with the SHA-256" in curate("benchmarks", "pull", "brumo-2025", fails=True)
    hub.changed = None
    assert "30 items" in curate("benchmarks", "pull", "brumo-2025")


REFUSED = {
    (401, "RepoNotFound"): "found no such data set (or a private one",
    (401, ""): "needs HF_TOKEN",
    (403, "GatedRepo"): "it is gated. Accept its terms on its page, and set HF_TOKEN",
    (404, "RevisionNotFound"): "has no such revision. Name a commit",
    (404, ""): "no such data set, revision or file",
    (503, ""): "the server's answer 503 Service Unavailable. Try again later",
}


@pytest.mark.parametrize("refused", REFUSED)
def test_why_the_hub_refuses_is_told(refused: tuple[int, str], hub: type[_Hub]) -> None:
    """What the hub says in its header is said in words, with what to do."""
    hub.refuses = refused
    assert REFUSED[refused] in curate("benchmarks", "pull", "brumo-2025", fails=True)


def test_a_page_in_place_of_the_hub_is_told(hub: type[_Hub]) -> None:
    """A login page of a network, or an answer of another kind, is no crash."""
    hub.page = b"<html>Please log in</html>"
    assert "in JSON, found something else" in curate("benchmarks", "pull", "brumo-2025", fails=True)
    hub.page = b"[]"
    assert "expected the server to name the commit" in curate("benchmarks", "pull", "brumo-2025", fails=True)


def test_what_cannot_be_read_is_told_with_the_commit(hub: type[_Hub], tmp_path: Path) -> None:
    """A file of other columns, or damaged at the publisher's, leaves nothing behind."""
    hub.files["data/train.jsonl"] = b'{"question": "x"}\n'
    said = curate("benchmarks", "pull", "brumo-2025", fails=True)
    assert f"hf://datasets/MathArena/brumo_2025 at {COMMIT} cannot be read as this set" in said
    assert "curate benchmarks add brumo-2025 FILE --problem-column COLUMN" in said
    assert not list((tmp_path / "home" / ".loading").iterdir())


def test_one_set_that_fails_does_not_keep_the_others_back(hub: type[_Hub]) -> None:
    """Of several sets those that can be had are loaded; the others are told, and the command fails."""
    said = curate("benchmarks", "pull", "hmmt-feb-2025", "brumo-2025", fails=True)
    assert "brumo-2025: 30 items" in said
    assert "hf://datasets/MathArena/hmmt_feb_2025: expected a readable data set" in said
    assert "a revision is of one set" in curate("benchmarks", "pull", "hmmt", "--revision", "v1", fails=True)


def test_list_shows_sets_groups_and_what_is_at_hand(tmp_path: Path) -> None:
    """A line a set; groups and domains choose; a wrong one is told."""
    lines = curate("benchmarks", "list").splitlines()
    assert [line.split()[:4] for line in lines if line.startswith(("livecodebench", "mmlu-pro"))] == [
        ["livecodebench", "1,055", "-", "yes"], ["mmlu-pro", "12,032", "-", "-"],
    ]  # fmt: skip
    assert any(line.startswith("  default ") for line in lines)
    assert [line.split()[0] for line in curate("benchmarks", "list", "--group", "hmmt").splitlines()] == [
        "name", "hmmt-feb-2025", "hmmt-nov-2025", "hmmt-feb-2026",
    ]  # fmt: skip
    assert "humaneval" not in curate("benchmarks", "list", "--domain", "maths")
    assert "Did you mean maths?" in curate("benchmarks", "list", "--domain", "math", fails=True)
    assert "Did you mean code?" in curate("benchmarks", "list", "--group", "cod", fails=True)


def test_show_says_what_is_known_and_what_cannot_be_found() -> None:
    """Source, text, fingerprint and its origin; items that are short or generic by id."""
    shown = curate("benchmarks", "show", "math-500")
    assert "not here. Get it with: curate benchmarks pull math-500" in shown
    assert "10-grams of words" in shown
    assert "29 have fewer than 10 words" in shown
    assert "2 have fewer than four words" in shown
    assert "none comes with curate" in curate("benchmarks", "show", "mmlu-pro")
    assert "Did you mean" in curate("benchmarks", "show", "math-50", fails=True)


def test_a_set_of_ones_own_from_file_to_verdict(tmp_path: Path) -> None:
    """add, build, decontam by name and by fingerprint: the same rows go."""
    exam = tmp_path / "exam.csv"
    exam.write_text(f'question,key\n"{QUESTION}",a\n', "utf-8")
    rows = tmp_path / "rows.jsonl"
    rows.write_text(
        "".join(json.dumps({"problem": p}) + "\n" for p in (f"Q: {QUESTION}", "What is 1 + 1?")), "utf-8"
    )
    assert "my-exam: 1 items" in curate("benchmarks", "add", "my-exam", exam, "--problem-column", "question")
    assert "Did you mean question?" in curate(
        "benchmarks", "add", "x", exam, "--problem-column", "qestion", fails=True
    )
    assert "1 items" in curate("benchmarks", "build", "my-exam", "-o", tmp_path / "fp")
    for name, against in (("a", "my-exam"), ("b", str(tmp_path / "fp" / "my-exam.fingerprint"))):
        curate("decontam", rows, "--against", against, "-o", tmp_path / name)
        assert pl.read_parquet(tmp_path / name / "dropped")["row_id"].to_list() == [0]
    assert "deleted" in curate("benchmarks", "remove", "my-exam")
    assert "expected names of benchmarks" in curate("benchmarks", "build", fails=True)


def test_decontam_protects_the_default_group_and_says_so(tmp_path: Path) -> None:
    """Without --against nothing must be named or downloaded; what is not protected is told."""
    rows = tmp_path / "rows.jsonl"
    rows.write_text(json.dumps({"problem": QUESTION}) + "\n", "utf-8")
    done = CliRunner().invoke(app, ["decontam", str(rows), "-o", str(tmp_path / "out")])
    assert done.exit_code == 0, done.output
    assert re.search(r"leak: against 32 benchmarks, 11,\d+ items; 32 by fingerprint", done.stderr)
    assert "not protected, since not pulled: hmmt-feb-2026, cmimc-2025, smt-2025" in done.stderr
    assert 'against = ["default"]' in (tmp_path / "out" / "recipe.toml").read_text()


def test_a_changed_set_invalidates_the_evidence_about_leaks_alone(tmp_path: Path) -> None:
    """Giving the text of a protected set measures leak again, and nothing else."""
    rows = tmp_path / "rows.jsonl"
    rows.write_text("".join(json.dumps({"problem": f"{QUESTION} {i}"}) + "\n" for i in range(5)), "utf-8")
    options = ["-i", rows, "--without", "math", "--without", "pass", "-o", tmp_path / "out"]
    curate("run", "default", *options)
    keys = json.loads((tmp_path / "out" / "manifest.json").read_text())["evidence"]
    text = tmp_path / "text.jsonl"
    text.write_text(json.dumps({"problem": QUESTION}) + "\n", "utf-8")
    curate("benchmarks", "add", "brumo-2025", text)
    curate("run", "default", *options)
    again = json.loads((tmp_path / "out" / "manifest.json").read_text())["evidence"]
    assert [name for name in keys if keys[name]["key"] != again[name]["key"]] == ["leak"]
    leak = pl.read_parquet(tmp_path / "out" / "evidence" / "leak")
    assert leak["benchmark"].to_list() == ["brumo-2025"] * 5
    assert leak["item_span"].null_count() == 0
