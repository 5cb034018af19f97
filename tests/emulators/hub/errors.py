"""The one error of the emulator: what the Hub refuses, and how it says so."""


class HubError(Exception):
    """A request that the Hub refuses.

    Args:
        status: The HTTP status of the answer.
        message: The sentence a client shows its user.
        code: The X-Error-Code by which the client picks its exception class:
            RepoNotFound, RevisionNotFound or EntryNotFound.
        fields: What the JSON of the answer holds besides the message.
        headers: What the answer's headers hold besides the code and the message.
    """

    def __init__(
        self,
        status: int,
        message: str,
        code: str | None = None,
        fields: dict | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code
        self.fields = fields or {}
        self.headers = headers or {}
