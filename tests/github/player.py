"""Plays a workflow as GitHub's runner does: the same scripts, files and signals."""

import os
import re
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.github.commands import Commands, read_pairs
from tests.github.expressions import evaluate, interpolate
from tests.github.machines import install

_STATUS_FUNCTION = re.compile(r"\b(always|success|failure|cancelled)\(\)")
_FILES = ("GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_PATH", "GITHUB_STEP_SUMMARY")
_PATIENCE = 7.5  # seconds from SIGINT to SIGKILL


@dataclass
class Step:
    """What became of a step.

    Args:
        name: as in the workflow.
        environment: what it was given beside the runner's own.
        outcome: success, failure, cancelled or skipped.
        log: what it printed.
        outputs: what it put out.
    """

    name: str
    environment: dict[str, str] = field(default_factory=dict)
    outcome: str = "skipped"
    log: str = ""
    outputs: dict[str, str] = field(default_factory=dict)


@dataclass
class Played:
    """What became of a job.

    Args:
        conclusion: success, failure, cancelled or skipped.
        steps: by name, in their order.
        summary: the job's summary, Markdown.
        errors: what `::error::` said.
        commit: of which the workflow is.
        outputs: what the job puts out, by name.
    """

    conclusion: str
    steps: dict[str, Step]
    summary: str
    errors: list[str]
    commit: str
    outputs: dict[str, str] = field(default_factory=dict)


# Plays an action: is given its `with` and the environment, may add to it, and returns outputs.
Action = Callable[[dict[str, str], dict[str, str]], dict[str, str]]


class Player:
    """Plays the jobs of a repository's workflows.

    Args:
        folder: where runs have their files.
        repository: the git repository that is checked out.
        environment: of the machine.
        variables: of the repository.
        actions: what stands for actions that are none of ours, by name.
        prepare: what is done in a checkout before the first step.

    Attributes:
        cancelled: when set, the run that is played ends as a cancelled one.
        runs: the number of the newest run.
    """

    def __init__(
        self,
        folder: Path,
        repository: Path,
        environment: Mapping[str, str],
        variables: Mapping[str, str] | None = None,
        actions: Mapping[str, Action] | None = None,
        prepare: Callable[[Path], None] = install,
    ) -> None:
        self.folder = folder
        self.repository = repository
        self.environment = dict(environment)
        self.variables = dict(variables or {})
        self.actions = {"actions/checkout": self._check_out, **(actions or {})}
        self.cancelled = threading.Event()
        self.runs = 0
        self._prepare = prepare

    def play(
        self,
        workflow: str,
        job: str,
        *,
        event_name: str = "workflow_dispatch",
        inputs: Mapping[str, Any] | None = None,
        event: Mapping[str, Any] | None = None,
        ref: str = "refs/heads/main",
        needs: Mapping[str, Played] | None = None,
    ) -> Played:
        """Plays one job.

        Args:
            workflow: name of its file.
            job: its id.
            event_name: what began it.
            inputs: as a user types them; what is not given has its default.
            event: what the event told, such as `client_payload`.
            ref: of which the workflow is.
            needs: the jobs that it needs, which were played before.
        """
        text = (self.repository / ".github" / "workflows" / workflow).read_text()
        definition = yaml.load(text, yaml.BaseLoader)
        self.runs += 1
        run = _Run(self, definition, definition["jobs"][job], self.runs, event_name, ref)
        run.contexts["inputs"] = _inputs(definition, inputs or {}, event_name)
        run.contexts["github"]["event"] = dict(event or {})
        run.contexts["needs"] = {
            name: {"result": played.conclusion, "outputs": played.outputs}
            for name, played in (needs or {}).items()
        }
        return run.play()

    def _check_out(self, _: dict[str, str], environment: dict[str, str]) -> dict[str, str]:
        workspace = environment["GITHUB_WORKSPACE"]
        command = ["git", "clone", "--quiet", str(self.repository), workspace]
        subprocess.run(command, check=True, env=environment)
        self._prepare(Path(workspace))
        return {}


def _inputs(
    definition: Mapping[str, Any], given: Mapping[str, Any], event_name: str
) -> dict[str, Any]:
    """Inputs by type; events that have none leave all of them null."""
    if event_name != "workflow_dispatch":
        return {}
    declared = definition["on"]["workflow_dispatch"] or {}
    values = {}
    for name, declaration in declared.get("inputs", {}).items():
        value = given.get(name, declaration.get("default", ""))
        boolean = declaration.get("type") == "boolean"
        values[name] = (value in (True, "true")) if boolean else value
    unknown = given.keys() - values.keys()
    if unknown:
        raise ValueError(f"There are no inputs {unknown}")
    return values


