"""What came out of a run on this machine, as GitHub-flavoured Markdown."""

from components.artifacts.evaluations import load_evaluation
from pipeline.jobs.states import Outcome, State, TaskState
from pipeline.runs.history import Run, Step
from pipeline.vertex import markdown
from pipeline.vertex.outcome import Verdict

# Vertex AI's names of MLMD's states.
_STATES = {"COMPLETE": State.SUCCEEDED, "CACHED": State.SKIPPED}


def page(run: Run, room: int = markdown.LIMIT) -> str:
    """Return the page of a run, as a job on Vertex AI has it.

    Args:
        run: has come to its end.
        room: bytes that it may take, or else it is no more than its title.
    """
    verdict = Verdict(
        blessed=run.blessed,
        evaluation=load_evaluation(str(run.uri("Evaluator", "evaluation"))),
        reasons=[] if run.blessed else run.refusals(),
        pushed=run.pushed_model,
        url=run.publication.get("url", ""),
        space_url=run.publication.get("space_url", ""),
        edge=run.edge_model,
        data_version=run.data_version,
    )
    tasks = {name: _task(step) for name, step in run.steps.items()}
    outcome = Outcome(run.run_id, State.SUCCEEDED, tasks, warnings=())
    return markdown.page(outcome, verdict, run.run_id, room)


def _task(step: Step) -> TaskState:
    state = _STATES[step.state]
    return TaskState(step.name, state=state, begin=step.begin, end=step.begin + step.duration)
