"""The token with which a repository is written to, read at the moment of use."""

import huggingface_hub
from huggingface_hub._oidc import oidc_login  # the public get_token serves a single repository

from components.hf_pusher.answers import explained
from components.hf_pusher.config import HubConfig
from components.secrets import SecretError, read_secret

# https://huggingface.co/docs/hub/trusted-publishers: a workflow's identity stands for a token.
TRUSTED_PUBLISHING = "OIDC"
_OF_THE_CLIENT = "HF_TOKEN"


def read_token(config: HubConfig, resource: str) -> str:
    """Reads the token.

    Args:
        config: names where it is.
        resource: what it is to write to, as trusted publishing names it: OWNER/NAME of a model,
            spaces/OWNER/NAME of a Space.

    Raises:
        SecretError: there is none.
        HubError: the Hub does not exchange the workflow's identity for one.
    """
    reference = config.hf_token_secret
    if reference == TRUSTED_PUBLISHING:
        with explained(config.hf_endpoint, "the workflow's identity"):
            answer = oidc_login(resource=resource, endpoint=config.hf_endpoint)
        return answer["access_token"]
    try:
        return read_secret(reference)
    except SecretError:
        stored = huggingface_hub.get_token() if reference == _OF_THE_CLIENT else None
        if stored is None:
            raise
        return stored  # of `hf auth login`
