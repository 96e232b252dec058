"""What the machine has: cores and memory this process may use."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path


def available_cores() -> int:
    """Processor cores this process may use: those it may run on, or fewer if CURATE_CORES says so.

    The Ray engine says so to its tasks, of which one core each is asked for.
    """
    if told := os.environ.get("CURATE_CORES"):
        return max(1, int(told))
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def available_memory_bytes() -> int:
    """Memory this process may use: what the machine has, or what its control group may use."""
    limits = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for limit in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        with contextlib.suppress(FileNotFoundError, ValueError):  # no such group, or no limit ("max")
            limits.append(int(Path(limit).read_text(encoding="ascii")))
    return min(limits)
