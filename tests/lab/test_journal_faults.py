"""The journal fails, the backend is killed and starts again: what runs on a hypervisor is not touched twice.

Only the state folder is made small here; guests and hypervisors are real, and each guest tells what happened to it.
"""

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from novacron.api.client import RemoteBackend
from novacron.lab.guest.image import CMDLINE
from novacron.lab.lab import Lab
from novacron.lab.vms import remove_vm
from novacron.model.errors import ExitCode
from novacron.model.ids import HostId, VmId
from novacron.model.operation import JOURNAL
from novacron.model.operations.deletion import DeleteVm
from novacron.model.refusal import Refusal, RefusalCode
from tests.callers import ALICE
from tests.lab.jump_host import JumpHost
from tests.lab.serial_line import ask_guest
from tests.lab_fixtures import MakeVm, eventually
from tests.small_folder import SmallFolder

pytestmark = pytest.mark.lab

_HOST = "lab1"
_SHARED = "/var/lib/libvirt/shared"
_GUEST = "/var/lib/libvirt/guest"
_PATIENCE_S = 120.0
_EVERY_WRITE = "1"
_END_OF_A_FIRST_STEP = "json_extract(new.document, '$.step.state') = 'finished'"

# More than there is room for: SQLite itself finds the disk full, in the middle of the write that fulfils the condition.
_NO_ROOM = """
CREATE TABLE filler (bytes BLOB);
CREATE TRIGGER fills BEFORE INSERT ON events WHEN new.kind <> 'accepted' AND {condition}
BEGIN INSERT INTO filler VALUES (zeroblob(16 << 20)); END;
"""
_ROOM = "DROP TRIGGER IF EXISTS fills; DROP TABLE IF EXISTS filler; PRAGMA wal_checkpoint(TRUNCATE);"
_BASE = f"{_SHARED}/marked.img"
_HOLD_COPIES = """
rm -f /run/copies-go-on
cp /usr/bin/qemu-img /run/qemu-img-itself
cat >/run/qemu-img-held
chmod +x /run/qemu-img-held
mount --bind /run/qemu-img-held /usr/bin/qemu-img
"""
_HELD_COPY = """#!/bin/sh
/run/qemu-img-itself "$@" || exit
[ "$1" != convert ] || until [ -e /run/copies-go-on ]; do sleep 0.1; done
"""
_EXECUTE = "import sqlite3, sys; sqlite3.connect(sys.argv[1], timeout=60).executescript(sys.argv[2])"


class CrampedJumpHost(JumpHost):
    """A jump host with a small state folder, and a backend that can be killed."""

    def __init__(self, lab: Lab, home: Path) -> None:
        super().__init__(lab, home)
        self._folder = SmallFolder(home / "state", "size=8m")
        self._command = [*self._folder.enter, *self._command]

    def allow_no_write(self, condition: str) -> None:
        """From now on there is no room for writes of operations that fulfil this condition; accepting one is none."""
        self._execute(_ROOM + _NO_ROOM.format(condition=condition))

    def give_room(self) -> None:
        """Let everything be written again."""
        self._execute(_ROOM)

    def kill_backend(self) -> None:
        """Kill it as the kernel does; the next command starts the next one."""
        pid = self.backend_pid()
        os.kill(pid, signal.SIGKILL)
        assert eventually(lambda: not Path(f"/proc/{pid}").exists())

    def newest(self) -> dict[str, Any]:
        """Return the newest operation."""
        return self.read("ops")[0]

    def wait_stuck(self) -> None:
        """Return once the newest operation waits for the journal."""
        assert eventually(lambda: self.newest()["progress"]["waits_for"] == JOURNAL, timeout_s=_PATIENCE_S), (
            self.newest()
        )
        assert "its disk is full" in self.newest()["progress"]["note"]

    def wait_ended(self) -> dict[str, Any]:
        """Return the newest operation once all have ended."""
        assert eventually(lambda: all(one["ended_at"] for one in self.read("ops")), timeout_s=_PATIENCE_S), (
            self.newest()
        )
        return self.newest()

    def leave(self) -> None:
        """Close every terminal, end the backend, and let its folder go."""
        super().leave()
        self._folder.close()

    def _execute(self, sql: str) -> None:
        (journal,) = self._folder.seen.glob("*/journal.sqlite")
        inside = journal.relative_to(self._folder.seen)
        argv = [*self._folder.enter, sys.executable, "-c", _EXECUTE, self._folder.path / inside, sql]
        reserve = self._folder.seen / "reserve"
        reserve.unlink(missing_ok=True)
        subprocess.run(argv, check=True, timeout=_PATIENCE_S)
        reserve.write_bytes(bytes(2 << 20))


