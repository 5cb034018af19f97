"""What lakeFS answers when it does not do as asked: what to try again, and how to say the rest."""

import contextlib
import json
import logging
from collections.abc import Iterator
from http import HTTPStatus

import tenacity
import urllib3
from lakefs_sdk.exceptions import ApiException

from components.retrying import make_retrying, read_retry_after
from components.secrets import SecretError

_PASSING = {429, 500, 502, 503, 504}
_LOG = logging.getLogger("absl")  # TFX's own log


class LakeFSError(RuntimeError):
    """Something was not pushed; one sentence with the cause and the cure."""


def retrying() -> tenacity.Retrying:
    """Calls again what a busy server or a broken connection kept from being done.

    It waits as long as Retry-After says, or else longer each time.
    """
    return make_retrying(_passing, _asked)


def said(error: ApiException) -> str:
    """What the server says of a refusal, on one line."""
    body = error.body if isinstance(error.body, str) else ""
    try:
        told = json.loads(body)["message"]
    except (ValueError, LookupError, TypeError):  # of a proxy before lakeFS, for example
        told = error.reason
    return " ".join(str(told or error.status).split()).rstrip(".")


@contextlib.contextmanager
def explained(url: str, keys: str) -> Iterator[None]:
    """Turns whatever the client raises into a LakeFSError.

    Args:
        url: of the repository, or of lakeFS.
        keys: references of the two parts of the key.
    """
    try:
        yield
    except (LakeFSError, SecretError):
        raise
    except Exception as error:  # whatever the client raises; the trace is of use in a log alone
        _LOG.debug("%s", url, exc_info=True)
        raise LakeFSError(_sentence(error, url, keys)) from error


def _sentence(error: Exception, url: str, keys: str) -> str:
    if isinstance(error, urllib3.exceptions.HTTPError):
        why = " ".join(str(error).split())
        return f"{url} does not answer ({why}); run again when it does: what was done is kept."
    if not isinstance(error, ApiException):
        why = " ".join(str(error).split()) or type(error).__name__
        return (
            f"{url} was not pushed to, since what answers there is no lakeFS, or one of another "
            f"version: {why}"
        )
    told, status = said(error), error.status
    if not status:  # the client's word for a certificate that it does not trust
        return f"{url} cannot be reached safely ({told}); mend its certificate, or the address."
    if status == HTTPStatus.UNAUTHORIZED:
        return f"{url} does not know the key of {keys} ({told}); make a new one there."
    if status == HTTPStatus.FORBIDDEN:
        return (
            f"{url} may not be written to with the key of {keys} ({told}); use that of a user who "
            "may, or mend what it says."
        )
    if status == HTTPStatus.GONE:
        return (
            f"{url} is being deleted, or has lost objects ({told}); set LAKEFS_REPOSITORY to "
            "another name."
        )
    if status == HTTPStatus.PRECONDITION_FAILED:
        return (
            f"A hook of {url} refused ({told}); nothing was changed there: mend what it says, and "
            "run again."
        )
    if _passing(error):
        wait = _asked(error)
        when = "later" if wait is None else f"in {wait:.0f} s"
        return (
            f"{url} is busy or out of order ({status}: {told}); run again {when}: what was done "
            "is kept."
        )
    return f"{url} refused ({status}: {told})."


def _passing(error: BaseException) -> bool:
    if isinstance(error, ApiException):
        return error.status in _PASSING
    return isinstance(error, urllib3.exceptions.HTTPError)


def _asked(error: BaseException | None) -> float | None:
    """For how many seconds the server asks to wait."""
    if not isinstance(error, ApiException) or not error.headers:
        return None
    return read_retry_after(error.headers.get("Retry-After"))
