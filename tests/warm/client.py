"""Stands for `python` and `tfx`: has the server run the program, and ends as the program ends.

It takes FILE, `-m MODULE` and `-c CODE`, each after `-u` or `-I` or neither; with any other option
the interpreter itself starts. Signals are passed on. When this process is killed, the server kills
the program, a moment later.

The file is executable as `FOLDER/bin/python`, beside the server's sockets and the symbolic link
`FOLDER/environment` to the folder of the true commands.
"""

import json
import os
import signal
import socket
import sys

FOLDER = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
FORWARDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def is_program(arguments: list[str]) -> bool:
    """Tells whether the arguments begin with a program, and not with options."""
    first, *rest = [*arguments, "", ""]
    return bool(rest[0]) if first in ("-m", "-c") else bool(first) and not first.startswith("-")


def main() -> None:
    """Runs the program; ends as it ends."""
    commands = os.readlink(os.path.join(FOLDER, "environment"))
    python = os.path.join(commands, "python")
    name, arguments = os.path.basename(sys.argv[0]), sys.argv[1:]
    if not name.startswith("python"):  # a command that is written in Python
        arguments = [os.path.join(commands, name), *arguments]
    known = arguments[:1] if arguments[:1] in (["-u"], ["-I"]) else []
    if not is_program(arguments[len(known) :]):
        os.execv(python, [python, *arguments])

    isolated = known == ["-I"]
    server = socket.socket(socket.AF_UNIX)
    server.connect(os.path.join(FOLDER, "isolated" if isolated else "socket"))
    for number in FORWARDED:
        signal.signal(number, lambda number, frame: server.send(bytes([number])))
    told = {
        "arguments": arguments[isolated:],
        "directory": os.getcwd(),
        "environment": dict(os.environ),
        "executable": os.path.join(FOLDER, "bin", "python"),
    }
    content = json.dumps(told).encode()
    socket.send_fds(server, [len(content).to_bytes(8, "big")], [0, 1, 2])
    server.sendall(content)
    for descriptor in (0, 1, 2):  # whoever reads what the program prints waits for it alone
        os.close(descriptor)
    status = server.recv(4)
    code = int.from_bytes(status, "big", signed=True) if status else 1
    if code < 0:
        signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code)


main()
