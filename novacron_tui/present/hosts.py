"""The Hosts pane: one row for each host of the fleet file, whether it answers or not."""

from collections.abc import Mapping
from typing import Final

from novacron.model.fleet import Host
from novacron.model.host import HostFacts, HostLoad
from novacron_tui.present.cells import Cell, Role, cell
from novacron_tui.present.column import CellContext, Column, TableSpec
from novacron_tui.present.quantity import age, percent, size_mib
from novacron_tui.present.table_view import natural
from novacron_tui.present.vms import labels_text
from novacron_tui.present.words import link_sign


def link_cell(host: Host, context: CellContext) -> Cell:
    """Show the state of the connection to the host, and since when if it is not up."""
    shape, role = link_sign(host.link, context.glyphs)
    word = f"{shape} {host.link.status}"
    if host.link.is_up:
        return cell(word, role=role)
    return cell(f"{word} {age(host.link.since, context.now)}", word, role=role)


def _load(host: Host) -> HostLoad:
    return host.reading.load if host.reading is not None and host.is_current else HostLoad()


def _facts(host: Host) -> HostFacts | None:
    return host.reading.facts if host.reading else None


def _number(host: Host, shown: str) -> Cell:
    if not host.is_current:
        return cell("?", role=Role.UNKNOWN)
    return cell(shown, role=Role.DIM if shown in {"0", "-"} else Role.TEXT)


def _vms(host: Host, _context: CellContext) -> Cell:
    vms = host.reading.vms if host.reading else ()
    if not host.is_current:
        return cell(f"?/{len(vms)}" if host.reading else "?", role=Role.UNKNOWN)
    return cell(f"{sum(vm.is_active for vm in vms)}/{len(vms)}")


def _memory(host: Host, _context: CellContext) -> Cell:
    facts, used = _facts(host), _load(host).memory_used_mib
    total = size_mib(facts.memory_mib if facts else None)
    if facts is None:
        return cell("?", role=Role.UNKNOWN)
    return cell(f"?/{total}", role=Role.UNKNOWN) if not host.is_current else cell(f"{size_mib(used)}/{total}")


def _pressure(host: Host, _context: CellContext) -> Cell:
    load = _load(host)
    parts = (load.pressure_cpu, load.pressure_memory, load.pressure_io)
    return _number(host, "/".join(percent(part) for part in parts))


def _what(host: Host, _context: CellContext) -> Cell:
    if host.link.is_up:
        facts = _facts(host)
        if facts is not None and facts.limits:
            return cell("; ".join(facts.limits), role=Role.WARNING)
        return cell(facts.cpu_model if facts else "", role=Role.DIM)
    cause = host.link.cause or "nothing heard yet"
    return cell(f"{cause}: {host.link.remedy}" if host.link.remedy else cause, role=Role.WARNING)


def _version(host: Host, _context: CellContext) -> Cell:
    facts = _facts(host)
    if facts is None:
        return cell("-", role=Role.DIM)
    both = f"{facts.libvirt_version}/{facts.hypervisor_version}"
    return cell(both, facts.libvirt_version, role=Role.DIM)


def host_fields(host: Host) -> Mapping[str, str]:
    """Return what a filter finds a host by."""
    spec = host.spec
    return {
        "name": spec.id,
        "state": host.link.status.value,
        "site": spec.site,
        "address": spec.address,
        "label": labels_text(spec),
        "cause": host.link.cause,
    }


HOSTS: Final[TableSpec[Host]] = TableSpec(
    columns=(
        Column(
            id="name",
            title="HOST",
            width=13,
            widest=28,
            priority=0,
            cell=lambda host, _: cell(host.id),
            order=lambda host: natural(host.id),
        ),
        Column(
            id="link",
            title="LINK",
            width=17,
            widest=24,
            priority=0,
            cell=link_cell,
            order=lambda host: (host.link.is_up, host.link.status.value),
        ),
        Column(
            id="vms",
            title="VMS",
            width=6,
            widest=9,
            priority=1,
            right=True,
            cell=_vms,
            order=lambda host: len(host.reading.vms) if host.reading else None,
        ),
        Column(
            id="cpu",
            title="CPU%",
            width=4,
            priority=2,
            right=True,
            cell=lambda host, _: _number(host, percent(_load(host).cpu_percent)),
            order=lambda host: _load(host).cpu_percent,
        ),
        Column(
            id="memory",
            title="MEM",
            width=9,
            widest=11,
            priority=3,
            right=True,
            cell=_memory,
            order=lambda host: _load(host).memory_used_mib,
        ),
        Column(
            id="load",
            title="LOAD",
            width=5,
            priority=6,
            right=True,
            cell=lambda host, _: _number(host, percent(_load(host).load_1m)),
            order=lambda host: _load(host).load_1m,
        ),
        Column(
            id="pressure",
            title="PSI c/m/i",
            width=11,
            priority=7,
            right=True,
            cell=_pressure,
            order=lambda host: _load(host).pressure_io,
        ),
        Column(
            id="cores",
            title="CORES",
            width=5,
            priority=8,
            right=True,
            cell=lambda host, _: cell(facts.cores if (facts := _facts(host)) else "-", role=Role.DIM),
            order=lambda host: facts.cores if (facts := _facts(host)) else None,
        ),
        Column(
            id="version",
            title="LIBVIRT/QEMU",
            width=13,
            priority=9,
            cell=_version,
            order=lambda host: natural(facts.libvirt_version) if (facts := _facts(host)) else None,
        ),
        Column(
            id="site",
            title="SITE",
            width=6,
            widest=12,
            priority=5,
            cell=lambda host, _: cell(host.spec.site, role=Role.DIM),
            order=lambda host: natural(host.spec.site),
        ),
        Column(
            id="what",
            title="CPU, OR WHAT IS WRONG",
            width=24,
            widest=200,
            priority=4,
            cell=_what,
            order=lambda host: host.link.cause or None,
        ),
    ),
    key=lambda host: host.id,
    fields=host_fields,
    sort="name",
    empty="No host is in this fleet. novacron host add NAME puts one into fleet.toml.",
    is_ageing=lambda host: not host.link.is_up,
)
