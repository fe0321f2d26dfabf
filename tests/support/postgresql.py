"""A PostgreSQL server of the tests' own: the distribution's programs, a folder and a socket in it, no port.

Servers refuse to run as root: they run as the user postgres then. A machine without PostgreSQL skips the tests that
need one and says so in the run's last lines, unless NOVACRON_LAB_REQUIRED is set.
"""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

_START_S = 60
_SETTINGS = {
    "listen_addresses": "''",
    "max_connections": "40",
    "shared_buffers": "'64MB'",
    "log_min_messages": "'warning'",
}


class PostgresServer:
    """One running server. Each test takes a database of its own."""

    def __init__(self, programs: Path, folder: Path, as_user: Sequence[str]) -> None:
        self._programs = programs
        self._as_user = as_user
        self._made = 0
        self.folder = folder

    def start(self) -> None:
        """Start it, again after `stop`."""
        self._run("pg_ctl", "-D", self.folder / "data", "-l", self.folder / "log", "-w", "-t", _START_S, "start")

    def stop(self, mode: str = "fast") -> None:
        """End it; "immediate" is as a power cut is."""
        self._run("pg_ctl", "-D", self.folder / "data", "-m", mode, "-w", "-t", _START_S, "stop")

    def make(self) -> None:
        """Make its data folder."""
        self._run("initdb", "-D", self.folder / "data", "-U", "novacron", "-A", "trust", "-E", "UTF8", "--locale=C")
        with (self.folder / "data" / "postgresql.conf").open("a") as settings:
            places = {"unix_socket_directories": f"'{self.folder}'", **_SETTINGS}
            settings.writelines(f"{name} = {value}\n" for name, value in places.items())

    def new_database(self) -> str:
        """Return the URL of a new database, over the socket."""
        self._made += 1
        self.sql(f"CREATE DATABASE d{self._made}", database="postgres")
        return self.url(f"d{self._made}")

    def url(self, database: str, user: str = "novacron") -> str:
        """Return the URL of a database."""
        return f"postgresql://{user}@/{database}?host={self.folder}"

    def sql(self, statement: str, *, database: str) -> str:
        """Run SQL and return what it says, one row a line."""
        where = ("-h", self.folder, "-U", "novacron", "-d", database)
        return self._run("psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", *where, "-c", statement)

    def _run(self, program: str, *arguments: object) -> str:
        argv = [*self._as_user, str(self._programs / program), *map(str, arguments)]
        with tempfile.TemporaryFile() as output:  # a pipe would stay open in the server
            done = subprocess.run(argv, stdout=output, stderr=output, stdin=subprocess.DEVNULL, cwd="/", check=False)
            output.seek(0)
            said = output.read().decode(errors="replace")
        assert done.returncode == 0, said
        return said.strip()


def database_of(url: str) -> str:
    """Return the name of the database of a URL."""
    return url.partition("@/")[2].partition("?")[0]


@contextmanager
def running_server() -> Iterator[PostgresServer]:
    """Run a server. Raises LookupError, with what is missing, where there is none to run."""
    programs, as_user = _programs(), _as_user()
    with tempfile.TemporaryDirectory(prefix="ncpg-", dir="/tmp") as name:
        folder = Path(name)
        if as_user:
            shutil.chown(folder, "postgres", "postgres")
        server = PostgresServer(programs, folder, as_user)
        server.make()
        server.start()
        try:
            yield server
        finally:
            server.stop("immediate")


_unavailable: list[str] = []


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """One server for all tests of a run."""
    try:
        with running_server() as server:
            yield server
    except LookupError as missing:
        if os.environ.get("NOVACRON_LAB_REQUIRED"):
            raise
        _unavailable.append(str(missing))
        pytest.skip(f"this machine cannot run PostgreSQL: {missing}")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say that nothing here has met a PostgreSQL server."""
    if _unavailable:
        terminalreporter.write_line(f"POSTGRESQL NOT TESTED: {_unavailable[0]}", yellow=True)


def _programs() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    other = shutil.which("initdb")
    if other is None:
        raise LookupError("its programs are not here; scripts/setup --dev installs them (Debian: postgresql)")
    return Path(other).resolve().parent


def _as_user() -> tuple[str, ...]:
    if os.geteuid():
        return ()
    try:
        pwd.getpwnam("postgres")
    except KeyError:
        raise LookupError("there is no user postgres, and a server does not run as root") from None
    switch = ("setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups")
    if subprocess.run([*switch, "true"], capture_output=True, check=False).returncode:
        raise LookupError("this root may not become the user postgres, and a server does not run as root")
    return switch
