"""The parts of the lab that need no hypervisor: archives, configuration, requirements, the relay."""

import asyncio
import os
import shutil
import socket
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest

from novacron.lab import configs, relay, requirements
from novacron.lab.definitions import VmDefinition, vm_xml
from novacron.lab.errors import LabError
from novacron.lab.guest.cpio import Archive
from novacron.lab.guest.drivers import collect_drivers
from novacron.lab.layout import Layout, find_layout
from novacron.lab.processes import end_process, is_alive, mark_process
from novacron.lab.record import Record, read_record, write_record
from novacron.lab.requirements import install_line, is_static


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return find_layout("x", {"NOVACRON_LAB_DIR": "/tmp/nc", "HOME": str(tmp_path)})  # noqa: S108


def test_cpio_is_what_the_cpio_program_reads(tmp_path: Path) -> None:
    program = shutil.which("busybox")
    if program is None:
        pytest.fail("busybox is missing: scripts/setup installs it")
    archive = Archive()
    archive.add_file("bin/tool", b"#!/bin/sh\n", executable=True)
    archive.add_file("etc/deep/er/file", b"text")
    archive.add_link("bin/alias", "tool")
    listing = subprocess.run([program, "cpio", "-tv"], input=archive.finish(), capture_output=True, check=True)
    lines = listing.stdout.decode().splitlines()
    assert any(line.startswith("-rwxr-xr-x") and line.endswith("bin/tool") for line in lines)
    assert any("etc/deep/er/file" in line for line in lines)
    assert any("bin/alias -> tool" in line for line in lines)


def test_drivers_come_after_what_they_need(tmp_path: Path) -> None:
    def module(name: str, needs: str) -> None:
        (tmp_path / f"{name}.ko").write_bytes(b"\x7fELF\0depends=" + needs.encode() + b"\0name=x\0")

    module("virtio", "")
    module("virtio_ring", "virtio")
    module("virtio-pci", "virtio,virtio-ring")
    module("unrelated", "")
    names = [driver.name for driver in collect_drivers(tmp_path)]
    assert names == ["virtio", "virtio_ring", "virtio_pci"]


def test_fleet_toml_is_toml_and_names_every_host(layout: Layout) -> None:
    hosts = [layout.host(index) for index in (1, 2, 3)]
    fleet = tomllib.loads(configs.fleet_toml(layout, hosts))
    assert [host["name"] for host in fleet["host"]] == ["lab1", "lab2", "lab3"]
    assert fleet["host"][1]["migration_address"] == "10.77.0.12"
    assert fleet["host"][2]["labels"] == {"rack": "b"}
    assert fleet["site"] == [{"name": "x"}]


def test_ssh_takes_the_configuration(layout: Layout, tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text(configs.ssh_config(layout, [layout.host(1)]))
    shown = subprocess.run(["ssh", "-G", "-F", str(path), "lab1"], capture_output=True, text=True, check=True)
    assert f"identityfile {layout.operator_key}" in shown.stdout
    assert f"proxycommand socat - UNIX-CONNECT:{layout.host(1).relay_socket}" in shown.stdout


def test_two_labs_have_different_hypervisors(layout: Layout) -> None:
    other = find_layout("y", {"NOVACRON_LAB_DIR": "/tmp/nc"})  # noqa: S108
    assert layout.host(1).uuid != other.host(1).uuid
    assert layout.host(1).uuid != layout.host(2).uuid


@pytest.mark.parametrize("name", ["../up", "a b", "ä", "", "-n;x"])
def test_a_name_that_is_no_folder_is_refused(name: str) -> None:
    if name:
        with pytest.raises(LabError):
            find_layout(name, {"HOME": "/root"})
    else:
        assert find_layout(name, {"HOME": "/root"}).name == "lab"


@pytest.mark.parametrize("folder", ["/srv/" + "x" * 90, "/srv/with blank", "/run/labs", "/dev/labs"])
def test_a_folder_that_sockets_or_hosts_cannot_use_is_refused(folder: str) -> None:
    with pytest.raises(LabError, match="NOVACRON_LAB_DIR"):
        find_layout("lab", {"NOVACRON_LAB_DIR": folder})


def test_a_hostile_name_stays_a_name_in_xml() -> None:
    xml = vm_xml(VmDefinition(name="</name><disk/>&", domain_type="qemu", disk=Path("/d'>.qcow2")))
    assert "<disk/>" not in xml
    assert xml.count("<disk ") == 1


def test_the_record_survives_writing_and_reading(tmp_path: Path) -> None:
    own = find_layout("lab", {"NOVACRON_LAB_DIR": "/tmp", "HOME": str(tmp_path)})  # noqa: S108
    own = Layout(name="lab", state=tmp_path, cache=own.cache)
    assert read_record(own) is None
    mark = mark_process(os.getpid())
    assert mark is not None
    record = Record(outer=mark, hosts={"lab1": mark}, ready=True)
    write_record(own, record)
    assert read_record(own) == record
    own.record.write_text(own.record.read_text()[:30])
    assert read_record(own) is None


def test_only_the_very_process_is_ended() -> None:
    child = subprocess.Popen(["sleep", "60"])
    mark = mark_process(child.pid)
    assert mark is not None
    assert is_alive(mark)
    assert end_process(mark)
    assert child.wait() < 0
    assert not is_alive(mark)
    assert end_process(mark)


def test_requirements_run_without_anything_of_ours() -> None:
    done = subprocess.run(
        ["/usr/bin/python3", "-I", "-S", requirements.__file__, "--all"],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/bin:/bin"},
    )
    assert done.returncode in (0, 1)
    assert {"bindfs", "busybox-static", "libvirt-daemon-system"} <= set(done.stdout.split())


def test_the_packages_of_missing_login_shells_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requirements, "_SBIN", ())
    monkeypatch.setenv("PATH", str(tmp_path))
    assert requirements.missing_shells() == ["csh", "fish", "tcsh", "zsh"]
    (tmp_path / "fish").symlink_to("/bin/sh")
    assert requirements.missing_shells() == ["csh", "tcsh", "zsh"]


