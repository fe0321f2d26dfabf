"""The reading verbs: vms, hosts, pools, ops, alerts, xml."""

from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from novacron.cli.arguments import AnyHostNames, AnyVmNames, Json, PartialOk, VmName
from novacron.cli.output import complain, print_json, print_table, tell_unread
from novacron.cli.selectors import all_vms, hosts_unread, is_uuid, select_hosts, select_one_vm, select_vms
from novacron.cli.session import run, settled_fleet
from novacron.cli.this_user import this_user
from novacron.model.alert.alert import Alert
from novacron.model.alert.conditions import twice_alert
from novacron.model.errors import ExitCode
from novacron.model.fleet import Fleet, FleetVm, Host
from novacron.model.ids import HostId, VmId
from novacron.model.operation import Operation
from novacron.model.operations.grouping import grouped
from novacron.model.operations.migration import MigrateVm
from novacron.model.storage import Pool
from novacron.ports.backend import Backend
from novacron_tui.present.quantity import age


def vms(context: typer.Context, names: AnyVmNames = None, partial_ok: PartialOk = False, as_json: Json = False) -> None:
    """List VMs with their state, host and load."""

    async def work(backend: Backend) -> tuple[Sequence[FleetVm], Collection[VmId], Sequence[HostId]]:
        fleet = await settled_fleet(backend)
        chosen = select_vms(fleet, names) if names else all_vms(fleet)
        unread = hosts_unread(fleet, [name for name in names or ["*"] if not is_uuid(fleet, name)])
        twins = await _running_twice(backend, chosen)
        return _without_ends_of_migrations(chosen, twins), twins, unread

    chosen, twins, unread = run(work, context)
    _show([_vm_record(vm, runs_twice=vm.id in twins) for vm in chosen], as_json, _VM_COLUMNS)
    for vm in {vm.id: vm for vm in chosen if vm.id in twins}.values():
        danger = twice_alert(vm, vm.running_copies, datetime.now(UTC))
        complain(danger.subject, danger.text, danger.remedy)
    tell_unread("VMs", unread, partial_ok=partial_ok)


def hosts(context: typer.Context, names: AnyHostNames = None, as_json: Json = False) -> None:
    """List hosts, each with the state of the connection to it."""
    _show([_host_record(host) for host in _hosts(context, names)], as_json, _HOST_COLUMNS)


def pools(
    context: typer.Context, names: AnyHostNames = None, partial_ok: PartialOk = False, as_json: Json = False
) -> None:
    """List storage pools of each host."""
    chosen = _hosts(context, names)
    records = [_pool_record(host, pool) for host in chosen if host.reading is not None for pool in host.reading.pools]
    _show(records, as_json, _POOL_COLUMNS)
    tell_unread("pools", [host.id for host in chosen if host.reading is None], partial_ok=partial_ok)


def ops(
    context: typer.Context,
    every: Annotated[bool, typer.Option("--all", help="Also operations of batches that wait or ended well.")] = False,
    as_json: Json = False,
) -> None:
    """List operations, newest first; those of a batch below it."""

    async def work(backend: Backend) -> tuple[Operation, ...]:
        return await backend.operations(this_user())

    listed = run(work, context)
    if not as_json:
        listed = tuple(one for one, _ in grouped(listed, with_all=every))
    _show([_operation_record(operation) for operation in listed], as_json, _OPERATION_COLUMNS)


def alerts(
    context: typer.Context,
    with_cleared: Annotated[bool, typer.Option("--all", help="Also those that were cleared lately.")] = False,
    partial_ok: PartialOk = False,
    as_json: Json = False,
) -> None:
    """List what needs attention now."""

    async def work(backend: Backend) -> tuple[tuple[Alert, ...], Fleet]:
        fleet = await settled_fleet(backend)
        return await backend.alerts(this_user()), fleet

    listed, fleet = run(work, context)
    holding = [alert for alert in listed if alert.cleared_at is None]
    _show([_alert_record(alert) for alert in (listed if with_cleared else holding)], as_json, _ALERT_COLUMNS)
    # A list without alerts says that all is well only where every host answers, and one that does not has its alert
    # after some seconds only.
    told = {alert.host for alert in holding}
    silent = [host for host in fleet.hosts.values() if not host.is_current and host.id not in told]
    for host in silent:
        complain(host.id, f"it is {host.link.status}, and has no alert yet: {host.link.cause}", host.link.remedy)
    if silent and not partial_ok:
        raise typer.Exit(ExitCode.UNREACHABLE)


def xml(
    context: typer.Context,
    vm: VmName,
) -> None:
    """Print a VM's definition as libvirt has it."""

    async def work(backend: Backend) -> str:
        chosen = select_one_vm(await settled_fleet(backend), vm)
        return await backend.definition(this_user(), chosen.id, chosen.home.host.id)

    typer.echo("\n".join(_inert_lines(run(work, context))))


Record = dict[str, Any]
_VM_COLUMNS = ("name", "state", "reason", "host", "vcpus", "cpu", "memory", "seen", "id")
_HOST_COLUMNS = ("name", "site", "link", "vms", "cores", "cpu", "memory", "libvirt", "seen", "cause")
_POOL_COLUMNS = ("host", "name", "kind", "active", "capacity", "used", "seen", "path")
_OPERATION_COLUMNS = ("id", "state", "title", "progress", "actor", "age", "outcome")
_ALERT_COLUMNS = ("severity", "rule", "subject", "age", "text")


def _show(records: Sequence[Record], as_json: bool, columns: Sequence[str]) -> None:
    if as_json:
        print_json([record["json"] for record in records])
        return
    print_table(columns, [[record[column] for column in columns] for record in records])


