"""Which file each name on one host means, and what images are based on: looked up there, beside everything else.

One question at a time is out: whoever looks at a file on dead storage hangs, and cannot be killed there. Until
everything was looked at, what the table says counts as not known.
"""

import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

from novacron.adapters.libvirt.access import HostAccess
from novacron.adapters.libvirt.background_read import BackgroundRead
from novacron.adapters.libvirt.foreign_text import spelled_back
from novacron.adapters.libvirt.hanging import HUNG
from novacron.adapters.libvirt.image_headers import HEAD_BYTES, UnreadableHeader, bases_named
from novacron.model.errors import DeadlineExceeded, NovaCronError
from novacron.model.files import NODE, FileIdentity, FileUse, UseKind
from novacron.model.shared_file_systems import exported
from novacron.ports.clock import Clock

_LOOK: Final = """\
export LC_ALL=C
awk '{ for (i = 7; i < NF && $i != "-"; i++); print $3, $5, $(i + 1) }' /proc/self/mountinfo
printf '\\0'
cut -f 1 /var/lib/nfs/etab 2>/dev/null | tr '\\n' '\\0' | xargs -0 -r stat --printf '%d ' -- 2>/dev/null
printf '\\0'
xargs -0 -r stat --dereference --printf '%d %i %f %t %T %s %Z %n\\0' --
"""
"""Constant; the paths come by standard input, with a zero byte after each. The second command tells what NFS exports.

Source: exportfs(8), of /var/lib/nfs/etab."""
_ABSENT: Final = ("No such file or directory", "Not a directory")
_UNDER_WAY: Final = "which files its VMs and volumes name is still being looked at"
_DEADLINE_S: Final = 10.0
_DEEPEST: Final = 256
_HEADERS_KEPT: Final = 10_000
_HEADERS_AT_ONCE: Final = 64
"""Headers read for one inventory: each is a process on the host. The others follow with the next ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """A file as stat tells it."""

    identity: FileIdentity
    may_be_image: bool
    """Whether it is a plain file or a block device: who reads a pipe or a socket waits, or fails."""
    version: tuple[int, int]
    """Size and time of the last change: another one may be based on something else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileQuestions:
    """What is to be found out of one host's files."""

    paths: frozenset[str]
    """Every path that is named."""
    images: frozenset[str]
    """Those of them that a VM has, and whose base, if they have one, no definition tells."""
    backing: Mapping[str, str]
    """By volume: the base that its pool tells; empty for none."""


