"""Where gs:// is not mapped: the steps and the rehearsal reach Cloud Storage by themselves."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from pipeline.rehearsal import RehearsalError, State, rehearse
from tests.emulators.gcs import GcsEmulator
from tests.pipeline.rehearsal.jobs import job, step

UPLOADING = """
    import json, os, sys, urllib.parse, urllib.request

    def upload(uri, content):
        bucket, _, name = uri.removeprefix("gs://").partition("/")
        query = urllib.parse.urlencode({"uploadType": "media", "name": name})
        host = os.environ["STORAGE_EMULATOR_HOST"]
        urllib.request.urlopen(f"{host}/upload/storage/v1/b/{bucket}/o?{query}", content.encode())

    told = json.loads(sys.argv[1])
    upload(told["outputs"]["parameters"]["found"]["outputFile"], "7 images")
    data = {"artifacts": [{"metadata": {"colour": "red"}}]}
    upload(told["outputs"]["outputFile"], json.dumps({"artifacts": {"data": data}}))
"""


def test_a_step_and_the_rehearsal_meet_in_cloud_storage(
    tmp_path: Path, gcs: GcsEmulator, bucket: str
) -> None:
    output = {"taskOutputParameter": {"producerTask": "first", "outputParameterKey": "found"}}
    steps = {
        "first": step(UPLOADING, outputs=["data"], output_parameters=["found"], args=["{{$}}"]),
        "second": step(
            "import sys; print(*sys.argv[1:])",
            inputs={"data": "first.data"},
            parameters={"found": output},
            args=["{{$.inputs.artifacts['data'].uri}}", "{{$.inputs.parameters['found']}}"],
        ),
    }
    given = {**job(steps), "runtimeConfig": {"gcsOutputDirectory": f"{bucket}/root"}}
    outcome = rehearse(
        given, tmp_path, map_gcs=False, environment={"STORAGE_EMULATOR_HOST": gcs.url}
    )
    assert outcome.state is State.SUCCEEDED, outcome.tasks
    assert len(gcs.list(bucket)) == 2
    (data,) = outcome.tasks["first"].outputs.artifacts["data"]
    assert data.metadata == {"colour": "red"}
    assert data.uri.startswith(f"{bucket}/root/")
    assert outcome.tasks["second"].log.read_text() == f"{data.uri} 7 images\n"
    assert not (tmp_path / "gcs").exists()


def test_code_that_is_not_in_cloud_storage_is_refused(
    tmp_path: Path, gcs: GcsEmulator, bucket: str
) -> None:
    message = refusal(tmp_path, f"{bucket}/x.py", gcs.url)
    assert f"module_file {bucket}/x.py is not there: copy the file" in message


def test_code_that_one_may_not_read_is_refused(tmp_path: Path) -> None:
    """The emulator lets everybody read everything."""

    class Forbidding(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_error(403)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Forbidding) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        message = refusal(tmp_path, "gs://forbidden/x.py", f"http://127.0.0.1:{server.server_port}")
        server.shutdown()
    assert "Cloud Storage does not give gs://forbidden/x.py (403 GET" in message


def refusal(folder: Path, module_file: str, address: str) -> str:
    given = job({"step": step(parameters={"module_file": module_file})})
    with pytest.raises(RehearsalError) as refused:
        rehearse(given, folder, map_gcs=False, environment={"STORAGE_EMULATOR_HOST": address})
    return str(refused.value)