def _hosts(context: typer.Context, names: Sequence[str] | None) -> tuple[Host, ...]:
    async def work(backend: Backend) -> tuple[Host, ...]:
        fleet = await settled_fleet(backend)
        return select_hosts(fleet, names) if names else tuple(fleet.hosts.values())

    return run(work, context)


def _inert_lines(text: str) -> list[str]:
    from novacron.model.safetext import SafeText

    return [SafeText(line) for line in text.split("\n")]


def _percent(value: float | None) -> str | None:
    return None if value is None else f"{value:.0f}%"


def _mib(value: int | None) -> str | None:
    if value is None:
        return None
    return f"{value / 1024:.1f}G" if value >= 1024 else f"{value}M"


async def _running_twice(backend: Backend, chosen: Sequence[FleetVm]) -> Collection[VmId]:
    """Return which of them run on two hosts; the two ends of a migration of ours, read one after the other, do not."""
    suspected = {vm.id for vm in chosen if vm.others and len(vm.running_copies) > 1}
    if suspected:
        operations = await backend.operations(this_user())
        suspected -= {one.intent.vm for one in operations if isinstance(one.intent, MigrateVm) and not one.has_ended}
    return suspected


def _without_ends_of_migrations(chosen: Sequence[FleetVm], twins: Collection[VmId]) -> list[FleetVm]:
    """Return one line a VM again, but for those that run twice."""
    kept: dict[object, FleetVm] = {}
    for vm in chosen:
        kept.setdefault((vm.id, vm.home.host.id) if vm.id in twins else vm.id, vm)
    return list(kept.values())


def _vm_record(found: FleetVm, *, runs_twice: bool) -> Record:
    home, now = found.home, datetime.now(UTC)
    reading = home.host.reading
    state = home.vm.state.value if home.is_current else f"unknown (was {home.vm.state.value})"
    state = "runs twice" if runs_twice else state
    return {
        "name": home.vm.name,
        "state": state,
        "reason": home.vm.reason.value if home.is_current else "",
        "host": home.host.id,
        "cpu": _percent(home.vm.usage.cpu_percent) if home.is_current else None,
        "vcpus": _and_pending(str(home.vm.vcpus), home.vm.pending_vcpus),
        "memory": _and_pending(_mib(home.vm.memory_mib), _mib(home.vm.pending_memory_mib)),
        "seen": age(reading.observed_at if reading else None, now),
        "id": found.id,
        "json": {
            "id": found.id,
            "name": home.vm.name,
            "host": home.host.id,
            "current": home.is_current,
            "observed_at": reading.observed_at if reading else None,
            "vm": home.vm,
            "pending": {"vcpus": home.vm.pending_vcpus, "memory_mib": home.vm.pending_memory_mib},
            "also_on": [other.host.id for other in found.others],
            "runs_twice": runs_twice,
        },
    }


def _and_pending(now: str | None, at_next_start: object | None) -> str | None:
    return now if at_next_start is None else f"{now} (next start: {at_next_start})"


def _host_record(host: Host) -> Record:
    reading = host.reading
    return {
        "name": host.id,
        "site": host.spec.site,
        "link": host.link.status.value,
        "vms": len(reading.vms) if reading else None,
        "cores": reading.facts.cores if reading else None,
        "cpu": _percent(reading.load.cpu_percent) if reading and host.is_current else None,
        "memory": _mib(reading.facts.memory_mib) if reading else None,
        "libvirt": reading.facts.libvirt_version if reading else None,
        "seen": age(reading.observed_at if reading else None, datetime.now(UTC)),
        "cause": host.link.cause,
        "json": {
            "name": host.id,
            "spec": host.spec,
            "link": host.link,
            "current": host.is_current,
            "observed_at": reading.observed_at if reading else None,
            "facts": reading.facts if reading else None,
            "load": reading.load if reading else None,
            "vms": len(reading.vms) if reading else None,
        },
    }


def _pool_record(host: Host, pool: Pool) -> Record:
    read_at = host.reading.inventory_at if host.reading else None
    active = "no" if not pool.active else "unreadable" if pool.trouble else "yes"
    return {
        "host": host.id,
        "name": pool.name,
        "kind": pool.kind,
        "active": active if host.is_current else f"unknown (was {active})",
        "capacity": _mib(pool.capacity_mib),
        "used": _percent(pool.used_fraction * 100) if pool.used_fraction is not None and host.is_current else None,
        "seen": age(read_at, datetime.now(UTC)),
        "path": pool.path,
        "json": {"host": host.id, "current": host.is_current, "observed_at": read_at, "pool": pool},
    }


def _operation_record(operation: Operation) -> Record:
    fraction = operation.progress.fraction
    return {
        "id": operation.id,
        "state": "waiting" if operation.is_waiting else operation.state.value,
        "title": operation.title,
        "progress": _percent(None if fraction is None else fraction * 100),
        "actor": operation.actor,
        "age": age(operation.accepted_at, datetime.now(UTC)),
        "outcome": str(operation.progress.queued) if operation.is_waiting else operation.outcome,
        "json": operation,
    }


def _alert_record(alert: Alert) -> Record:
    return {
        "severity": alert.severity.value if alert.cleared_at is None else "cleared",
        "rule": alert.rule.value,
        "subject": alert.subject,
        "text": alert.text,
        "age": age(alert.cleared_at or alert.raised_at, datetime.now(UTC)),
        "json": alert,
    }


def add_to(app: typer.Typer) -> None:
    """Give the verbs of this module to the command."""
    verbs: tuple[Callable[..., None], ...] = (vms, hosts, pools, ops, alerts, xml)
    for verb in verbs:
        app.command(rich_help_panel="See")(verb)
