"""Rename, autostart, resize, delete."""

from collections.abc import Sequence
from typing import Any, Final

from novacron.model.fleet import FleetVm
from novacron.model.operations.definition import RenameVm, SetAutostart
from novacron.model.operations.deletion import DeleteVm
from novacron.model.operations.intent import Intent
from novacron.model.operations.resizing import ResizeVm
from novacron.model.size import size_text
from novacron.model.vm import VmReading, VmState
from novacron_tui.commands.command import Command, Context, Kind
from novacron_tui.commands.form import NO_VCPUS, Form, Values, number, size_mib
from novacron_tui.commands.power import refuse_vm
from novacron_tui.present.form_fields import Field, FieldKind


def _refuse_unless_off(vm: FleetVm, context: Context) -> str | None:
    if vm.home.is_current and vm.home.vm.state is not VmState.SHUT_OFF:
        return f"{vm.home.vm.name} is {vm.home.vm.state}; shut it down first"
    return refuse_vm(vm, context)


def _refuse_active(vm: FleetVm, context: Context) -> str | None:
    if vm.home.is_current and vm.home.vm.is_active:
        return f"{vm.home.vm.name} is {vm.home.vm.state}; shut it down or force it off first"
    return refuse_vm(vm, context)


def _autostart(vm: FleetVm, _context: Context) -> Intent:
    return SetAutostart(vm=vm.id, host=vm.home.host.id, enabled=not vm.home.vm.autostart)


def _rename_form(vms: Sequence[FleetVm], _context: Context) -> Form:
    vm = vms[0]

    def intents(values: Values) -> tuple[Intent, ...] | str:
        name = values["name"].strip()
        if not name or name == vm.home.vm.name:
            return "type its new name"
        return (RenameVm(vm=vm.id, host=vm.home.host.id, new_name=name),)

    field = Field(id="name", label="New name", value=vm.home.vm.name, hint="letters, digits, dots, dashes, underscores")
    return Form(title=f"Rename {vm.home.vm.name}", fields=lambda _values: (field,), intents=intents)


def _size_of(vm: VmReading) -> tuple[int, int]:
    """Return vCPUs and MiB as its next start takes them."""
    stored = vm.sizing.at_next_start
    return (stored.vcpus, stored.memory_mib) if stored else (vm.vcpus, vm.memory_mib)


def _resize(vm: FleetVm, vcpus: int, memory_mib: int) -> ResizeVm | None:
    """Return what is asked of one VM: the figures that its next start would not give it, or those it has not now."""
    reading = vm.home.vm
    before = _size_of(reading)
    if before == (vcpus, memory_mib):
        before = (reading.vcpus, reading.memory_mib)
    if before == (vcpus, memory_mib):
        return None
    return ResizeVm(
        vm=vm.id,
        host=vm.home.host.id,
        vcpus=vcpus if vcpus != before[0] else None,
        memory_mib=memory_mib if memory_mib != before[1] else None,
    )


def _resize_form(vms: Sequence[FleetVm], _context: Context) -> Form:
    first, stored = vms[0].home.vm, _size_of(vms[0].home.vm)
    title = f"Size of {first.name}" if len(vms) == 1 else f"Size of {len(vms)} VMs"
    fields = (
        Field(
            id="vcpus",
            label="vCPUs",
            kind=FieldKind.NUMBER,
            value=str(stored[0]),
            hint=f"up to {first.vcpus_max or first.vcpus} at once, more at its next start",
        ),
        Field(
            id="memory",
            label="Memory",
            kind=FieldKind.SIZE,
            value=size_text(stored[1]),
            hint=f"up to {size_text(first.memory_max_mib)} at once, more at its next start",
        ),
    )

    def intents(values: Values) -> tuple[Intent, ...] | str:
        vcpus, memory = number(values, "vcpus", least=1), size_mib(values, "memory", least=1)
        if vcpus is None:
            return NO_VCPUS
        if isinstance(memory, str):
            return f"memory: {memory}"
        made = tuple(intent for vm in vms if (intent := _resize(vm, vcpus, memory)) is not None)
        return made or "it has this size already"

    return Form(title=title, fields=lambda _values: fields, intents=intents)


def _delete(*, with_disks: bool) -> Any:  # noqa: ANN401 - a Command.intent
    def intent(vm: FleetVm, _context: Context) -> Intent:
        return DeleteVm(vm=vm.id, host=vm.home.host.id, with_disks=with_disks)

    return intent


DEFINITION: Final = (
    Command(
        id="vm.rename",
        makes=RenameVm,
        title="Rename",
        kind=Kind.VM,
        many=False,
        refuse=_refuse_unless_off,
        form=_rename_form,
    ),
    Command(
        id="vm.autostart",
        makes=SetAutostart,
        title="Start with its host, or no longer (autostart)",
        kind=Kind.VM,
        refuse=refuse_vm,
        intent=_autostart,
    ),
    Command(
        id="vm.resize", makes=ResizeVm, title="Set vCPUs and memory", kind=Kind.VM, refuse=refuse_vm, form=_resize_form
    ),
    Command(
        id="vm.delete",
        makes=DeleteVm,
        title="Delete its definition, keep its disks",
        kind=Kind.VM,
        danger=True,
        asks=True,
        refuse=_refuse_active,
        intent=_delete(with_disks=False),
    ),
    Command(
        id="vm.erase",
        makes=DeleteVm,
        title="Delete it with its disks",
        kind=Kind.VM,
        danger=True,
        asks=True,
        refuse=_refuse_active,
        intent=_delete(with_disks=True),
    ),
)
