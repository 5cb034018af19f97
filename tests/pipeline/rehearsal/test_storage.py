"""Where gs:// is not mapped: the steps and the rehearsal reach Cloud Storage by themselves."""

import threading
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from pipeline.rehearsal import RehearsalError, State, rehearse
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


@contextmanager
def cloud_storage() -> Iterator[tuple[str, dict[str, bytes]]]:
    """Uploads and downloads of Cloud Storage's JSON API: the address, and what is kept by URI."""
    kept: dict[str, bytes] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            url = urllib.parse.urlsplit(self.path)
            name = urllib.parse.parse_qs(url.query)["name"][0]
            content = self.rfile.read(int(self.headers["Content-Length"]))
            kept[f"gs://{url.path.split('/')[5]}/{name}"] = content
            self.answer(200, b"{}")

        def do_GET(self) -> None:
            parts = urllib.parse.urlsplit(self.path).path.split("/")
            uri = f"gs://{parts[5]}/{urllib.parse.unquote(parts[7])}"
            missing = 403 if uri.startswith("gs://forbidden/") else 404
            self.answer(200 if uri in kept else missing, kept.get(uri, b""))

        def answer(self, status: int, content: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", kept
        server.shutdown()


def test_a_step_and_the_rehearsal_meet_in_cloud_storage(tmp_path: Path) -> None:
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
    with cloud_storage() as (address, kept):
        outcome = rehearse(
            job(steps), tmp_path, map_gcs=False, environment={"STORAGE_EMULATOR_HOST": address}
        )
    assert outcome.state is State.SUCCEEDED, outcome.tasks
    assert len(kept) == 2
    (data,) = outcome.tasks["first"].outputs.artifacts["data"]
    assert data.metadata == {"colour": "red"}
    assert data.uri.startswith("gs://demo-bucket/pipeline/")
    assert outcome.tasks["second"].log.read_text() == f"{data.uri} 7 images\n"
    assert not (tmp_path / "gcs").exists()


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("gs://demo-bucket/x.py", "module_file gs://demo-bucket/x.py is not there: copy the file"),
        ("gs://forbidden/x.py", "Cloud Storage does not give gs://forbidden/x.py (403 GET"),
    ],
)
def test_code_that_cloud_storage_does_not_give_is_refused(
    tmp_path: Path, uri: str, message: str
) -> None:
    given = job({"step": step(parameters={"module_file": uri})})
    with cloud_storage() as (address, _), pytest.raises(RehearsalError) as refusal:
        rehearse(given, tmp_path, map_gcs=False, environment={"STORAGE_EMULATOR_HOST": address})
    assert message in str(refusal.value)