def test_the_install_line_is_one_command_and_nothing_when_nothing_lacks() -> None:
    assert install_line([]) == ""
    assert install_line(["bindfs", "socat"]).endswith("apt-get install --no-install-recommends -y bindfs socat")


def test_a_static_program_is_told_from_a_dynamic_one() -> None:
    assert not is_static(Path(os.path.realpath(sys.executable)))
    assert not is_static(Path("/etc/passwd"))


class _Echo:
    """An echo server behind a gate of the relay, and a client's end before it."""

    def __init__(self, folder: Path) -> None:
        self._path = str(folder / "r.sock")
        self.gate = relay.Gate(address="127.0.0.1", port=0)
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        self._server = await asyncio.start_server(_echo, "127.0.0.1", 0)
        self.gate.port = self._server.sockets[0].getsockname()[1]
        await relay.Relay({"h": self.gate}).listen({"h": self._path}, self._path + ".control")

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_unix_connection(self._path)


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()


@pytest.fixture
def echo(tmp_path: Path) -> Iterator[_Echo]:
    mask = os.umask(0o022)
    yield _Echo(tmp_path)
    os.umask(mask)


async def test_the_relay_carries_both_ways_and_passes_the_end_on(echo: _Echo) -> None:
    await echo.start()
    reader, writer = await echo.connect()
    payload = os.urandom(1_000_000)
    writer.write(payload)
    writer.write_eof()
    assert await asyncio.wait_for(reader.read(-1), 10) == payload


async def test_the_relay_delays_each_direction(echo: _Echo) -> None:
    await echo.start()
    echo.gate.change({"delay_ms": 100})
    reader, writer = await echo.connect()
    started = asyncio.get_running_loop().time()
    writer.write(b"x")
    assert await asyncio.wait_for(reader.readexactly(1), 5) == b"x"
    assert 0.2 <= asyncio.get_running_loop().time() - started < 2


async def test_the_relay_limits_the_rate(echo: _Echo) -> None:
    await echo.start()
    echo.gate.change({"rate_kib_s": 256})
    reader, writer = await echo.connect()
    started = asyncio.get_running_loop().time()
    writer.write(b"x" * 131_072)
    await asyncio.wait_for(reader.readexactly(131_072), 10)
    assert asyncio.get_running_loop().time() - started > 0.3


async def test_the_relay_drops_a_connection_after_its_bytes(echo: _Echo) -> None:
    await echo.start()
    echo.gate.change({"drop_after_bytes": 1000})
    reader, writer = await echo.connect()
    writer.write(b"x" * 400)
    assert len(await asyncio.wait_for(reader.readexactly(400), 5)) == 400
    writer.write(b"x" * 900)
    try:
        rest = await asyncio.wait_for(reader.read(-1), 5)
    except ConnectionError:
        rest = b""
    assert len(rest) < 900


async def test_a_half_open_way_swallows_and_healing_breaks_what_was_swallowed(echo: _Echo) -> None:
    await echo.start()
    old_reader, old_writer = await echo.connect()
    old_writer.write(b"a")
    assert await asyncio.wait_for(old_reader.readexactly(1), 5) == b"a"
    echo.gate.change({"half_open": True})
    new_reader, new_writer = await echo.connect()
    for reader, writer in ((old_reader, old_writer), (new_reader, new_writer)):
        writer.write(b"b")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.readexactly(1), 0.2)
    echo.gate.change({"half_open": False})
    for reader in (old_reader, new_reader):
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await asyncio.wait_for(reader.readexactly(1), 5)


async def test_the_relay_takes_orders_and_refuses_nonsense(echo: _Echo, tmp_path: Path) -> None:
    await echo.start()
    control = str(tmp_path / "r.sock.control")

    async def order(line: bytes) -> bytes:
        reader, writer = await asyncio.open_unix_connection(control)
        writer.write(line + b"\n")
        return await asyncio.wait_for(reader.readline(), 5)

    assert b'"delay_ms": 7' in await order(b'{"host": "h", "set": {"delay_ms": 7}}')
    for nonsense in (b"{", b'{"host": "other", "set": {}}', b'{"host": "h", "set": {"gravity": 1}}'):
        assert b"error" in await order(nonsense)
    assert asdict(echo.gate.way)["delay_ms"] == 7


async def test_the_relays_sockets_are_for_their_owner_alone(echo: _Echo, tmp_path: Path) -> None:
    await echo.start()
    assert (tmp_path / "r.sock").stat().st_mode & 0o077 == 0


def test_unix_socket_paths_of_the_largest_lab_fit() -> None:
    longest = find_layout("lab", {"NOVACRON_LAB_DIR": "/tmp/" + "y" * 70}).host(30).relay_socket  # noqa: S108
    with socket.socket(socket.AF_UNIX) as probe, pytest.raises(FileNotFoundError):
        probe.connect(str(longest))
