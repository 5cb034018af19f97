"""PostgreSQL, as Debian packages it, with one database and one user: MLflow's."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import psycopg

from tests.emulators.googleapis import ServerMissing
from tests.ports import free_port

from .process import Service, ServiceError, run_as

NAME = "mlflow"  # of the database and of its user, as compose.yaml has them
CONNECTIONS = 150  # likewise
_DEBIAN = Path("/usr/lib/postgresql")


def find_programs() -> Path:
    """The folder of the newest PostgreSQL's programs.

    Raises:
        ServerMissing: There is none.
    """
    of_debian = sorted(_DEBIAN.glob("[0-9]*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    found = of_debian[-1] if of_debian else shutil.which("postgres")
    if found is None:
        raise ServerMissing("PostgreSQL is not installed; Debian's package is `postgresql`")
    return Path(found).parent


def find_owner() -> str | None:
    """Who runs it: oneself, or the package's user in the place of root, whom it refuses."""
    return "postgres" if os.geteuid() == 0 else None


def own(path: Path) -> None:
    """Gives a file or an empty folder to whoever runs PostgreSQL."""
    if owner := find_owner():
        shutil.chown(path, owner, owner)


def make_folder(folder: Path) -> None:
    """Makes a folder that the owner alone may enter.

    Raises:
        ServiceError: The owner cannot reach it.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    own(folder)
    owner = find_owner()
    if subprocess.run(["test", "-w", folder], **run_as(owner)).returncode:  # type: ignore[call-overload]
        raise ServiceError(
            f"{folder} cannot be entered by {owner or 'you'}, whose process PostgreSQL is: work in "
            "a folder that all may enter, or as another user than root."
        )


class PostgreSQL(Service):
    """PostgreSQL on 127.0.0.1, which keeps its database in a folder.

    Args:
        folder: For the database and a log.
        password: The user's; another one than before takes its place.
        port: 0 takes a free one.

    Raises:
        ServerMissing: It is not installed.
        ServiceError: It does not start.
    """

    def __init__(self, folder: Path, password: str, port: int = 0) -> None:
        self._programs = find_programs()
        self.port = port or free_port()
        self.url = make_url(check_password(password), self.port)
        data = folder / "data"
        make_folder(folder)
        if not data.exists():
            self._make(folder / "data.incoming", data)
        # Where one was killed its file is left, with a number that may be another process's by now.
        (data / "postmaster.pid").unlink(missing_ok=True)
        self._tell(data, f"ALTER ROLE {NAME} PASSWORD '{password}'")
        options = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": "",
        }
        words = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        super().__init__(
            "PostgreSQL",
            [self._programs / "postgres", "-D", data, *words],
            folder,
            self._answers,
            find_owner(),
        )

    def _answers(self) -> bool:
        psycopg.connect(self.url, connect_timeout=5).close()
        return True

    def _make(self, incoming: Path, data: Path) -> None:
        """Makes a database, whole or not at all."""
        shutil.rmtree(incoming, ignore_errors=True)
        options = [f"--username={NAME}", "--auth=reject", "--encoding=UTF8", "--no-locale"]
        self._call([self._programs / "initdb", "-D", incoming, *options], "")
        hosts = incoming / "pg_hba.conf"
        hosts.write_text("host all all 127.0.0.1/32 scram-sha-256\n")
        self._tell(incoming, f"CREATE DATABASE {NAME}")
        incoming.rename(data)

    def _tell(self, data: Path, statement: str) -> None:
        """Executes a statement while nobody else is connected: that takes no password."""
        quiet = ["-c", "log_min_error_statement=panic"]  # the statement holds one
        command = [self._programs / "postgres", "--single", "-D", data, *quiet, "template1"]
        self._call(command, f"{statement};\n")

    def _call(self, command: list[str | Path], given: str) -> None:
        done = subprocess.run(  # type: ignore[call-overload]
            command,
            input=given,
            capture_output=True,
            text=True,
            env={**os.environ, "LC_ALL": "C"},
            **run_as(find_owner()),
        )
        faults = [line for line in done.stderr.splitlines() if "ERROR:" in line or "FATAL:" in line]
        if done.returncode or faults:
            said = (faults or done.stderr.strip().splitlines() or ["nothing"])[-1]
            raise ServiceError(f"PostgreSQL cannot be set up: {said}")


def make_url(password: str, port: int) -> str:
    """The database's address, as psycopg and, with the driver's name, SQLAlchemy take it."""
    return f"postgresql://{NAME}:{password}@127.0.0.1:{port}/{NAME}"


def check_password(password: str) -> str:
    """Returns a password that means the same in a statement, in a URL and in PgPool's files.

    Raises:
        ServiceError: It has other characters.
    """
    if not re.fullmatch(r"[\w.~-]+", password, re.ASCII):
        raise ServiceError(
            "POSTGRES_PASSWORD may have letters, digits and . _ ~ - alone; take its line out of "
            ".env, and `make env` writes another."
        )
    return password
