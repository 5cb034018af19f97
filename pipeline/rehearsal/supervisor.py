"""Runs a command, and ends it with all that it started should the rehearsal die.

A script: `python -I supervisor.py COMMAND…`. Its standard input is a pipe that the rehearsal holds
open, so that the end of the file is the rehearsal's end, however that came about. The supervisor is
the leader of the command's process group. It exits as a shell would: 128 and more say which signal
ended the command.
"""

import os
import signal
import subprocess
import sys
import threading


def end_with_rehearsal() -> None:
    """Kills the group, this process included, once the pipe is closed."""
    os.read(0, 1)
    os.killpg(0, signal.SIGKILL)


def main() -> int:
    """Run the command; return the exit status."""
    # The command is to end itself; unlike SIG_IGN, a handler is not handed on to it.
    signal.signal(signal.SIGTERM, lambda *_: None)
    threading.Thread(target=end_with_rehearsal, daemon=True).start()
    try:
        status = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL).wait()
    except OSError as error:
        os.write(2, f"{sys.argv[1]} could not be started: {error.strerror}\n".encode())
        return 127
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    # Without the interpreter's clean-up, which would wait for the thread's read.
    os._exit(main())
