"""Why a webhook is refused."""

from http import HTTPStatus


class HookError(ValueError):
    """A webhook is refused; the message says why and repeats nothing of it.

    Attributes:
        status: what the sender is answered.
    """

    def __init__(self, message: str, status: HTTPStatus = HTTPStatus.BAD_REQUEST) -> None:
        super().__init__(message)
        self.status = status
