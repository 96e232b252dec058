"""Names in the folder of a run."""

MANIFEST = "manifest.json"
MARK = ".curate"
"""A folder with this file is a run's; it is also the lock."""
CACHE = ".cache"
WORK = ".work"
"""A run that is being made."""
READY = ".ready"
"""A whole run that is about to take the place of the one before."""
OUTPUTS = (
    "input",
    "evidence",
    "verdicts",
    "response_verdicts",
    "kept",
    "dropped",
    "undecided",
    "masked",
    "replaced",
    "quarantined",
    "taken",
)
