"""Where to push: the settings of lakeFS, by name of their environment variable."""

import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from components.data_stores import StoresConfig

# What lakeFS takes as a repository's name.
_REPOSITORY = re.compile(r"[a-z0-9][a-z0-9-]{2,62}")


def _repository(value: str) -> str:
    if not _REPOSITORY.fullmatch(value):
        raise ValueError("expected 3 to 63 of a-z, 0-9 and -, for example my-models")
    return value


def _namespace(value: str) -> str:
    parts = urlsplit(value)
    if not parts.scheme or not parts.netloc or "@" in parts.netloc:
        raise ValueError("expected a place for a repository's objects, such as s3://bucket/folder")
    return value.rstrip("/")


class LakeFSConfig(BaseModel):
    """The settings of what is pushed to lakeFS; where that is, StoresConfig says."""

    model_config = ConfigDict(title="Models in lakeFS")

    lakefs_repository: Annotated[str, AfterValidator(_repository)] | None = Field(
        None,
        description="Repository that blessed models are pushed to, such as "
        "image-segmentation-local-repo; where there is none, it is made. Unset: none is pushed.",
    )
    lakefs_storage_namespace: Annotated[str, AfterValidator(_namespace)] | None = Field(
        None,
        repr=False,  # not shown where it is wrong: there may be keys in it
        description="Where a repository that is made keeps its objects: s3://bucket/folder. "
        "Default: a folder of its name, where the server keeps those of all.",
    )


class Destination(LakeFSConfig, StoresConfig):
    """Where to push, and by which key. Keys are in it by reference only."""
