"""Where runs are recorded and by which credentials: settings."""

from dataclasses import dataclass, field
from typing import Annotated
from urllib.parse import unquote, urlsplit

from pydantic import AfterValidator, AnyHttpUrl, BaseModel, ConfigDict, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from components.secrets import SecretReference, read_secret, read_variable


def _address(value: SecretStr) -> SecretStr:
    try:
        AnyHttpUrl(value.get_secret_value())
    except ValueError:
        # pydantic's own message repeats the address, in which there may be a password.
        raise ValueError(
            "it is no address of an MLflow server, such as http://127.0.0.1:5000"
        ) from None
    return SecretStr(value.get_secret_value().rstrip("/"))


@dataclass(frozen=True)
class Credentials:
    """Who asks a server; what is not known is empty. A token stands in the place of both others."""

    user: str = ""
    password: str = field(default="", repr=False)
    token: str = field(default="", repr=False)


class ServerConfig(BaseModel):
    """Which MLflow server, and by which credentials; of these, other secrets by reference."""

    model_config = ConfigDict(title="Runs in MLflow", hide_input_in_errors=True)

    # A password may stand in it, as MLflow's own clients take it.
    mlflow_tracking_uri: Annotated[SecretStr, AfterValidator(_address)] | None = Field(
        None,
        repr=False,
        description="The MLflow server that runs are recorded in, such as http://127.0.0.1:5000. "
        "Unset: they are recorded in none.",
    )
    mlflow_username_secret: SecretReference = Field(
        "MLFLOW_TRACKING_USERNAME",
        description="Where the name of MLflow's user is read: the name of a variable, of the "
        "environment or of .env, or projects/PROJECT/secrets/SECRET of Secret Manager. Where the "
        "variable is not set, none is given.",
    )
    mlflow_password_secret: SecretReference = Field(
        "MLFLOW_TRACKING_PASSWORD", description="Where the user's password is read, likewise."
    )
    mlflow_token_secret: SecretReference = Field(
        "MLFLOW_TRACKING_TOKEN",
        description="Where a token in the place of both is read, likewise.",
    )

    @property
    def mlflow_address(self) -> str:
        """The server's address without user and password; empty where none is set."""
        if self.mlflow_tracking_uri is None:
            return ""
        parts = urlsplit(self.mlflow_tracking_uri.get_secret_value())
        return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()

    @property
    def mlflow_names_user(self) -> bool:
        """Whether a user, and perhaps a password, stands in the server's address."""
        uri = self.mlflow_tracking_uri
        return uri is not None and uri.get_secret_value() != self.mlflow_address

    def read_credentials(self) -> Credentials:
        """Choose among the credentials as MLflow's own clients do; read them now.

        Raises:
            SecretError: one cannot be read.
        """
        uri = self.mlflow_tracking_uri.get_secret_value() if self.mlflow_tracking_uri else ""
        parts = urlsplit(uri)
        if parts.username:
            return Credentials(unquote(parts.username), unquote(parts.password or ""))
        user, password, token = (
            read_secret(reference) if "/" in reference else read_variable(reference)
            for reference in (
                self.mlflow_username_secret,
                self.mlflow_password_secret,
                self.mlflow_token_secret,
            )
        )
        return Credentials(user, password) if user and password else Credentials(token=token)


class TrackingConfig(ServerConfig):
    """The settings of what is recorded in MLflow."""

    model_config = ConfigDict(title="Runs in MLflow", hide_input_in_errors=True)

    mlflow_experiment_name: str | None = Field(
        None,
        max_length=500,
        description="The experiment in which they are; where there is none, it is made. Default: "
        "the recipe's name.",
    )


def read_variables() -> TrackingConfig:
    """Read the settings where a step on Vertex AI has them: in its container's environment."""
    return _Variables()  # type: ignore[call-arg]


class _Variables(BaseSettings, TrackingConfig):
    model_config = SettingsConfigDict(
        env_ignore_empty=True, extra="ignore", hide_input_in_errors=True
    )
