"""Runs and evidence on an S3-compatible server on loopback: the bytes of a local run, shared, and held."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer
from typer.testing import CliRunner

from curate.cli.main import app
from curate.pipeline.places import MANIFEST
from curate.pipeline.remote import CLAIM

BUCKET = "a-bucket"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """An object store that speaks S3; its address."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(server: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[boto3.resource]:
    """An empty bucket, and the variables that lead there."""
    named = {"AWS_ENDPOINT_URL": server, "AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret",
             "AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1", "XDG_CACHE_HOME": str(tmp_path / "home")}  # fmt: skip
    for name, value in named.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    bucket = boto3.resource("s3").Bucket(BUCKET)
    bucket.create()
    yield bucket
    bucket.objects.all().delete()


RECIPE = """
[source]
files = ["{files}"]
[evidence.query]
stage = "query-quality"
[evidence.exact]
stage = "exact-dedup"
[drop.url]
when = "query.has_url"
[keep-one.copy]
per = "exact.cluster_id"
"""
ROWS = "\n".join(
    f'{{"problem": "What is {number % 7} plus {number % 5}? See http://x.org/{number % 3}", "answer": "{number}"}}'
    if number % 4 == 0
    else f'{{"problem": "How much is {number % 7} times {number % 5}?", "answer": "1"}}'
    for number in range(60)
)


def curate(*arguments: str) -> str:
    """Run a command; what it printed."""
    result = CliRunner().invoke(app, list(arguments))
    assert result.exit_code == 0, result.output
    return result.output


def recipe(files: str) -> str:
    """A recipe file over the named input."""
    path = Path("recipe.toml")
    path.write_text(RECIPE.format(files=files), encoding="utf-8")
    return str(path)


def objects(bucket: boto3.resource, below: str) -> dict[str, bytes]:
    """Contents of the objects below a name, without the shared evidence."""
    found = {
        item.key.removeprefix(below): item.get()["Body"].read()
        for item in bucket.objects.filter(Prefix=below)
    }
    return {name: content for name, content in found.items() if not name.startswith(".cache/")}


def local(folder: Path) -> dict[str, bytes]:
    """Contents of the files of a run, without its cache."""
    files = (path for path in folder.rglob("*") if path.is_file())
    named = {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}
    return {name: content for name, content in named.items() if not name.startswith(".cache/")}


def test_a_run_on_the_store_has_the_bytes_of_a_local_one(bucket: boto3.resource) -> None:
    """Input from the store, output to the store: the objects are the files of a run on disk."""
    bucket.put_object(Key="in/rows.jsonl", Body=ROWS.encode())
    text = recipe(f"s3://{BUCKET}/in/rows.jsonl")
    curate("run", text, "-o", "here")
    curate("run", text, "-o", f"s3://{BUCKET}/runs/a")
    there, here = objects(bucket, "runs/a/"), local(Path("here"))
    assert {name: there[name] == content for name, content in here.items() if name != ".curate"} == {
        name: True for name in here if name != ".curate"
    }
    assert set(there) == set(here)
    assert not list(Path("home").rglob("run-*"))  # nothing is left on this machine


def test_evidence_is_fetched_from_the_store_instead_of_being_measured(bucket: boto3.resource) -> None:
    """A second run, on a machine that has nothing, measures nothing; a damaged object is measured again."""
    Path("rows.jsonl").write_text(ROWS, encoding="utf-8")
    text = recipe("rows.jsonl")
    assert "fetched" not in curate("run", text, "-o", "one", "--cache", f"s3://{BUCKET}/cache")
    again = curate("run", text, "-o", "two", "--cache", f"s3://{BUCKET}/cache")
    assert again.count(f"fetched from s3://{BUCKET}/cache") == 2
    shard = next(
        item for item in bucket.objects.filter(Prefix="cache/") if item.key.endswith("00000.parquet")
    )
    shard.put(Body=shard.get()["Body"].read()[:-30])
    assert "not as it was written" in curate("run", text, "-o", "three", "--cache", f"s3://{BUCKET}/cache")
    assert local(Path("one")) == local(Path("two")) == local(Path("three"))


