"""Start, shut down, reboot, force off, pause, resume."""

from collections.abc import Callable
from typing import Any, Final

from novacron.model.fleet import FleetVm
from novacron.model.operations.intent import Intent
from novacron.model.operations.migration import MigrateVm
from novacron.model.operations.power import ForceOffVm, PauseVm, RebootVm, ResumeVm, ShutdownVm, StartVm
from novacron.model.vm import ACTIVE_STATES, VmState
from novacron_tui.commands.command import Command, Context, Kind

_RUNNING: Final = frozenset({VmState.RUNNING})


def refuse_vm(vm: FleetVm, context: Context) -> str | None:
    """Return why nothing can be done to the VM now, or None."""
    host = vm.home.host
    if not vm.home.is_current:
        return f"{host.id} is {host.link.status}: what it does is not known, and nothing can be asked of it"
    operation = context.state.busy.get(vm.id)
    if operation is not None:
        if operation.is_waiting:
            return f"it has an operation that waits (C cancels it): {operation.title}"
        return f"{operation.title} is under way (C cancels it)"
    return None


def _in_state(allowed: frozenset[VmState], verb: str) -> Callable[[FleetVm, Context], str | None]:
    def refuse(vm: FleetVm, context: Context) -> str | None:
        if vm.home.vm.state not in allowed and vm.home.is_current:
            return f"{vm.home.vm.name} is {vm.home.vm.state} and cannot be {verb}"
        return refuse_vm(vm, context)

    return refuse


def _unless_it_migrates(
    refuse: Callable[[FleetVm, Context], str | None],
) -> Callable[[FleetVm, Context], str | None]:
    """Let a VM be paused while it migrates, so that the migration may end."""

    def refuse_others(vm: FleetVm, context: Context) -> str | None:
        operation = context.state.busy.get(vm.id)
        moves = operation is not None and isinstance(operation.intent, MigrateVm) and not operation.is_waiting
        if moves and vm.home.is_current:
            return None if vm.home.vm.state in _RUNNING else f"{vm.home.vm.name} is {vm.home.vm.state} already"
        return refuse(vm, context)

    return refuse_others


def _on(make: Callable[..., Intent]) -> Callable[[Any, Context], Intent]:
    return lambda vm, _context: make(vm=vm.id, host=vm.home.host.id)


POWER: Final = (
    Command(
        id="vm.start",
        makes=StartVm,
        title="Start",
        kind=Kind.VM,
        refuse=_in_state(frozenset({VmState.SHUT_OFF, VmState.CRASHED}), "started"),
        intent=_on(StartVm),
    ),
    Command(
        id="vm.resume",
        makes=ResumeVm,
        title="Resume, or wake a guest that sleeps",
        kind=Kind.VM,
        refuse=_in_state(frozenset({VmState.PAUSED, VmState.SUSPENDED}), "resumed"),
        intent=_on(ResumeVm),
    ),
    Command(
        id="vm.shutdown",
        makes=ShutdownVm,
        title="Shut down",
        kind=Kind.VM,
        asks=True,
        refuse=_in_state(_RUNNING, "shut down"),
        intent=_on(ShutdownVm),
    ),
    Command(
        id="vm.reboot",
        makes=RebootVm,
        title="Reboot",
        kind=Kind.VM,
        asks=True,
        refuse=_in_state(_RUNNING, "rebooted"),
        intent=_on(RebootVm),
    ),
    Command(
        id="vm.pause",
        makes=PauseVm,
        title="Pause",
        kind=Kind.VM,
        asks=True,
        refuse=_unless_it_migrates(_in_state(_RUNNING, "paused")),
        intent=_on(PauseVm),
    ),
    Command(
        id="vm.force-off",
        makes=ForceOffVm,
        title="Force off: pull the plug",
        kind=Kind.VM,
        danger=True,
        asks=True,
        refuse=_in_state(ACTIVE_STATES, "forced off"),
        intent=_on(ForceOffVm),
    ),
)
