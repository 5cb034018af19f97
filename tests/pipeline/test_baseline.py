"""Which model the local engine compares a candidate with."""

import json
from pathlib import Path

from ml_metadata.metadata_store import MetadataStore
from ml_metadata.proto import metadata_store_pb2
from tfx.types import standard_artifacts
from tfx.utils import path_utils

from models.provenance import PROVENANCE
from pipeline.baseline import OtherBlessedModelStrategy
from tests.models.small_model import CONFIG


def write_provenance(model: Path, **changed: object) -> None:
    (model / "assets.extra").mkdir(parents=True)
    (model / "assets.extra" / PROVENANCE).write_text(
        json.dumps({**CONFIG.model_dump(mode="json"), "recipe": "pets", **changed})
    )


def test_the_last_blessed_model_of_the_recipe_but_the_candidate(
    tmp_path: Path,
) -> None:
    models, pushed = [], []
    changed = {
        4: {"recipe": "scenes"},
        5: {"class_names": CONFIG.class_names[::-1]},
        6: {"task": "classification"},
    }
    for number in range(1, 9):
        model, artifact = standard_artifacts.Model(), standard_artifacts.PushedModel()
        model.id, model.uri = number, str(tmp_path / str(number))
        if number != 7:  # of this one, ModelValidator refused to have it pushed
            artifact.set_int_custom_property("current_model_id", number)
            artifact.set_int_custom_property("blessed", 1)
        if number != 3:  # was deleted since
            folder = Path(path_utils.serving_model_path(model.uri))
            write_provenance(folder, **changed.get(number, {}))
        models.append(model)
        pushed.append(artifact)
    fake = metadata_store_pb2.ConnectionConfig(
        fake_database=metadata_store_pb2.FakeDatabaseConfig()
    )
    resolved = OtherBlessedModelStrategy().resolve_artifacts(
        MetadataStore(fake),
        {"model": models, "pushed_model": pushed, "candidate": [models[-1]]},
    )
    assert resolved == {"model": [models[1]], "pushed_model": [pushed[1]], "candidate": models[-1:]}
