"""libvirt's own test driver, in this process: the real library and our real calls, without a daemon."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from novacron.adapters.libvirt.gateway import LibvirtGateway
from novacron.adapters.libvirt.hypervisor import LibvirtHypervisor
from novacron.model.host import HostSpec
from novacron.model.ids import HostId
from tests.builders import an_id
from tests.fake_clock import FakeClock

_STATES = {"web-1": 1, "paused": 3, "off": 5, "panicked": 6, "asleep": 7}


def _domain(name: str, state: int, more: str = "", devices: str = "") -> str:
    return f"""
    <domain type='test' xmlns:test='http://libvirt.org/schemas/domain/test/1.0'>
      <test:runstate>{state}</test:runstate>{more}
      <name>{name}</name><uuid>{an_id(name)}</uuid><description>about {name} &amp; more</description>
      <memory unit='MiB'>1024</memory><vcpu>2</vcpu><os><type>hvm</type></os>
      <devices>
        <disk type='file'><driver name='qemu' type='qcow2'/><source file='/vm/{name}'/><target dev='vda'/></disk>
        <interface type='network'><mac address='52:54:00:00:00:01'/><source network='lan'/></interface>{devices}
      </devices>
    </domain>"""


_NODE = f"""
<node>
  {"".join(_domain(name, state) for name, state in _STATES.items())}
  {_domain("passing", 1, "<test:transient/>", "<console type='pty'/>")}
  <network><name>lan</name><bridge name='virbr0'/><ip address='192.168.1.1' netmask='255.255.255.0'/></network>
  <pool type='dir'><name>vm</name><target><path>/vm</path></target></pool>
</node>
"""


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def node(tmp_path: Path) -> HostSpec:
    """A host of libvirt's test driver: what it holds belongs to one connection alone."""
    path = tmp_path / "node.xml"
    path.write_text(_NODE)
    return HostSpec(id=HostId("kvm-1"), uri=f"test://{path}", labels={"domain-type": "test"})


@pytest.fixture
async def host(node: HostSpec, clock: FakeClock) -> AsyncIterator[LibvirtHypervisor]:
    """It, connected."""
    async with asyncio.timeout(10):
        hypervisor = await LibvirtGateway(clock).connect(node, deadline_s=5)
        yield hypervisor
        await hypervisor.close()
