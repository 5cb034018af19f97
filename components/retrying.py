"""Calls again what a busy service or a broken connection kept from being done."""

import contextlib
import email.utils
import logging
import time
from collections.abc import Callable

import tenacity

ATTEMPTS = 5
LONGEST_WAIT = 300.0  # seconds; a server that asks for more is not waited for
_BACKOFF = tenacity.wait_exponential_jitter(initial=1, max=30)
_LOG = logging.getLogger("absl")  # TFX's own log

Error = BaseException | None


def make_retrying(
    passing: Callable[[BaseException], bool], asked: Callable[[Error], float | None]
) -> tenacity.Retrying:
    """Makes what calls a function, again where that helps.

    Args:
        passing: whether an error is one that another attempt may not meet.
        asked: for how many seconds the service asked to wait, by the error; None where it did not:
            then it is waited longer each time.
    """

    def error(state: tenacity.RetryCallState) -> Error:
        return state.outcome.exception() if state.outcome else None

    def wait(state: tenacity.RetryCallState) -> float:
        seconds = asked(error(state))
        return _BACKOFF(state) if seconds is None else seconds

    def enough(state: tenacity.RetryCallState) -> bool:
        return state.attempt_number >= ATTEMPTS or (asked(error(state)) or 0.0) > LONGEST_WAIT

    return tenacity.Retrying(
        retry=tenacity.retry_if_exception(passing),
        wait=wait,
        stop=enough,
        before_sleep=tenacity.before_sleep_log(_LOG, logging.WARNING),
        reraise=True,
    )


def read_retry_after(value: str | None) -> float | None:
    """Seconds that the header Retry-After asks for, which has them or a date; None for nonsense."""
    value = (value or "").strip()
    if value.isdecimal():
        return float(value)
    with contextlib.suppress(ValueError):
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    return None
