"""What can go wrong between a run and its MLflow server, in words."""


class TrackingError(ValueError):
    """A server cannot be used, or has not what is asked for.

    The message has cause and cure, and no password.

    Attributes:
        code: MLflow's own name of the error; empty where it gave no answer.
    """

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code


class UnreachableError(TrackingError):
    """The server does not answer now, or answers that it cannot: it may later."""


class RefusedError(TrackingError):
    """The server will go on refusing until someone mends something."""


class InvalidError(TrackingError):
    """The server does not take what one request holds; it takes others."""
