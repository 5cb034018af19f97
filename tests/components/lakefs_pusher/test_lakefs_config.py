"""The settings of lakeFS: what is refused, in words that repeat no secret."""

import pytest

from components.settings import SettingsError
from pipeline.configs import load_settings


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("lakefs_repository", "Models", "expected 3 to 63 of a-z, 0-9 and -"),
        ("lakefs_repository", "../x", "expected 3 to 63 of a-z, 0-9 and -"),
        ("lakefs_storage_namespace", "bucket/models", "such as s3://bucket/folder"),
        ("lakefs_endpoint", "lakefs:8003", "URL"),
        ("lakefs_access_key_secret", "AKIA+not/a/name", "a secret is named, not given"),
    ],
)
def test_what_cannot_be(field: str, value: str, said: str) -> None:
    with pytest.raises(SettingsError) as refused:
        load_settings(env_file="none", **{field: value})
    assert said in str(refused.value)
    assert field.upper() in str(refused.value)


def test_a_password_in_the_address_is_refused_and_not_repeated() -> None:
    with pytest.raises(SettingsError, match="holds no user and no password") as refused:
        load_settings(env_file="none", lakefs_endpoint="https://me:my-password@lakefs.example")
    assert "my-password" not in str(refused.value)


def test_the_address_of_the_api_is_that_of_the_server() -> None:
    settings = load_settings(env_file="none", lakefs_endpoint="https://lakefs.example/api/v1/")
    assert settings.lakefs_endpoint == "https://lakefs.example"
