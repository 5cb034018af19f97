"""What the service refuses, with the words and the status that lakeFS has for it."""


class LakeFSError(Exception):
    """A refusal.

    Args:
        status: Of the answer.
        message: What its body says.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


def not_found(what: str) -> LakeFSError:
    """That something is not there."""
    return LakeFSError(404, f"{what} not found")


def invalid(what: str) -> LakeFSError:
    """That something is not of the form that it must have."""
    return LakeFSError(400, f"{what}: invalid value: validation error")


DIRTY = "uncommitted changes (dirty branch)"
NO_CHANGES = "no changes"
CONFLICT = "conflict found"
