"""A pipeline of one step, of which the step is a Python function."""

from tfx import v1 as tfx


@tfx.dsl.components.component
def Greet(name: tfx.dsl.components.Parameter[str]) -> tfx.dsl.components.OutputDict(greeting=str):
    return {"greeting": f"Hello, {name}!"}


def compiled_job(name: str, image: str) -> dict:
    pipeline = tfx.dsl.Pipeline(
        pipeline_name="greeting",
        pipeline_root="gs://demo-bucket/root",
        components=[Greet(name=name)],
        enable_cache=True,
    )
    config = tfx.orchestration.experimental.KubeflowV2DagRunnerConfig(default_image=image)
    runner = tfx.orchestration.experimental.KubeflowV2DagRunner(config=config)
    return runner.run(pipeline, write_out=False)
