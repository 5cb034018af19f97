"""Where data with versions are and by which keys: settings, and the clients made of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, AnyHttpUrl, BaseModel, ConfigDict, Field, ValidationInfo

from components.secrets import SecretError, SecretReference, read_secret, read_variable
from stores.address import Address, LakeFSAddress, parse
from stores.errors import StoreError

if TYPE_CHECKING:
    from stores.lakefs import LakeFS
    from stores.s3 import S3


def _bucket(value: str) -> str:
    parse(f"s3://{value}")
    return value.strip().rstrip("/")


def _version(value: str, info: ValidationInfo) -> str:
    """Return the address; what is none is a folder of TIRES_BUCKET."""
    if "://" in value:
        return str(parse(value))
    if "tires_bucket" not in info.data:  # it is wrong itself, and that is told
        return value
    if bucket := info.data["tires_bucket"]:
        return str(parse(f"s3://{bucket}/{value}"))
    try:
        return str(parse(value))
    except StoreError as error:
        raise StoreError(f"{error} A name alone is a folder of TIRES_BUCKET: set that.") from None


def _endpoint(value: str) -> str:
    url = AnyHttpUrl(value)
    if url.username or url.password:
        raise ValueError("it has keys in it; give them in variables, and the address alone here")
    return value.rstrip("/")


_Endpoint = Annotated[str, AfterValidator(_endpoint)]


class StoresConfig(BaseModel):
    """The settings of data stores. Secrets are in it by reference only."""

    model_config = ConfigDict(title="Data with versions", hide_input_in_errors=True)

    lakefs_endpoint: _Endpoint = Field(
        "http://127.0.0.1:8003", repr=False, description="The lakeFS server."
    )
    lakefs_access_key_secret: SecretReference = Field(
        "LAKECTL_CREDENTIALS_ACCESS_KEY_ID",
        description="Where lakeFS's access key id is read: the name of a variable, of the "
        "environment or of .env, or projects/PROJECT/secrets/SECRET of Secret Manager.",
    )
    lakefs_secret_key_secret: SecretReference = Field(
        "LAKECTL_CREDENTIALS_SECRET_ACCESS_KEY",
        description="Where lakeFS's secret access key is read, likewise.",
    )
    s3_endpoint: _Endpoint | None = Field(
        None,
        repr=False,
        description="The S3 service, such as http://127.0.0.1:9000. Default: AWS's, or what "
        "AWS_ENDPOINT_URL_S3 names.",
    )
    s3_access_key_secret: SecretReference = Field(
        "AWS_ACCESS_KEY_ID",
        description="Where S3's access key id is read, likewise. Where the variable is not set, "
        "keys are looked for where AWS's own tools do.",
    )
    s3_secret_key_secret: SecretReference = Field(
        "AWS_SECRET_ACCESS_KEY", description="Where S3's secret access key is read, likewise."
    )


class DataVersionConfig(StoresConfig):
    """Which version a run trains on, beside where it is."""

    model_config = ConfigDict(title="Data with versions", hide_input_in_errors=True)

    # Neither is shown where it is wrong: there may be keys in it.
    tires_bucket: Annotated[str, AfterValidator(_bucket)] | None = Field(
        None,
        repr=False,
        description="The S3 bucket of which DATA_VERSION may name a folder alone, such as "
        "`split_1`.",
    )
    data_version: Annotated[str, AfterValidator(_version)] | None = Field(
        None,
        repr=False,
        description="What to train on in place of DATA_ROOT: lakefs://REPOSITORY/REF/PATH or "
        "s3://BUCKET/PREFIX, or a folder of TIRES_BUCKET. A run resolves it once to what cannot "
        "change, and records that.",
    )


def connect(config: StoresConfig, address: Address) -> LakeFS | S3:
    """Make the client of an address's store, which reads the keys now.

    Raises:
        StoreError: a key cannot be read, or the clients are not installed.
    """
    return connect_lakefs(config) if isinstance(address, LakeFSAddress) else _connect_s3(config)


def connect_lakefs(config: StoresConfig, **keywords: Any) -> LakeFS:
    """Make the client of LAKEFS_ENDPOINT, which reads the keys now.

    Args:
        config: where lakeFS is, and by which keys.
        **keywords: of `LakeFS`.

    Raises:
        StoreError: a key cannot be read, or the client is not installed.
    """
    try:
        from stores.lakefs import LakeFS
    except ModuleNotFoundError as error:
        raise _missing(error) from None
    try:
        keys = map(read_secret, (config.lakefs_access_key_secret, config.lakefs_secret_key_secret))
        return LakeFS(config.lakefs_endpoint, *keys, **keywords)
    except SecretError as error:
        raise StoreError(f"lakeFS's keys cannot be read: {error}") from None


def _connect_s3(config: StoresConfig) -> S3:
    try:
        from stores.s3 import S3
    except ModuleNotFoundError as error:
        raise _missing(error) from None
    references = (config.s3_access_key_secret, config.s3_secret_key_secret)
    try:
        if not any("/" in reference or read_variable(reference) for reference in references):
            return S3(config.s3_endpoint)
        return S3(config.s3_endpoint, *map(read_secret, references))
    except SecretError as error:
        raise StoreError(f"S3's keys cannot be read: {error}") from None


def _missing(error: ModuleNotFoundError) -> StoreError:
    return StoreError(
        f"Data with versions need {error.name}, which is not installed: install it with `uv sync "
        "--extra versions`."
    )