@pytest.fixture(scope="module")
def operator(lab: Lab) -> Iterator[CrampedJumpHost]:
    """An operator of this lab who has all of its hosts on screen."""
    with tempfile.TemporaryDirectory(prefix="nco-", dir="/tmp") as home:
        person = CrampedJumpHost(lab, Path(home))
        try:
            person.wait_until_read()
            yield person
        finally:
            person.leave()


@pytest.fixture(autouse=True)
def _roomy(operator: CrampedJumpHost) -> Iterator[None]:
    """Leave the journal as it should be."""
    yield
    operator.give_room()


@contextmanager
def _copies_held(lab: Lab) -> Iterator[None]:
    """Let no copy of a volume get on: they begin, and end with the block."""
    lab.run(_HOST, ["sh", "-euc", _HOLD_COPIES], stdin=_HELD_COPY)
    try:
        yield
    finally:
        lab.run(_HOST, ["sh", "-euc", "umount -l /usr/bin/qemu-img; touch /run/copies-go-on"])


def _disk_of(create: dict[str, Any]) -> str:
    """Return the path of the disk that a create makes."""
    return f"{_SHARED}/{create['subject']}-{create['intent']['vm'][:8]}.qcow2"


def _state(lab: Lab, vm: str) -> str:
    return lab.virsh(_HOST, "domstate", vm).strip()


def _leave_word(lab: Lab, vm: str, word: str) -> None:
    """Have the guest write a word on its disk, and remember it for as long as it is not restarted."""
    write = f"printf %-512s {word} | dd of=/dev/vda bs=512 conv=notrunc 2>/dev/null; sync"
    ask_guest(lab, _HOST, vm, f"{write}; rm -f /work/*; touch /work/{word}")


def _words(lab: Lab, vm: str) -> tuple[str, str]:
    """Return the word that the guest remembers, and that on its disk: read from the disk itself."""
    read = "dd if=/dev/vda bs=512 count=1 2>/dev/null | tr -d ' '"
    told = ask_guest(lab, _HOST, vm, f'echo 3 >/proc/sys/vm/drop_caches; echo "$(ls /work)/$({read})"')
    remembered, _, on_disk = told.partition("/")
    return remembered, on_disk


def test_a_reboot_waits_for_the_journal_and_is_done_once(lab: Lab, operator: CrampedJumpHost, make_vm: MakeVm) -> None:
    make_vm(_HOST, "awaited")
    _leave_word(lab, "awaited", "before")
    operator.allow_no_write(_EVERY_WRITE)
    operator.run("reboot", "awaited", "--yes", "--no-wait")
    operator.wait_stuck()
    operator.kill_backend()
    operator.wait_stuck()
    assert _words(lab, "awaited") == ("before", "before"), "it was restarted although nothing could be written"
    # "Started" finds room; that it has ended does not.
    operator.allow_no_write(_END_OF_A_FIRST_STEP)
    assert eventually(lambda: _words(lab, "awaited") == ("", "before"), timeout_s=_PATIENCE_S)
    _leave_word(lab, "awaited", "after")
    assert eventually(lambda: operator.newest()["state"] == "done", timeout_s=_PATIENCE_S)
    operator.kill_backend()
    operator.give_room()
    ended = operator.wait_ended()
    assert ended["state"] == "needs attention", ended
    assert _words(lab, "awaited") == ("after", "after"), "it was restarted twice"


def test_a_guest_that_a_person_started_again_is_not_powered_off_by_the_shutdown_that_is_resumed(
    lab: Lab, operator: CrampedJumpHost, make_vm: MakeVm
) -> None:
    make_vm(_HOST, "stopped")
    _leave_word(lab, "stopped", "before")
    operator.allow_no_write(_END_OF_A_FIRST_STEP)
    operator.run("stop", "stopped", "--timeout", "5", "--yes", "--no-wait")
    assert eventually(lambda: _state(lab, "stopped") == "shut off", timeout_s=_PATIENCE_S)
    operator.kill_backend()
    lab.virsh(_HOST, "start", "stopped")
    assert _words(lab, "stopped") == ("", "before")
    _leave_word(lab, "stopped", "by-hand")
    operator.give_room()
    ended = operator.wait_ended()
    assert ended["state"] == "failed", ended
    assert _words(lab, "stopped") == ("by-hand", "by-hand")


