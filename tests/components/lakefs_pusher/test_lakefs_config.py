"""The settings of models in lakeFS: what is refused, in words."""

import pytest

from components.settings import SettingsError
from pipeline.configs import load_settings


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("lakefs_repository", "Models", "expected 3 to 63 of a-z, 0-9 and -"),
        ("lakefs_repository", "../x", "expected 3 to 63 of a-z, 0-9 and -"),
        ("lakefs_storage_namespace", "bucket/models", "such as s3://bucket/folder"),
        (
            "lakefs_storage_namespace",
            "s3://key:my-password@bucket/models",
            "such as s3://bucket/folder",
        ),
    ],
)
def test_what_cannot_be(field: str, value: str, said: str) -> None:
    with pytest.raises(SettingsError) as refused:
        load_settings(env_file="none", **{field: value})
    assert said in str(refused.value)
    assert field.upper() in str(refused.value)
    assert "my-password" not in str(refused.value)
