"""What can go wrong between a run and its MLflow server, in words."""


class TrackingError(RuntimeError):
    """A server cannot be used; the message has cause and cure, and no password."""


class UnreachableError(TrackingError):
    """The server does not answer now, or answers that it cannot: it may later."""


class RefusedError(TrackingError):
    """The server will go on refusing until someone mends something."""


class InvalidError(TrackingError):
    """The server does not take what one request holds; it takes others."""
