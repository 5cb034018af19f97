"""What the Hub answers when it does not do as asked: what to try again, and how to say the rest."""

import contextlib
import email.utils
import json
import logging
import re
import time
from collections.abc import Iterator
from http import HTTPStatus

import httpx2
import tenacity
from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled
from huggingface_hub.utils import parse_ratelimit_headers

from components.secrets import SecretError

ATTEMPTS = 5
LONGEST_WAIT = 300.0  # seconds; a server that asks for more is not waited for
_BACKOFF = tenacity.wait_exponential_jitter(initial=1, max=30)
_PASSING = {429, 500, 502, 503, 504}
# How the client words what the Hub answers for a file that it does not store, such as a full quota.
_REFUSED_UPLOAD = re.compile(r"error for file with OID \w+: `(.+)")
# What the client raises that has read an answer without what it looks for.
_MISREAD = (LookupError, TypeError, AttributeError, json.JSONDecodeError)
_LOG = logging.getLogger("absl")  # TFX's own log


class HubError(RuntimeError):
    """Something was not published; one sentence with the cause and the cure."""


class NotTrusted(HubError):
    """The Hub takes a workflow's identity for no trusted publisher of a repository."""


def retrying() -> tenacity.Retrying:
    """Call again what a busy server or a broken connection kept from being done.

    It waits as long as Retry-After or the rate limit's headers say, or else longer each time.
    """
    return tenacity.Retrying(
        retry=tenacity.retry_if_exception(_passing),
        wait=_wait,
        stop=_enough,
        before_sleep=tenacity.before_sleep_log(_LOG, logging.WARNING),
        reraise=True,
    )


@contextlib.contextmanager
def explained(url: str, token: str) -> Iterator[None]:
    """Turn whatever the client raises into a HubError.

    Args:
        url: of the repository, or of the Hub.
        token: reference of the token.
    """
    try:
        yield
    except (HubError, SecretError):
        raise
    except Exception as error:  # whatever the client raises; the trace is of use in a log alone
        _LOG.debug("%s", url, exc_info=True)
        raise HubError(_sentence(_cause(error), url, token)) from error


def _sentence(error: Exception, url: str, token: str) -> str:
    if isinstance(error, OfflineModeIsEnabled):
        return f"{url} is not asked while HF_HUB_OFFLINE is set; unset it."
    if isinstance(error, httpx2.TransportError):
        return f"{url} does not answer ({error}); run again when it does: what was done is kept."
    if refused := _REFUSED_UPLOAD.search(str(error)):
        return f"{url} takes no more files: {refused[1].rstrip('.`')}; make room there."
    if not isinstance(error, HfHubHTTPError):
        said = " ".join(str(error).split()) or type(error).__name__
        if isinstance(error, _MISREAD):
            return (
                f"{url} answers as no Hub does ({type(error).__name__}: {said}); set HF_ENDPOINT "
                "to a Hub, or unset it for huggingface.co."
            )
        return f"{url} was not published to: {said}"
    status = error.response.status_code
    said = " ".join((error.server_message or error.response.reason_phrase).split()).rstrip(".")
    if status == HTTPStatus.UNAUTHORIZED:
        return (
            f"{url} does not know the token of {token} ({said}); make a new one with write access."
        )
    if status == HTTPStatus.FORBIDDEN:
        return (
            f"{url} may not be written to with the token of {token} ({said}); use a token with "
            "write access to it, or mend what it says."
        )
    if _passing(error):
        wait = _asked(error)
        when = "later" if wait is None else f"in {wait:.0f} s"
        return (
            f"{url} is busy or out of order ({status}: {said}); run again {when}: what was done "
            "is kept."
        )
    return f"{url} refused ({status}: {said})."


def _cause(error: Exception) -> Exception:
    """Return the answer behind an error: an upload's failure is raised from it."""
    cause = error.__cause__
    known = (HfHubHTTPError, httpx2.TransportError)
    return cause if isinstance(cause, known) and not isinstance(error, known) else error


def _passing(error: BaseException) -> bool:
    if not isinstance(error, Exception):
        return False
    error = _cause(error)
    if isinstance(error, HfHubHTTPError):
        return error.response.status_code in _PASSING
    return isinstance(error, httpx2.TransportError)


def _asked(error: BaseException | None) -> float | None:
    """For how many seconds the server asks to wait."""
    error = _cause(error) if isinstance(error, Exception) else error
    if not isinstance(error, HfHubHTTPError):
        return None
    headers = error.response.headers
    if retry_after := headers.get("Retry-After", "").strip():
        if retry_after.isdecimal():
            return float(retry_after)
        with contextlib.suppress(ValueError):  # neither seconds nor a date: as if it were not there
            date = email.utils.parsedate_to_datetime(retry_after)
            return max(0.0, date.timestamp() - time.time())
    limit = parse_ratelimit_headers(headers)
    return float(limit.reset_in_seconds) if limit and limit.remaining == 0 else None


def _wait(state: tenacity.RetryCallState) -> float:
    asked = _asked(state.outcome.exception() if state.outcome else None)
    return _BACKOFF(state) if asked is None else asked


def _enough(state: tenacity.RetryCallState) -> bool:
    asked = _asked(state.outcome.exception() if state.outcome else None)
    return state.attempt_number >= ATTEMPTS or (asked or 0.0) > LONGEST_WAIT
