"""What tests have deployed in a process whose Google Cloud is emulated, and what came of it."""

import os
from collections import Counter
from typing import Any
from unittest.mock import patch

from google.oauth2.credentials import Credentials

from components.endpoint_pusher import deploy
from components.endpoint_pusher.config import Deployment
from tests.emulators.vertex import VertexEmulator

FIRST, SECOND, THIRD = (digit * 64 for digit in "abc")  # digests of contents


class Killed(BaseException):
    """The process ends here."""


def push(settings: dict[str, Any], saved_model: str, digest: str) -> str:
    """Deploys a model; what is to be tried again is tried at once."""
    with patch("time.sleep"):
        return deploy.Deployer(Deployment(**settings)).deploy(saved_model, digest)


def push_until_it_waits(settings: dict[str, Any], saved_model: str, digest: str) -> None:
    """Deploys a model, and is killed where it would wait to try something again."""
    with patch("time.sleep", side_effect=Killed):
        try:
            deploy.Deployer(Deployment(**settings)).deploy(saved_model, digest)
        except Killed:
            return
    raise AssertionError("it waited for nothing")


def push_with_token(settings: dict[str, Any], saved_model: str, digest: str, token: str) -> str:
    """Deploys a model in the name of whoever was given an access token."""
    with patch("google.auth.default", return_value=(Credentials(token), None)):
        return push(settings, saved_model, digest)


def push_with_login(settings: dict[str, Any], saved_model: str, digest: str, file: str) -> str:
    """Deploys a model with the credentials of a file; waiting makes none of them better."""
    with (
        patch.dict(os.environ, GOOGLE_APPLICATION_CREDENTIALS=file),
        patch("time.sleep", side_effect=Killed),
    ):
        return deploy.Deployer(Deployment(**settings)).deploy(saved_model, digest)


def push_impatiently(settings: dict[str, Any], saved_model: str, digest: str) -> str:
    """Deploys a model, which may take no time."""
    with patch.object(deploy, "_LONGEST_DEPLOYMENT", 0.01):
        return push(settings, saved_model, digest)


def versions(vertex: VertexEmulator) -> list[tuple[str, str, str, list[str]]]:
    """Name, folder, image and aliases of all versions in the registry, oldest first.

    Of an alias only what tells the content.
    """
    return [
        (
            version.name.removeprefix(f"{vertex.parent}/models/"),
            version.artifact_uri,
            version.container_spec.image_uri,
            sorted(alias[: len("content-") + 32] for alias in version.version_aliases),
        )
        for version in vertex.models
    ]


def serving(vertex: VertexEmulator) -> dict[str, int]:
    """Percentage of the requests that each deployment of the one endpoint answers, by its name."""
    [endpoint] = vertex.endpoints
    assert endpoint.name == f"{vertex.parent}/endpoints/{endpoint.display_name}"
    names = [deployed.display_name for deployed in endpoint.deployed_models]
    assert max(Counter(names).values()) == 1, "a version is deployed twice"
    assert set(endpoint.traffic_split) <= {deployed.id for deployed in endpoint.deployed_models}
    return {
        deployed.display_name: endpoint.traffic_split.get(deployed.id, 0)
        for deployed in endpoint.deployed_models
    }


def changes(vertex: VertexEmulator) -> list[str]:
    """The methods of all requests so far that were meant to change something."""
    methods = [request.method for request in vertex.requests]
    return [method for method in methods if not method.startswith("Get")]