def test_a_new_run_takes_the_place_of_the_old_one(bucket: boto3.resource) -> None:
    """Objects of the run before are gone, and its evidence is used again."""
    Path("rows.jsonl").write_text(ROWS, encoding="utf-8")
    target = f"s3://{BUCKET}/runs/b"
    curate("run", recipe("rows.jsonl"), "-o", target)
    bucket.put_object(Key="runs/b/kept/train-00007-of-00008.parquet", Body=b"of another run")
    said = curate("run", recipe("rows.jsonl"), "-o", target, "--set", "drop.url.when=query.status = 'other'")
    assert said.count("fetched from") == 2
    assert "kept/train-00007-of-00008.parquet" not in objects(bucket, "runs/b/")
    curate("run", recipe("rows.jsonl"), "-o", "here", "--set", "drop.url.when=query.status = 'other'")
    assert objects(bucket, "runs/b/")["manifest.json"] == Path("here/manifest.json").read_bytes()


def test_two_runs_do_not_write_one_address(bucket: boto3.resource) -> None:
    """Who finds somebody's claim stops, says whose it is, and touches nothing."""
    Path("rows.jsonl").write_text(ROWS, encoding="utf-8")
    bucket.put_object(Key=f"runs/c/{CLAIM}", Body=b"pid 7 on host elsewhere")
    result = CliRunner().invoke(app, ["run", recipe("rows.jsonl"), "-o", f"s3://{BUCKET}/runs/c"])
    assert result.exit_code != 0
    assert "pid 7 on host elsewhere" in result.output
    assert list(objects(bucket, "runs/c/")) == [CLAIM]


def test_a_place_that_is_no_run_is_left_alone(bucket: boto3.resource) -> None:
    """Somebody's objects are not cleared away."""
    Path("rows.jsonl").write_text(ROWS, encoding="utf-8")
    bucket.put_object(Key="theirs/notes.txt", Body=b"theirs")
    result = CliRunner().invoke(app, ["run", recipe("rows.jsonl"), "-o", f"s3://{BUCKET}/theirs"])
    assert result.exit_code != 0
    assert "notes.txt" in result.output
    assert list(objects(bucket, "theirs/")) == ["notes.txt"]


def test_a_failed_run_leaves_no_claim_and_no_manifest(bucket: boto3.resource) -> None:
    """After a failure the address is free again and holds no run."""
    Path("rows.jsonl").write_text('{"problem": "x"}\n{"problem', encoding="utf-8")
    result = CliRunner().invoke(app, ["run", recipe("rows.jsonl"), "-o", f"s3://{BUCKET}/runs/d"])
    assert result.exit_code != 0
    assert MANIFEST not in objects(bucket, "runs/d/")
    assert CLAIM not in objects(bucket, "runs/d/")


@pytest.mark.parametrize(
    ("variable", "value", "bucket_name"),
    [("AWS_ENDPOINT_URL", "http://127.0.0.1:1", BUCKET), ("AWS_REGION", "us-east-1", "no-such-bucket")],
)
def test_a_store_that_says_no_is_an_error_with_the_address(
    bucket: boto3.resource, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, bucket_name: str
) -> None:
    """No server, no bucket: told with the address and what to check, no traceback."""
    Path("rows.jsonl").write_text(ROWS, encoding="utf-8")
    monkeypatch.setenv(variable, value)
    result = CliRunner().invoke(app, ["run", recipe("rows.jsonl"), "-o", f"s3://{bucket_name}/runs/e"])
    assert result.exit_code != 0
    assert f"s3://{bucket_name}/runs/e" in result.output
    assert "AWS_ENDPOINT_URL" in result.output
    assert "Traceback" not in result.output
