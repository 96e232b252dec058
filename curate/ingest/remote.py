"""Files at `hf://datasets/...` and `s3://...` → copies on this machine, byte for byte.

Copies, not streams, so that a line number, a checksum and a bad row mean the same as for a local file,
and a run never depends on the network after its first step.

hf://datasets/OWNER/NAME[@REVISION][/PATH]: PATH is a file, a folder or a glob; the revision is `main`
if not given. A private data set needs HF_TOKEN; HF_ENDPOINT names another server.
s3://BUCKET/PATH: credentials, region and endpoint from the usual AWS_ variables (AWS_ENDPOINT_URL for
another server); AWS_SKIP_SIGNATURE=true for a public bucket.
"""

from __future__ import annotations

import errno
import hashlib
import http.client
import json
import os
import re
import shutil
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from pyarrow import fs

from curate.errors import InputError

TIMEOUT_S = 60.0


def fetch(address: str, spool: Path, wanted: Callable[[str], bool]) -> list[tuple[str, Path]]:
    """Copy the files of a remote address into `spool`; their addresses and copies, in name order.

    `wanted` says which names of a folder are data. Raises InputError for an unknown scheme, an address
    without such a file, and a server that cannot be reached or says no.
    """
    scheme, _, rest = address.partition("://")
    match scheme:
        case "hf":
            found = _fetch_hf(address, rest, spool, wanted)
        case "s3":
            found = _fetch_s3(address, rest, spool, wanted)
        case _:
            raise InputError(f"{address}: expected a path, hf://datasets/... or s3://..., found {scheme}://")
    if not found:
        raise InputError(f"{address}: expected data files there, found none")
    return found


def _picked(paths: list[str], path: str, wanted: Callable[[str], bool]) -> list[str]:
    """The files that are `path`, match it as a glob, or are data below it; in name order."""
    paths = [name for name in paths if ".." not in name.split("/")]  # a copy stays inside the spool
    if path in paths:
        return [path]
    if re.search(r"[*?\[]", path):
        pattern = re.compile(_glob(path))
        return sorted(name for name in paths if pattern.fullmatch(name))
    prefix = f"{path}/" if path else ""
    below = (name for name in paths if name.startswith(prefix))
    hidden = re.compile(r"(^|/)[._]")
    return sorted(name for name in below if wanted(name) and not hidden.search(name.removeprefix(prefix)))


def _glob(pattern: str) -> str:
    """The glob as a regular expression: * and ? stay within a folder, ** does not.

    >>> bool(re.fullmatch(_glob("data/**/a-*.parquet"), "data/x/y/a-1.parquet"))
    True
    >>> bool(re.fullmatch(_glob("data/*.parquet"), "data/x/1.parquet"))
    False
    """
    parts = re.split(r"(\*\*/|\*\*|\*|\?|\[[^\]]*\])", pattern)
    known = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}

    def part(text: str) -> str:
        if text.startswith("[") and text.endswith("]"):
            return f"[^{text[2:]}" if text[1] == "!" else text
        return known.get(text) or re.escape(text)

    return "".join(part(text) for text in parts)


def hf_commit(address: str) -> str:
    """The commit that hf://datasets/OWNER/NAME[@REVISION] means now.

    Raises InputError as `fetch` does.
    """
    name, revision, _ = _hf_parts(address, address.partition("://")[2])
    url = f"{_hf_server()}/api/datasets/{name}/revision/{urllib.parse.quote(revision, safe='')}"
    with _get(address, url) as answer:
        told = _json(address, url, answer)
    commit = told.get("sha") if isinstance(told, dict) else None
    if not isinstance(commit, str):
        raise InputError(f"{address}: expected the server to name the commit (sha), found none. Is it a hub?")
    return commit


def _hf_server() -> str:
    return os.environ.get("HF_ENDPOINT", "https://huggingface.co").rstrip("/")


def _hf_parts(address: str, rest: str) -> tuple[str, str, str]:
    """Name, revision and path of an address; the revision is `main` if it has none."""
    found = re.fullmatch(r"datasets/([^/@]+/[^/@]+)(?:@([^/]+))?(?:/(.*))?", rest)
    if not found:
        raise InputError(f"{address}: expected hf://datasets/OWNER/NAME or hf://datasets/OWNER/NAME/PATH")
    return found[1], urllib.parse.unquote(found[2] or "main"), (found[3] or "").strip("/")


