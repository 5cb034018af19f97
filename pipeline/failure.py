"""Says why a step failed: what was found, and what to do."""

import re

from pipeline.terminal import readable

# What libraries say of faults that the user can mend, and the cure.
_CURES = (
    (
        r"No space left on device|Disk quota exceeded",
        "free some space, or set PIPELINE_ROOT to a folder on another disk, and run again: the "
        "steps that finished are reused.",
    ),
    (
        r"corrupted record|truncated record|[Nn]ot a gzipped file|while decompressing",
        "a file that an earlier step wrote is damaged: set PIPELINE_ROOT to another folder and run "
        "again, and the file is made again.",
    ),
    (
        r"OOM when allocating|failed to allocate memory|Unable to allocate|MemoryError",
        "set a smaller BATCH_SIZE or IMAGE_SIZE, or free some memory, and run again.",
    ),
)


def explain(error: BaseException) -> str:
    """Return the reason, and the cure where it is known: the project's own errors name theirs."""
    reason = readable(error) or type(error).__name__
    known = "\n".join(f"{type(one).__name__}: {one}" for one in _chain(error))
    for pattern, cure in _CURES:
        if re.search(pattern, known):
            return f"{reason.rstrip('.')}; {cure}"
    return reason


def _chain(error: BaseException | None) -> list[BaseException]:
    chain: list[BaseException] = []
    while error is not None and error not in chain:
        chain.append(error)
        error = error.__cause__ or error.__context__
    return chain
