"""Runs that meet each other, an interruption or a failing step."""

import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY, Workplace
from tests.notices import notices
from tests.pipeline.report.pages import Page
from tests.small_runs import REFUSED, SMOKE


def start(
    workplace: Workplace, data: Path, *, warm: bool = True, **settings: object
) -> subprocess.Popen[str]:
    return subprocess.Popen(
        ["python", "-u", "local_runner.py"],
        cwd=REPOSITORY,
        env=workplace.environment(warm=warm, DATA_ROOT=data, **{**SMOKE, **settings}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for(process: subprocess.Popen[str], text: str) -> None:
    assert process.stdout
    for line in process.stdout:
        if text in line:
            return
    raise AssertionError(f"{text!r} never came: {process.stderr and process.stderr.read()}")


@pytest.mark.slow
def test_killed_then_interrupted_refused_to_a_second_run_and_taken_up_again(
    begun: Workplace, few_pets: Path
) -> None:
    killed = start(begun, few_pets, EPOCHS=500)
    wait_for(killed, "Trainer")
    time.sleep(0.2)
    killed.kill()
    killed.communicate()

    first = start(begun, few_pets, warm=False, EPOCHS=500)
    wait_for(first, "Epoch 1/")  # the killed run has left no lock

    first.send_signal(signal.SIGSTOP)  # or it may be done before the second one has begun
    second = start(begun, few_pets)
    _, said = second.communicate(timeout=200)
    first.send_signal(signal.SIGCONT)
    assert second.returncode == 2
    assert f"Another run is using PIPELINE_ROOT={begun.pipeline_root}" in said
    assert "Traceback" not in said

    first.send_signal(signal.SIGINT)
    _, said = first.communicate(timeout=60)
    assert first.returncode == 130
    assert "Interrupted. Run again to go on" in said
    assert "Traceback" not in said
    assert notices(said) == []
    assert begun.pushed() == []

    again = start(begun, few_pets, EPOCHS=2)
    output, said = again.communicate(timeout=300)
    assert again.returncode == 0, said
    assert "verdict" in output


def test_a_failing_step_is_named_with_its_log(begun: Workplace, few_pets: Path) -> None:
    weights = begun.folder / "weights.h5"
    weights.write_text("no weights")
    settings = {**REFUSED, "MODEL": "unet", "ENCODER_WEIGHTS": weights}
    done = begun.run("python local_runner.py", DATA_ROOT=few_pets, **settings)
    assert done.returncode == 1
    assert f"Trainer failed: ENCODER_WEIGHTS={weights} does not fit MobileNetV2" in done.stderr
    assert "Traceback" not in done.stderr
    [log] = (begun.pipeline_root / "logs").iterdir()
    assert str(log) in done.stderr
    assert "Traceback" in log.read_text()
    [report] = (begun.pipeline_root / "reports").glob("2*")
    assert f"Report: {report}" in done.stderr
    page = Page(report)
    assert f"Not judged Trainer failed: see logs/{log.name}." in page.text
    assert "None: train and eval fit the schema." in page.text
    assert ["Trainer", "failed"] in [
        [row[0], row[-1]] for row in page.tables["Duration of each step"]
    ]
