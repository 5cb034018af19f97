"""Keeps what TensorFlow, CUDA and LiteRT tell of the machine from the terminal.

Their native code writes to descriptor 2, also before any setting of theirs is read. In a Space this
lies beside the demo's own modules, so that it imports nothing of the project.
"""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

# Lines of native logs; those of a fatal error (F) are no notices.
_NOTICES = (
    r"^[IWE][0-9]{4} [0-9:.]+ +[0-9]+ [^ ]+:[0-9]+\]",  # absl's
    r"^WARNING: All log messages before absl::InitializeLog",
    r"^[0-9-]+ [0-9:.]+: [IWE] [^ ]+:[0-9]+\]",  # TensorFlow's older ones
    r"^To enable the following instructions:",  # the second line of one
    r"^(VERBOSE|INFO|WARNING): .*(TensorFlow Lite|TfLite|XNNPACK|delegate)",  # LiteRT's
    r"^fully_quantize: ",  # its converter's
)


def hide_notices() -> None:
    """Has native code write to a process that passes on all but notices.

    To be called before TensorFlow is imported. What Python writes to `sys.stderr` goes where it
    went. The other process outlives a crash, whose last lines are therefore still told.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    stream = sys.stderr
    if stream is sys.__stderr__ and stream is not None:  # a notebook has a stream of its own
        sys.stderr = os.fdopen(os.dup(2), "w", 1, encoding=stream.encoding, errors=stream.errors)
    patterns = [word for pattern in _NOTICES for word in ("-e", pattern)]
    _write_to("grep", "--invert-match", "--text", "--line-buffered", "-E", *patterns)


@contextlib.contextmanager
def kept_in(log_file: Path) -> Iterator[None]:
    """Add all that native code writes to a file, notices as well."""
    before = os.dup(2)
    _write_to("tee", "--append", str(log_file))
    try:
        yield
    finally:
        os.dup2(before, 2)
        os.close(before)


def _write_to(*command: str) -> None:
    """Make descriptor 2 lead to a program, whose output goes where the descriptor led."""
    program = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=2,
        stderr=subprocess.DEVNULL,  # of a full disk Python tells
        env={**os.environ, "LC_ALL": "C"},  # any bytes are text
        start_new_session=True,  # Ctrl-C is not meant for it, and it ends with its input
    )
    assert program.stdin is not None
    os.dup2(program.stdin.fileno(), 2)
    program.stdin.close()
