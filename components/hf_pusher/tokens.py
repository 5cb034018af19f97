"""The token with which a repository is written to, read at the moment of use."""

from http import HTTPStatus

import httpx2
import huggingface_hub
from huggingface_hub._oidc import oidc_login  # the public get_token serves a single repository
from huggingface_hub.errors import HfHubHTTPError

from components.hf_pusher.answers import NotTrusted, explained
from components.hf_pusher.config import RepositoryConfig
from components.secrets import SecretError, read_secret

# https://huggingface.co/docs/hub/trusted-publishers: a workflow's identity stands for a token.
TRUSTED_PUBLISHING = "OIDC"
_OF_THE_CLIENT = "HF_TOKEN"


def read_token(config: RepositoryConfig, resource: str) -> str:
    """Read the token.

    Args:
        config: names where it is.
        resource: what it is to write to, as trusted publishing names it: OWNER/NAME of a model,
            spaces/OWNER/NAME of a Space.

    Raises:
        SecretError: there is none.
        NotTrusted: the workflow is no trusted publisher of it, as far as the Hub is told.
        HubError: the Hub does not exchange the workflow's identity for one otherwise.
    """
    reference = config.hf_token_secret
    if reference == TRUSTED_PUBLISHING:
        with explained(config.hf_endpoint, "the workflow's identity"):
            try:
                answer = oidc_login(resource=resource, endpoint=config.hf_endpoint)
            except HfHubHTTPError as error:
                if not _refuses_identity(error.response):
                    raise
                raise NotTrusted(
                    f"{config.hf_endpoint} does not trust this workflow with {resource}, or there "
                    "is no such repository; make the workflow a trusted publisher in its settings, "
                    "with the claims of this run."
                ) from error
        return answer["access_token"]
    try:
        return read_secret(reference)
    except SecretError:
        stored = huggingface_hub.get_token() if reference == _OF_THE_CLIENT else None
        if stored is None:
            raise
        return stored  # of `hf auth login`


def _refuses_identity(response: httpx2.Response) -> bool:
    """Tell whether the Hub has read the identity, and no publisher that it knows matches."""
    if response.status_code != HTTPStatus.BAD_REQUEST:
        return False
    try:
        return response.json()["error"] == "invalid_grant"
    except (ValueError, KeyError, TypeError):  # of a proxy before the Hub, for example
        return False
