"""Models of Vertex AI's emulator, as google-cloud-aiplatform uploads them."""

import pytest

from tests.emulators.child import Refused
from tests.emulators.deploying import (
    add_aliases,
    delete_model,
    delete_version,
    models,
    remove_aliases,
    send_model,
    upload,
    version_of,
    versions,
)
from tests.emulators.submitting import IMAGE


def test_versions(vertex, cloud, artifact):
    model, version = cloud(upload, artifact, model_id="pets", labels={"owner": "me"})
    assert (model, version) == (f"{vertex.parent}/models/pets", "1")
    options = {"parent_model": model, "version_aliases": ["candidate"]}
    assert cloud(upload, artifact, is_default_version=False, **options) == (model, "2")
    assert cloud(versions, model) == [("1", ["default"]), ("2", ["candidate"])]
    assert cloud(upload, artifact, is_default_version=True, **options) == (model, "3")
    assert cloud(versions, model) == [("1", []), ("2", []), ("3", ["candidate", "default"])]
    assert cloud(version_of, model) == "3"
    assert cloud(version_of, model, "candidate") == "3"
    assert cloud(version_of, model, "2") == "2"
    with pytest.raises(Refused, match="has no version 'stable'"):
        cloud(version_of, model, "stable")


def test_aliases(cloud, artifact):
    model, _ = cloud(upload, artifact)
    cloud(upload, artifact, parent_model=model, is_default_version=False)
    cloud(add_aliases, model, "2", ["stable", "default"])
    assert cloud(versions, model) == [("1", []), ("2", ["default", "stable"])]
    cloud(remove_aliases, model, "2", ["stable"])
    assert cloud(versions, model) == [("1", []), ("2", ["default"])]
    with pytest.raises(Refused, match="'default' cannot be removed"):
        cloud(remove_aliases, model, "2", ["default"])
    with pytest.raises(Refused, match="Invalid version alias: found '7'"):
        cloud(add_aliases, model, "2", ["7"])


def test_deleted_versions_do_not_come_back(vertex, cloud, artifact):
    model, _ = cloud(upload, artifact)
    cloud(upload, artifact, parent_model=model, is_default_version=False)
    cloud(delete_version, model, "2")
    with pytest.raises(Refused, match="is the default version"):
        cloud(delete_version, model, "1")
    assert cloud(upload, artifact, parent_model=model) == (model, "3")
    vertex.operations.polls = 1
    cloud(delete_model, model)
    assert not vertex.models


def test_list_of_models(cloud, artifact):
    pets, _ = cloud(upload, artifact, model_id="pets", labels={"owner": "me"})
    cloud(upload, artifact, model_id="cats", display_name="cats")
    cloud(upload, artifact, parent_model=pets)
    assert cloud(models, 'display_name="pets"') == ["pets"]
    assert cloud(models, "labels.owner:*") == []
    cloud(add_aliases, pets, "1", ["default"])
    assert cloud(models, "labels.owner:*") == ["pets"]


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        ({"artifact": "gs://bucket-1/nothing"}, "FailedPrecondition", "has no saved_model.pb"),
        ({"model_id": "Pets"}, "InvalidArgument", "Invalid model_id: found 'Pets'"),
        ({"labels": {"Owner": "me"}}, "InvalidArgument", "Invalid label key 'Owner'"),
        ({"version_aliases": ["1"]}, "InvalidArgument", "Invalid version alias: found '1'"),
        ({"parent_model": "dogs"}, "NotFound", "models/dogs is not found"),
        ({"model_id": "pets"}, "Conflict|AlreadyExists", "models/pets already exists"),
    ],
)
def test_model_that_is_refused(vertex, cloud, artifact, options, kind, message):
    cloud(upload, artifact, model_id="pets")
    with pytest.raises(Refused, match=message) as refused:
        cloud(upload, **{"artifact": artifact, **options})
    assert refused.value.kind in kind.split("|")
    assert len(vertex.models) == 1


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"artifact_uri": "gs://bucket/model"}, "container_spec.image_uri is required"),
        ({"container_spec": {"image_uri": IMAGE}}, "Invalid artifact_uri: found ''"),
        (
            {"container_spec": {"image_uri": IMAGE}, "artifact_uri": "/tmp/model"},
            "found '/tmp/model', expected a gs:// URI",
        ),
    ],
)
def test_model_that_does_not_hold(vertex, cloud, fields, message):
    model = {"display_name": "pets", **fields}
    with pytest.raises(Refused, match=message):
        cloud(send_model, vertex.parent, model)
    assert not vertex.models


def test_lost_answer_of_an_upload(vertex, cloud, artifact):
    vertex.lose_answer("UploadModel")
    with pytest.raises(Refused, match="Socket closed|Connection reset") as refused:
        cloud(upload, artifact)
    assert refused.value.kind == "ServiceUnavailable"
    assert len(vertex.models) == 1
