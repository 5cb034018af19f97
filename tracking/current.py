"""The journal of the run that this process is at, for the code that a step calls.

No property of a step may name it: TFX would then reuse nothing of an earlier run.
"""

from tracking.journal import Journal

_current: Journal | None = None


def set_current(journal: Journal | None) -> None:
    """Make a journal the one of this process; None when the run is over."""
    global _current
    _current = journal


def current() -> Journal | None:
    """Return the journal; None where nothing is recorded."""
    return _current
