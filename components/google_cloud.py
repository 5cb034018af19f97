"""What Google Cloud answers when it does not do as asked, and what of it to try again."""

import contextlib
import logging
import os
import re
from collections.abc import Iterator

import google.auth
import tenacity
from google.api_core import exceptions
from google.auth import external_account
from google.auth.exceptions import GoogleAuthError
from google.auth.transport.requests import Request

ATTEMPTS = 6
_LOG = logging.getLogger("absl")  # TFX's own log
_PASSING = (
    exceptions.TooManyRequests,
    exceptions.ServerError,
    exceptions.Aborted,
    exceptions.RetryError,
    ConnectionError,
)
# What gRPC makes of a login that Google does not renew: a service that is not there.
_LOGIN_ENDED = re.compile(
    r"metadata from plugin failed.*(invalid_|unauthorized_|PERMISSION_DENIED|[Rr]eauth|"
    r"subject token)"
)
# An exception of google-auth: a sentence, and the answer from which it was made.
_WITH_ANSWER = re.compile(r"""\((['"])(.*?)\1, ['"]?\{.*\}['"]?\)""")
_LOG_IN = (
    "run `gcloud auth application-default login`, or renew what GOOGLE_APPLICATION_CREDENTIALS "
    "names"
)
# How the login of a workflow of GitHub Actions fails, by what Google says: the cause and the cure.
_WORKFLOW = {
    "attribute condition": "the workload identity provider does not trust this repository, "
    "branch or workflow: run the workflow where it does, or change the provider's attribute "
    "condition",
    "iam.serviceAccounts.getAccessToken": "the service account does not trust this repository: "
    "give the repository's principal set roles/iam.workloadIdentityUser on the account",
    "pool or provider": "there is no such workload identity provider: set the "
    "workload_identity_provider of google-github-actions/auth to its full resource name",
    "ID Token": "the workflow's identity token has expired or is not for this provider: run "
    "google-github-actions/auth right before this step, with the provider's full resource name",
    "subject token": "GitHub gave the job no identity token: give it `permissions: id-token: "
    "write`, and run google-github-actions/auth in the same job",
}


class CloudError(RuntimeError):
    """Google Cloud did not do as asked; one sentence with the cause and the cure."""


def retrying() -> tenacity.Retrying:
    """Call again what a busy service or a broken connection kept from being done."""
    return tenacity.Retrying(
        retry=tenacity.retry_if_exception(_passing),
        wait=tenacity.wait_exponential_jitter(initial=1, max=60),
        stop=tenacity.stop_after_attempt(ATTEMPTS),
        before_sleep=tenacity.before_sleep_log(_LOG, logging.WARNING),
        reraise=True,
    )


@contextlib.contextmanager
def explained(what: str, roles: str) -> Iterator[None]:
    """Turn what Google's clients raise into a CloudError.

    Args:
        what: is asked, such as "Vertex AI in project demo".
        roles: that an account needs for what is asked.
    """
    try:
        yield
    except (exceptions.GoogleAPIError, GoogleAuthError, ConnectionError, TimeoutError) as error:
        raise CloudError(_sentence(error, what, roles)) from error


def lend_login_to_tensorflow() -> None:
    """Let TensorFlow read gs:// in the name of a workflow, for the next hour.

    Its own reader knows key files, users' logins and metadata servers, but takes a federated
    identity for no login at all.

    Raises:
        GoogleAuthError: the identity is not accepted.
    """
    login, _ = google.auth.default(scopes=["https://www.googleapis.com/auth/cloud-platform"])
    if isinstance(login, external_account.Credentials):
        login.refresh(Request())
        os.environ.setdefault("GOOGLE_AUTH_TOKEN_FOR_TESTING", str(login.token))


def _sentence(error: Exception, what: str, roles: str) -> str:
    said = " ".join(str(getattr(error, "message", None) or error).split()).rstrip(".")
    if isinstance(error, GoogleAuthError | exceptions.Unauthorized) or _login_ended(error):
        cure = next((cure for words, cure in _WORKFLOW.items() if words in said), _LOG_IN)
        said = _WITH_ANSWER.sub(r"\2", said).rstrip(".")
        return f"{what} does not accept the credentials ({said}); {cure}."
    if isinstance(error, exceptions.Forbidden):
        return f"{what} refuses this account ({said}); it needs {roles}."
    if _passing(error) or isinstance(error, TimeoutError):  # an operation's, which still runs
        return f"{what} is busy or does not answer ({said}); try again later."
    return f"{what} refuses: {said}."


def _passing(error: BaseException) -> bool:
    if isinstance(error, exceptions.FailedPrecondition):
        # An endpoint takes one change at a time; the other one may be of a push that was killed.
        return "operations running" in str(error)
    return isinstance(error, _PASSING) and not _login_ended(error)


def _login_ended(error: BaseException) -> bool:
    return bool(_LOGIN_ENDED.search(str(error)))
