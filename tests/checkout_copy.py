"""A copy of this checkout in which the scripts can be run as an operator runs them, without downloading anything.

Its .venv is one of its own that finds the libraries of this one. `pip` in it does no work, which is done already: it
writes down that it was asked.
"""

import os
import shutil
import subprocess
import sysconfig
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.vanishing_terminal import VanishingTerminal

_ROOT = Path(__file__).parents[1]
_PIP = """import sys
from pathlib import Path
with Path(sys.prefix, "pip-was-asked").open("a") as asked:
    print(*sys.argv[1:], file=asked)
print("Collecting nothing")
"""
_COMMAND = """#!{python}
from novacron.cli.main import main
main()
"""


class CheckoutCopy:
    """The copy, and a home in which commands of it are run."""

    def __init__(self, folder: Path, **variables: str) -> None:
        self.folder = folder / "checkout"
        self._copy_files()
        self._make_venv()
        home = folder / "home"
        home.mkdir()
        self.env = {
            **os.environ,
            "HOME": str(home),
            "NOVACRON_STATE_DIR": str(folder / "s"),
            "NOVACRON_RUNTIME_DIR": str(folder / "r"),
            "NOVACRON_CONFIG_DIR": str(folder / "c"),
            "TERM": "xterm-256color",
            "LC_ALL": "C.UTF-8",
            **variables,
        }

    def terminal(self, *argv: str) -> VanishingTerminal:
        """Run a command of the copy on a pty, from somewhere else, by its full path."""
        program, *arguments = argv
        return VanishingTerminal([str(self.folder / program), *arguments], env=self.env, columns=120, rows=30)

    def run(self, *argv: str) -> "subprocess.CompletedProcess[str]":
        """Run a command of the copy into pipes."""
        program, *arguments = argv
        return subprocess.run(
            [self.folder / program, *arguments],
            env=self.env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    @property
    def pip_was_asked(self) -> list[str]:
        """What pip was asked for, a line a call."""
        asked = self.folder / ".venv" / "pip-was-asked"
        return asked.read_text().splitlines() if asked.exists() else []

    def _copy_files(self) -> None:
        argv = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        listed = subprocess.run(argv, cwd=_ROOT, capture_output=True, text=True, check=True).stdout
        for name in filter(None, listed.split("\0")):
            if (_ROOT / name).is_file():
                copy = self.folder / name
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(_ROOT / name, copy)

    def _make_venv(self) -> None:
        # The system's own first, as scripts/setup has it; what is installed for the tests was made for that one.
        venv = self.folder / ".venv"
        python = Path(os.path.realpath(_ROOT / ".venv" / "bin" / "python"))
        argv = [python, "-m", "venv", "--without-pip", "--system-site-packages", venv]
        subprocess.run(argv, check=True, capture_output=True)
        (packages,) = venv.glob("lib/python3*/site-packages")
        paths = (self.folder / "backend", self.folder, sysconfig.get_path("purelib"))
        (packages / "checkout.pth").write_text("".join(f"{path}\n" for path in paths))
        (packages / "pip").mkdir()
        (packages / "pip" / "__init__.py").touch()
        (packages / "pip" / "__main__.py").write_text(_PIP)
        command = venv / "bin" / "novacron"
        command.write_text(_COMMAND.format(python=venv / "bin" / "python"))
        command.chmod(0o755)


@contextmanager
def checkout_copy(**variables: str) -> Iterator[CheckoutCopy]:
    """Give a copy in a folder of its own, with a short path: unix sockets are in there."""
    with tempfile.TemporaryDirectory(prefix="ncc-", dir="/tmp") as folder:
        yield CheckoutCopy(Path(folder), **variables)
