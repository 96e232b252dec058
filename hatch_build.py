"""Compiles the native kernels into curate/kernels/native/, for wheels and for a checkout.

`pip install .` and `pip install -e .` call `NativeKernels`; `python hatch_build.py` builds in place.
Any C++17 compiler will do: `$CXX`, c++, g++ or clang++. Where there is none, the build asks for the
package `ziglang`, which brings clang with it.
"""

from __future__ import annotations

import os
import platform
import shlex
import shutil
import subprocess
import sys
import sysconfig
from importlib.util import find_spec
from pathlib import Path
from typing import Any

try:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface
except ImportError:  # `python hatch_build.py` needs no hatchling
    BuildHookInterface = object  # type: ignore[assignment,misc]

NATIVE = Path(__file__).resolve().parent / "curate" / "kernels" / "native"
FLAGS = ("-std=c++17", "-O3", "-fPIC", "-shared", "-fvisibility=hidden", "-Wall", "-Wextra")


def library_path() -> Path:
    """Where the compiled kernels lie on this platform."""
    return NATIVE / ("libcurate.dylib" if sys.platform == "darwin" else "libcurate.so")


def installed_compiler() -> list[str] | None:
    """Command of the compiler named by $CXX or found on PATH; None if there is none."""
    if named := os.environ.get("CXX"):
        return shlex.split(named)
    found = next(filter(None, map(shutil.which, ("c++", "g++", "clang++"))), None)
    return [found] if found else None


def zig_compiler() -> list[str]:
    """Command of the clang in the package `ziglang`, for the plain CPU and an old C library."""
    command = [sys.executable, "-m", "ziglang", "c++", "-mcpu=baseline", "-fno-sanitize=undefined", "-s"]
    if sys.platform == "linux" and platform.libc_ver()[0] == "glibc":
        command += ["-target", f"{platform.machine()}-linux-gnu.2.17"]
    return command


def compile_kernels() -> Path:
    """Compile every native/*.cpp into one library; returns its path, raises RuntimeError if it cannot."""
    compiler = installed_compiler()
    if compiler is None:
        if find_spec("ziglang") is None:
            raise RuntimeError(
                "expected a C++17 compiler ($CXX, c++, g++ or clang++ on PATH), found none. "
                "Install one (Debian: apt-get install g++), or: pip install ziglang"
            )
        compiler = zig_compiler()
    target = library_path()
    temporary = target.with_name(f".{target.name}.{os.getpid()}")
    sources = [str(source) for source in sorted(NATIVE.glob("*.cpp"))]
    command = [*compiler, *FLAGS, "-o", str(temporary), *sources]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"{shlex.join(command)} ended with {done.returncode}:\n{done.stderr}")
        temporary.replace(target)  # at once: another process may have the old library open
    finally:
        temporary.unlink(missing_ok=True)
    return target


class NativeKernels(BuildHookInterface):  # type: ignore[type-arg]
    """Build hook of hatchling: one wheel per platform for all Python versions (no Python C API is used)."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """What the build needs besides hatchling: a compiler, if the machine has none."""
        return [] if installed_compiler() else ["ziglang"]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002
        """Compile, and say that the wheel is for this platform."""
        if self.target_name != "wheel":
            return
        compile_kernels()
        build_data["pure_python"] = False
        tag = sysconfig.get_platform().replace("-", "_").replace(".", "_")
        build_data["tag"] = f"py3-none-{tag}"


if __name__ == "__main__":
    sys.stdout.write(f"{compile_kernels()}\n")