def test_a_disk_that_a_guest_runs_on_is_not_made_anew_by_the_create_that_is_resumed(
    lab: Lab, operator: CrampedJumpHost, make_vm: MakeVm
) -> None:
    operator.allow_no_write(_END_OF_A_FIRST_STEP)
    with _created(lab, "made"):
        _create(operator, "made", "--disk", "64")
        operator.wait_stuck()
        disk = _disk_of(operator.newest())
        operator.kill_backend()
        make_vm(_HOST, "adopter", start=False)
        definition = lab.virsh(_HOST, "dumpxml", "adopter", "--inactive").replace(f"{_SHARED}/adopter.qcow2", disk)
        lab.run(_HOST, ["virsh", "-q", "define", "/dev/stdin"], stdin=definition)
        lab.virsh(_HOST, "start", "adopter")
        _leave_word(lab, "adopter", "adopted")
        operator.give_room()
        ended = operator.wait_ended()
        assert ended["state"] == "needs attention", ended
        assert "adopter" in ended["outcome"]
        assert _words(lab, "adopter") == ("adopted", "adopted")


def test_of_two_unfinished_creates_in_one_pool_each_is_locked_until_it_has_ended(
    lab: Lab, operator: CrampedJumpHost
) -> None:
    lab.run(_HOST, ["sh", "-euc", f"printf %-512s base-data >{_BASE}; truncate -s 64M {_BASE}"])
    lab.virsh(_HOST, "pool-refresh", "shared")
    with _created(lab, "first", "second"):
        with _copies_held(lab):
            for name in ("first", "second"):
                _create(operator, name, "--base", Path(_BASE).name, "--start")
                assert eventually(lambda: operator.newest()["steps"][0]["state"] == "started")
            assert all(host["current"] for host in operator.read("hosts")), "a copy keeps its host from being read"
            operator.kill_backend()
            assert [operation["state"] for operation in operator.read("ops")[:2]] == ["settling"] * 2
            for operation in operator.read("ops")[:2]:
                _require_locked(operator, operation["intent"]["vm"])
                said = operator.run(
                    *("volume", "delete", Path(_disk_of(operation)).name, "--pool", "shared", "--host", _HOST),
                    *("--yes",),
                    code=ExitCode.REFUSED,
                ).stderr.decode()
                assert "holds it" in said
        operator.wait_ended()
        assert operator.operation_states()[:2] == ["done", "done"]
        for name in ("first", "second"):
            assert _words(lab, name) == ("", "base-data")


def _create(person: JumpHost, name: str, *more: str) -> None:
    boots = ("--kernel", f"{_GUEST}/vmlinuz", "--initrd", f"{_GUEST}/initrd", "--cmdline", CMDLINE)
    size = ("--memory", "128", "--network", "default")
    person.run("create", name, "--on", _HOST, "--pool", "shared", *size, *boots, *more, "--yes", "--no-wait")


@contextmanager
def _created(lab: Lab, *names: str) -> Iterator[None]:
    """Remove these VMs and their disks at the end."""
    try:
        yield
    finally:
        for name in names:
            remove_vm(lab, name)
            lab.run(_HOST, ["sh", "-c", f"rm -f {_SHARED}/{name}-*.qcow2"])


def _require_locked(person: JumpHost, vm: str) -> None:
    """Ask for the deletion of a VM that no command can name yet, by its UUID, and be told who holds it."""
    intent = DeleteVm(vm=VmId(vm), host=HostId(_HOST), with_disks=True)

    async def asking() -> object:
        console = RemoteBackend(person.socket())
        try:
            return await console.submit(ALICE, intent, plan_digest="unseen", idempotency_key=uuid.uuid4().hex)
        finally:
            await console.close()

    answer = asyncio.run(asking())
    assert isinstance(answer, Refusal), answer
    assert answer.code is RefusalCode.LOCKED, answer
