"""Runs the pipeline up to one of its nodes, which alone is measured.

    python -m benchmarks.stages NODE

Run for one node after the other, with the settings of a user, every node has a process of its own:
those before it are answered from the cache. The gate lets every model pass, so that what publishes
one has something to do. Prints the node's seconds, as the metadata store has them.
"""

import json
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

# Before TensorFlow is imported: its notices about the machine are nothing to act on.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from tfx.orchestration.local.local_dag_runner import LocalDagRunner
from tfx.orchestration.pipeline import Pipeline
from tfx.proto.orchestration import pipeline_pb2

from pipeline import engines
from pipeline.configs import Settings, load_settings
from pipeline.pipeline import create_pipeline
from pipeline.recipe import Gate
from pipeline.runs import history, store


def pipeline(settings: Settings) -> Pipeline:
    """Return the pipeline, with a gate that lets every model pass."""
    recipe = settings.load_recipe()
    recipe = recipe.model_copy(update={"gate": Gate(max_drop=1)})
    return create_pipeline(recipe, engines.local_engine(settings), settings)


def node_ids() -> list[str]:
    """Name of the pipeline's nodes, in the order in which they run, HFPusher among them."""
    with tempfile.TemporaryDirectory() as folder:
        settings = load_settings(pipeline_root=folder, hf_repo_id="benchmark/growth")
        return [node.id for node in pipeline(settings).components]


class _Until(LocalDagRunner):
    """TFX's own runner, which ends after a node."""

    def __init__(self, last: str) -> None:
        super().__init__()
        self._last = last

    def run_with_ir(
        self,
        pipeline: pipeline_pb2.Pipeline,
        run_options: pipeline_pb2.RunOptions | None = None,
    ) -> None:
        ids = [node.pipeline_node.node_info.id for node in pipeline.nodes]
        del pipeline.nodes[ids.index(self._last) + 1 :]
        super().run_with_ir(pipeline, run_options)


def main(arguments: Sequence[str]) -> int:
    """Run the command line; return its exit code."""
    [name] = arguments
    settings = load_settings()
    Path(settings.pipeline_root).mkdir(parents=True, exist_ok=True)
    _Until(name).run(pipeline(settings))
    step = history.load_run(store.metadata_path(settings)).steps[name]
    if step.state != "COMPLETE":
        raise RuntimeError(f"{name} is {step.state}: there is nothing to measure.")
    print(json.dumps({"seconds": step.duration.total_seconds()}))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
