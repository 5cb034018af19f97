"""Names before the first step runs what would make a later one fail."""

import itertools
import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pipeline.jobs.states import RehearsalError
from pipeline.rehearsal.inputs import input_parameters
from pipeline.rehearsal.job import Task
from pipeline.rehearsal.run import Run
from pipeline.rehearsal.steps import step_environment

_FINDER = Path(__file__).with_name("find_modules.py")
_LATER = "\0"  # stands for what another step will put out
_DOTTED = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+")
_NO_BUCKET = re.compile(r"gs://(?![a-z0-9])")


def check_steps(run: Run) -> None:
    """Look for the modules, files and data that the job's constants and parameters name.

    Raises:
        RehearsalError: with a line for everything that is missing or wrong.
    """
    problems = []
    if _NO_BUCKET.match(run.job.root):
        problems.append(_without_bucket("The job's root", run.job.root))
    wanted: dict[frozenset[tuple[str, str]], dict[str, tuple[str, str | None]]] = {}
    for task in run.job.tasks.values():
        known = _known_texts(run, task)
        problems += _problems_of_paths(run, task, known)
        if task.executor.HasField("container"):
            environment = frozenset(step_environment(run, task).items())
            wanted.setdefault(environment, {}).update(_modules(task, known))
    for items, modules in wanted.items():
        problems += _missing_modules(dict(items), modules)
    if problems:
        raise RehearsalError("\n".join(problems))


def _known_texts(run: Run, task: Task) -> dict[str, str]:
    """Return the task's parameters that are strings and do not depend on another step."""
    names = run.names(task.name, "0")
    values: dict[str, Any] = input_parameters(
        task, run.job.parameters, names, lambda source: _LATER
    )
    return {
        name: value
        for name, value in values.items()
        if isinstance(value, str) and value and _LATER not in value
    }


def _problems_of_paths(run: Run, task: Task, known: Mapping[str, str]) -> Iterator[str]:
    for name, value in known.items():
        if _NO_BUCKET.match(value):
            yield _without_bucket(f"Task {task.name}'s {name}", value)
    module_file = known.get("module_file", "")
    if module_file and run.storage.read(module_file) is None:
        yield (
            f"Task {task.name}'s module_file {module_file} is not there{_here(run, module_file)}: "
            "copy the file there, or correct the path."
        )
    _, _, wheels = known.get("module_path", "").partition("@")
    for wheel in filter(None, wheels.split(",")):
        if run.storage.read(wheel) is None:
            yield (
                f"Task {task.name}'s module is in {wheel}, which is not there{_here(run, wheel)}: "
                "copy the wheel there, or compile the job again."
            )
    data = known.get("input_base", "")
    # An earlier step may write the data of a later one.
    if data and not task.upstream and run.storage.is_empty(data):
        yield (
            f"Task {task.name} reads {data}, where there is nothing{_here(run, data)}: copy your "
            "data there."
        )


def _without_bucket(what: str, value: str) -> str:
    return f"{what} is {value}, which names no bucket: write gs://BUCKET/FOLDER."


def _here(run: Run, uri: str) -> str:
    path = run.storage.to_local(uri)
    return "" if path == uri else f" (it is {path} here)"


def _modules(task: Task, known: Mapping[str, str]) -> Iterator[tuple[str, tuple[str, str | None]]]:
    """Yield what the task names, in words, and the module and the name in it."""
    container = task.executor.container
    driver = container.lifecycle.pre_cache_check
    for command in ([*container.command, *container.args], [*driver.command, *driver.args]):
        if command[:2] == ["python", "-m"] and len(command) > 2:
            yield f"Task {task.name} runs module {command[2]}", (command[2], None)
        for option, value in itertools.pairwise(command):
            if option == "--executor_class_path" and _DOTTED.fullmatch(value):
                module, _, name = value.rpartition(".")
                # The decorator @component makes its class when the module is imported.
                seen = None if name.endswith("_Executor") else name
                yield f"Task {task.name} runs {value}", (module, seen)
    module_path = known.get("module_path", "")
    if module_path and "@" not in module_path:
        yield f"Task {task.name} has module_path={module_path}", (module_path, None)
    if known.keys().isdisjoint({"module_path", "module_file"}):  # either has the functions then
        for parameter, value in known.items():
            if parameter.endswith("_fn") and _DOTTED.fullmatch(value):
                module, _, name = value.rpartition(".")
                yield f"Task {task.name} has {parameter}={value}", (module, name)


def _missing_modules(
    environment: Mapping[str, str], modules: Mapping[str, tuple[str, str | None]]
) -> Iterator[str]:
    """Ask a process with the environment of steps."""
    finder = subprocess.run(
        [sys.executable, "-c", _FINDER.read_text(), json.dumps(list(modules.values()))],
        env=environment,
        capture_output=True,
        text=True,
    )
    if finder.returncode:
        last = (finder.stderr.strip() or "it printed nothing").splitlines()[-1]
        yield f"Python does not start in the steps' environment: {last}"
        return
    for what, problem in zip(modules, json.loads(finder.stdout), strict=True):
        if problem is not None:
            yield (
                f"{what}, but {problem}: correct the path, or put the module into {Path.cwd()} or "
                "on PYTHONPATH."
            )
