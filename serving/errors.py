"""What goes wrong between a client and the server, by kind, and what is asked again."""

import re
from collections.abc import Mapping
from enum import Enum


class Kind(Enum):
    """Kinds of failures; the value is how a table names them."""

    UNREACHABLE = "no connection"
    BUSY = "busy"
    TIMEOUT = "no answer in time"
    REFUSED = "image refused"
    TOO_LARGE = "request too large"
    DENIED = "no permission"
    MISSING = "model not loaded"
    BROKEN = "server failed"


# By the status of an answer over HTTP.
KINDS = {
    400: Kind.REFUSED,
    401: Kind.DENIED,
    403: Kind.DENIED,
    404: Kind.MISSING,
    408: Kind.TIMEOUT,
    413: Kind.TOO_LARGE,
    429: Kind.BUSY,
    503: Kind.BUSY,
    504: Kind.TIMEOUT,
}
# A prediction changes nothing on the server, so it may be asked again. What took too long may not:
# the server is still at it. A refused image may be another one's fault: the server answers the
# images of several requests as one batch, in which a broken one fails all.
TRIES = {Kind.UNREACHABLE: 4, Kind.BUSY: 4, Kind.REFUSED: 2}
# What the model itself says of an image, within TensorFlow's words about where it said so.
_OF_THE_MODEL = re.compile(r"assertion failed: \[([^\]]*)\.\]")


class ServingError(RuntimeError):
    """No prediction, or no rollout; one sentence with the cause and the cure.

    Args:
        message: the sentence.
        kind: what went wrong between client and server.
        wait: seconds after which the server wants to be asked again; None when it did not say.
    """

    def __init__(self, message: str, kind: Kind = Kind.BROKEN, wait: float | None = None) -> None:
        super().__init__(message)
        self.kind = kind
        self.wait = wait


def kind_of(said: str) -> Kind | None:
    """Return the kind where the server's words tell more than its status; None where they do not.

    TensorFlow Serving has one status for a broken image and for a label that it lacks, and over
    gRPC one for a full queue and for a server that is not there.
    """
    if "version label" in said:
        return Kind.MISSING
    return Kind.BUSY if "scheduling queue" in said else None


# `{said}` is what the server or the transport said.
SENTENCES: Mapping[Kind, str] = {
    Kind.UNREACHABLE: "{url} does not answer ({said}); start the server there, or give its address "
    "with --url.",
    Kind.BUSY: "{url} has too much to do ({said}); ask again later, or fewer at a time.",
    Kind.TIMEOUT: "{url} did not answer in time ({said}); send fewer or smaller images at a time, "
    "or allow more with --timeout.",
    Kind.REFUSED: "{url} refuses what it was sent for {target} ({said}); it must be a whole JPEG "
    "or PNG.",
    Kind.TOO_LARGE: "{url} takes no request of that size ({said}); send fewer or smaller images "
    "at a time.",
    Kind.DENIED: "{url} does not let you in ({said}); ask a server that does, with --url.",
    Kind.MISSING: "{url} does not serve {target} ({said}); have it do so with `visionpipe serving "
    "config`, or ask for another one with --model or --label.",
    Kind.BROKEN: "{url} failed at {target} ({said}); its own log tells more.",
}


def explain(
    kind: Kind,
    url: str,
    target: str,
    said: str,
    wait: float | None = None,
    sentences: Mapping[Kind, str] = SENTENCES,
) -> ServingError:
    """Word a failure.

    Args:
        kind: what went wrong.
        url: the server's.
        target: what was asked, such as `the version "stable" of model pets`.
        said: what the server or the transport said.
        wait: seconds after which the server wants to be asked again.
        sentences: for each kind, with `{url}`, `{target}` and `{said}` in them.
    """
    said = " ".join(said.split()).rstrip(".")
    of_the_model = _OF_THE_MODEL.search(said)
    if of_the_model:
        return ServingError(
            f"{url} refuses what it was sent for {target}: {of_the_model[1]}.", kind, wait
        )
    sentence = sentences[kind].format(url=url, target=target, said=said)
    return ServingError(sentence, kind, wait)
