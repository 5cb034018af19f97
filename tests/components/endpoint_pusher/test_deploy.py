"""Models deployed at an endpoint, and what Google Cloud may have against it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from components.google_cloud import ATTEMPTS, CloudError
from tests.components.endpoint_pusher.deployments import (
    FIRST,
    SECOND,
    THIRD,
    changes,
    push,
    push_impatiently,
    push_until_it_waits,
    push_with_login,
    push_with_token,
    serving,
    versions,
)
from tests.emulators.child import ChildProcess
from tests.emulators.deploying import create_endpoint
from tests.emulators.gcs import GcsEmulator
from tests.emulators.submitting import IMAGE
from tests.emulators.vertex import VertexEmulator
from tests.pipeline.vertex.conftest import KEY

Pushed = Callable[..., str]

# The requests that change something, of a push to an empty project and of the one after it.
CHANGES = ["UploadModel", "CreateEndpoint", "DeployModel", "UpdateEndpoint"]
NEXT_CHANGES = ["UploadModel", "DeployModel", "UpdateEndpoint", "UndeployModel"]
OTHER_OPERATIONS = 'There are other operations running on the Endpoint "pets". Operation(s): 7.'


@pytest.fixture
def pushed(child: ChildProcess, artifact: str, settings: dict[str, Any]) -> Pushed:
    """Deploys a model that has this digest; settings may be given."""

    def pushed(
        digest: str, function: Callable[..., Any] = push, *arguments: Any, **given: Any
    ) -> Any:
        folder = given.pop("saved_model", artifact)
        return child(function, {**settings, **given}, folder, digest, *arguments)

    return pushed


def refusal(pushed: Pushed, *arguments: Any, **given: Any) -> str:
    """The one sentence with which a push ends."""
    with pytest.raises(CloudError) as refused:
        pushed(*arguments, **given)
    [sentence] = refused.value.args
    assert sentence.startswith("Vertex AI in ")
    assert sentence.endswith(".")
    assert "\n" not in sentence
    return sentence


def version(number: int, digest: str, artifact: str) -> tuple[str, str, str, list[str]]:
    aliases = [f"content-{digest[:32]}", *(["default"] if number == 1 else [])]
    return (f"pets@{number}", artifact, IMAGE, aliases)


def test_a_first_push(vertex: VertexEmulator, pushed: Pushed, artifact: str) -> None:
    assert pushed(FIRST, max_replicas=3) == f"{vertex.parent}/endpoints/pets"
    assert versions(vertex) == [version(1, FIRST, artifact)]
    assert serving(vertex) == {"pets-1": 100}
    [deployed] = vertex.endpoints[0].deployed_models
    assert (deployed.model, deployed.model_version_id) == (f"{vertex.parent}/models/pets", "1")
    resources = deployed.dedicated_resources
    assert resources.machine_spec.machine_type == "n1-standard-2"
    assert (resources.min_replica_count, resources.max_replica_count) == (1, 3)
    assert deployed.service_account == ""
    assert changes(vertex) == CHANGES


def test_an_endpoint_of_ours_has_a_host_of_its_own(vertex: VertexEmulator, pushed: Pushed) -> None:
    pushed(FIRST)
    [endpoint] = vertex.endpoints
    host = f"pets.us-central1-{vertex.project_number}.prediction.vertexai.goog"
    assert endpoint.dedicated_endpoint_dns == host


def test_a_shared_endpoint_is_used_as_it_is(
    vertex: VertexEmulator, cloud: Callable[..., str], pushed: Pushed
) -> None:
    cloud(create_endpoint, "pets")
    pushed(FIRST)
    [endpoint] = vertex.endpoints
    assert (endpoint.dedicated_endpoint_enabled, endpoint.dedicated_endpoint_dns) == (False, "")
    assert serving(vertex) == {"pets-1": 100}


def test_a_service_account_of_ones_own(
    vertex: VertexEmulator, gcs: GcsEmulator, pushed: Pushed
) -> None:
    account = gcs.accounts.add("endpoint").email
    pushed(FIRST, service_account=account)
    [deployed] = vertex.endpoints[0].deployed_models
    assert deployed.service_account == account


def test_a_key_of_ones_own(vertex: VertexEmulator, pushed: Pushed) -> None:
    for digest in (FIRST, SECOND):
        pushed(digest, encryption_key=KEY)
    made = [*vertex.models, *vertex.endpoints]
    assert [one.encryption_spec.kms_key_name for one in made] == [KEY] * 3
    # Without the setting they are gone on with: nothing is less protected than was asked for.
    pushed(THIRD)


def test_what_was_made_without_the_key_is_not_taken_for_encrypted(
    vertex: VertexEmulator, pushed: Pushed
) -> None:
    pushed(FIRST)
    before = changes(vertex)
    for digest in (FIRST, SECOND):
        with pytest.raises(CloudError) as refused:
            pushed(digest, encryption_key=KEY)
        assert "models/pets is encrypted with no key of yours, which" in str(refused.value)
    assert changes(vertex) == before


def test_an_endpoint_of_another_key_is_refused(
    vertex: VertexEmulator, cloud: Callable[..., object], pushed: Pushed
) -> None:
    other = f"{KEY}-2"
    cloud(create_endpoint, "pets", encryption_spec_key_name=other)
    with pytest.raises(CloudError, match=f"endpoints/pets is encrypted with {other}, which"):
        pushed(FIRST, encryption_key=KEY)
    assert "DeployModel" not in changes(vertex)


def test_what_holds_another_recipes_models_is_refused(
    vertex: VertexEmulator, pushed: Pushed
) -> None:
    pushed(FIRST)
    before = changes(vertex)
    with pytest.raises(CloudError) as refused:
        pushed(SECOND, recipe="leaves")
    assert "models/pets holds models of the recipe pets, not of leaves; set PIPELINE_NAME" in str(
        refused.value
    )
    assert changes(vertex) == before
    assert serving(vertex) == {"pets-1": 100}


def test_the_same_content_again_changes_nothing(vertex: VertexEmulator, pushed: Pushed) -> None:
    name = pushed(FIRST)
    models, endpoints = vertex.models, vertex.endpoints
    assert pushed(FIRST) == name
    assert (vertex.models, vertex.endpoints) == (models, endpoints)
    assert changes(vertex) == CHANGES


def test_other_content_takes_over(vertex: VertexEmulator, pushed: Pushed, artifact: str) -> None:
    assert pushed(FIRST) == pushed(SECOND)
    assert versions(vertex) == [version(1, FIRST, artifact), version(2, SECOND, artifact)]
    assert serving(vertex) == {"pets-2": 100}
    assert changes(vertex) == CHANGES + NEXT_CHANGES


def test_a_former_content_is_the_version_that_it_was(
    vertex: VertexEmulator, pushed: Pushed, artifact: str
) -> None:
    for digest in (FIRST, SECOND, FIRST):
        pushed(digest)
    assert versions(vertex) == [version(1, FIRST, artifact), version(2, SECOND, artifact)]
    assert serving(vertex) == {"pets-1": 100}


def test_the_same_content_in_another_image_takes_over(
    vertex: VertexEmulator, pushed: Pushed
) -> None:
    pushed(FIRST)
    pushed(FIRST, container={"image": "us-docker.pkg.dev/demo/images/serving:2"})
    assert [image for _, _, image, _ in versions(vertex)] == [
        IMAGE,
        "us-docker.pkg.dev/demo/images/serving:2",
    ]
    assert serving(vertex) == {"pets-2": 100}


def test_canaries(vertex: VertexEmulator, pushed: Pushed) -> None:
    pushed(FIRST, traffic=10)
    assert serving(vertex) == {"pets-1": 100}
    for _ in range(2):
        pushed(SECOND, traffic=10)
        assert serving(vertex) == {"pets-1": 90, "pets-2": 10}
    pushed(THIRD, traffic=10)
    assert serving(vertex) == {"pets-1": 90, "pets-3": 10}
    pushed(THIRD, traffic=100)
    assert serving(vertex) == {"pets-3": 100}


def test_a_canary_of_most_requests_is_not_what_served_before(
    vertex: VertexEmulator, pushed: Pushed
) -> None:
    pushed(FIRST)
    pushed(SECOND, traffic=60)
    pushed(THIRD, traffic=60)
    assert serving(vertex) == {"pets-1": 40, "pets-3": 60}
    pushed(THIRD, traffic=20)
    assert serving(vertex) == {"pets-1": 80, "pets-3": 20}


def test_what_served_before_a_canary_ends_it_when_pushed_again(
    vertex: VertexEmulator, pushed: Pushed
) -> None:
    pushed(FIRST)
    pushed(SECOND, traffic=10)
    pushed(FIRST, traffic=10)
    assert serving(vertex) == {"pets-1": 100}


KILLED = [
    *[([], method) for method in CHANGES],
    *[([FIRST], method) for method in NEXT_CHANGES],
]


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize(("earlier", "method"), KILLED)
def test_killed_at_every_change_in_turn(
    vertex: VertexEmulator,
    pushed: Pushed,
    artifact: str,
    earlier: list[str],
    method: str,
    moment: str,
) -> None:
    for digest in earlier:
        pushed(digest)
    done = len(changes(vertex))
    if moment == "before":
        vertex.fault(method, "PERMISSION_DENIED")
        refusal(pushed, SECOND)
    else:
        vertex.lose_answer(method)
        pushed(SECOND, push_until_it_waits)
    assert changes(vertex)[done:][-1] == method

    pushed(SECOND)
    contents = [*earlier, SECOND]
    assert versions(vertex) == [
        version(number, digest, artifact) for number, digest in enumerate(contents, start=1)
    ]
    assert serving(vertex) == {f"pets-{len(contents)}": 100}


@pytest.mark.parametrize("method", NEXT_CHANGES)
def test_a_canary_that_is_killed_at_every_change_in_turn(
    vertex: VertexEmulator, pushed: Pushed, method: str
) -> None:
    pushed(FIRST)
    pushed(SECOND, traffic=10)
    vertex.lose_answer(method)
    pushed(THIRD, push_until_it_waits, traffic=20)
    pushed(THIRD, traffic=20)
    assert serving(vertex) == {"pets-1": 80, "pets-3": 20}
    assert len(vertex.models) == 3


@pytest.mark.parametrize("method", [*CHANGES, "UndeployModel", "GetModel", "GetEndpoint"])
@pytest.mark.parametrize("code", ["RESOURCE_EXHAUSTED", "UNAVAILABLE", "answer lost"])
def test_a_busy_service_is_asked_again(
    vertex: VertexEmulator, pushed: Pushed, artifact: str, method: str, code: str
) -> None:
    if method == "UndeployModel":
        pushed(FIRST)
    earlier = len(vertex.models)
    if code == "answer lost":
        vertex.lose_answer(method)
    else:
        vertex.fault(method, code)
    pushed(SECOND)
    assert serving(vertex) == {f"pets-{earlier + 1}": 100}
    assert len(vertex.models) == earlier + 1


def test_a_service_that_stays_busy(vertex: VertexEmulator, pushed: Pushed) -> None:
    vertex.fault("DeployModel", "UNAVAILABLE", times=ATTEMPTS, message="Come back.")
    assert refusal(pushed, FIRST) == (
        "Vertex AI in demo-project, us-central1, is busy or does not answer (Come back); "
        "try again later."
    )
    assert changes(vertex).count("DeployModel") == ATTEMPTS
    assert changes(vertex)[-1] == "DeployModel"
    pushed(FIRST)
    assert serving(vertex) == {"pets-1": 100}


@pytest.mark.parametrize("method", ["DeployModel", "UpdateEndpoint", "UndeployModel"])
def test_an_endpoint_that_another_change_is_made_to(
    vertex: VertexEmulator, pushed: Pushed, method: str
) -> None:
    pushed(FIRST)
    vertex.fault(method, "FAILED_PRECONDITION", message=OTHER_OPERATIONS, times=2)
    pushed(SECOND)
    assert serving(vertex) == {"pets-2": 100}
    assert [request.method for request in vertex.requests if request.status != "OK"][-2:] == [
        method,
        method,
    ]


def test_a_precondition_that_no_waiting_fulfils(vertex: VertexEmulator, pushed: Pushed) -> None:
    vertex.fault("DeployModel", "FAILED_PRECONDITION", message="The model is archived.")
    assert refusal(pushed, FIRST) == (
        "Vertex AI in demo-project, us-central1, refuses: The model is archived."
    )
    assert changes(vertex).count("DeployModel") == 1


def test_operations_that_take_their_time(vertex: VertexEmulator, pushed: Pushed) -> None:
    vertex.operations.polls = 3
    for digest in (FIRST, SECOND):
        pushed(digest)
    assert serving(vertex) == {"pets-2": 100}
    # Of the changes, only that of the traffic is no operation.
    operations = [method for method in changes(vertex) if method != "UpdateEndpoint"]
    asked = [request for request in vertex.requests if request.method == "GetOperation"]
    assert len(asked) == 3 * len(operations)


def test_a_deployment_that_takes_too_long(vertex: VertexEmulator, pushed: Pushed) -> None:
    vertex.fault("DeployModel", "PERMISSION_DENIED")
    refusal(pushed, FIRST)  # model and endpoint are there, and their operations at an end
    vertex.operations.polls = 1_000_000
    assert "is busy or does not answer (Operation did not complete" in refusal(
        pushed, FIRST, push_impatiently
    )
    assert changes(vertex).count("DeployModel") == 2
    pushed(FIRST)
    assert serving(vertex) == {"pets-1": 100}


def test_what_served_before_still_does_when_the_new_is_refused(
    vertex: VertexEmulator, pushed: Pushed
) -> None:
    pushed(FIRST)
    vertex.fault("DeployModel", "INVALID_ARGUMENT", message="The image cannot be\npulled.")
    assert refusal(pushed, SECOND).endswith("refuses: The image cannot be pulled.")
    assert serving(vertex) == {"pets-1": 100}


def test_an_account_without_a_role(
    vertex: VertexEmulator, gcs: GcsEmulator, pushed: Pushed
) -> None:
    stranger = gcs.accounts.add("stranger", permitted=False)
    sentence = refusal(pushed, FIRST, push_with_login, str(stranger.key_file))
    assert sentence.startswith("Vertex AI in demo-project, us-central1, refuses this account (")
    assert "stranger@demo-project.iam.gserviceaccount.com lacks a role" in sentence
    assert sentence.endswith("); it needs roles/aiplatform.user.")
    assert [request.method for request in vertex.requests] == ["GetModel"]


def test_an_expired_token(vertex: VertexEmulator, gcs: GcsEmulator, pushed: Pushed) -> None:
    expired = gcs.accounts.token(gcs.account, -1)
    sentence = refusal(pushed, FIRST, push_with_token, expired)
    assert "does not accept the credentials (" in sentence
    assert "the access token has expired" in sentence
    assert "run `gcloud auth application-default login`" in sentence
    assert [request.method for request in vertex.requests] == ["GetModel"]


def test_a_login_that_has_ended(vertex: VertexEmulator, pushed: Pushed, tmp_path: Path) -> None:
    login = {
        "client_id": "1",
        "client_secret": "x",
        "refresh_token": "y",
        "type": "authorized_user",
    }
    (tmp_path / "login.json").write_text(json.dumps(login))
    sentence = refusal(pushed, FIRST, push_with_login, str(tmp_path / "login.json"))
    assert "does not accept the credentials (" in sentence
    assert "invalid_grant" in sentence
    assert "run `gcloud auth application-default login`" in sentence
    assert vertex.requests == []


def test_no_credentials(vertex: VertexEmulator, pushed: Pushed, tmp_path: Path) -> None:
    sentence = refusal(pushed, FIRST, push_with_login, str(tmp_path / "absent.json"))
    assert "does not accept the credentials (File" in sentence
    assert vertex.requests == []


@pytest.mark.parametrize(
    ("given", "cause"),
    [
        (
            {"container": {"image": ""}},
            "refuses: Invalid model: container_spec.image_uri is required.",
        ),
        ({"machine_type": ""}, "machine_spec: machine_type is required."),
        ({"region": "europe-west1"}, "locations/europe-west1 is not found."),
        ({"project": "elsewhere"}, "the project is unknown); it needs roles/aiplatform.user."),
        (
            {"service_account": "nobody@demo-project.iam.gserviceaccount.com"},
            "act as service account nobody@demo-project.iam.gserviceaccount.com (or it may not "
            "exist)); it needs roles/aiplatform.user.",
        ),
        (
            {"saved_model": "gs://nowhere/model"},
            "artifact gs://nowhere/model has no saved_model.pb.",
        ),
    ],
)
def test_what_is_refused(
    vertex: VertexEmulator, pushed: Pushed, given: dict[str, Any], cause: str
) -> None:
    sentence = refusal(pushed, FIRST, **given)
    place = f"{given.get('project', 'demo-project')}, {given.get('region', 'us-central1')}"
    assert sentence.startswith(f"Vertex AI in {place}, refuses")
    assert sentence.endswith(cause)
    assert len({request.status for request in vertex.requests} - {"OK", "NOT_FOUND"}) <= 1
