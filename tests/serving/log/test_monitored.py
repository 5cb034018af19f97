"""What a server logs is what the monitor compares."""

from collections.abc import Callable
from pathlib import Path

from models.reference.features import measure_image
from models.reference.statistics import summarize, write_reference
from models.registry import load_learning
from pipeline.__main__ import main
from pipeline.recipes import load_recipe
from serving.log.files import list_files
from serving.log.reader import read_log
from tests.serving.conftest import encode
from tests.serving.own_server import MODEL, Running, wait_for
from tests.serving.tiny_models import give_provenance


def test_requests_of_a_server_are_watched(
    serve: Callable[..., Running], pushed: Path, tmp_path: Path
) -> None:
    log, known = tmp_path / "log", [encode(20 + number, 30) for number in range(50)]
    config = load_recipe("scenes").training_config()
    server = serve(pushed, log=log)
    server.ask(known)
    wait_for(lambda: log.is_dir() and len(list(read_log(log))) == 50)
    answers = [
        load_learning(config.task).describe_answer(one.outputs, config) for one in read_log(log)
    ]
    give_provenance(pushed / "2", "scenes")
    reference = summarize("eval", [measure_image(one) for one in known], answers)
    write_reference(str(pushed / "2"), reference)
    options = [f"--log={log}", f"--model={pushed}", f"--name={MODEL}", "--window=50"]
    arguments = ["monitor", *options, f"--output={tmp_path / 'output'}"]
    assert main(arguments) == 0
    page = tmp_path / "output" / "monitor.html"
    assert "As in training" in page.read_text()
    server.ask([encode(200 + number, 30) for number in range(50)])
    wait_for(lambda: len(list(read_log(log))) == 100)
    assert main(arguments) == 3
    assert "asked about other images than it knows: by" in page.read_text()
    assert len(list_files(log)) == 1
