"""A pipeline of one step, of which the step is a Python function."""

from tfx import v1 as tfx


@tfx.dsl.components.component
def Greet(name: tfx.dsl.components.Parameter[str]) -> tfx.dsl.components.OutputDict(greeting=str):
    return {"greeting": f"Hello, {name}!"}


def create_pipeline(root: str, name: str) -> tfx.dsl.Pipeline:
    return tfx.dsl.Pipeline(
        pipeline_name="greeting",
        pipeline_root=root,
        components=[Greet(name=name)],
        enable_cache=True,
    )


def compile_pipeline(root: str, image: str) -> None:
    """What the file that `tfx` is given calls."""
    orchestration = tfx.orchestration.experimental
    config = orchestration.KubeflowV2DagRunnerConfig(default_image=image)
    runner = orchestration.KubeflowV2DagRunner(config=config, output_filename="pipeline.json")
    runner.run(create_pipeline(root, "world"))
