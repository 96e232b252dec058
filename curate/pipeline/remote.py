"""Runs and evidence on an object store: s3://BUCKET/PATH.

A run is made in a folder of this machine, because it needs renames and locks, and copied to the store when
it is whole: `manifest.json` goes first from what was there and comes last of what is new, so it exists
exactly when the run there is complete. Evidence is copied as soon as it is measured, and fetched instead of
being measured again, by whoever uses the same store; what was fetched is checked like everything in a cache.

Credentials, region and endpoint come from the usual AWS_ variables (AWS_ENDPOINT_URL for another server).
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from curate.disk import whole_file
from curate.errors import InputError, MachineError, RunError
from curate.pipeline.locks import this_process
from curate.pipeline.places import CACHE, MANIFEST, MARK
from curate.pipeline.sums import COMPLETE

if TYPE_CHECKING:
    from obstore.store import RetryConfig

CLAIM = ".curate-claim"
"""Object that says who is writing a run; made only where there is none."""
ADDRESS = re.compile(r"s3:/+(?P<bucket>[^/]+)(?:/(?P<path>.*))?")


def address_of(path: Path | str | None) -> str | None:
    """The address that a path means, if it is one of an object store (a Path has lost a slash).

    >>> address_of(Path("s3://bucket/runs/a")), address_of(Path("runs/a"))
    ('s3://bucket/runs/a', None)
    """
    found = ADDRESS.fullmatch(str(path or ""))
    return f"s3://{found['bucket']}/{found['path'] or ''}".rstrip("/") if found else None


class Store:
    """Objects below an address. Methods raise MachineError if the server cannot be reached or says no."""

    def __init__(self, address: str) -> None:
        try:
            from obstore.store import S3Store
        except ImportError as error:
            raise MachineError(
                f"{address}: writing to an object store needs obstore: pip install 'curate[s3]'"
            ) from error
        self.address = address
        plain = os.environ.get("AWS_ENDPOINT_URL", "").startswith("http://")
        retries: RetryConfig = {"max_retries": 5, "retry_timeout": timedelta(seconds=60)}
        self._store = S3Store.from_url(address, client_options={"allow_http": plain}, retry_config=retries)

    def names(self, below: str = "") -> list[str]:
        """Names of the objects below a name, in order."""
        import obstore

        with self._told(below):
            found = obstore.list(self._store, prefix=below or None)
            return sorted(item["path"] for batch in found for item in batch)

    def get(self, name: str, into: Path) -> bool:
        """Copy an object to a file, whole or not at all; False if there is no such object."""
        import obstore

        with self._told(name):
            try:
                answer = obstore.get(self._store, name)
            except FileNotFoundError:
                return False
            into.parent.mkdir(parents=True, exist_ok=True)
            with whole_file(into) as sink:
                for chunk in answer.stream():
                    sink.write(chunk)
        return True

    def put(self, source: Path, name: str) -> None:
        """Copy a file to an object; a store shows it whole or not at all."""
        import obstore

        with self._told(name):
            obstore.put(self._store, name, source)

    def claim(self, name: str, text: str) -> str | None:
        """Make an object if there is none; else what it says."""
        import obstore
        from obstore.exceptions import AlreadyExistsError

        with self._told(name):
            try:
                obstore.put(self._store, name, text.encode(), mode="create")
            except AlreadyExistsError:
                return bytes(obstore.get(self._store, name).bytes()).decode(errors="replace")
        return None

    def delete(self, names: Iterable[str]) -> None:
        """Remove objects; one that is not there is no error."""
        import obstore

        for name in names:
            with self._told(name):
                obstore.delete(self._store, name)

    @contextmanager
    def _told(self, name: str) -> Iterator[None]:
        """Turn what obstore raises into a message about an address."""
        from obstore.exceptions import BaseError

        try:
            yield
        except BaseError as error:
            said = re.sub(r"\s+", " ", str(error).split("Debug source:")[0]).strip()
            raise MachineError(
                f"{self.address}/{name}: expected the object store to answer; found: {said[:400]} "
                "Check the bucket, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION and "
                "AWS_ENDPOINT_URL, and start the same command again: what is finished is kept."
            ) from error


class SharedEvidence(NamedTuple):
    """Evidence on an object store, one folder a key, as in a cache."""

    store: Store
    below: str

    def fetch(self, folder: Path) -> bool:
        """Copy the evidence of a folder's name into it, if it is whole there."""
        name = f"{self.below}{folder.name}/"
        if f"{name}{COMPLETE}" not in (names := self.store.names(name.rstrip("/"))):
            return False
        for other in (*(other for other in names if not other.endswith(COMPLETE)), f"{name}{COMPLETE}"):
            if not self.store.get(other, folder / other.removeprefix(name)):
                return False  # somebody removed it meanwhile: what is missing is noticed and measured
        return True

    def keep(self, folder: Path) -> None:
        """Copy whole evidence to the store, `complete.json` last."""
        for path in (*_files(folder, (COMPLETE,)), folder / COMPLETE):
            self.store.put(path, f"{self.below}{folder.name}/{path.relative_to(folder).as_posix()}")


