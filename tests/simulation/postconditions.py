"""What has to be so on the simulated hosts, at some instant of an operation that ends done: one entry a kind."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from novacron.adapters.simulated.machine import Machine
from novacron.model.ids import HostId, VmId
from novacron.model.operation import Operation
from novacron.model.operations.intent import Intent
from novacron.model.plan.device_scope import DeviceScope
from novacron.model.vm import VmState
from tests.simulation.observed_world import ObservedWorld

Condition = Callable[[ObservedWorld, Any], bool]


def _machine(world: ObservedWorld, vm: VmId, host: HostId) -> Machine | None:
    return world.hosts[host].machines.get(vm)


def _is(*states: VmState) -> Condition:
    def holds(world: ObservedWorld, intent: Any) -> bool:
        machine = _machine(world, intent.vm, intent.host)
        return machine is not None and machine.state in states

    return holds


def _is_off(world: ObservedWorld, intent: Any) -> bool:
    machine = _machine(world, intent.vm, intent.host)
    return machine is None or not machine.is_active


def _is_paused_or_gone(world: ObservedWorld, intent: Any) -> bool:
    machine = _machine(world, intent.vm, intent.host)
    return machine is None or machine.state is not VmState.RUNNING


def _is_resized(world: ObservedWorld, intent: Any) -> bool:
    machine = _machine(world, intent.vm, intent.host)
    if machine is None:
        return False
    sizes = {machine.vcpus, machine.stored_vcpus}, {machine.memory_mib, machine.stored_memory_mib}
    wanted = intent.vcpus, intent.memory_mib
    return all(want is None or want in have for want, have in zip(wanted, sizes, strict=True))


def _has_moved(world: ObservedWorld, intent: Any) -> bool:
    here = _machine(world, intent.vm, intent.host)
    there = _machine(world, intent.vm, intent.destination)
    return there is not None and (here is None or not here.is_active)


def _volume_is_gone(world: ObservedWorld, intent: Any) -> bool:
    store = world.hosts[intent.host].pools[intent.pool].store
    return all(stored.volume.name != intent.volume for stored in store.volumes.values())


def _is_named(world: ObservedWorld, intent: Any) -> bool:
    machine = _machine(world, intent.vm, intent.host)
    return machine is not None and machine.name == intent.new_name


def _autostart_is_set(world: ObservedWorld, intent: Any) -> bool:
    machine = _machine(world, intent.vm, intent.host)
    return machine is not None and machine.autostart is intent.enabled


def _sides(machine: Machine, scope: DeviceScope, now: object, later: object) -> list[Any]:
    """Return the devices of each side that the scope is about, of those that the VM has."""
    live = [now] if machine.is_active and scope is not DeviceScope.NEXT_START else []
    return [*live, *([later] if machine.persistent and scope is not DeviceScope.NOW else [])]


def _disk_is(*, attached: bool) -> Condition:
    def holds(world: ObservedWorld, intent: Any) -> bool:
        machine = _machine(world, intent.vm, intent.host)
        if machine is None:
            return not attached
        sides = _sides(machine, intent.scope, machine.disks, machine.stored_disks)
        if attached:
            return all(any(disk.source.endswith(f"/{intent.volume}") for disk in side) for side in sides)
        return all(intent.target not in {disk.target for disk in side} for side in sides)

    return holds


def _nic_is(*, attached: bool) -> Condition:
    def holds(world: ObservedWorld, intent: Any) -> bool:
        machine = _machine(world, intent.vm, intent.host)
        if machine is None:
            return not attached
        sides = _sides(machine, intent.scope, machine.nics, machine.stored_nics)
        return all((intent.mac in {nic.mac for nic in side}) is attached for side in sides)

    return holds


def _was_there(world: ObservedWorld, intent: Any) -> bool:
    return _machine(world, intent.vm, intent.host) is not None


CONDITIONS: dict[str, Condition] = {
    "start": _is(VmState.RUNNING),
    "shutdown": _is_off,
    "reboot": _was_there,
    "force-off": _is_off,
    "pause": _is_paused_or_gone,
    "resume": _is(VmState.RUNNING),
    "rename": _is_named,
    "autostart": _autostart_is_set,
    "resize": _is_resized,
    "delete": lambda world, intent: _machine(world, intent.vm, intent.host) is None,
    "create": _was_there,
    "migrate": _has_moved,
    "pool-active": lambda world, intent: world.hosts[intent.host].pools[intent.pool].active is intent.active,
    "delete-volume": _volume_is_gone,
    "attach-disk": _disk_is(attached=True),
    "detach-disk": _disk_is(attached=False),
    "attach-nic": _nic_is(attached=True),
    "detach-nic": _nic_is(attached=False),
}
"""By the intent's kind. A new kind gets one; until then a test says which is missing."""


def holds(world: ObservedWorld, operation: Operation) -> bool:
    """Whether what the operation was confirmed to do is so now."""
    return CONDITIONS[operation.intent.kind](world, _as_confirmed(operation))


def _as_confirmed(operation: Operation) -> Intent:
    """Return the intent with the sides that its plan named: a VM that was off then may have been started since."""
    intent: Any = operation.intent
    args: Any = operation.steps[0].args if operation.steps else None
    if not hasattr(intent, "scope") or args is None:
        return operation.intent
    stored_alone = DeviceScope.NEXT_START if args.stored else intent.scope
    as_confirmed: Intent = replace(intent, scope=intent.scope if args.live else stored_alone)
    return as_confirmed
