"""Messages kept in files: a changed message shows as a diff of tests/golden; UPDATE_GOLDEN=1 writes them anew."""

from __future__ import annotations

import os
from pathlib import Path

GOLDEN = Path(__file__).resolve().parent / "golden"


def check_golden(kind: str, name: str, found: str, tmp_path: Path) -> None:
    """Compare a message with its file; the test's own folder is written TMP."""
    text = found.replace(str(tmp_path), "TMP").rstrip() + "\n"
    path = GOLDEN / kind / f"{name}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")