def _fetch_hf(address: str, rest: str, spool: Path, wanted: Callable[[str], bool]) -> list[tuple[str, Path]]:
    name, revision, path = _hf_parts(address, rest)
    server = _hf_server()
    where = urllib.parse.quote(revision, safe="")
    listing = f"{server}/api/datasets/{name}/tree/{where}?recursive=true"
    files = {item["path"]: item for item in _pages(address, listing) if item.get("type") == "file"}
    copies = []
    for file in _picked(list(files), path, wanted):
        copy = spool / "hf" / name / where / file
        if not COMMIT.fullmatch(revision):  # what a branch means may have changed since
            copy.unlink(missing_ok=True)
            _part(copy).unlink(missing_ok=True)
        _download(address, f"{server}/datasets/{name}/resolve/{where}/{urllib.parse.quote(file)}", copy)
        _check(address, file, files[file], copy)
        at = f"@{revision}" if re.match(r"datasets/[^/@]+/[^/@]+@", rest) else ""
        copies.append((f"hf://datasets/{name}{at}/{file}", copy))
    return copies


def _check(address: str, file: str, item: dict[str, Any], copy: Path) -> None:
    """Compare a copy with what the listing says of the file: its size and, where it is known, its SHA-256.

    A copy that is not the file is deleted, so that the next try loads it anew.
    """
    expected, size = item.get("size"), copy.stat().st_size
    if isinstance(expected, int) and expected != size:
        copy.unlink()
        raise InputError(
            f"{address}: expected {expected:,} bytes of {file}, found {size:,}. Try again; if that does not "
            "help, look for a proxy that changes downloads"
        )
    known = item.get("lfs")
    if isinstance(known, dict) and isinstance(known.get("oid"), str):
        with copy.open("rb") as content:
            found = hashlib.file_digest(content, "sha256").hexdigest()
        if found != known["oid"].removeprefix("sha256:"):
            copy.unlink()
            raise InputError(
                f"{address}: expected {file} with the SHA-256 {known['oid'][:16]}..., found {found[:16]}.... "
                "Try again; if that does not help, look for a proxy that changes downloads"
            )


def _pages(address: str, url: str | None) -> Iterator[dict[str, Any]]:
    """The items of a listing, page after page."""
    while url:
        with _get(address, url) as answer:
            yield from _json(address, url, answer)
            following = re.search(r'<([^>]+)>;\s*rel="next"', answer.headers.get("Link", ""))
            url = following[1] if following else None


def _json(address: str, url: str, answer: Any) -> Any:
    """What an answer says. Raises InputError if it is no JSON, or breaks off."""
    server = urllib.parse.urlsplit(url).netloc
    try:
        return json.load(answer)
    except (http.client.HTTPException, OSError, ValueError) as problem:
        raise InputError(
            f"{address}: expected an answer of {server} in JSON, found something else ({problem}). Try "
            "again; check HF_ENDPOINT, and whether a login page of the network answers in its place"
        ) from problem


def _download(address: str, url: str, copy: Path) -> None:
    """Copy a file, whole or not at all; goes on where an earlier copy of the same file broke off."""
    if copy.exists():
        return
    copy.parent.mkdir(parents=True, exist_ok=True)
    part = _part(copy)
    begun = part.stat().st_size if part.exists() else 0
    with _get(address, url, begun) as answer, part.open("ab") as sink:
        if answer.status != PARTIAL:  # the whole file, whatever was asked for
            sink.truncate(0)
            begun = 0
        size = answer.headers.get("Content-Length")
        try:
            shutil.copyfileobj(answer, sink, 1 << 20)
        except (http.client.HTTPException, OSError) as problem:
            if getattr(problem, "errno", None) in (errno.ENOSPC, errno.EDQUOT):
                raise
            raise InputError(_broken_off(address, copy, problem)) from problem
    if size is not None and begun + int(size) != part.stat().st_size:
        so_far = f"{part.stat().st_size:,} of {begun + int(size):,} bytes"
        raise InputError(_broken_off(address, copy, so_far))
    part.replace(copy)


