"""Who may push and pull what, as Artifact Registry answers it."""

import base64
import json
import re
from dataclasses import dataclass

from ..googleapis import Accounts, InvalidToken

USER = "oauth2accesstoken"
ANONYMOUS = "anonymous"
PERMISSIONS = {"GET": "downloadArtifacts", "HEAD": "downloadArtifacts"}
REPOSITORY = re.compile(r"/v2/([^/]+)/([^/]+)/(.+)/(?:blobs|manifests|tags)/.*")


class Refusal(Exception):
    """A request that the registry refuses.

    Args:
        status: The HTTP status of the answer.
        code: The registry's name of the error.
        message: The sentence that a client shows its user.
    """

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.content = json.dumps({"errors": [{"code": code, "message": message}]}).encode()


@dataclass
class Access:
    """What is checked of each request.

    Args:
        accounts: The service accounts.
        project: Whose repositories there are.
        location: Where they are.
        repositories: Their names.
    """

    accounts: Accounts
    project: str
    location: str
    repositories: set[str]

    def token(self, authorization: str | None) -> str:
        """The token for an Authorization header, Basic or Bearer.

        Raises:
            Refusal: UNAUTHORIZED, when it is nobody's.
        """
        if authorization is None:
            return ANONYMOUS
        kind, _, token = authorization.partition(" ")
        try:
            if kind == "Basic":
                user, _, token = base64.b64decode(token).decode().partition(":")
                if user != USER:
                    raise InvalidToken(f"the user must be {USER}")
            if token != ANONYMOUS:
                self.accounts.identify(token)
        except (InvalidToken, ValueError) as error:
            raise Refusal(401, "UNAUTHORIZED", f"failed authentication: {error}") from None
        return token

    def check(self, host: str, method: str, path: str, token: str) -> None:
        """Refuses what the bearer of a token may not do.

        Raises:
            Refusal: NAME_INVALID, NAME_UNKNOWN or DENIED.
        """
        if path == "/v2/":
            return
        named = REPOSITORY.fullmatch(path)
        if named is None:
            raise Refusal(
                400,
                "NAME_INVALID",
                "Missing image name. Pushes should be of the form docker push "
                "HOST-NAME/PROJECT-ID/REPOSITORY/IMAGE",
            )
        project, repository, _ = named.groups()
        location = host.partition("-docker.pkg.dev")[0]
        resource = f"projects/{project}/locations/{location}/repositories/{repository}"
        permission = f"artifactregistry.repositories.{PERMISSIONS.get(method, 'uploadArtifacts')}"
        if token == ANONYMOUS:
            raise Refusal(
                403,
                "DENIED",
                "Unauthenticated request. Unauthenticated requests do not have permission "
                f'"{permission}" on resource "{resource}" (or it may not exist)',
            )
        if project != self.project or not self.accounts.identify(token).permitted:
            raise Refusal(
                403,
                "DENIED",
                f'Permission "{permission}" denied on resource "{resource}" (or it may not exist)',
            )
        if location != self.location or repository not in self.repositories:
            raise Refusal(404, "NAME_UNKNOWN", f'Repository "{repository}" not found')