class _Run:
    """One job that is played."""

    def __init__(
        self,
        player: Player,
        definition: dict[str, Any],
        job: dict[str, Any],
        number: int,
        event_name: str,
        ref: str,
    ) -> None:
        self._player = player
        self._job = job
        self._folder = player.folder / f"run-{number}"
        self._workspace = self._folder / "workspace"
        for made in ("temp", "files", "workspace"):
            (self._folder / made).mkdir(parents=True)
        self._failed = False
        self._steps: dict[str, Step] = {}
        self._summary = ""
        self._commands = Commands()
        head = subprocess.run(
            ["git", "rev-parse", "HEAD"],
            cwd=player.repository,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        self._environment = {
            **player.environment,
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_EVENT_NAME": event_name,
            "GITHUB_REF": ref,
            "GITHUB_REF_NAME": ref.split("/", 2)[-1],
            "GITHUB_RUN_ATTEMPT": "1",
            "GITHUB_RUN_ID": str(number),
            "GITHUB_SHA": head,
            "GITHUB_WORKSPACE": str(self._workspace),
            "RUNNER_TEMP": str(self._folder / "temp"),
        }
        github = {
            "event_name": event_name,
            "ref": ref,
            "run_attempt": "1",
            "run_id": str(number),
            "sha": head,
            "token": player.environment.get("GITHUB_TOKEN", ""),
        }
        self.contexts: dict[str, Any] = {
            "github": github,
            "vars": player.variables,
            "env": {},
            "runner": {"environment": "self-hosted"},
            "secrets": {},
            "steps": {},
        }
        # Without permission there is no identity.
        granted = {**definition["permissions"], **job.get("permissions", {})}
        if granted.get("id-token") != "write":
            for name in ("ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"):
                self._environment.pop(name, None)

    def play(self) -> Played:
        if not self._holds(self._job.get("if", "success()")):
            return Played("skipped", {}, "", [], self._environment["GITHUB_SHA"])
        self._job_environment = self._evaluated(self._job.get("env", {}))
        self.contexts["env"] = self._job_environment
        self._environment |= self._job_environment
        for definition in self._job["steps"]:
            step = Step(definition["name"])
            self._steps[step.name] = step
            if self._holds(definition.get("if", "success()")):
                self._do(definition, step)
            if name := definition.get("id"):
                self.contexts["steps"][name] = {"outcome": step.outcome, "outputs": step.outputs}
        cancelled = self._player.cancelled.is_set()
        conclusion = "cancelled" if cancelled else "failure" if self._failed else "success"
        commit = self._environment["GITHUB_SHA"]
        outputs = self._evaluated(self._job.get("outputs", {}))
        errors = self._commands.errors
        return Played(conclusion, self._steps, self._summary, errors, commit, outputs)

    def _holds(self, condition: str) -> bool:
        condition = condition.removeprefix("${{").removesuffix("}}")
        if not _STATUS_FUNCTION.search(condition):
            condition = f"success() && ({condition})"
        return bool(evaluate(condition, self.contexts, self._functions()))

    def _functions(self) -> dict[str, Callable[..., Any]]:
        cancelled = self._player.cancelled.is_set()
        return {
            "always": lambda: True,
            "cancelled": lambda: cancelled,
            "failure": lambda: self._failed and not cancelled,
            "success": lambda: not self._failed and not cancelled,
        }

    def _evaluated(self, values: Mapping[str, Any]) -> dict[str, str]:
        return {
            name: interpolate(value, self.contexts, self._functions())
            for name, value in values.items()
        }

    def _do(self, definition: dict[str, Any], step: Step) -> None:
        step.environment = self._evaluated(definition.get("env", {}))
        self.contexts["env"] = {**self._job_environment, **step.environment}
        files = {name: self._folder / "files" / name.lower() for name in _FILES}
        for path in files.values():
            path.write_text("")
        environment = {**self._environment, **step.environment}
        environment |= {name: str(path) for name, path in files.items()}
        if "uses" in definition:
            given = self._evaluated(definition.get("with", {}))
            self._act(definition["uses"], given, environment, step)
        else:
            assert "${{" not in definition["run"], "a script with an expression in it"
            self._run(definition["run"], environment, step)
        step.outputs |= read_pairs(files["GITHUB_OUTPUT"])
        self._environment |= read_pairs(files["GITHUB_ENV"])
        self._summary += files["GITHUB_STEP_SUMMARY"].read_text()
        if step.outcome == "failure" and definition.get("continue-on-error") != "true":
            self._failed = True
        self.contexts["env"] = self._job_environment

    def _act(
        self, action: str, given: dict[str, str], environment: dict[str, str], step: Step
    ) -> None:
        before = dict(environment)
        try:
            step.outputs |= self._player.actions[action.partition("@")[0]](given, environment)
        except Exception as error:
            step.outcome, step.log = "failure", str(error)
            return
        step.outcome = "success"
        self._environment |= {
            name: value for name, value in environment.items() if before.get(name) != value
        }

    def _run(self, script: str, environment: dict[str, str], step: Step) -> None:
        path = self._folder / "temp" / "script.sh"
        path.write_text(script)
        process = subprocess.Popen(
            ["bash", "-e", str(path)],
            cwd=self._workspace,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        ended = threading.Event()
        watching = threading.Thread(target=self._stop_when_cancelled, args=(process, ended))
        watching.start()
        step.log = process.communicate()[0]
        ended.set()
        watching.join()
        step.outputs |= self._commands.read(step.log)
        if self._player.cancelled.is_set() and process.returncode:
            step.outcome = "cancelled"
        else:
            step.outcome = "failure" if process.returncode else "success"

    def _stop_when_cancelled(self, process: subprocess.Popen[str], ended: threading.Event) -> None:
        if self._player.cancelled.is_set():
            return  # a step that runs because the run was cancelled
        while not ended.wait(0.1):
            if self._player.cancelled.is_set():
                os.kill(process.pid, signal.SIGINT)
                if not ended.wait(_PATIENCE):
                    os.killpg(process.pid, signal.SIGKILL)
                return