PARTIAL, UNSATISFIABLE = 206, 416
HUB_ERRORS = {
    "RepoNotFound": "no such data set (or a private one, and HF_TOKEN is not set or may not read it)",
    "RevisionNotFound": "that the data set has no such revision. Name a commit, branch or tag that it has",
    "EntryNotFound": "that the data set has no such file at this revision",
    "GatedRepo": "access denied: it is gated. Accept its terms on its page, and set HF_TOKEN",
}
"""What the hub's header X-Error-Code means. A hub answers 401 for a data set that is not there."""
COMMIT = re.compile("[0-9a-f]{40}")


def _part(copy: Path) -> Path:
    """What is there of a copy that is not whole."""
    return copy.with_name(f"{copy.name}.part")


def _broken_off(address: str, copy: Path, why: object) -> str:
    return f"{address}: expected all of {copy.name}, found that the transfer broke off ({why}). Try again"


def _get(address: str, url: str, begun: int = 0):  # type: ignore[no-untyped-def] # urlopen's own type is private
    token = os.environ.get("HF_TOKEN")
    request = urllib.request.Request(url, headers={"Range": f"bytes={begun}-"} if begun else {})
    if token:  # not sent on to the storage server that an answer may redirect to
        request.add_unredirected_header("Authorization", f"Bearer {token}")
    try:
        return urllib.request.urlopen(request, timeout=TIMEOUT_S)
    except urllib.error.HTTPError as problem:
        if problem.code == UNSATISFIABLE and begun:  # all of it is here, or it became shorter: from the start
            return _get(address, url)
        known = {
            401: "access denied. A private data set needs HF_TOKEN in the environment",
            403: "access denied. Accept its terms on its page, and set HF_TOKEN in the environment",
            404: "no such data set, revision or file (or a private one, and HF_TOKEN is not set)",
        }
        told = HUB_ERRORS.get(problem.headers.get("X-Error-Code", "")) or known.get(problem.code)
        reason = told or f"the server's answer {problem.code} {problem.reason}. Try again later"
        raise InputError(f"{address}: expected a readable data set, found {reason}") from problem
    except OSError as problem:
        server = urllib.parse.urlsplit(url).netloc
        raise InputError(
            f"{address}: expected an answer of {server}, found none ({getattr(problem, 'reason', problem)}). "
            f"Check the network, or download the files and name them"
        ) from problem


def _fetch_s3(address: str, rest: str, spool: Path, wanted: Callable[[str], bool]) -> list[tuple[str, Path]]:
    rest = rest.strip("/")
    bucket, _, path = rest.partition("/")
    if not bucket:
        raise InputError(f"{address}: expected s3://BUCKET or s3://BUCKET/PATH")
    try:
        store = _s3()
        fixed = re.split(r"[*?\[]", path)[0]
        if fixed == path and path and store.get_file_info(rest).type == fs.FileType.File:
            paths = [path]
        else:
            base = path if fixed == path else fixed.rpartition("/")[0]
            below = fs.FileSelector(f"{bucket}/{base}".rstrip("/"), recursive=True, allow_not_found=True)
            infos = store.get_file_info(below)
            paths = [i.path.removeprefix(f"{bucket}/") for i in infos if i.type == fs.FileType.File]
        copies = []
        for file in _picked(paths, path, wanted):
            copy = spool / "s3" / bucket / file
            copy.parent.mkdir(parents=True, exist_ok=True)
            with store.open_input_stream(f"{bucket}/{file}") as stream, copy.open("wb") as sink:
                shutil.copyfileobj(stream, sink, 1 << 20)
            copies.append((f"s3://{bucket}/{file}", copy))
    except OSError as problem:
        if problem.errno in (errno.ENOSPC, errno.EDQUOT):  # this machine's disk, not the bucket
            raise
        reason = str(problem).split("\n")[0]
        raise InputError(
            f"{address}: expected a readable bucket, found: {reason}. Check the address, the AWS_ variables "
            f"(credentials, AWS_REGION, AWS_ENDPOINT_URL; AWS_SKIP_SIGNATURE=true for a public bucket) and "
            f"the network, or download the files and name them"
        ) from problem
    return copies


def _s3() -> fs.S3FileSystem:
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    scheme, _, host = endpoint.partition("://") if endpoint else ("https", "", None)
    return fs.S3FileSystem(
        anonymous=os.environ.get("AWS_SKIP_SIGNATURE", "").lower() in ("true", "1"),
        region=os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION"),
        endpoint_override=host.rstrip("/") if host else None,
        scheme=scheme,
        connect_timeout=TIMEOUT_S,
        request_timeout=TIMEOUT_S,
    )