class Place(NamedTuple):
    """Where a run is made, and what is shared with others."""

    out: Path
    cache: Path | None
    shared: SharedEvidence | None
    address: str | None


@contextmanager
def placed(out: Path, cache: Path | None, announce: Callable[[str], None]) -> Iterator[Place]:
    """Where to make a run; when it was made, it is copied to where it is wanted.

    A run for an object store is made in `cache`, or in a folder of the user's cache that goes when the run
    is there; its evidence is shared on the store that `cache` names, else beside the run.
    """
    wanted, shared = address_of(out), address_of(cache)
    if wanted is None and shared is None:
        yield Place(out, cache, None, None)
        return
    if wanted is None:
        assert shared is not None
        yield Place(out, out / CACHE, SharedEvidence(Store(shared), ""), None)
        return
    store = Store(wanted)
    evidence = SharedEvidence(Store(shared), "") if shared else SharedEvidence(store, f"{CACHE}/")
    folder = _staging(wanted, None if shared else cache)
    announce(f"{wanted}: made in {folder}, copied when it is whole")
    with _claimed(store):
        yield Place(folder, None if shared or cache is None else cache, evidence, wanted)
        _publish(folder, store, announce)
    if shared or cache is None:
        shutil.rmtree(folder)


def _staging(address: str, cache: Path | None) -> Path:
    """A folder for a run that goes to an address: the same each time, so that a killed run goes on there."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    base = cache or Path(home) / "curate"
    return base / f"run-{hashlib.sha256(address.encode()).hexdigest()[:16]}"


@contextmanager
def _claimed(store: Store) -> Iterator[None]:
    """Hold a run on a store: raise RunError if somebody writes it, or if it is no run."""
    names = store.names()
    strangers = [name for name in names if not name.startswith((CACHE, MARK))]
    if strangers and MANIFEST not in names and MARK not in names:
        raise RunError(
            f"{store.address}: expected nothing there, or an earlier run; found {', '.join(strangers[:3])}. "
            "Name another address with -o."
        )
    if said := store.claim(CLAIM, str(this_process())):
        raise RunError(
            f"{store.address}: another curate run is writing there: {said.strip()}. Wait for it; if it is "
            f"dead, remove {store.address}/{CLAIM} and start the same command again."
        )
    try:
        yield
    finally:
        store.delete([CLAIM])


def _publish(run: Path, store: Store, announce: Callable[[str], None]) -> None:
    """Copy a finished run, and remove what is there of another."""
    if not (run / MANIFEST).exists():
        raise InputError(f"{run}: expected a finished run, found no {MANIFEST}.")
    store.delete([MANIFEST])
    files = _files(run, (MANIFEST,))
    for path in files:
        store.put(path, path.relative_to(run).as_posix())
    ours = {path.relative_to(run).as_posix() for path in files} | {CLAIM}
    store.delete(name for name in store.names() if name not in ours and not name.startswith(f"{CACHE}/"))
    store.put(run / MANIFEST, MANIFEST)
    announce(f"{store.address}: {len(files) + 1} files copied")


def _files(folder: Path, without: tuple[str, ...]) -> list[Path]:
    """Files below a folder in order, but for locks, scratch and caches."""
    names = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    kept = (
        name for name in names if name.as_posix() == MARK or not any(p.startswith(".") for p in name.parts)
    )
    return [folder / name for name in sorted(kept) if name.as_posix() not in without]
