"""Finding libvirt on a host, by a real shell over a real ssh connection, and saying precisely why it cannot be used."""

import asyncio
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from novacron.adapters.libvirt.ssh_access import SshAccess
from novacron.model.errors import LinkError
from novacron.model.link import LinkStatus
from tests.unit.ssh.sshd import Home, Sshd

DEADLINE_S = 5.0


@pytest.fixture
def sbin_folder(home: Home, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where daemons are, which is on nobody's path but root's."""
    folder = home.folder / "sbin"
    folder.mkdir()
    monkeypatch.setattr("novacron.adapters.libvirt.ssh_access._DAEMONS_AT", str(folder))
    return folder


@pytest.fixture
def bin_folder(home: Home, sshd: Sshd, sbin_folder: Path) -> Path:
    """The host's programs: a shell's own words alone, until a test puts more there."""
    folder = home.folder / "bin"
    folder.mkdir()
    (folder / "sh").symlink_to("/bin/sh")
    sshd.path = str(folder)
    home.trust(sshd)
    return folder


@pytest.fixture
def libvirt_socket(home: Home) -> Iterator[Path]:
    """Somebody listens where libvirt does."""
    path = home.folder / "libvirt sock"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen()
        yield path


def _install(folder: Path, name: str, script: str = "exit 0") -> None:
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


async def _refusal(home: Home, sshd: Sshd, path: Path) -> LinkError:
    with pytest.raises(LinkError) as caught:
        await SshAccess.open(home.spec(sshd, socket=str(path)), deadline_s=DEADLINE_S)
    return caught.value


async def test_a_host_whose_libvirt_listens_is_entered(home: Home, sshd: Sshd, bin_folder, libvirt_socket):
    access = await SshAccess.open(home.spec(sshd, socket=str(libvirt_socket)), deadline_s=DEADLINE_S)
    assert (await access.run(("echo", "in"), deadline_s=DEADLINE_S)).stdout == b"in\n"
    access.abort()


async def test_a_host_without_libvirt_is_told_to_install_it(home: Home, sshd: Sshd, bin_folder):
    error = await _refusal(home, sshd, home.folder / "nowhere")
    assert (error.status, error.detail) == (LinkStatus.NO_LIBVIRT, "libvirt is not installed there")


@pytest.mark.parametrize("daemon", ["libvirtd", "virtqemud"])
async def test_a_libvirt_that_does_not_run_is_told_to_start(home: Home, sshd: Sshd, bin_folder, sbin_folder, daemon):
    _install(sbin_folder, daemon)
    error = await _refusal(home, sshd, home.folder / "nowhere")
    assert error.status is LinkStatus.NO_LIBVIRT
    assert "installed, but its socket is not there" in error.detail
    assert "systemctl start" in error.remedy


@pytest.mark.parametrize("has_helper", [False, True])
async def test_a_socket_that_a_dead_daemon_left_is_not_taken_for_a_forbidden_one(
    home: Home, sshd: Sshd, bin_folder, has_helper
):
    if has_helper:
        _install(bin_folder, "virt-ssh-helper")
    path = home.folder / "left"
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    error = await _refusal(home, sshd, path)
    assert error.status is LinkStatus.NO_LIBVIRT
    assert "nobody answers on it" in error.detail


@pytest.mark.parametrize("code", [1, 2], ids=["RFC 4254's code", "OpenSSH's code"])
async def test_an_sshd_that_forwards_no_sockets_is_told_apart_from_a_dead_libvirt(
    home: Home, sshd: Sshd, bin_folder, libvirt_socket, code
):
    sshd.forbids_sockets = code
    error = await _refusal(home, sshd, libvirt_socket)
    assert error.status is LinkStatus.NO_PERMISSION
    assert "sshd forbids forwarding" in error.detail
    assert "AllowStreamLocalForwarding" in error.remedy


@pytest.mark.parametrize("code", [1, 2], ids=["RFC 4254's code", "OpenSSH's code"])
async def test_where_sockets_are_forbidden_libvirts_own_helper_is_run(
    home: Home, sshd: Sshd, bin_folder, libvirt_socket, code
):
    sshd.forbids_sockets = code
    _install(bin_folder, "virt-ssh-helper", f"{shutil.which('cat')} >/dev/null & exit 3")
    access = await SshAccess.open(home.spec(sshd, socket=str(libvirt_socket)), deadline_s=DEADLINE_S)
    with pytest.raises(LinkError):  # this helper hangs up at once
        await access.open_channel(deadline_s=DEADLINE_S)
    begun = [sshd.begun.get_nowait() for _ in range(sshd.begun.qsize())]
    assert len(begun) == 2
    assert "exec virt-ssh-helper qemu:///system" in begun[1]
    access.abort()


async def test_the_first_socket_of_several_that_is_there_is_used(home: Home, sshd: Sshd, bin_folder, monkeypatch):
    path = home.folder / "second"
    places = (str(home.folder / "first"), str(path), str(home.folder / "third"))
    monkeypatch.setattr("novacron.adapters.libvirt.ssh_access._SOCKETS", places)
    asked: asyncio.Queue[None] = asyncio.Queue()
    async with await asyncio.start_unix_server(lambda reader, writer: asked.put_nowait(None), str(path)):
        access = await SshAccess.open(home.spec(sshd), deadline_s=DEADLINE_S)
        async with asyncio.timeout(DEADLINE_S):
            await asked.get()
    access.abort()


@pytest.mark.parametrize("stale", ["nobody listens", "somebody listens no more"])
async def test_a_socket_that_a_dead_libvirtd_left_does_not_hide_virtqemuds(
    home: Home, sshd: Sshd, bin_folder, monkeypatch, stale
):
    folder = home.folder / "libvirt"
    folder.mkdir()
    places = tuple(str(folder / name) for name in ("libvirt-sock", "virtqemud-sock"))
    monkeypatch.setattr("novacron.adapters.libvirt.ssh_access._SOCKETS", places)
    asked: asyncio.Queue[None] = asyncio.Queue()
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(places[0])
        if stale == "somebody listens no more":
            left.listen()
            left.close()
        async with await asyncio.start_unix_server(lambda reader, writer: asked.put_nowait(None), places[1]):
            access = await SshAccess.open(home.spec(sshd), deadline_s=DEADLINE_S)
            async with asyncio.timeout(DEADLINE_S):
                await asked.get()
    access.abort()


async def test_sockets_that_dead_daemons_left_are_all_named(home: Home, sshd: Sshd, bin_folder, monkeypatch):
    places = tuple(str(home.folder / name) for name in ("libvirt-sock", "virtqemud-sock"))
    monkeypatch.setattr("novacron.adapters.libvirt.ssh_access._SOCKETS", places)
    for place in places:
        with socket.socket(socket.AF_UNIX) as left:
            left.bind(place)
    home.trust(sshd)
    with pytest.raises(LinkError) as caught:
        await SshAccess.open(home.spec(sshd), deadline_s=DEADLINE_S)
    assert caught.value.status is LinkStatus.NO_LIBVIRT
    assert " and ".join(places) in caught.value.detail
    assert "virtqemud.socket" in caught.value.remedy


async def test_the_hosts_condition_is_read_and_its_cpu_from_the_second_time_on(home: Home, sshd: Sshd, libvirt_socket):
    home.trust(sshd)
    access = await SshAccess.open(home.spec(sshd, socket=str(libvirt_socket)), deadline_s=DEADLINE_S)
    first = await access.host_load(deadline_s=DEADLINE_S)
    assert first.cpu_percent is None
    assert first.memory_used_mib is not None
    assert first.load_1m is not None
    assert first.root_path
    while (await access.host_load(deadline_s=DEADLINE_S)).cpu_percent is None:
        pass  # the kernel counts in ticks of 10 ms
    access.abort()


async def test_a_host_with_no_tools_at_all_is_read_by_its_shells_own_words(
    home: Home, sshd: Sshd, bin_folder, libvirt_socket
):
    access = await SshAccess.open(home.spec(sshd, socket=str(libvirt_socket)), deadline_s=DEADLINE_S)
    load = await access.host_load(deadline_s=DEADLINE_S)
    assert load.load_1m is not None
    assert load.memory_used_mib is not None
    assert load.root_path == ""
    access.abort()


async def test_a_host_with_no_tools_and_a_shell_that_answers_nothing_still_gives_no_error(
    home: Home, sshd: Sshd, bin_folder, libvirt_socket, monkeypatch
):
    monkeypatch.setattr("novacron.adapters.libvirt.ssh_access.ANSWERING_COMMAND", ("sh", "-c", "exit 0", "sh"))
    access = await SshAccess.open(home.spec(sshd, socket=str(libvirt_socket)), deadline_s=DEADLINE_S)
    load = await access.host_load(deadline_s=DEADLINE_S)
    assert (load.load_1m, load.memory_used_mib, load.root_path) == (None, None, "")
    access.abort()
