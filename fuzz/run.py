"""Fuzz the native kernels under AddressSanitizer and UndefinedBehaviorSanitizer: `make fuzz [SECONDS=60]`.

With clang, libFuzzer looks for inputs that reach new branches of the kernels; without it, the same checks
run over random inputs. What is built, the inputs found and the one that failed lie in out/fuzz. See
fuzz/README.md.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FUZZ = ROOT / "fuzz"
NATIVE = ROOT / "curate" / "kernels" / "native"
UNICODE = NATIVE / "unicode.bin"
OUT = ROOT / "out" / "fuzz"
LANGUAGE = ("-std=c++17", "-Wall", "-Wextra", "-include", str(FUZZ / "kernels.hpp"))
SANITIZE = ("-O1", "-g1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
GUIDE = ("-fsanitize=fuzzer-no-link", "-fno-sanitize-coverage=trace-cmp")
"""Of the kernels only: branches of the checks guide nobody. Comparisons traced cost half of the speed."""

Command = Sequence[str]


def compilers() -> list[list[str]]:
    """C++ compilers of this machine: $CXX, then clang++ of any version, then the others."""
    named = shlex.split(os.environ.get("CXX", ""))
    clangs = ["clang++", *(f"clang++-{version}" for version in range(25, 11, -1))]
    found = filter(None, map(shutil.which, [*clangs, "g++", "c++"]))
    return ([named] if named else []) + [[path] for path in found]


def first_that_links(flags: Command, folder: Path) -> list[str] | None:
    """The first compiler that builds a program with these flags; None if there is none."""
    folder.mkdir(parents=True, exist_ok=True)
    source = folder / "probe.cpp"
    source.write_text(
        '#include <cstddef>\n#include <cstdint>\nextern "C" int LLVMFuzzerTestOneInput'
        "(const uint8_t*, size_t) { return 0; }\n#ifndef LIBFUZZER\nint main() {}\n#endif\n"
    )
    for compiler in compilers():
        command = [*compiler, *flags, str(source), "-o", str(folder / "probe")]
        if subprocess.run(command, capture_output=True, check=False).returncode == 0:
            return compiler
    return None


def build(compiler: Command, program: str, folder: Path, flags: Command, guide: Command = ()) -> Path:
    """Build kernels, checks and fuzz/`program`.cpp into one program; returns its path.

    Only what has changed is compiled again. Raises CalledProcessError where it does not compile.
    """
    folder.mkdir(parents=True, exist_ok=True)
    headers = b"".join(path.read_bytes() for path in sorted([*NATIVE.glob("*.hpp"), *FUZZ.glob("*.hpp")]))

    def compiled(source: Path, more: Command) -> Path:
        command = [*compiler, *LANGUAGE, *flags, *more, "-c", str(source)]
        key = hashlib.sha256(" ".join(command).encode() + headers + source.read_bytes()).hexdigest()[:16]
        target = folder / f"{source.stem}-{key}.o"
        if not target.exists():
            temporary = target.with_suffix(f".{os.getpid()}")
            subprocess.run([*command, "-o", str(temporary)], check=True)
            temporary.replace(target)
        return target

    checks = [FUZZ / "harness.cpp", *sorted(FUZZ.glob("check_*.cpp")), FUZZ / f"{program}.cpp"]
    sources = [(path, guide) for path in sorted(NATIVE.glob("*.cpp"))] + [(path, ()) for path in checks]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        objects = list(pool.map(lambda source: compiled(*source), sources))
    target = folder / f"{program}-{hashlib.sha256(''.join(map(str, objects)).encode()).hexdigest()[:16]}"
    if not target.exists():
        link = ("-fsanitize=fuzzer",) if program == "libfuzzer" else ()
        temporary = target.with_suffix(f".{os.getpid()}")
        subprocess.run([*compiler, *flags, *link, *map(str, objects), "-o", str(temporary)], check=True)
        temporary.replace(target)
    return target


def build_driver(folder: Path) -> Path | None:
    """The driver with sanitizers, built by the first compiler that has them; None if none has."""
    compiler = first_that_links(SANITIZE, folder)
    return build(compiler, "driver", folder, SANITIZE) if compiler else None


def fuzz(seconds: int, seed: int) -> int:
    """Run the best fuzzer there is for that long; returns its exit status."""
    driver = build_driver(OUT)
    if driver is None:
        sys.stderr.write(
            "make fuzz needs clang++ or g++ with AddressSanitizer (Debian: clang, or g++), found none\n"
        )
        return 2
    environment = {
        **os.environ,
        "ASAN_OPTIONS": "quarantine_size_mb=8:malloc_context_size=5",  # else most time goes to page faults
        "UBSAN_OPTIONS": "print_stacktrace=1",
        "CURATE_UNICODE": str(UNICODE),
        "CURATE_FUZZ_LAST": str(OUT / "last-case"),
    }

    def run(*command: str) -> int:
        return subprocess.run(command, cwd=OUT, env=environment, check=False).returncode

    sys.stdout.write("Digest of all results over the fixed inputs, the same on every machine:\n")
    sys.stdout.flush()
    if status := run(str(driver), str(UNICODE), "digest"):
        return status
    clang = first_that_links(("-fsanitize=fuzzer,address,undefined", "-DLIBFUZZER"), OUT)
    if clang is None:
        sys.stdout.write(f"No clang with libFuzzer here: {seconds} s of random inputs, seed {seed}.\n")
        sys.stdout.flush()
        return run(str(driver), str(UNICODE), "random", str(seconds), str(seed))
    sys.stdout.write(f"libFuzzer of {clang[0]}: {seconds} s.\n")
    sys.stdout.flush()
    fuzzer = build(clang, "libfuzzer", OUT / "libfuzzer", SANITIZE, GUIDE)
    for name in ("corpus", "seeds"):
        (OUT / name).mkdir(exist_ok=True)
    run(str(driver), str(UNICODE), "seeds", str(OUT / "seeds"))
    limits = (f"-max_total_time={seconds}", "-max_len=512", "-timeout=30", f"-seed={seed}", "-verbosity=0")
    status = run(str(fuzzer), *limits, "-print_final_stats=1", str(OUT / "corpus"), str(OUT / "seeds"))
    sys.stdout.write("all checks hold\n" if status == 0 else f"FAILED: the input lies in {OUT}\n")
    return status


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    try:
        raise SystemExit(fuzz(options.seconds, options.seed))
    except subprocess.CalledProcessError as error:  # the compiler has said why
        raise SystemExit(f"{shlex.join(error.cmd)} ended with {error.returncode}") from None
