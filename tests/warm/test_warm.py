"""Programs that run in forks are what the interpreter would make of them."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.warm.commands import python

SHOW = """
import os, sys
print(sys.argv[1:], os.getcwd(), os.environ["GREETING"], sys.path[0], __name__)
print(__file__, file=sys.stderr)
print("tensorflow" in sys.modules)
print(sys.stdin.read())
sys.exit(7)
"""


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "program.py"
    path.write_text(SHOW)
    return path


def run(*words: object, **keywords: object) -> subprocess.CompletedProcess[str]:
    command = [python(), *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, **keywords)


def test_a_file_is_run_as_by_the_interpreter_but_for_what_is_imported(program: Path) -> None:
    given = {
        "cwd": program.parent,
        "env": {**os.environ, "GREETING": "hello", "TF_CPP_MIN_LOG_LEVEL": "2"},
        "input": "typed",
    }
    warm = run(program, "a b", **given)
    command = [sys.executable, str(program), "a b"]
    cold = subprocess.run(command, capture_output=True, text=True, **given)
    assert warm.returncode == cold.returncode == 7
    assert warm.stdout == cold.stdout.replace("False", "True")
    assert warm.stderr == cold.stderr


def test_a_module_is_found_in_the_working_directory(tmp_path: Path) -> None:
    (tmp_path / "greet.py").write_text("import sys; print(__name__, sys.argv[1:], sys.path[0])\n")
    done = run("-m", "greet", "you", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, f"__main__ ['you'] {tmp_path}\n"), done.stderr


def test_code_is_run_as_by_the_interpreter() -> None:
    program = ["-c", "import sys; print(sys.argv, repr(sys.path[0]), __name__)", "a b"]
    cold = subprocess.run([sys.executable, *program], capture_output=True, text=True)
    warm = run(*program)
    assert (warm.returncode, warm.stdout, warm.stderr) == (0, cold.stdout, "")


def test_an_error_ends_it_with_a_traceback(tmp_path: Path) -> None:
    (tmp_path / "fail.py").write_text("raise ValueError('no')\n")
    done = run("fail.py", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "ValueError: no"


ALONE = """
import sys
print({name: name in sys.modules for name in ("tensorflow", "tensorflow_transform", "apache_beam")})
print(__name__, sys.argv[1:], *sys.path, sep="\\n")
"""


@pytest.mark.parametrize("way", ["file", "module", "code"])
def test_an_isolated_program_has_tensorflow_and_nothing_else(tmp_path: Path, way: str) -> None:
    (tmp_path / "show.py").write_text(ALONE)
    program = {"file": ["show.py"], "module": ["-m", "show"], "code": ["-c", ALONE]}[way]
    given = {"cwd": tmp_path, "env": {**os.environ, "PYTHONPATH": str(tmp_path)}}
    warm = run("-I", *program, "a", **given)
    command = [sys.executable, "-I", *program, "a"]
    cold = subprocess.run(command, capture_output=True, text=True, **given)
    assert warm.returncode == cold.returncode
    assert warm.stdout == cold.stdout.replace("'tensorflow': False", "'tensorflow': True")


def test_with_options_the_interpreter_itself_starts() -> None:
    program = "import sys; print('tensorflow' in sys.modules, sys.executable)"
    assert run("-s", "-c", program).stdout == f"False {sys.executable}\n"


WAIT = """
import os, pathlib, sys, time
pathlib.Path("pid.new").write_text(str(os.getpid()))
pathlib.Path("pid.new").rename("pid")
try:
    time.sleep(600)
except KeyboardInterrupt:
    print("interrupted")
    sys.exit(130)
"""


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, -15), (signal.SIGKILL, -9)]
)
def test_signals_reach_the_program(tmp_path: Path, number: signal.Signals, status: int) -> None:
    (tmp_path / "wait.py").write_text(WAIT)
    command = [python(), "wait.py"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as process:
        while not (tmp_path / "pid").exists():
            assert process.poll() is None
            time.sleep(0.02)
        process.send_signal(number)
        output, _ = process.communicate()
    assert process.returncode == status
    assert output == ("interrupted\n" if number is signal.SIGINT else "")
    pid = int((tmp_path / "pid").read_text())
    with contextlib.suppress(psutil.NoSuchProcess):
        while psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
            time.sleep(0.02)  # the suite's time limit ends a failure
