"""Whatever stands in a field of a workflow changes that field's value, and nothing else."""

import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from tests.conftest import REPOSITORY
from tests.github.machines import machine
from tests.github.player import Played, Player
from tests.github.repositories import commit

# Quotes, substitutions, lines that are commands to the runner or pairs of its files, expressions.
HOSTILE = (
    "{0}\"'; touch pwned; $(touch pwned) `touch pwned` && touch pwned | ${{{{ github.token }}}}\n"
    "::set-output name=image::pwned\n::error::pwned\nPIPELINE_IMAGE=pwned\nEOF\n--spec=pwned *"
)
# They become names of hosts and accounts: what is none starts nothing.
_OF_GOOGLE = {"GOOGLE_CLOUD_PROJECT": "demo-project", "GOOGLE_CLOUD_REGION": "us-central1"}
_PLACES = ("project", "region")
_RECORDER = f"""#!{sys.executable}
import json, os, sys
with open(os.environ["RECORD"], "a") as record:
    print(json.dumps([sys.argv, dict(os.environ)]), file=record)
print("sha256:" + "0" * 64 if "inspect" in sys.argv else os.environ)
"""
_MAKEFILE = """\
setup data sbom:
\t@mkdir -p .venv/bin output; echo '{}' > output/sbom.json; cp recorder .venv/bin/python
"""
# What differs from run to run, or says where the runner's files are.
_OF_THE_RUN = {"PWD", "OLDPWD", "SHLVL", "_", "REGISTRY_AUTH_FILE", "LC_CTYPE"}


class Recorded:
    """Plays workflows whose commands write down how they are called.

    Args:
        folder: where everything is.
        variables: of the repository.
    """

    def __init__(self, folder: Path, variables: Mapping[str, str]) -> None:
        repository = folder / "repository"
        (repository / ".github").mkdir(parents=True)
        for name in ("workflows", "scripts"):
            (repository / ".github" / name).symlink_to(REPOSITORY / ".github" / name)
        (repository / "Makefile").write_text(_MAKEFILE)
        (repository / "Dockerfile").touch()
        (repository / "pyproject.toml").write_text('[project]\nversion = "1"\n')
        (repository / "CHANGELOG.md").write_text("## 1\n")
        (repository / ".gitignore").write_text(".venv\noutput\n")
        recorder = repository / "recorder"
        recorder.write_text(_RECORDER)
        recorder.chmod(0o755)
        commit(repository, "init", "--quiet", "--initial-branch=main")
        tools = folder / "tools"
        tools.mkdir()
        for name in ("skopeo", "buildah", "gh"):
            (tools / name).symlink_to(recorder)
        self._record = folder / "record"
        environment = machine(folder / "home")
        environment |= {
            "PATH": f"{tools}:{environment['PATH']}",
            "RECORD": str(self._record),
            "ACTIONS_ID_TOKEN_REQUEST_URL": "http://127.0.0.1:9/",
        }
        self.given: list[dict[str, str]] = []
        self.variables = dict(variables)
        self._player = Player(
            folder / "runs",
            repository,
            environment,
            {},
            {
                "google-github-actions/auth": self._login,
                "actions/attest-build-provenance": lambda *_: {},
                "actions/cache": lambda *_: {},
            },
            prepare=lambda checkout: None,
        )
        self._player.variables = self.variables
        self._folder = folder

    def _login(self, given: dict[str, str], _: dict[str, str]) -> dict[str, str]:
        self.given.append(given)
        return {"access_token": "token"}

    def play(self, *arguments: Any, **more: Any) -> Played:
        return self._player.play(*arguments, **more)

    def calls(self) -> list[Any]:
        """All calls so far, each as its arguments and its environment."""
        calls = [json.loads(line) for line in self._record.read_text().splitlines()]
        where = str(self._folder)
        for arguments, environment in calls:
            for name in _OF_THE_RUN & environment.keys():
                del environment[name]
            arguments[:] = [_nameless(argument, where) for argument in arguments]
            environment |= {name: _nameless(value, where) for name, value in environment.items()}
        return calls


def _nameless(text: str, folder: str) -> str:
    return re.sub(r"/tmp/tmp\.\w+", "TEMP", text.replace(folder, "FOLDER"))


def _with(pattern: str, names: list[str]) -> dict[str, str]:
    return {name: pattern.format(f"<{name}>") for name in names}


def _harmless(value: Any, names: list[str]) -> Any:
    """What was recorded, with each field's hostile value replaced by its name."""
    text = json.dumps(value)
    for name in names:
        text = text.replace(json.dumps(HOSTILE.format(f"<{name}>"))[1:-1], f"<{name}>")
    return json.loads(text)


def _compare(
    tmp_path: Path,
    workflow: str,
    job: str,
    names: dict[str, list[str]],
    choices: Mapping[str, str] = MappingProxyType({}),
    **more: Any,
) -> None:
    """Plays a workflow with harmless fields, and with hostile ones: but for them all is alike."""
    fields = [name for group in names.values() for name in group]
    seen = []
    for pattern in ("{0}", HOSTILE):
        folder = tmp_path / f"played-{len(seen)}"
        variables = _OF_GOOGLE | _with(pattern, names.get("variables", []))
        recorded = Recorded(folder, variables)
        event = {"client_payload": _with(pattern, names.get("payload", []))}
        inputs = {**_with(pattern, names.get("inputs", [])), **choices}
        played = recorded.play(workflow, job, inputs=inputs, event=event, **more)
        logs = {step.name: step.log for step in played.steps.values()}
        assert played.conclusion == "success", logs
        assert played.errors == []
        assert not list(folder.rglob("pwned"))
        outputs = {step.name: step.outputs for step in played.steps.values()}
        seen.append([recorded.calls(), recorded.given, outputs, played.summary])
    assert seen[0][0]  # something was called
    harmless, hostile = seen[0], _harmless(seen[1], fields)
    for (words, environment), (others, another) in zip(harmless[0], hostile[0], strict=True):
        assert others == words
        differing = {
            key for key in environment | another if environment.get(key) != another.get(key)
        }
        assert not differing, {key: another.get(key) for key in differing}
    assert hostile == harmless


