"""The guests of a lab: the demo VMs of `lab up`, and any others that a test or a rehearsal wants."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from novacron.lab.definitions import VmDefinition, vm_xml
from novacron.lab.lab import Lab
from novacron.lab.layout import LOCAL, SHARED, HostLayout

DISK_MIB = 64
_ROLES = ("web", "db", "cache", "mail", "build")

POOLS = {"shared": SHARED, "local": LOCAL}
"""Pool -> its folder on each host."""


def disk_path(vm: str, storage: str) -> Path:
    """Return where a VM's disk is in the pool `storage`, on the host."""
    return POOLS[storage] / f"{vm}.qcow2"


def define_vm(lab: Lab, host: HostLayout | str, vm: VmDefinition, *, storage: str = "shared") -> str:
    """Make a VM with a new disk in the pool `storage` ("" for none); return its UUID. It is not started."""
    if storage:
        disk = disk_path(vm.name, storage)
        lab.run(host, ["qemu-img", "create", "-q", "-f", "qcow2", str(disk), f"{DISK_MIB}M"])
        vm = replace(vm, disk=disk)
    lab.run(host, ["virsh", "-q", "define", "/dev/stdin"], stdin=vm_xml(vm))
    return lab.virsh(host, "domuuid", vm.name).strip()


def remove_vm(lab: Lab, vm: str) -> None:
    """Remove a VM and its disks from wherever it is in the lab; hosts that are down are left alone."""
    for host in lab.hosts:
        if not lab.is_up(host):
            continue
        for command in (["destroy", vm], ["undefine", vm, "--nvram"]):
            lab.attempt(host, ["virsh", "-q", *command])
        lab.attempt(host, ["rm", "-f", *(str(disk_path(vm, pool)) for pool in POOLS)])


def define_demo_vms(lab: Lab, each: int, say: Callable[[str], None]) -> None:
    """Define so many VMs on each host on the shared storage, and start all but every third."""
    if not each:
        return
    say(f"{each * len(lab.hosts)} demo VMs")
    with ThreadPoolExecutor(len(lab.hosts)) as pool:
        for outcome in [pool.submit(_populate, lab, host, each) for host in lab.hosts]:
            outcome.result()


def _populate(lab: Lab, host: HostLayout, each: int) -> None:
    started = []
    for slot in range(each):
        number = (host.index - 1) * each + slot
        name = demo_name(number)
        vm = VmDefinition(
            name=name,
            domain_type=lab.domain_type,
            dirty_mib_s=2 if number % 4 == 1 else 0,
        )
        define_vm(lab, host, vm)
        if number % 3 != 2:
            started.append(name)
    lab.virsh(host, "pool-refresh", "shared")
    for name in started:
        lab.virsh(host, "autostart", name)
        lab.virsh(host, "start", name)


def demo_name(number: int) -> str:
    """Return the name of the `number`-th demo VM, from 0: web-1, db-1, cache-1, mail-1, build-1, web-2, …"""
    return f"{_ROLES[number % len(_ROLES)]}-{number // len(_ROLES) + 1}"
