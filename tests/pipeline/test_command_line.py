"""`visionpipe`, the command line of all verbs."""

import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from pipeline.__main__ import main
from pipeline.configs import Settings
from tests.conftest import REPOSITORY

VERBS = ["train", "check", "report", "lineage", "track", "rehearse", "submit"]
VERBS += ["wait", "cancel", "publish"]
HEAVY = {"apache_beam", "google.cloud.aiplatform", "huggingface_hub", "keras", "numpy", "rich"}
HEAVY |= {"tensorflow", "tfx"}
WRONG = [
    "Wrong settings:",
    "  EPOCH in the environment is no setting, did you mean EPOCHS?",
    "  --image-size='1000000': Input should be less than or equal to 4096.",
    "  LEARNING_RATE='1e9': Input should be less than or equal to 10.",
]


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("COLUMNS", "250")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def mistaken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EPOCH", "3")
    monkeypatch.setenv("LEARNING_RATE", "1e9")


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_has_a_flag_for_every_setting(capsys: pytest.CaptureFixture[str], verb: str) -> None:
    assert main([verb, "--help"]) == 0
    lines = capsys.readouterr().out.splitlines()
    for name in Settings.model_fields:
        flag = f"--{name.replace('_', '-')}"
        assert any(line.lstrip("│ ").startswith((f"{flag} ", f"{flag},")) for line in lines), flag
    titles = [line.split("─")[1].strip() for line in lines if line.startswith("╭─")]
    assert titles[-7:] == [
        "Every run",
        "Runs in MLflow",
        "Models in lakeFS",
        "Data with versions",
        "A Vertex Endpoint",
        "Vertex AI",
        "The Hugging Face Hub",
    ]


@pytest.mark.usefixtures("mistaken")
@pytest.mark.parametrize("verb", ["train", "check", "report", "submit", "turn announce"])
def test_all_that_is_wrong_is_said_at_once(capsys: pytest.CaptureFixture[str], verb: str) -> None:
    assert main([*verb.split(), "--image-size", "1000000"]) == 2
    printed = capsys.readouterr()
    assert (printed.out, printed.err.splitlines()) == ("", WRONG)


