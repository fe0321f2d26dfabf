"""Which file a name means, and who needs it. A path is a name: links, mounts and hosts give one file many of them."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

NODE: Final = "node"
"""`FileIdentity.device` of a device node."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileIdentity:
    """What tells a file from every other one that the same host sees. Source: stat(2), links followed."""

    device: str
    """The host's own number of the file system; of a device node, NODE."""
    inode: int
    """The file's number on that file system; of a device node, the number of the device. 0: there is no such file."""
    file_system: str = ""
    """Type of the file system, as the host's kernel calls it; empty when it could not tell."""

    @property
    def is_there(self) -> bool:
        """Whether there was a file of this name when it was looked for."""
        return self.inode != 0


class UseKind(StrEnum):
    """What of a name is needed."""

    FILE = "file"
    """The file or device itself."""
    FOLDER = "folder"
    """Everything below it."""
    VOLUME = "volume"
    """A volume that is named by its pool, which does not tell its path now: stopped, or not read."""
    UNREAD = "unread"
    """The file, and perhaps others: what it is based on could not be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileUse:
    """A file that a VM or volume needs beside its own disk."""

    path: str
    """As the definition, snapshot or image header names it. Foreign text."""
    what: str
    """What it is to who needs it: "kernel", "base image", "snapshot before-upgrade"."""
    kind: UseKind = UseKind.FILE
    file: FileIdentity | None = None
    """Which file that is; None while it is not known."""
