"""A host whose libvirt is modular, beside what a monolithic one left behind.

Debian has no virtqemud, so its layout is made of a libvirtd that listens elsewhere, and of socat on virtqemud's socket.
"""

from collections.abc import Iterator

import pytest

from novacron.lab.faults import make_fault, mend_host
from novacron.lab.lab import Lab
from tests.lab.watched_fleet import BY_EVENT, novacron, specs_of, watching
from tests.lab_fixtures import MakeVm, eventually

pytestmark = pytest.mark.lab

_HOST = "lab1"
_ELSEWHERE = "/run/modular/libvirt-sock"
_URI = f"qemu+unix:///system?socket={_ELSEWHERE}"
_START = f"""\
mkdir -p /run/modular
sed '/^unix_sock_dir/d' /etc/libvirt/libvirtd.conf >/run/modular.conf
echo 'unix_sock_dir = "/run/modular"' >>/run/modular.conf
libvirtd -d -p /run/modular.pid -f /run/modular.conf
until [ -S {_ELSEWHERE} ]; do sleep 0.05; done
setsid --fork socat UNIX-LISTEN:/run/libvirt/virtqemud-sock,fork UNIX-CONNECT:{_ELSEWHERE} </dev/null >/dev/null 2>&1
until [ -S /run/libvirt/virtqemud-sock ]; do sleep 0.05; done
"""
_STOP = """\
kill -9 "$(cat /run/modular.pid)"
kill "$(pgrep -o -x socat)"
rm -rf /run/modular /run/modular.conf /run/modular.pid /run/libvirt/virtqemud-sock
"""


@pytest.fixture
def modular(lab: Lab) -> Iterator[None]:
    """Kill libvirtd, which leaves its socket behind, and let virtqemud's answer."""
    make_fault(lab, "kill-libvirtd", _HOST)
    lab.run(_HOST, ["test", "-S", "/run/libvirt/libvirt-sock"])
    lab.run(_HOST, ["sh", "-euc", _START])
    yield
    lab.attempt(_HOST, ["sh", "-c", _STOP])
    mend_host(lab, _HOST)


@pytest.fixture
def vm(lab: Lab, make_vm: MakeVm) -> str:
    """A VM that is off, defined while libvirtd is there."""
    return make_vm(_HOST, "modular", start=False)


@pytest.mark.usefixtures("vm", "modular")
def test_a_modular_host_is_read_and_heard_beside_a_dead_libvirtds_socket(lab: Lab, vm: str) -> None:
    tested = novacron(lab.fleet_toml, "host", "test", _HOST)
    assert tested.returncode == 0, tested.stderr
    with watching(specs_of(lab, _HOST), BY_EVENT) as fleet:
        fleet.wait_up(_HOST)
        reading = fleet.host(_HOST).reading
        assert reading is not None
        assert {pool.name for pool in reading.pools} >= {"local", "shared"}
        assert fleet.state_of(vm) == "○ shut off"
        lab.run(_HOST, ["virsh", "-q", "-c", _URI, "start", "modular"], timeout_s=60)
        assert eventually(lambda: fleet.state_of(vm) == "● running"), fleet.state_of(vm)
