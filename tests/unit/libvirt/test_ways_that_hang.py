"""Ways to a host on which something hangs, or which lead to nobody: whoever else uses them does not wait."""

import asyncio
import os
import socket
import uuid
from contextlib import suppress
from pathlib import Path

import pytest

from novacron.adapters.libvirt.access import RunResult
from novacron.adapters.libvirt.channel import Channel
from novacron.adapters.libvirt.file_systems import FileSystems
from novacron.adapters.libvirt.local_access import LocalAccess
from novacron.adapters.ssh.local_program import run_program
from novacron.model.errors import DeadlineExceeded, LinkError
from novacron.model.host import HostSpec
from novacron.model.ids import HostId
from novacron.model.link import LinkStatus
from tests.lab_fixtures import eventually


async def test_a_file_system_that_hangs_keeps_no_reading_and_is_asked_by_one_at_a_time():
    asked = 0
    dead = asyncio.Event()

    async def run(argv: tuple[str, ...], deadline_s: float) -> RunResult:
        nonlocal asked
        asked += 1
        await dead.wait()
        raise DeadlineExceeded("kvm-1", "`df` did not end")

    systems = FileSystems(run)
    assert [await systems.read() for _ in range(3)] == ["", "", ""]
    assert asked == 1
    dead.set()
    assert await systems.read() == ""
    assert await systems.read() == ""
    assert asked == 1, "it is left alone for a while"
    systems.abort()


async def test_what_a_file_system_said_is_told_with_the_reading_that_asked():
    async def run(argv: tuple[str, ...], deadline_s: float) -> RunResult:
        assert argv[0] == "df"
        return RunResult(exit_status=0, stdout=b"full\n", stderr=b"")

    assert await FileSystems(run).read() == "full\n"


async def test_a_program_of_this_machine_is_ended_with_its_children_when_nobody_waits_any_more(tmp_path: Path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    here = LocalAccess(HostSpec(id=HostId("here"), uri="qemu:///system"))
    # The child holds the pipe open for as long as it lives.
    script = 'exec 3>"$1"; echo begun >&3; sleep 90 & wait'
    running = asyncio.ensure_future(here.run(("sh", "-c", script, "sh", str(pipe)), deadline_s=600))
    held = await asyncio.to_thread(os.open, pipe, os.O_RDONLY)
    assert await asyncio.to_thread(os.read, held, 100) == b"begun\n"
    running.cancel()
    async with asyncio.timeout(60):
        assert await asyncio.to_thread(os.read, held, 100) == b""
    os.close(held)


async def test_a_program_is_ended_with_its_children_wherever_in_its_start_nobody_waits_any_more():
    token = f"nobody-waits-{uuid.uuid4().hex}"
    script = 'sh -c "sleep 90; :" "$1" & wait'
    for steps in range(25):
        running = asyncio.ensure_future(run_program(("sh", "-c", script, "sh", token)))
        for _ in range(steps):
            await asyncio.sleep(0)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
    assert await asyncio.to_thread(eventually, lambda: not _somebody_has(token))


def _somebody_has(word: str) -> bool:
    """Whether a process was given this word."""
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if word.encode() in process.read_bytes():
                return True
    return False


async def test_this_machines_condition_is_told_with_its_fullest_file_system():
    load = await LocalAccess(HostSpec(id=HostId("here"), uri="qemu:///system")).host_load(deadline_s=5)
    assert load.load_1m is not None
    assert load.root_path.startswith("/")
    assert load.root_used_fraction is not None


@pytest.mark.parametrize(
    ("error", "status", "remedy"),
    [
        (PermissionError(13, "Permission denied"), LinkStatus.NO_PERMISSION, "usermod -aG libvirt"),
        (ConnectionRefusedError(111, "Connection refused"), LinkStatus.NO_LIBVIRT, "start it"),
        (FileNotFoundError(2, "No such file or directory"), LinkStatus.NO_LIBVIRT, "start it"),
    ],
)
async def test_a_socket_that_lets_nobody_in_is_told_for_what_it_is(error: OSError, status: LinkStatus, remedy: str):
    async def closed() -> tuple[object, object]:
        raise error

    with pytest.raises(LinkError) as caught:
        await Channel.open("here", "qemu+unix:///system", closed, deadline_s=5)
    assert caught.value.status is status
    assert remedy in caught.value.remedy


async def test_a_socket_that_a_dead_libvirtd_left_does_not_hide_virtqemuds(tmp_path: Path, monkeypatch):
    monkeypatch.setattr("novacron.adapters.libvirt.local_access._SYSTEM_FOLDER", str(tmp_path))
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(tmp_path / "libvirt-sock"))
    asked: asyncio.Queue[None] = asyncio.Queue()

    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.put_nowait(None)
        writer.close()

    async with await asyncio.start_unix_server(hang_up, str(tmp_path / "virtqemud-sock")):
        with pytest.raises(LinkError):  # it is no libvirt
            await LocalAccess(HostSpec(id=HostId("here"), uri="qemu:///system")).open_channel(deadline_s=5)
        assert not asked.empty()


async def test_a_socket_nobody_listens_on_any_more_is_no_libvirt(tmp_path: Path):
    path = tmp_path / "libvirt-sock"
    server = await asyncio.start_unix_server(lambda *_: None, str(path))
    server.close()
    await server.wait_closed()
    if not path.exists():  # newer Pythons remove it
        path.touch()
    access = LocalAccess(HostSpec(id=HostId("here"), uri="qemu:///system", socket=str(path)))
    with pytest.raises(LinkError) as caught:
        await access.open_channel(deadline_s=5)
    assert caught.value.status is LinkStatus.NO_LIBVIRT
