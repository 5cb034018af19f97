"""The workflow that tells GitHub of a new data set; Google's service alone can run it."""

import re
from typing import Any

import pytest
import yaml

from tests.infra.terraform_files import INFRA, resource
from tfrecords.dataset import INFO_FILE
from tfrecords.staging import _PREVIOUS, _STAGING

SOURCE = (INFRA / "new_data" / "new-data.yaml").read_text()
STEPS: dict[str, Any] = {
    name: body for step in yaml.safe_load(SOURCE)["main"]["steps"] for name, body in step.items()
}


def whole_data_set(file: str) -> bool:
    condition = STEPS["leave_other_files"]["switch"][0]["condition"]
    [pattern] = re.findall(r'^\$\{not\(text\.match_regex\(file, "(.*)"\)\)\}$', condition)
    return re.search(pattern, file) is not None


@pytest.mark.parametrize("folder", ["data", "data/mine", "data/2026-11/pets_v1.2"])
def test_a_description_is_of_a_whole_data_set(folder: str) -> None:
    assert whole_data_set(f"{folder}/{INFO_FILE}")


@pytest.mark.parametrize(
    "file",
    [
        f"data/mine/{_STAGING}/{INFO_FILE}",
        f"data/mine/{_STAGING}-0f3a/{INFO_FILE}",
        f"data/mine/{_PREVIOUS}/{INFO_FILE}",
        f"pipeline/data/{INFO_FILE}",
        f"data/mine/{INFO_FILE}.tmp",
        f"data/mine/old-{INFO_FILE}",
        f"data//{INFO_FILE}",
        f'data/a"; echo b/{INFO_FILE}',
        f"data/$(id)/{INFO_FILE}",
        f"data/a\n/{INFO_FILE}",
        "data/mine/train-00000-of-00001.tfrecord",
    ],
)
def test_other_files_start_nothing(file: str) -> None:
    assert not whole_data_set(file)


def test_the_folder_is_what_lies_before_the_descriptions_name() -> None:
    body = STEPS["tell_github"]["try"]["args"]["body"]
    assert body["event_type"] == "new-data"
    folder = f'text.substring(file, 0, len(file) - len("/{INFO_FILE}"))'
    assert body["client_payload"] == {"data_root": f'${{"gs://" + bucket + "/" + {folder}}}'}


def test_the_token_is_seen_nowhere() -> None:
    workflow = resource("google_workflows_workflow", "new_data")
    assert workflow["call_log_level"] == "LOG_NONE"
    assert workflow["execution_history_level"] == "EXECUTION_HISTORY_BASIC"
    read = STEPS["read_token"]
    assert read["call"].startswith("googleapis.secretmanager.v1.")
    assert read["result"] == "token"
    headers = STEPS["tell_github"]["try"]["args"]["headers"]
    assert headers["Authorization"] == '${"Bearer " + token}'
    assert len(re.findall(r"\btoken\b", SOURCE)) == 2
    assert "sys.log" not in SOURCE


def test_the_workflow_is_given_what_it_asks_for() -> None:
    given = resource("google_workflows_workflow", "new_data")["user_env_vars"]
    asked = set(re.findall(r'sys\.get_env\("(\w+)"\)', SOURCE))
    assert asked - {"GOOGLE_CLOUD_PROJECT_ID"} == given.keys()  # the service gives the project
