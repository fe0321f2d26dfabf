"""What is written down of a running lab, and who holds it while it changes."""

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from novacron.lab.layout import Layout
from novacron.lab.processes import ProcessMark


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """state.json: the processes that hold the lab, and what it was made with."""

    outer: ProcessMark | None = None
    """First process of the outer namespace, by its number on the machine."""
    hosts: Mapping[str, ProcessMark] = field(default_factory=dict)
    """First process of each host; one that crashed keeps its old mark."""
    as_user: bool = False
    domain_type: str = "qemu"
    """kvm or qemu (TCG)."""
    guest: str = ""
    """Folder of the guest's kernel and initrd, on the machine."""
    ready: bool = False
    """Whether it came up to the end."""


def read_record(layout: Layout) -> Record | None:
    """Return what is written down, None when there is nothing (or nothing that can be read)."""
    try:
        known: dict[str, Any] = json.loads(layout.record.read_text())
        outer = known["outer"] and ProcessMark(**known["outer"])
        hosts = {name: ProcessMark(**mark) for name, mark in known["hosts"].items()}
        return Record(**{**known, "outer": outer, "hosts": hosts})
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_record(layout: Layout, record: Record) -> None:
    """Write it down, all or nothing."""
    write_json(layout.record, asdict(record))


def with_host(record: Record, name: str, mark: ProcessMark) -> Record:
    """Return the record in which a host has this first process."""
    return replace(record, hosts={**record.hosts, name: mark})


def write_json(path: Path, value: object) -> None:
    """Replace a file, all or nothing."""
    unfinished = path.with_name(f"{path.name}.{os.getpid()}")
    unfinished.write_text(json.dumps(value, indent=2) + "\n")
    unfinished.rename(path)


@contextlib.contextmanager
def exclusively(lock: Path) -> Iterator[None]:
    """Hold a lock file while something changes; whoever comes second waits."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    handle = _locked(lock)
    try:
        yield
    finally:
        os.close(handle)


def _locked(lock: Path) -> int:
    while True:
        handle = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(handle, fcntl.LOCK_EX)
        # Who had it before may have removed the file: what we hold then is nobody's lock.
        with contextlib.suppress(FileNotFoundError):
            if os.fstat(handle).st_ino == lock.stat().st_ino:
                return handle
        os.close(handle)
