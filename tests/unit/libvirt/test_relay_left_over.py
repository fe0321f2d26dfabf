"""Sockets that relayed migrations of a killed backend have left on a host."""

import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from novacron.adapters.libvirt.local_access import LocalAccess
from novacron.adapters.libvirt.relay import remove_left_over
from novacron.model.host import HostSpec
from novacron.model.ids import HostId


def _a_socket(path: Path, *, listens: bool) -> socket.socket:
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    made.bind(str(path))
    if listens:
        made.listen()
    return made


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short one: unix socket paths are."""
    with tempfile.TemporaryDirectory(prefix="nc-it's ", dir="/tmp") as name:
        yield Path(name)


async def test_only_sockets_of_ours_to_which_nothing_is_bound_are_removed(folder: Path):
    for name in ("novacron-0123456789ab.mem", "novacron-0123456789ab.nbd", "capabilities.sock"):
        _a_socket(folder / name, listens=True).close()
    in_use = _a_socket(folder / "novacron-aaaaaaaaaaaa.mem", listens=True)
    not_listening_yet = _a_socket(folder / "novacron-bbbbbbbbbbbb.nbd", listens=False)
    (folder / "novacron-cccccccccccc.mem").touch()
    await remove_left_over(LocalAccess(HostSpec(id=HostId("kvm-1"), uri="qemu:///system")), str(folder))
    assert _names(folder) == [
        "capabilities.sock",
        "novacron-aaaaaaaaaaaa.mem",
        "novacron-bbbbbbbbbbbb.nbd",
        "novacron-cccccccccccc.mem",
    ]
    in_use.close()
    not_listening_yet.close()


async def test_a_folder_that_is_not_there_or_closed_to_us_costs_nothing(tmp_path: Path):
    await remove_left_over(LocalAccess(HostSpec(id=HostId("kvm-1"), uri="qemu:///system")), str(tmp_path / "none"))
