"""A folder on a file system of its own that is soon full."""

import os
import subprocess
from pathlib import Path

import pytest

_KEEP = 'mount -t tmpfs -o "$2" novacron-test "$1" && echo mounted && exec cat'


class SmallFolder:
    """A tmpfs with these options at `folder`, in a mount namespace of its own: what is run there sees it."""

    def __init__(self, folder: Path, options: str) -> None:
        self.path = folder
        folder.mkdir()
        as_user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
        argv = ["unshare", "--mount", "--propagation", "private", *as_user, "sh", "-c", _KEEP, "sh", folder, options]
        pipe = subprocess.PIPE
        self._keeper = subprocess.Popen(argv, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL)
        assert self._keeper.stdout is not None
        if self._keeper.stdout.readline() != b"mounted\n":
            self.close()
            pytest.skip("this machine lets nobody mount a tmpfs in a namespace")
        self.enter = ["nsenter", f"--target={self._keeper.pid}", "--mount", *(["--user"] if as_user else [])]
        """The command that runs another one there."""

    @property
    def seen(self) -> Path:
        """The folder, as it can be reached from outside of the namespace."""
        return Path(f"/proc/{self._keeper.pid}/root{self.path}")

    @property
    def is_kept(self) -> bool:
        """Whether it is there."""
        return self._keeper.poll() is None

    def fill(self) -> None:
        """Leave not one byte."""
        with (self.seen / "ballast").open("ab", buffering=0) as ballast:
            for size in (65536, 4096, 1):
                try:
                    while ballast.write(b"x" * size):
                        pass
                except OSError:
                    continue

    def relieve(self) -> None:
        """Give the room back."""
        (self.seen / "ballast").unlink()

    def close(self) -> None:
        """Let it go, once nothing runs there any more."""
        assert self._keeper.stdin is not None
        assert self._keeper.stdout is not None
        self._keeper.stdin.close()
        self._keeper.wait()
        self._keeper.stdout.close()
