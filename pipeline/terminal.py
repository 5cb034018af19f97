"""What the command lines say to a person."""

from rich.console import Console


def fail(message: str, status: int) -> int:
    """Prints why something ends, in one sentence; returns the exit status for it."""
    Console(stderr=True, soft_wrap=True).print(message, style="red", markup=False)
    return status
