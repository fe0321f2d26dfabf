"""One host in full."""

from collections.abc import Sequence

from novacron.model.alert.alert import Alert
from novacron.model.fleet import Fleet, Host
from novacron_tui.present.alerts import alert_lines
from novacron_tui.present.cells import Line, Role, Span, fold_line, paragraph, span
from novacron_tui.present.column import CellContext
from novacron_tui.present.console_state import vms_on
from novacron_tui.present.hosts import link_cell
from novacron_tui.present.meter import bar_spans, fullness_role
from novacron_tui.present.quantity import age, clock_time, duration, fraction, percent, size_mib
from novacron_tui.present.vms import state_cell


def host_lines(host: Host, alerts: Sequence[Alert], fleet: Fleet, context: CellContext, width: int) -> list[Line]:
    """Describe its connection, its alerts, its load, its hardware and versions, and its VMs and pools."""
    lines = [*_link_lines(host, context, width), *alert_lines(alerts, context, width), ()]
    lines += [*_load_lines(host, context, width), (), *_facts_lines(host)]
    if host.reading is None:
        lines += [(), _title("VMs and pools"), (span("  not known: it was never read", Role.UNKNOWN),)]
        return [part for line in lines for part in fold_line(line, width)]
    lines += [(), _title(f"VMs ({len(vms_on(fleet, host.id))})")]
    for vm in vms_on(fleet, host.id):
        state = state_cell(vm, context)
        lines.append(
            (
                span(f"  {state.forms[-1]:<16}", state.role),
                span(f"{vm.home.vm.name:<24} "),
                span(f"{vm.home.vm.vcpus} vCPU {size_mib(vm.home.vm.memory_mib)}", Role.DIM),
            )
        )
    as_of = "" if host.is_current else f", as of {clock_time(host.reading.inventory_at or host.reading.observed_at)}"
    lines += [(), _title(f"Pools{as_of}")]
    for pool in host.reading.pools:
        used = pool.used_fraction
        lines.append(
            (
                span(f"  {pool.name:<16} "),
                *bar_spans(used, 10, context.glyphs, Role.BAR if host.is_current else Role.DIM),
                span(f" {fraction(used):>4} ", fullness_role(used) if host.is_current else Role.DIM),
                span(f" {size_mib(pool.available_mib)} free  {pool.kind} {pool.path}", Role.DIM),
            )
        )
    return [part for line in lines for part in fold_line(line, width)]


def _link_lines(host: Host, context: CellContext, width: int) -> list[Line]:
    link, state = host.link, link_cell(host, context)
    lines: list[Line] = [
        (
            span(f" {state.forms[0]}", state.role),
            span(f"  since {clock_time(link.since)}", Role.DIM),
            span(f"  {host.spec.address}", Role.DIM),
            span(f"  read {age(host.reading.observed_at, context.now)} ago" if host.reading else "", Role.DIM),
        )
    ]
    if link.is_up:
        return lines
    lines += paragraph(link.cause or "nothing was heard from it yet", width - 1, Role.WARNING, indent=1)
    if link.remedy:
        lines += paragraph(f"What to do: {link.remedy}", width - 1, Role.TEXT, indent=1)
    if link.retry_at is not None:
        left = (link.retry_at - context.now).total_seconds()
        again = f"in {duration(left)}" if left > 0 else "now"
        text = f" next attempt {again}, {link.attempts} failed so far; r tries at once"
        lines.append((span(text, Role.DIM),))
    return lines


def _load_lines(host: Host, context: CellContext, width: int) -> list[Line]:
    if host.reading is None:
        return [(span(" It never answered: nothing is known of its load.", Role.DIM),)]
    load, facts = host.reading.load, host.reading.facts
    title = "Load" if host.is_current else f"Load, as of {clock_time(host.reading.observed_at)}"
    role = Role.BAR if host.is_current else Role.DIM
    memory = load.memory_used_mib / facts.memory_mib if load.memory_used_mib and facts.memory_mib else None
    cpu = load.cpu_percent / 100 if load.cpu_percent is not None else None
    wide = min(30, width - 40)

    def meter(name: str, part: float | None, text: str) -> Line:
        shown: tuple[Span, ...] = bar_spans(part, wide, context.glyphs, role)
        return (span(f"  {name:<7}", Role.DIM), *shown, span(f"  {text}"))

    pressure = "  ".join(
        f"{name} {percent(value)}%"
        for name, value in (("cpu", load.pressure_cpu), ("memory", load.pressure_memory), ("io", load.pressure_io))
        if value is not None
    )
    return [
        _title(title),
        meter("CPU", cpu, f"{percent(load.cpu_percent)}% of {facts.cores} cores, load {percent(load.load_1m)}"),
        meter("memory", memory, f"{size_mib(load.memory_used_mib)} of {size_mib(facts.memory_mib)}"),
        meter("disk", load.root_used_fraction, f"{fraction(load.root_used_fraction)} of {load.root_path or '-'}"),
        (span("  pressure (10 s)  ", Role.DIM), span(pressure or "-")),
    ]


def _facts_lines(host: Host) -> list[Line]:
    if host.reading is None:
        return []
    facts = host.reading.facts
    labels = " ".join(f"{name}={value}" for name, value in host.spec.labels.items())
    rows = (
        ("machine", f"{facts.hostname}  {facts.cpu_model}  {facts.uuid}"),
        ("versions", f"libvirt {facts.libvirt_version}, QEMU {facts.hypervisor_version}, Linux {facts.kernel}"),
        ("runs", ", ".join(facts.domain_types)),
        ("networks", ", ".join(facts.networks) or "none active"),
        ("site", f"{host.spec.site or '-'}  {labels}"),
    )
    limits = tuple((span("  limits    ", Role.DIM), span(limit, Role.WARNING)) for limit in facts.limits)
    return [_title("Facts"), *limits, *((span(f"  {name:<10}", Role.DIM), span(text)) for name, text in rows)]


def _title(text: str) -> Line:
    return (span(f" {text}", Role.COLUMN),)
