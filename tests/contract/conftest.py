"""The grounds: a simulated one always, a real one in the lab."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from novacron.adapters.simulated.gateway import SimulatedGateway
from novacron.adapters.simulated.population import world_of_fleet
from novacron.engine.clock import SystemClock
from tests.contract.hypervisor_pair import HypervisorPair
from tests.fake_clock import FakeClock

_GUEST = Path("/var/lib/libvirt/guest")


@pytest.fixture(params=["simulated", pytest.param("libvirt", marks=pytest.mark.lab)])
async def pair(request: pytest.FixtureRequest) -> AsyncIterator[HypervisorPair]:
    """Two connected hypervisors of each adapter in turn."""
    if request.param == "simulated":
        clock = FakeClock()
        async with clock.flowing():
            yielded = _simulated(clock)
            await yielded.open()
            yield yielded
            await yielded.clean()
    else:
        yielded = real_ground(request)
        await yielded.open()
        yield yielded
        await yielded.clean()


def _simulated(clock: FakeClock) -> HypervisorPair:
    world = world_of_fleet(hosts=2, vms=4, clock=clock)
    first, second = world.specs
    return HypervisorPair(
        gateway=SimulatedGateway(world),
        clock=clock,
        specs=(first, second),
        shared_pool="shared",
        local_pool="local",
        base_volume="debian-12.qcow2",
        note=b"root\r",
        if_noted=b"\r",
        not_noted=b"login: ",
    )


def real_ground(request: pytest.FixtureRequest) -> HypervisorPair:
    """Return a pair in the lab, not connected yet."""
    # Late: the simulated half of the suite needs neither the binding nor a lab.
    from novacron.adapters.libvirt.gateway import LibvirtGateway
    from novacron.config.fleet_file import load
    from novacron.lab.guest.image import CMDLINE

    running = request.getfixturevalue("lab")
    clock = SystemClock()
    first, second, *_ = load(running.fleet_toml).hosts
    return HypervisorPair(
        gateway=LibvirtGateway(clock),
        clock=clock,
        specs=(first, second),
        shared_pool="shared",
        local_pool="local",
        base_volume="tiny.qcow2",
        kernel=str(_GUEST / "vmlinuz"),
        initrd=str(_GUEST / "initrd"),
        cmdline=CMDLINE + " novacron.name={name}",
        busy_cmdline=" novacron.dirty=16",
        note=b"touch /noted\r",
        if_noted=b"[ -e /noted ]; echo noted=$?\r",
        not_noted=b"noted=1\r\n",
    )
