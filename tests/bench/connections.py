"""What many real connections cost: hosts of a lab, each under many names, connected and read as the backend does it.

The gateway alone, without an engine: a backend refuses one machine under two names. Run in a process of its own, whose
CPU and memory are the connections' alone.
"""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from novacron.adapters.libvirt.gateway import LibvirtGateway
from novacron.adapters.libvirt.hypervisor import LibvirtHypervisor
from novacron.engine.clock import SystemClock
from novacron.lab.lab import Lab
from novacron.model.host import HostSpec
from novacron.model.ids import HostId
from tests.bench.report import Figure

_AT_ONCE = 20
"""Connections that are being made at a time."""
_DEADLINE_S = 60.0
_READINGS = 4
"""Of each host, one every interval."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionCosts:
    """Of so many connections that were made in one process and read for a while."""

    connections: int
    connect_all_s: float
    connect_cpu_ms: float
    """Of one connection."""
    memory_mib: float
    """Of one connection, after its readings."""
    reading_cpu_ms: float
    """Of one reading."""
    cpu_percent: float
    """Of one core, while each was read once every interval."""


def measure_connections(lab: Lab, count: int, *, every_s: float) -> ConnectionCosts:
    """Connect to the lab's hosts so many times, in a process of its own, and read each once in `every_s` seconds."""
    hosts = [host.name for host in lab.hosts]
    argv = [sys.executable, "-m", "tests.bench.connections", str(lab.layout.state / "ssh_config")]
    done = subprocess.run([*argv, str(count), str(every_s), *hosts], capture_output=True, text=True, check=True)
    return ConnectionCosts(**json.loads(done.stdout))


def figures_of(costs: ConnectionCosts, every_s: float) -> list[Figure]:
    """Return the report's lines."""
    these = f"{costs.connections} real connections"
    return [
        Figure(what=f"{these}: all connected", ours=[costs.connect_all_s * 1000], unit="ms"),
        Figure(what=f"{these}: CPU to make one", ours=[costs.connect_cpu_ms], unit="ms"),
        Figure(what=f"{these}: memory of one", ours=[costs.memory_mib * 1024], unit="KiB"),
        Figure(what=f"{these}: CPU of a reading", ours=[costs.reading_cpu_ms], unit="ms"),
        Figure(what=f"{these}, each read every {every_s:g} s: CPU of a core", ours=[costs.cpu_percent], unit="%"),
    ]


async def _measure(ssh_config: Path, hosts: Sequence[str], count: int, every_s: float) -> ConnectionCosts:
    process = psutil.Process()
    gateway, free = LibvirtGateway(SystemClock()), asyncio.Semaphore(_AT_ONCE)

    async def connect(number: int) -> LibvirtHypervisor:
        spec = HostSpec(id=HostId(f"host-{number}"), ssh=hosts[number % len(hosts)], ssh_config=str(ssh_config))
        async with free:
            hypervisor = await gateway.connect(spec, deadline_s=_DEADLINE_S)
        # The first reading learns every definition: it belongs to the connection.
        await hypervisor.reader.read(inventory=False, deadline_s=_DEADLINE_S)
        return hypervisor

    async def follow(number: int, hypervisor: LibvirtHypervisor) -> None:
        await asyncio.sleep(number * every_s / count)
        for _ in range(_READINGS):
            began = time.perf_counter()
            await hypervisor.reader.read(inventory=False, deadline_s=_DEADLINE_S)
            await asyncio.sleep(max(0.0, every_s - (time.perf_counter() - began)))

    warm = await connect(0)
    await warm.close()
    before_mib = process.memory_info().rss / 2**20
    cpu_s, began = _cpu_s(process), time.perf_counter()
    hypervisors = await asyncio.gather(*map(connect, range(count)))
    connected_s, connect_cpu_s = time.perf_counter() - began, _cpu_s(process) - cpu_s
    cpu_s, began = _cpu_s(process), time.perf_counter()
    await asyncio.gather(*map(follow, range(count), hypervisors))
    took_s, read_cpu_s = time.perf_counter() - began, _cpu_s(process) - cpu_s
    memory_mib = (process.memory_info().rss / 2**20 - before_mib) / count
    for hypervisor in hypervisors:
        await hypervisor.close()
    return ConnectionCosts(
        connections=count,
        connect_all_s=connected_s,
        connect_cpu_ms=1000 * connect_cpu_s / count,
        memory_mib=memory_mib,
        reading_cpu_ms=1000 * read_cpu_s / (count * _READINGS),
        cpu_percent=100 * read_cpu_s / took_s,
    )


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


def main(arguments: Sequence[str], say: Callable[[str], object]) -> None:
    """Measure, and say it as JSON: ssh_config, connections, seconds between readings, and the hosts' names."""
    ssh_config, count, every_s, *hosts = arguments
    say(json.dumps(asdict(asyncio.run(_measure(Path(ssh_config), hosts, int(count), float(every_s))))))


if __name__ == "__main__":
    main(sys.argv[1:], print)
