"""Which model the local engine compares a candidate with."""

from pathlib import Path

from ml_metadata.metadata_store import MetadataStore
from ml_metadata.proto import metadata_store_pb2
from tfx.types import standard_artifacts

from pipeline.baseline import OtherBlessedModelStrategy


def test_the_last_blessed_model_that_is_there_and_not_the_candidate(tmp_path: Path) -> None:
    models, blessings = [], []
    for number in range(1, 5):
        model, blessing = standard_artifacts.Model(), standard_artifacts.ModelBlessing()
        model.id, model.uri = number, str(tmp_path / str(number))
        blessing.set_int_custom_property("current_model_id", number)
        blessing.set_int_custom_property("blessed", 1)
        if number != 3:  # was deleted since
            (tmp_path / str(number)).mkdir()
        models.append(model)
        blessings.append(blessing)
    fake = metadata_store_pb2.ConnectionConfig(
        fake_database=metadata_store_pb2.FakeDatabaseConfig()
    )
    resolved = OtherBlessedModelStrategy().resolve_artifacts(
        MetadataStore(fake),
        {"model": models, "model_blessing": blessings, "candidate": [models[-1]]},
    )
    assert resolved is not None
    assert [model.id for model in resolved["model"]] == [2]
