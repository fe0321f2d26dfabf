"""A console in a process of its own, for tests on a real pty: `console_program.py mixed|hostile|large`.

SIGUSR1 changes one cell: the CPU of web-1.
"""

import asyncio
import signal
import sys
from dataclasses import replace

from novacron.adapters.simulated.hostile import HOSTILE_TEXTS
from novacron.model.alert.alert import AlertRule
from novacron.model.fleet import Fleet
from novacron.model.link import LinkStatus
from novacron.model.operation import OperationState
from novacron.model.vm import VmReading
from novacron.ports.backend import AlertsChanged
from novacron_tui.app import NovaCronApp
from tests.builders import a_disk, a_fleet, a_host, a_link, a_nic, a_pool, a_reading, a_usage, a_vm, a_volume
from tests.callers import ALICE
from tests.operation_builders import an_alert, an_operation
from tests.ui.fake_backend import FakeBackend
from tests.ui.fleet import SHOWN_AT
from tests.ui.operator import a_console


def a_hostile_console() -> FakeBackend:
    """Return a console on which every text that can be foreign is an attack."""
    texts = HOSTILE_TEXTS
    vms = tuple(
        a_vm(
            text,
            description=texts[-number],
            disks=(a_disk(text, source=text, target=text[:9]),),
            nics=(a_nic(network=text, model=text, link=text),),
        )
        for number, text in enumerate(texts)
    )
    pools = tuple(a_pool(text, path=text, volumes=(a_volume(text, path=text, backing_path=text),)) for text in texts)
    hosts = [a_host("kvm-1", reading=a_reading("kvm-1", *vms, pools=pools))]
    hosts += [
        a_host(f"kvm-{number}", never_read=True, link=a_link(LinkStatus.UNREACHABLE, cause=text, remedy=text))
        for number, text in enumerate(texts, start=2)
    ]
    console = FakeBackend(a_fleet(*hosts))
    console.xml = "\n".join(texts)
    console.show_operations(
        *(
            an_operation(number, state=OperationState.FAILED, title=text, subject=text, outcome=text)
            for number, text in zip(range(len(texts), 0, -1), texts, strict=True)
        )
    )
    console.push(AlertsChanged(alerts=tuple(an_alert(AlertRule.VM_CRASHED, subject=t, text=t) for t in texts)))
    console.serial.guest.put_nowait("\r\n".join(texts).encode("utf-8", "replace"))
    return console


def a_large_console() -> FakeBackend:
    """Return a console on 500 hosts of 20 VMs."""
    hosts = (
        a_host(f"kvm-{host}", reading=a_reading(f"kvm-{host}", *(_vm_of(host, number) for number in range(20))))
        for host in range(500)
    )
    return FakeBackend(a_fleet(*hosts))


def _vm_of(host: int, number: int) -> VmReading:
    usage = a_usage(cpu_percent=float((host * 7 + number * 13) % 190), memory_used_mib=100 + host)
    return a_vm(f"vm-{host}-{number}", usage=usage)


def _with_cpu(fleet: Fleet, percent: float) -> Fleet:
    host = fleet.hosts["kvm-fra-01"]
    vms = tuple(
        replace(vm, usage=a_usage(cpu_percent=percent, **_OTHER)) if vm.name == "web-1" else vm
        for vm in host.reading.vms
    )
    return fleet.with_host(replace(host, reading=replace(host.reading, vms=vms)))


_OTHER = {
    "memory_used_mib": 180,
    "disk_read_b_s": 40_000.0,
    "disk_write_b_s": 9_000.0,
    "net_rx_b_s": 120_000.0,
    "net_tx_b_s": 65_000.0,
}


async def main() -> None:
    """Run until detached."""
    console = {"hostile": a_hostile_console, "large": a_large_console}.get(sys.argv[1], a_console)()
    fleet = await console.fleet(ALICE)
    numbers = iter(range(11, 99))
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGUSR1, lambda: console.show_fleet(_with_cpu(fleet, float(next(numbers)))))
    await NovaCronApp(console, caller=ALICE, title="pty", now=lambda: SHOWN_AT).run_async()


if __name__ == "__main__":
    asyncio.run(main())
