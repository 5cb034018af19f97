"""Does a job's tasks in the order of its graph, in parallel where that allows."""

import json
import threading
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any

from pipeline.jobs.states import Artifact, Outcome, RehearsalError, State, TaskState
from pipeline.rehearsal.conditions import holds
from pipeline.rehearsal.inputs import Source, input_parameters
from pipeline.rehearsal.job import Job, Task
from pipeline.rehearsal.run import Run, new_uuid
from pipeline.rehearsal.steps import Inputs, Result, do


class Scheduler:
    """Begins each task when those that it depends on have ended.

    Args:
        run: what is rehearsed.
        on_change: called with each new state of a task, from one thread at a time.
    """

    def __init__(self, run: Run, on_change: Callable[[TaskState], None]) -> None:
        self._run = run
        self._job: Job = run.job
        self._on_change = on_change
        self._lock = threading.Lock()
        self._states = {name: TaskState(name, run.log(name)) for name in run.job.tasks}
        self._scheduled: set[str] = set()

    def run_all(self, parallel: int) -> Outcome:
        """Run the job's tasks to the end, at most so many processes at a time."""
        for task in self._states.values():
            self._record(task)
        running: dict[Future[Result], str] = {}
        with ThreadPoolExecutor(parallel, thread_name_prefix="rehearsal") as pool:
            try:
                while self._schedule(pool, running) or running:
                    ended, _ = wait(running, return_when=FIRST_COMPLETED)
                    for future in ended:
                        self._finish(running.pop(future), future.result())
            except BaseException:
                self._run.stop.set()
                raise
        cut_off = [task.name for task in self._states.values() if not task.state.ended]
        for name in cut_off:
            self._change(name, State.NOT_TRIGGERED, error="the rehearsal was interrupted")
        states = {task.state for task in self._states.values()}
        if cut_off or State.CANCELLED in states:
            state = State.CANCELLED
        else:
            state = State.FAILED if State.FAILED in states else State.SUCCEEDED
        outcome = Outcome(self._run.run_id, state, dict(self._states), self._job.warnings)
        self._run.store.end_run(outcome.run_id, outcome.state)
        return outcome

    def _schedule(self, pool: ThreadPoolExecutor, running: dict[Future[Result], str]) -> bool:
        """Begin what can begin; return whether that ended a task, so that more can."""
        progress = False
        for name, task in self._job.tasks.items():
            upstream = [self._states[other] for other in sorted(task.upstream)]
            if name in self._scheduled or not all(other.state.ended for other in upstream):
                continue
            if self._run.stop.is_set():
                continue
            self._scheduled.add(name)
            try:
                reason = self._reason_not_to(task, upstream)
                inputs = None if reason else self._inputs(task)
            except RehearsalError as error:
                self._finish(name, Result(State.FAILED, error=str(error)))
                progress = True
                continue
            if inputs is None:
                self._change(name, State.NOT_TRIGGERED, error=reason)
                progress = True
            elif task.executor.HasField("container"):
                running[pool.submit(self._do, task, inputs)] = name
            else:  # a look-up is answered at once, before anything else of this run is stored
                self._finish(name, self._do(task, inputs))
                progress = True
        return progress

    def _reason_not_to(self, task: Task, upstream: list[TaskState]) -> str | None:
        if not task.needs_success:
            return None
        for other in upstream:
            if not other.state.has_outputs:
                return f"{other.name} did not succeed"
        if self._job.fail_fast and any(t.state is State.FAILED for t in self._states.values()):
            return "the job's failure policy is to begin nothing after a failure"
        condition = task.spec.trigger_policy.condition
        if condition and not holds(condition, self._input_artifacts(task)):
            return f"its condition does not hold: {condition}"
        return None

    def _do(self, task: Task, inputs: Inputs) -> Result:
        if not self._run.stop.is_set():
            self._change(task.name, State.RUNNING)
        return do(self._run, task, inputs)

    def _finish(self, name: str, result: Result) -> None:
        if result.state is State.CANCELLED and self._states[name].begin is None:
            return  # it waited for its turn
        self._change(
            name,
            result.state,
            cache_key=result.cache_key,
            error=result.error,
            outputs=result.outputs,
        )

    def _change(
        self, name: str, state: State, cache_key: str | None = None, **changes: Any
    ) -> None:
        with self._lock:
            self._states[name] = self._states[name].moved(state, **changes)
            self._record(self._states[name], cache_key)

    def _record(self, task: TaskState, cache_key: str | None = None) -> None:
        self._run.store.save(self._run.run_id, task, cache_key)
        self._on_change(task)

    def _inputs(self, task: Task) -> Inputs:
        names = self._run.names(task.name, new_uuid())
        parameters = input_parameters(task, self._job.parameters, names, self._produced)
        return Inputs(parameters, self._input_artifacts(task), names)

    def _input_artifacts(self, task: Task) -> dict[str, list[Artifact]]:
        given = {}
        for name, source in task.spec.inputs.artifacts.items():
            output = source.task_output_artifact
            outputs = self._states[self._job.producer(output.producer_task)].outputs
            given[name] = outputs.artifacts.get(output.output_artifact_key, []) if outputs else []
        return given

    def _produced(self, source: Source) -> Any:
        """Return what another task left as a parameter."""
        if source.HasField("task_final_status"):
            return json.dumps(self._final_status(source.task_final_status.producer_task))
        output = source.task_output_parameter
        outputs = self._states[self._job.producer(output.producer_task)].outputs
        if outputs is None or output.output_parameter_key not in outputs.parameters:
            raise RehearsalError(
                f"{output.producer_task} did not put out its parameter "
                f"{output.output_parameter_key}."
            )
        return outputs.parameters[output.output_parameter_key]

    def _final_status(self, group: str) -> dict[str, Any]:
        """Return a PipelineTaskFinalStatus in the form of its JSON."""
        states = [self._states[name] for name in self._job.groups.get(group, {group})]
        failed = [task for task in states if task.state is State.FAILED]
        status: dict[str, Any] = {
            "state": State.FAILED if failed else State.SUCCEEDED,
            "pipelineJobName": self._run.run_id,
            "pipelineJobUuid": self._run.uuid,
            "pipelineJobResourceName": self._run.resource_name,
            "pipelineTaskName": group,
        }
        if failed:
            names = ", ".join(task.name for task in failed)
            status["error"] = {"message": f"failed: {names}; {failed[0].reason}"}
        return status
