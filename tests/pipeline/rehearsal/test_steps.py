"""What a step is told, and what becomes of what it says."""

import json
from pathlib import Path

from pipeline.rehearsal import Outcome, State, rehearse
from tests.pipeline.rehearsal.jobs import ROOT, job, saying, step


def printed(outcome: Outcome, name: str = "step") -> str:
    assert outcome.state is State.SUCCEEDED, outcome.tasks[name].error
    return outcome.tasks[name].log.read_text().strip()


SHOW = "import sys; print('\\n'.join(sys.argv[1:]))"
NAMING_ITS_FOLDER = """
uri = told["outputs"]["artifacts"]["data"]["artifacts"][0]["uri"]
data = {"artifacts": [{"uri": uri, "metadata": {"where": uri + "/file"}}]}
file.write_text(json.dumps({"artifacts": {"data": data}}))
"""


def test_placeholders_stand_for_inputs_outputs_and_names(tmp_path: Path) -> None:
    arguments = [
        "{{$.inputs.parameters['count']}} of {{$.inputs.parameters['text']}}",
        "{{$.inputs.artifacts['data'].uri}}",
        "{{$.inputs.artifacts['data'].metadata['colour']}}",
        "{{$.outputs.artifacts['more'].uri}}/file",
        "{{$.pipeline_job_name}} {{$.pipeline_task_name}}",
    ]
    data = saying(artifacts={"data": {"artifacts": [{"metadata": {"colour": "red"}}]}})
    steps = {
        "first": step(data, outputs=["data"], args=["{{$}}"]),
        "step": step(
            SHOW,
            inputs={"data": "first.data"},
            outputs=["more"],
            parameters={"count": 3, "text": 'a "b"'},
            args=arguments,
        ),
    }
    outcome = rehearse(job(steps), tmp_path, run_id="run-1")
    count, uri, colour, more, names = printed(outcome).splitlines()
    assert count == '3 of a "b"'
    cloud = outcome.tasks["first"].outputs.artifacts["data"][0].uri
    assert cloud.startswith(f"{ROOT}/0/run-1/first_")
    assert uri == cloud.replace("gs://", f"{tmp_path}/gcs/")
    assert Path(uri).is_dir()
    assert colour == "red"
    assert Path(more).parent.is_dir()
    assert names == "run-1 step"


def test_a_placeholder_for_nothing_fails_the_step(tmp_path: Path) -> None:
    outcome = rehearse(job({"step": step(args=["{{$.inputs.parameters['x']}}"])}), tmp_path)
    assert outcome.tasks["step"].state is State.FAILED
    assert "{{$.inputs.parameters['x']}} stands for nothing" in outcome.tasks["step"].error


def test_cloud_paths_are_the_stores_folder_wherever_a_step_meets_them(tmp_path: Path) -> None:
    script = "import os, sys; print(os.environ['A'], os.environ['B'], *sys.argv[1:])"
    nested = json.dumps({"base": "gs://bucket/x"})
    steps = {
        "step": step(
            script,
            env={"A": "/gcs/bucket/a"},
            parameters={"nested": nested},
            args=["{{$.inputs.parameters['nested']}}", "--x=gs://b/c", "/mnt/gcs/kept"],
        )
    }
    outcome = rehearse(job(steps), tmp_path, environment={"B": "gs://bucket/b"})
    root = f"{tmp_path}/gcs"
    expected = f'{root}/bucket/a {root}/bucket/b {{"base": "{root}/bucket/x"}} --x={root}/b/c'
    assert printed(outcome) == f"{expected} /mnt/gcs/kept"


def test_what_a_step_says_of_paths_is_stored_as_cloud_uris(tmp_path: Path) -> None:
    store = tmp_path / 'a "quoted" store ü'
    script = saying() + NAMING_ITS_FOLDER
    outcome = rehearse(job({"step": step(script, outputs=["data"], args=["{{$}}"])}), store)
    artifact = outcome.tasks["step"].outputs.artifacts["data"][0]
    assert artifact.metadata["where"] == f"{artifact.uri}/file"
    assert artifact.uri.startswith("gs://demo-bucket/")


def test_without_mapping_cloud_uris_reach_the_step_as_they_are(tmp_path: Path) -> None:
    steps = {"step": step(SHOW, args=["gs://bucket/x"])}
    local = job(steps, gcsOutputDirectory=str(tmp_path / "root"))
    assert printed(rehearse(local, tmp_path / "store", map_gcs=False)) == "gs://bucket/x"


def test_a_driver_changes_parameters_and_outputs(tmp_path: Path) -> None:
    driver = saying(
        parameterValues={"pattern": "day-7", "span": 7},
        artifacts={"data": {"artifacts": [{"metadata": {"span": "7"}}]}},
    )
    args = [
        "{{$.inputs.parameters['pattern']}}",
        "{{$.outputs.artifacts['data'].metadata['span']}}",
    ]
    steps = {
        "step": step(
            SHOW, driver=driver, outputs=["data"], parameters={"pattern": "day-{SPAN}"}, args=args
        )
    }
    outcome = rehearse(job(steps), tmp_path)
    assert printed(outcome).splitlines() == ["day-7", "7"]
    assert outcome.tasks["step"].outputs.artifacts["data"][0].metadata == {"span": "7"}


def test_output_parameters_reach_the_next_step(tmp_path: Path) -> None:
    output = {"taskOutputParameter": {"producerTask": "first", "outputParameterKey": "x"}}
    steps = {
        "first": step(
            "import sys; open(sys.argv[1], 'w').write('from a file')",
            output_parameters=["x"],
            args=["{{$.outputs.parameters['x'].output_file}}"],
        ),
        "step": step(SHOW, parameters={"x": output}, args=["{{$.inputs.parameters['x']}}"]),
    }
    assert printed(rehearse(job(steps), tmp_path)) == "from a file"


def test_an_output_file_that_does_not_parse_fails_the_step(tmp_path: Path) -> None:
    script = saying() + "file.write_text('{')"
    outcome = rehearse(job({"step": step(script, args=["{{$}}"])}), tmp_path)
    assert "ExecutorOutput that does not parse" in outcome.tasks["step"].error


def test_an_importer_recognises_what_it_imported(tmp_path: Path) -> None:
    def importing(reimport: bool, colour: str = "red") -> str:
        importer = {
            "artifactUri": {"constant": "gs://demo-bucket/raw"},
            "typeSchema": {"schemaTitle": "tfx.Dataset"},
            "metadata": {"colour": colour},
            "reimport": reimport,
        }
        steps = {"raw": step(outputs=["data"], executor={"importer": importer})}
        outcome = rehearse(job(steps), tmp_path)
        return outcome.tasks["raw"].outputs.artifacts["data"][0].name

    first = importing(reimport=False)
    assert importing(reimport=False) == first
    assert importing(reimport=False, colour="blue") != first
    assert importing(reimport=True) != first