class FileTable:
    """Keeps what was found out last."""

    def __init__(self, access: HostAccess, clock: Clock) -> None:
        self._access = access
        self._clock, self._hung = clock, HUNG
        self._seen: dict[str, _Seen] = {}
        self._bases: dict[str, tuple[str, ...] | UnreadableHeader] = {}
        self._headers: dict[tuple[str, int, tuple[int, int]], tuple[str, ...] | UnreadableHeader] = {}
        self._reading = BackgroundRead("looking at files")
        self._next: FileQuestions | None = None
        self.generation = 0
        """Differs whenever what the table says of files does."""
        self.trouble = "which files its VMs and volumes name was not looked at yet"
        """Why what the table says is not the whole truth; empty when it is."""

    def read(self, questions: FileQuestions) -> None:
        """Start to find out. What is under way may know nothing of this: it is asked after that."""
        if self._reading.is_under_way:
            self._next, self.trouble = questions, _UNDER_WAY
            return
        if not self._access.has_shell:
            self.trouble = (
                "which files its VMs and volumes name cannot be looked at: it gives libvirt only, no commands"
            )
            return
        if not self._may_look:
            return
        self._next, self.trouble = questions, _UNDER_WAY
        self._reading.start(self._read_all)

    async def wait(self, seconds: float) -> None:
        """Wait for what is under way, but no longer than that."""
        await self._reading.wait(seconds)

    def close(self) -> None:
        """Let go at once."""
        self._reading.cancel()

    def identity(self, path: str) -> FileIdentity | None:
        """Return which file a path is; None when it is not known, or no path."""
        seen = self._seen.get(path)
        return seen.identity if seen is not None else None

    def folders(self, path: str) -> tuple[FileIdentity, ...]:
        """Return which folder a path is, and which are above it."""
        known = (self.identity(str(folder)) for folder in (PurePosixPath(path), *PurePosixPath(path).parents))
        return tuple(one for one in known if one is not None)

    def bases(self, path: str) -> Iterator[FileUse]:
        """Yield everything below an image; one whose base could not be read is marked."""
        pending, met = [path], {path}
        while pending and len(met) < _DEEPEST:
            bases = self._bases.get(pending[-1], ())
            image = pending.pop()
            if isinstance(bases, UnreadableHeader):
                yield FileUse(path=image, what="image", kind=UseKind.UNREAD, file=self.identity(image))
                continue
            for base in bases:
                if base not in met:
                    met.add(base)
                    pending.append(base)
                    yield FileUse(path=base, what="base image", file=self.identity(base))

    @property
    def _may_look(self) -> bool:
        """Whether who hung the last time may be asked again."""
        return self._hung.is_due(self._clock.monotonic())

    async def _read_all(self) -> None:
        while self._next is not None and self._may_look:
            questions, self._next = self._next, None
            await self._read(questions)
            if self._next is not None and self._may_look:
                self.trouble = _UNDER_WAY

    async def _read(self, questions: FileQuestions) -> None:
        try:
            seen = await self._look(questions.paths)
            bases: dict[str, tuple[str, ...] | UnreadableHeader]
            bases = {path: (base,) if base else () for path, base in questions.backing.items()}
            budget, pending = _HEADERS_AT_ONCE, set(questions.images)
            pending |= {base for found in tuple(bases.values()) for base in _names(found)} - bases.keys()
            while pending:
                seen |= await self._look({path for path in pending if path.startswith("/")} - seen.keys())
                for path in sorted(pending):
                    found, cost = await self._bases_of(path, seen.get(path), budget)
                    budget -= cost
                    # A pool tells what was so when its folder last changed: another base may have been set since.
                    told = _names(bases.get(path, ()))
                    unread = isinstance(found, UnreadableHeader) and path not in questions.backing
                    bases[path] = found if unread else tuple(dict.fromkeys((*told, *_names(found))))
                pending = {base for path in pending for base in _names(bases[path])} - bases.keys()
        except DeadlineExceeded:
            self._hung = self._hung.failed(now_s=self._clock.monotonic())
            self.trouble = "whoever looks at its files hangs: is the server of one of its pools dead?"
            self._take({}, {})
        except NovaCronError as error:
            self.trouble = f"which files its VMs and volumes name could not be looked at: {error.detail}"
        else:
            self._hung = HUNG
            self._take(seen, bases)
            self.trouble = ""

    def _take(self, seen: dict[str, _Seen], bases: dict[str, tuple[str, ...] | UnreadableHeader]) -> None:
        self._seen, self._bases = seen, bases
        self.generation += 1
        if len(self._headers) > _HEADERS_KEPT:
            # Those of files as they were once: an image that is written to has a new one each time.
            self._headers.clear()

    async def _look(self, paths: Iterable[str]) -> dict[str, _Seen]:
        wanted = sorted(paths)
        if not wanted:
            return {}
        names = {path.encode("utf-8", "surrogateescape"): path for path in wanted}
        # Both a name that looks spelled out and the bytes it may stand for are looked at; the name as it is counts.
        names = {spelled_back(path): path for path in wanted if "\\x" in path} | names
        words = b"".join(name + b"\0" for name in names)
        done = await self._access.run(("sh", "-c", _LOOK), deadline_s=_DEADLINE_S, stdin=words)
        mounts, devices, *records = (*done.stdout.split(b"\0"), b"")
        types = _file_systems(mounts.decode(errors="replace"))
        for name in map(_device_name, filter(bytes.isdigit, devices.split())):
            # Only Btrfs numbers a part of itself as no mount is numbered.
            types[name] = exported(types.get(name, "btrfs"))
        found = dict(filter(None, (_record(record, types) for record in records)))
        seen = {path: found[name] for name, path in names.items() if name in found}
        said = done.stderr.decode("utf-8", "surrogateescape").splitlines()
        gone = [line for line in said if line.endswith(_ABSENT)]
        for path in wanted:
            if path not in seen and any(f"'{path}'" in line for line in gone):
                seen[path] = _Seen(identity=FileIdentity(device="", inode=0), may_be_image=False, version=(0, 0))
        return seen

    async def _bases_of(
        self, path: str, seen: _Seen | None, budget: int
    ) -> tuple[tuple[str, ...] | UnreadableHeader, int]:
        """Return what an image is based on, and how many headers were read for it."""
        if not path.startswith("/") or (seen is not None and not seen.may_be_image):
            return (), 0
        if seen is None:
            return UnreadableHeader("it could not be looked at"), 0
        key = (seen.identity.device, seen.identity.inode, seen.version)
        if key not in self._headers:
            if budget <= 0:
                return UnreadableHeader("its header is still to be read"), 0
            argv = ("head", "-c", str(HEAD_BYTES), "--", path)
            done = await self._access.run(argv, deadline_s=_DEADLINE_S)
            if done.exit_status != 0:
                return UnreadableHeader("its header may not be read"), 1
            try:
                self._headers[key] = bases_named(done.stdout, path)
            except UnreadableHeader as error:
                self._headers[key] = error
            return self._headers[key], 1
        return self._headers[key], 0


def _names(bases: tuple[str, ...] | UnreadableHeader) -> tuple[str, ...]:
    return () if isinstance(bases, UnreadableHeader) else bases


def _file_systems(mounts: str) -> dict[str, str]:
    """Return the types of file systems by device, and by mount point. Source: proc(5), mountinfo."""
    types = {}
    for line in mounts.splitlines():
        words = line.split()
        if len(words) == 3:
            device, folder, kind = words
            types[device] = types[folder] = kind
    return types


def _device_name(device: str | bytes) -> str:
    number = int(device)
    return f"{os.major(number)}:{os.minor(number)}"


def _record(record: bytes, types: Mapping[str, str]) -> tuple[bytes, _Seen] | None:
    words = record.decode("utf-8", "surrogateescape").split(" ", 7)
    if len(words) != 8:
        return None
    device, inode, mode, major, minor, size, changed, path = words
    kind = int(mode, 16)
    if stat.S_ISBLK(kind) or stat.S_ISCHR(kind):
        number = (int(major, 16) << 20) + int(minor, 16) + 1
        identity = FileIdentity(device=NODE, inode=number, file_system="devtmpfs")
    else:
        name = _device_name(device)
        above = (str(folder) for folder in PurePosixPath(path).parents)
        file_system = types.get(name) or next((types[folder] for folder in above if folder in types), "")
        identity = FileIdentity(device=name, inode=int(inode), file_system=file_system)
    return path.encode("utf-8", "surrogateescape"), _Seen(
        identity=identity, may_be_image=stat.S_ISREG(kind) or stat.S_ISBLK(kind), version=(int(size), int(changed))
    )
