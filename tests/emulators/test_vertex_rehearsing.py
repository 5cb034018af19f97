"""Pipeline jobs that Vertex AI's emulator runs for real."""

from google.cloud.aiplatform_v1 import types
from google.protobuf import json_format

from tests.emulators.submitting import submit, write_job
from tests.emulators.vertex.rehearsing import rehearsed
from tests.pipeline.rehearsal.jobs import job, saying, step

TaskState = types.PipelineTaskDetail.State
SAID = {"blessed": 1, "why": "good"}


def test_what_steps_put_out_is_told_also_from_the_cache(vertex, cloud, bucket, tmp_path):
    vertex.run_pipeline = rehearsed(tmp_path / "rehearsals", {}, map_gcs=True)
    script = saying(artifacts={"blessing": {"artifacts": [{"metadata": SAID}]}})
    judge = step(script, outputs=("blessing",), args=["{{$}}"])
    path = write_job(tmp_path, job({"Judge": judge})["pipelineSpec"])
    for job_id, state in (("demo-1", TaskState.SUCCEEDED), ("demo-2", TaskState.SKIPPED)):
        cloud(submit, path, f"{bucket}/root", job_id, parameters={})
        _, judged = vertex.wait(job_id).job_detail.task_details
        assert (judged.state, judged.error.message) == (state, "")
        [blessing] = judged.outputs["blessing"].artifacts
        assert blessing.name.startswith(f"{vertex.parent}/metadataStores/default/artifacts/")
        assert blessing.uri.startswith(f"{bucket}/root/")
        assert "/demo-1/" in blessing.uri
        assert blessing.schema_title == "tfx.Dataset"
        assert json_format.MessageToDict(blessing.metadata) == SAID
