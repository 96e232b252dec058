"""Small file helpers of the pipeline: text written whole or not at all, fingerprints, links."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
from functools import lru_cache
from pathlib import Path
from typing import Any

from curate.disk import file_sha256, whole_file

__all__ = ["digest", "file_sha256", "link", "told_sum", "write_text"]


def write_text(path: Path, text: str) -> None:
    """Write a text file so that it is there whole or not at all."""
    with whole_file(path) as sink:
        sink.write(text.encode())


def told_sum(path: Path) -> str:
    """SHA-256 of a file that a stage reads besides the data; of weights it takes minutes, so it is kept for
    as long as the file stays as it is.
    """
    status = path.stat()
    return _told_sum(path, status.st_size, status.st_mtime_ns, status.st_ino)


@lru_cache(maxsize=1_024)
def _told_sum(path: Path, *_as_it_is: int) -> str:
    return file_sha256(path)


def digest(value: Any) -> str:
    """SHA-256 of a plain value's JSON, hexadecimal."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


NOT_LINKED = (errno.EXDEV, errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK, errno.EACCES, errno.EINVAL)
"""What a file system says that has no hard links, or no more of them, or not of this file."""


def link(source: Path, target: Path) -> None:
    """A hard link, or a copy where the file system has none (or the files lie on two of them)."""
    try:
        os.link(source, target)
    except OSError as error:
        if error.errno not in NOT_LINKED:
            raise
        with source.open("rb") as given, whole_file(target) as sink:
            shutil.copyfileobj(given, sink)