def test_twenty_wrong_flags_are_twenty_sentences(capsys: pytest.CaptureFixture[str]) -> None:
    """Some by the names that other training scripts have for them."""
    wrong = {
        "--dataset-version": ("s3://tires/../x", "leads out of its folder"),
        "--tires-bucket": ("A", "'A' in the address is no name of a bucket"),
        "--model-type": ("cnnn", "MODEL=cnnn is unknown; known are airbench, classifier, cnn,"),
        "--optimizer-type": ("adan", "Input should be 'adamw', 'adam' or 'sgd'"),
        "--epochs": ("1.5", "Input should be a valid integer"),
        "--learning-rate": ("fast", "Input should be a valid number"),
        "--batch-size": ("0", "Input should be greater than 0"),
        "--image-size": ("9999", "Input should be less than or equal to 4096"),
        "--encoder": ("resnet18", "Did you mean resnet_18?"),
        "--tune-trials": ("-1", "Input should be greater than 0"),
        "--pipeline-name": ("My Tires", "String should match pattern"),
        "--lakefs-endpoint": ("here", "Input should be a valid URL"),
        "--s3-endpoint": ("http://a:b@c", "it has keys in it"),
        "--s3-access-key-secret": ("a b", "a secret is named, not given"),
        "--mlflow-tracking-uri": ("there", "it is no address of an MLflow server"),
        "--dataflow-disk-gb": ("large", "Input should be a valid integer"),
        "--hf-token-secret": ("a b", "a secret is named, not given"),
        "--hf-space-variables": ("x", "expected a JSON object"),
        "--endpoint-server": ("flask", "Input should be 'vertex' or 'tensorflow-serving'"),
        "--training-replicas": ("many", "Input should be a valid integer"),
    }
    typed = [word for flag, (value, _) in wrong.items() for word in (flag, value)]
    assert main(["train", "--recipe", "tires", *typed]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    heading, *sentences = printed.err.splitlines()
    assert (heading, len(sentences)) == ("Wrong settings:", len(wrong))
    for _, told in wrong.values():
        assert any(told in sentence for sentence in sentences), (told, sentences)


@pytest.mark.usefixtures("mistaken")
@pytest.mark.parametrize(
    "arguments", [["--help"], ["train", "--help"], ["serve", "--help"], ["train"]]
)
def test_nothing_heavy_is_imported(arguments: list[str]) -> None:
    ask = f"import sys; from pipeline.__main__ import main; main({arguments})\n"
    ask += "print(*sys.modules, sep='\\n')"
    done = subprocess.run(
        [sys.executable, "-c", ask],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        stdout=subprocess.PIPE,
    )
    heavy = HEAVY - ({"rich"} if "--help" in arguments else set())
    assert heavy & set(done.stdout.decode().splitlines()) == set()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["trian"], "No such command 'trian'. Did you mean 'train'"),
        (["train", "--epoch", "3"], "No such option: --epoch (Possible options: --epochs)"),
        (["wait"], "Missing argument 'JOB_ID'"),
        (["hub", "rolback"], "No such command 'rolback'. Did you mean 'rollback'?"),
        (["hub", "rollback", "--hf-repo", "a/b"], "No such option: --hf-repo"),
        (["serving", "predict"], "Missing argument 'IMAGE'"),
        (["check", "--engine", "verteks"], "'verteks' is not one of 'local', 'vertex'"),
        (["rehearse", "--parallel", "0"], "Input should be greater than or equal to 1"),
    ],
)
def test_a_wrong_argument_is_told(
    capsys: pytest.CaptureFixture[str], arguments: list[str], told: str
) -> None:
    assert main(arguments) == 2
    assert told in capsys.readouterr().err


def test_the_hub_has_flags_of_its_own_settings_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["hub", "deploy", "--help"]) == 0
    shown = capsys.readouterr().out
    assert "visionpipe hub deploy" in shown and "--hf-space-hardware" in shown
    assert "--epochs" not in shown
    assert main(["hub", "deploy", "--hf-repo-id", "pets", "--hf-space-variables", "x"]) == 2
    assert "--hf-repo-id='pets': expected OWNER/NAME" in capsys.readouterr().err


def test_the_app_has_flags_of_places_and_the_repository_alone(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["app", "--help"]) == 0
    shown = capsys.readouterr().out
    assert "--model" in shown and "PATH|RUN|TAG" in shown and "Architecture" not in shown
    assert "--serving-dir" in shown and "--hf-repo-id" in shown
    assert "--epochs" not in shown and "--hf-space-id" not in shown


def test_a_flag_wins_over_environment_and_file(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SERVING_DIR", "of-environment")
    (tmp_path / ".env").write_text("SERVING_DIR=of-file\n")
    assert main(["app", "--serving-dir", "of-flag"]) == 2
    assert capsys.readouterr().err.startswith("No model was pushed to of-flag yet")
    assert main(["app"]) == 2
    assert capsys.readouterr().err.startswith("No model was pushed to of-environment yet")


def test_programs_are_told_what_a_check_found(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--json", "--data-root", "nowhere", "--encoder-weights", "no.h5"]) == 2
    told = json.loads(capsys.readouterr().out)
    assert (told["engine"], told["ready"], told["passed"]) == ("local", False, [])
    assert "DATA_ROOT=nowhere is no folder" in told["problem"]
    assert "ENCODER_WEIGHTS=no.h5 is no file" in told["problem"]


@pytest.mark.usefixtures("mistaken")
def test_the_command_is_installed_and_runs_anywhere() -> None:
    command = Path(sysconfig.get_path("scripts")) / "visionpipe"
    done = subprocess.run([command, "train", "--image-size=1000000"], capture_output=True)
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.decode().splitlines() == WRONG