def _read(workflow: str, context: str) -> list[str]:
    text = (REPOSITORY / ".github" / "workflows" / workflow).read_text()
    return sorted(set(re.findall(rf"\b{re.escape(context)}\.(\w+)", text)))


def _variables(workflow: str) -> list[str]:
    return [name for name in _read(workflow, "vars") if name not in _OF_GOOGLE]


def test_fields_of_a_run_that_a_user_begins(tmp_path: Path) -> None:
    texts = ["recipe", "model", "epochs", "data_version"]
    choices = {"engine", "dataflow", "publish"}
    assert set(_read("train.yml", "inputs")) == {*_PLACES, *texts, *choices}
    names = {"inputs": texts, "variables": _variables("train.yml")}
    _compare(tmp_path, "train.yml", "train", names)


def test_fields_of_a_run_on_the_runner_itself(tmp_path: Path) -> None:
    texts = ["recipe", "model", "epochs", "data_version"]
    names = {"inputs": texts, "variables": _variables("train.yml")}
    _compare(tmp_path, "train.yml", "local", names, {"engine": "local"})


def test_the_runner_itself_trains_on_the_embedded_data_and_is_known_to_the_hub(
    tmp_path: Path,
) -> None:
    recorded = Recorded(tmp_path, {"HF_REPO_ID": "demo/tires"})
    inputs = {"engine": "local", "recipe": "tires"}
    assert recorded.play("train.yml", "train", inputs=inputs).conclusion == "skipped"
    played = recorded.play("train.yml", "local", inputs=inputs)
    assert played.conclusion == "success", played
    assert all(step.outcome == "success" for step in played.steps.values())
    [(words, environment)] = recorded.calls()
    assert words[1:] == ["-m", "pipeline", "train", "--summary", environment["GITHUB_STEP_SUMMARY"]]
    assert (environment["RECIPE"], environment["HF_TOKEN_SECRET"]) == ("tires", "OIDC")
    assert "GOOGLE_CLOUD_PROJECT" not in environment
    del recorded.variables["HF_REPO_ID"]
    assert "Not set: HF_REPO_ID." in recorded.play("train.yml", "local", inputs=inputs).summary
    quiet = recorded.play("train.yml", "local", inputs={**inputs, "publish": "false"})
    assert quiet.conclusion == "success"
    assert recorded.play("train.yml", "local").conclusion == "skipped"


@pytest.mark.parametrize("name", _PLACES)
def test_what_is_no_name_of_a_place_starts_nothing(tmp_path: Path, name: str) -> None:
    variables = {**_OF_GOOGLE, "WORKLOAD_IDENTITY_PROVIDER": "pool", "HF_REPO_ID": "a/b"}
    recorded = Recorded(tmp_path, {**variables, "HF_TOKEN_SECRET": "secret"})
    played = recorded.play("train.yml", "train", inputs={name: HOSTILE.format("")})
    variable = f"GOOGLE_CLOUD_{name.upper()}"
    reason = f"No name of Google Cloud's: {variable}. Only a-z, 0-9 and - are in one."
    assert (played.conclusion, played.errors) == ("failure", [reason])
    assert reason in played.summary and not list(tmp_path.rglob("pwned"))
    assert not recorded.given  # nobody has logged in


@pytest.mark.parametrize("event_name", ["repository_dispatch", "schedule"])
def test_fields_of_a_run_that_data_or_the_clock_begins(tmp_path: Path, event_name: str) -> None:
    payload = _read("train.yml", "github.event.client_payload")
    assert payload == ["data_root"]
    names = {"variables": _variables("train.yml")}
    if event_name == "repository_dispatch":
        names["payload"] = payload
    _compare(tmp_path, "train.yml", "train", names, event_name=event_name)


def test_the_folder_of_new_data(tmp_path: Path) -> None:
    names = {"payload": ["data_root"], "variables": ["WORKLOAD_IDENTITY_PROVIDER"]}
    _compare(tmp_path, "train.yml", "announce", names, event_name="repository_dispatch")


def test_fields_of_the_spaces_deployment(tmp_path: Path) -> None:
    names = {"inputs": ["version"], "variables": _variables("deploy-space.yml")}
    assert _read("deploy-space.yml", "inputs") == names["inputs"]
    _compare(tmp_path, "deploy-space.yml", "deploy", names)


def test_a_hostile_tag_is_no_release(tmp_path: Path) -> None:
    recorded = Recorded(tmp_path, {})
    tag = 'v1";touch${IFS}pwned;$(touch${IFS}pwned)'
    played = recorded.play("release.yml", "release", event_name="push", ref=f"refs/tags/{tag}")
    assert played.conclusion == "failure"
    assert f"    The tag is {tag}, but pyproject.toml has version 1: tag v1." in played.summary
    assert not list(tmp_path.rglob("pwned"))
