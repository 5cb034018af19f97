"""Imports TFX once and runs programs in forks of itself: `python -P server.py FOLDER`.

FOLDER gets two sockets: of programs as they are usually started, and of isolated ones (`-I`), which
are forks of a process that has imported TensorFlow alone. It ends with its standard input.
"""

import contextlib
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import sys
import types
from pathlib import Path
from typing import Any

ISOLATED_MODULE = "tensorflow"
# What most other programs import, and nothing that reads its settings while it is imported, as
# huggingface_hub does, or that is the project's own: a test may run an edited copy of it.
MODULES = (
    "keras",
    "tfx.v1",
    "tfx.orchestration.local.local_dag_runner",
    "tfx.orchestration.kubeflow.v2.kubeflow_v2_dag_runner",
    "tfx.orchestration.kubeflow.v2.container.kubeflow_v2_run_executor",
    "tensorflow_model_analysis",
    "tensorflow_transform.beam",
    "tensorflow_data_validation",
    "ai_edge_litert.interpreter",
    "httpx",
    "jinja2",
    "pydantic_settings",
    "rich.markdown",
)
# After how many new objects, and how many such rounds, garbage is looked for in younger and older
# ones: TensorFlow's and Beam's graphs are millions of objects, and nearly none of them garbage.
GARBAGE = (50_000, 20, 100)
# What their import reads of the environment, as the tests that reach it with other values set it.
SETTINGS = {"TF_CPP_MIN_LOG_LEVEL": "2", "GCS_RETRY_CONFIG_MAX_RETRIES": "1"}


class Server:
    """Serves on two Unix sockets: in this process on `socket`, and in a fork on `isolated`.

    Args:
        folder: of the sockets.
    """

    def __init__(self, folder: Path) -> None:
        self._listener = _listen(folder / "socket")
        self._isolated_listener = _listen(folder / "isolated")
        self._isolated = False
        self._search_path = list(sys.path)
        self._set_by_imports: dict[str, str] = {}

    def serve(self) -> None:
        """Forks for each program; returns when standard input ends, and in each fork."""
        awaited = [self._listener, self._isolated_listener, sys.stdin]
        if sys.stdin in select.select(awaited, [], [])[0]:
            return
        self._import()
        while True:
            readable, _, _ = select.select([self._listener, sys.stdin], [], [])
            if sys.stdin in readable:
                return
            connection, _ = self._listener.accept()
            while _reap():
                pass
            if os.fork() == 0:
                self._listener.close()
                self._supervise(connection)
                return
            connection.close()

    def _import(self) -> None:
        """Imports everything before the first program runs, and forks in the midst of it."""
        os.environ.update(SETTINGS)
        before = dict(os.environ)
        gc.disable()  # what is imported stays: to look for garbage in it takes seconds
        importlib.import_module(ISOLATED_MODULE)
        self._isolated = os.fork() == 0
        if self._isolated:
            self._listener, self._isolated_listener = self._isolated_listener, self._listener
        else:
            for name in MODULES:
                importlib.import_module(name)
        self._isolated_listener.close()
        gc.freeze()
        gc.set_threshold(*GARBAGE)
        gc.enable()
        self._set_by_imports = {
            name: value for name, value in os.environ.items() if before.get(name) != value
        }

    def _supervise(self, connection: socket.socket) -> None:
        """Runs the program in one more fork, passes signals on to it, and tells how it ended."""
        length, descriptors, _, _ = socket.recv_fds(connection, 8, 3)
        content = b""
        while len(content) < int.from_bytes(length, "big"):
            content += connection.recv(1 << 16)
        program = os.fork()
        if program == 0:
            connection.close()
            for target, descriptor in enumerate(descriptors):
                os.dup2(descriptor, target)
                os.close(descriptor)
            self._run(json.loads(content))
            return
        for descriptor in descriptors:
            os.close(descriptor)
        ended = os.pidfd_open(program)
        while True:
            readable, _, _ = select.select([connection, ended], [], [])
            if ended in readable:
                break
            numbers = connection.recv(16)
            for number in numbers:
                os.kill(program, number)
            if not numbers:
                os.kill(program, signal.SIGKILL)
                break
        _, status = os.waitpid(program, 0)
        code = os.waitstatus_to_exitcode(status)
        with contextlib.suppress(BrokenPipeError):  # nobody waits any more
            connection.send(code.to_bytes(4, "big", signed=True))
        os._exit(0)

    def _run(self, told: dict[str, Any]) -> None:
        """Makes this process what the interpreter is when it starts a program, and runs that."""
        os.setsid()
        os.chdir(told["directory"])
        os.environ.clear()
        os.environ.update({**self._set_by_imports, **told["environment"]})
        arguments = told["arguments"]
        unbuffered = arguments[0] == "-u" or bool(os.environ.get("PYTHONUNBUFFERED"))
        if arguments[0] == "-u":
            arguments = arguments[1:]
        sys.executable = told["executable"]
        for name, mode, descriptor in (("stdin", "r", 0), ("stdout", "w", 1), ("stderr", "w", 2)):
            stream = os.fdopen(descriptor, mode, encoding="utf-8", closefd=False)
            if descriptor:
                lines = descriptor == 2 or stream.isatty()
                stream.reconfigure(line_buffering=lines, write_through=unbuffered)
            setattr(sys, name, stream)
            setattr(sys, f"__{name}__", stream)
        added = [*filter(None, os.environ.get("PYTHONPATH", "").split(":"))]
        sys.modules["__main__"] = main = types.ModuleType("__main__")
        if arguments[0] == "-c":
            self._search("", *added)
            sys.argv = ["-c", *arguments[2:]]
            exec(compile(arguments[1], "<string>", "exec"), main.__dict__)
        elif arguments[0] == "-m":
            self._search(os.getcwd(), *added)
            sys.argv = arguments[1:]
            runpy._run_module_as_main(arguments[1])
        else:
            file = arguments[0]
            self._search(str(Path(file).resolve().parent), *added)
            sys.argv = arguments
            main.__dict__["__file__"] = file
            exec(compile(Path(file).read_bytes(), file, "exec"), main.__dict__)

    def _search(self, *added: str) -> None:
        """Has modules looked for in these folders first, unless the program is isolated."""
        sys.path[:] = [*(() if self._isolated else added), *self._search_path]


def _listen(path: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen(64)
    return listener


def _reap() -> bool:
    """Takes note of one fork that has ended."""
    try:
        return os.waitpid(-1, os.WNOHANG)[0] != 0
    except ChildProcessError:
        return False


if __name__ == "__main__":
    Server(Path(sys.argv[1])).serve()
