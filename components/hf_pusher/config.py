"""Where and how to publish: the settings of the Hub, by name of their environment variable."""

import json
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    AnyHttpUrl,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    model_validator,
)
from pydantic_settings import NoDecode

from components.secrets import SecretReference


def _repo_id(value: str) -> str:
    # Takes long to import, which those who publish nothing are spared.
    from huggingface_hub.utils import HFValidationError, validate_repo_id

    try:
        validate_repo_id(value)
    except HFValidationError as error:
        raise ValueError(str(error)) from None
    if "/" not in value:
        raise ValueError("expected OWNER/NAME, the owner being a user or an organisation")
    return value


def _endpoint(value: str) -> str:
    AnyHttpUrl(value)
    return value.rstrip("/")


def _from_json(value: Any) -> Any:
    """Read JSON from a text; the other settings are looked at also where it is none."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        raise ValueError("expected a JSON object") from None


RepoId = Annotated[str, AfterValidator(_repo_id)]
_JSON = BeforeValidator(_from_json)

# What a Space reads private repositories with.
SPACE_TOKEN = "HF_TOKEN"


class RepositoryConfig(BaseModel):
    """Which repository on which Hub, and what it is read and written with."""

    # In the place of a secret's name there may be the secret.
    model_config = ConfigDict(title="The Hugging Face Hub", hide_input_in_errors=True)

    hf_repo_id: RepoId | None = Field(
        None, description="Model repository, OWNER/NAME. Unset: nothing is published."
    )
    hf_endpoint: Annotated[str, AfterValidator(_endpoint)] = Field(
        "https://huggingface.co", description="The Hub, or a server that speaks its protocol."
    )
    hf_token_secret: SecretReference = Field(
        "HF_TOKEN",
        description="Where the token is read: the name of a variable, of the environment or of "
        ".env, projects/PROJECT/secrets/SECRET of Secret Manager, or OIDC for trusted publishing.",
    )


class HubConfig(RepositoryConfig):
    """The Hub's part of the settings. Secrets are in it by reference only."""

    hf_space_id: RepoId | None = Field(
        None, description="Space of the demo, OWNER/NAME. Default: the model repository's name."
    )
    hf_license: str = Field(
        "other", description="The published model's licence, as the Hub names it: apache-2.0, …"
    )
    hf_private: bool | None = Field(
        None,
        description="Whether both repositories are private. Unset: what is there stays as it is, "
        "and a new Space is as its model.",
    )
    hf_space_hardware: str | None = Field(
        None, description="The Space's hardware, such as cpu-basic. Default: left as it is."
    )
    hf_space_variables: Annotated[dict[str, str], NoDecode, _JSON] = Field(
        {}, description="The Space's variables, a JSON object."
    )
    hf_space_secrets: Annotated[dict[str, SecretReference], NoDecode, _JSON] = Field(
        {}, description="The Space's secrets: a JSON object of references, as in HF_TOKEN_SECRET."
    )

    @model_validator(mode="before")
    @classmethod
    def _space_beside_the_model(cls, values: Any) -> Any:
        if isinstance(values, dict) and not values.get("hf_space_id"):
            return {**values, "hf_space_id": values.get("hf_repo_id")}
        return values
