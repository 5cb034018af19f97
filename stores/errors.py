"""What goes wrong with a data store, in words."""


class StoreError(ValueError):
    """Something is not as it must be; the message has the cause and the cure.

    Attributes:
        status: of the service's answer, over HTTP; None where it was not an answer.
    """

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status
