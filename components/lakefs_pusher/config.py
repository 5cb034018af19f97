"""Where to push: the settings of lakeFS, by name of their environment variable."""

import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, AnyHttpUrl, BaseModel, ConfigDict, Field

from components.secrets import check_reference

# What lakeFS takes as a repository's name.
_REPOSITORY = re.compile(r"[a-z0-9][a-z0-9-]{2,62}")


def _repository(value: str) -> str:
    if not _REPOSITORY.fullmatch(value):
        raise ValueError("expected 3 to 63 of a-z, 0-9 and -, for example my-models")
    return value


def _endpoint(value: str) -> str:
    AnyHttpUrl(value)
    parts = urlsplit(value)
    if parts.username or parts.password:
        # Which keeps a password out of the job, the metadata and the logs that have the address.
        raise ValueError(
            "an address holds no user and no password: name the variables that hold the key in "
            "LAKEFS_ACCESS_KEY_SECRET and LAKEFS_SECRET_KEY_SECRET"
        )
    return value.rstrip("/").removesuffix("/api/v1")


def _namespace(value: str) -> str:
    parts = urlsplit(value)
    if not parts.scheme or not parts.netloc or "@" in parts.netloc:
        raise ValueError("expected a place for a repository's objects, such as s3://bucket/folder")
    return value.rstrip("/")


SecretReference = Annotated[str, AfterValidator(check_reference)]


class LakeFSConfig(BaseModel):
    """lakeFS's part of the settings. Keys are in it by reference only."""

    # In the place of a secret's name there may be the secret.
    model_config = ConfigDict(title="lakeFS", hide_input_in_errors=True)

    lakefs_repository: Annotated[str, AfterValidator(_repository)] | None = Field(
        None,
        description="Repository that blessed models are pushed to, such as "
        "image-segmentation-local-repo; where there is none, it is made. Unset: none is pushed.",
    )
    lakefs_storage_namespace: Annotated[str, AfterValidator(_namespace)] | None = Field(
        None,
        description="Where a repository that is made keeps its objects: s3://bucket/folder. "
        "Default: a folder of its name, where the server keeps those of all.",
    )
    lakefs_endpoint: Annotated[str, AfterValidator(_endpoint)] = Field(
        "http://127.0.0.1:8003", description="Address of lakeFS."
    )
    lakefs_access_key_secret: SecretReference = Field(
        "LAKECTL_CREDENTIALS_ACCESS_KEY_ID",
        description="Where the access key's id is read: the name of an environment variable, or "
        "projects/PROJECT/secrets/SECRET of Secret Manager.",
    )
    lakefs_secret_key_secret: SecretReference = Field(
        "LAKECTL_CREDENTIALS_SECRET_ACCESS_KEY",
        description="Where the secret that belongs to it is read, likewise.",
    )
