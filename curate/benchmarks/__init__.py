"""Evaluation sets: the registry of them, their texts and fingerprints, and edits that contamination makes.

`resolve(names)` gives what the names of a recipe stand for, a list of `Protected`, each with its text, its
fingerprint, or both:

    for benchmark in resolve(["aime-2024", "livecodebench@v5", "my/problems.jsonl"]):
        if benchmark.text is not None:
            items = benchmark.items()               # ids, texts, answers, solutions, dates, in parallel
        else:
            fingerprint = benchmark.fingerprint()   # hashes of n-grams, ids, token counts, dates
"""

from curate.benchmarks.items import Items
from curate.benchmarks.protect import Protected, missing, resolve

__all__ = ["Items", "Protected", "missing", "resolve"]
