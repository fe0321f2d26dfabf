"""Write an initramfs archive (cpio "newc", as the kernel reads it). Knows nothing of what is in it."""

import stat

_TRAILER = "TRAILER!!!"


class Archive:
    """A cpio archive in the making; parents are created when first needed."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._inode = 0
        self._folders: set[str] = set()

    def add_folder(self, path: str) -> None:
        """Add a folder and its parents, once."""
        if not path or path in self._folders:
            return
        self._add_parents(path)
        self._folders.add(path)
        self._add(path, stat.S_IFDIR | 0o755, b"")

    def add_file(self, path: str, content: bytes, *, executable: bool = False) -> None:
        """Add a regular file."""
        self._add_parents(path)
        self._add(path, stat.S_IFREG | (0o755 if executable else 0o644), content)

    def add_link(self, path: str, target: str) -> None:
        """Add a symbolic link."""
        self._add_parents(path)
        self._add(path, stat.S_IFLNK | 0o777, target.encode())

    def add_character_device(self, path: str, major: int, minor: int) -> None:
        """Add a device node: without /dev/console the kernel starts init with no output."""
        self._add_parents(path)
        self._add(path, stat.S_IFCHR | 0o600, b"", (major, minor))

    def finish(self) -> bytes:
        """Return the whole archive."""
        return b"".join((*self._parts, _record(0, 0, _TRAILER, b"", (0, 0))))

    def _add_parents(self, path: str) -> None:
        self.add_folder(path.rpartition("/")[0])

    def _add(self, path: str, mode: int, content: bytes, device: tuple[int, int] = (0, 0)) -> None:
        self._inode += 1
        self._parts.append(_record(self._inode, mode, path, content, device))


def _record(inode: int, mode: int, path: str, content: bytes, device: tuple[int, int]) -> bytes:
    name = path.encode() + b"\0"
    links, size, (major, minor) = 1, len(content), device
    numbers = (inode, mode, 0, 0, links, 0, size, 0, 0, major, minor, len(name), 0)
    header = b"070701" + b"".join(b"%08X" % number for number in numbers)
    return _padded(header + name) + _padded(content)


def _padded(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % 4)
