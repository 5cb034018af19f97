"""Runs a job compiled for Vertex AI Pipelines on this machine.

Each task's own container command runs in its own process, with its ExecutorInput and with
metadata, cache and failure policy as on the service; only the image is taken for this machine.
"""

from pipeline.jobs.states import Artifact, Outcome, Outputs, RehearsalError, State, TaskState
from pipeline.rehearsal.rehearsal import rehearse

__all__ = [
    "Artifact",
    "Outcome",
    "Outputs",
    "RehearsalError",
    "State",
    "TaskState",
    "rehearse",
]
