"""PgPool-II, as Debian packages it, in front of one PostgreSQL: it shares connections out."""

import os
import shutil
from pathlib import Path

import psycopg

from tests.emulators.googleapis import ServerMissing
from tests.ports import free_port

from .postgres import NAME, find_owner, make_folder, make_url, own
from .process import Service

# As compose.yaml has it: more than MLflow opens, and fewer than PostgreSQL takes. A client for whom
# none is left waits without end.
CONNECTIONS = 120


def find_program() -> str:
    """The binary, which may be in no user's PATH.

    Raises:
        ServerMissing: It is not installed.
    """
    found = shutil.which("pgpool", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if found is None:
        raise ServerMissing("PgPool is not installed; Debian's package is `pgpool2`")
    return found


class PgPool(Service):
    """PgPool on 127.0.0.1.

    Args:
        folder: For its settings, sockets and log.
        password: Of PostgreSQL's user.
        behind: PostgreSQL's port.
        port: 0 takes a free one.

    Raises:
        ServerMissing: It is not installed.
        ServiceError: It does not start.
    """

    def __init__(self, folder: Path, password: str, behind: int, port: int = 0) -> None:
        program = find_program()
        # What a killed one left, sockets and its process's number, would keep it from starting.
        shutil.rmtree(folder, ignore_errors=True)
        make_folder(folder)
        self.port = port or free_port()
        self.url = make_url(password, self.port)
        settings = {
            "backend_clustering_mode": "raw",
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            # The path of a socket has 107 characters at most; the folder is the working directory.
            "socket_dir": ".",
            "unix_socket_directories": ".",  # the same, from 4.4 on
            "pcp_listen_addresses": "",
            "pcp_socket_dir": ".",
            "pid_file_name": folder / "pgpool.pid",
            "logdir": folder,
            "backend_hostname0": "127.0.0.1",
            "backend_port0": behind,
            "backend_flag0": "ALWAYS_PRIMARY|DISALLOW_TO_FAILOVER",
            "failover_on_backend_error": "off",
            "num_init_children": CONNECTIONS,
            "max_pool": 1,
            "enable_pool_hba": "on",
            "pool_passwd": "pool_passwd",
        }
        self._write(
            folder / "pgpool.conf", *(f"{name} = '{is_}'" for name, is_ in settings.items())
        )
        self._write(folder / "pool_hba.conf", "host all all 127.0.0.1/32 scram-sha-256")
        self._write(folder / "pool_passwd", f"{NAME}:TEXT{password}")
        self._write(folder / "pcp.conf")
        files = {"-f": "pgpool.conf", "-a": "pool_hba.conf", "-F": "pcp.conf"}
        words = [word for flag, name in files.items() for word in (flag, folder / name)]
        super().__init__("PgPool", [program, "-n", *words], folder, self._answers, find_owner())

    @staticmethod
    def _write(file: Path, *lines: str) -> None:
        file.touch(0o600)
        own(file)
        file.write_text("".join(f"{line}\n" for line in lines))

    def _answers(self) -> bool:
        psycopg.connect(self.url, connect_timeout=5).close()
        return True
