"""What native libraries tell of the machine, and what they tell of a crash."""

import subprocess
import sys
from pathlib import Path

from tests.conftest import REPOSITORY

NOTICES = b"""\
WARNING: All log messages before absl::InitializeLog() is called are written to STDERR
I0000 00:00:1796065390.019433    4543 cudart_stub.cc:31] Could not find cuda drivers.
E0000 00:00:1796065455.490956    4543 cuda_platform.cc:52] failed call to cuInit: UNKNOWN ERROR
2026-11-30 19:00:00.250000: I tensorflow/core/util/port.cc:153] oneDNN custom operations are on.
To enable the following instructions: AVX2 FMA, in other operations, rebuild TensorFlow.
INFO: Created TensorFlow Lite XNNPACK delegate for CPU.
fully_quantize: 0, inference_type: 6, input_inference_type: FLOAT32
"""
CRASH = b"F0000 00:00:1796065390.019433    4543 tensor.cc:1] Check failed: 1 == 2 \xff\n"
WRITE = """
import os, sys
from pathlib import Path
from tfrecords.notices import hide_notices, kept_in
hide_notices()
hide_notices()
print("said", file=sys.stderr)
with kept_in(Path("run.log")):
    os.write(2, Path("written").read_bytes())
    os.abort()
"""


def test_notices_go_to_the_log_alone_and_a_crash_is_told(tmp_path: Path) -> None:
    (tmp_path / "written").write_bytes(NOTICES + CRASH)
    done = subprocess.run(
        [sys.executable, "-c", WRITE],
        cwd=tmp_path,
        env={"PYTHONPATH": str(REPOSITORY), "PATH": "/usr/bin:/bin"},
        capture_output=True,
    )
    assert done.returncode < 0
    assert (done.stdout, done.stderr) == (b"", b"said\n" + CRASH)
    assert (tmp_path / "run.log").read_bytes() == NOTICES + CRASH


def test_a_terminal_stays_one(tmp_path: Path) -> None:
    """Rich looks at `sys.stderr` for whether it may be colourful."""
    ask = "from tfrecords.notices import hide_notices; hide_notices(); import sys; "
    ask += "print(sys.stderr.isatty(), sys.stderr.line_buffering, sys.stderr.errors)"
    command = ["script", "-qec", f"{sys.executable} -c '{ask}'", "/dev/null"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)
    assert done.stdout.split() == ["True", "True", "backslashreplace"]
