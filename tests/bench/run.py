"""`make bench`: NovaCron and virsh over the same hosts, in one run, in turn."""

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from novacron.lab.build import down, up
from novacron.lab.definitions import VmDefinition
from novacron.lab.lab import Lab
from novacron.lab.layout import find_layout
from novacron.lab.vms import define_vm
from tests.bench import operations, scale
from tests.bench.bench_lab import BUSY_VM, BenchLab
from tests.bench.connections import figures_of, measure_connections
from tests.bench.measures import console_appearance, event_to_row, idleness, virsh_appearance, virsh_one_host
from tests.bench.report import Figure, render

_READ_EVERY_S = 5.0
_CHURNS = (0.0, 1.0)
"""Percent of a simulated fleet's VMs that change each second: a still fleet, and one that works."""


def measure(bench: BenchLab, *, rounds: int, idle_s: float) -> list[Figure]:
    """Take every measurement. NovaCron and virsh take turns, so that what disturbs one disturbs the other."""
    ours, one, in_turn, at_once = [], [], [], []
    with bench.warm_backend():
        console_appearance(bench)  # not counted: compiles modules, warms the page cache
        virsh_one_host(bench)
        for _ in range(rounds):
            ours.append(console_appearance(bench))
            one.append(virsh_one_host(bench))
            in_turn.append(virsh_appearance(bench, at_once=False))
            at_once.append(virsh_appearance(bench, at_once=True))
        with bench.console() as console:
            console.seen_at(BUSY_VM, "shut off")
            events = [event_to_row(bench, console) for _ in range(rounds)]
            idle = idleness(bench, console, idle_s)
    first = [a.first_row_s * 1000 for a in ours]
    last = [a.last_row_s * 1000 for a in ours]
    hosts = len(bench.lab.hosts)
    return [
        Figure(what="first row (one host for virsh)", ours=first, virsh=[s * 1000 for s in one], unit="ms", aim=400),
        Figure(
            what=f"rows of all {hosts} hosts (virsh: one after another)",
            ours=last,
            virsh=[a.last_row_s * 1000 for a in in_turn],
            unit="ms",
        ),
        Figure(
            what=f"rows of all {hosts} hosts (virsh: all at once)",
            ours=last,
            virsh=[a.last_row_s * 1000 for a in at_once],
            unit="ms",
        ),
        Figure(what="virsh start elsewhere -> row", ours=[s * 1000 for s in events], unit="ms", aim=500),
        Figure(what=f"idle console, {idle_s:.0f} s: CPU of one core", ours=[idle.cpu_percent], unit="%", aim=2),
        Figure(what="idle console: painted a second", ours=[idle.painted_bytes_s], unit="bytes"),
        Figure(what="idle console: memory", ours=[idle.memory_mib], unit="MiB"),
        Figure(what=f"backend of {hosts} hosts: CPU of one core", ours=[idle.backend_cpu_percent], unit="%"),
        Figure(what=f"backend of {hosts} hosts: memory", ours=[idle.backend_memory_mib], unit="MiB"),
    ]


def add_busy_vm(lab: Lab) -> None:
    """Define the VM that is started under the console's eyes."""
    define_vm(lab, lab.hosts[0].name, VmDefinition(name=BUSY_VM, domain_type=lab.domain_type), storage="")


def main(arguments: Sequence[str]) -> int:
    """Bring a lab up, measure, print, take it down."""
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--hosts", type=int, default=3)
    parser.add_argument("--idle", type=float, default=20.0, metavar="SECONDS")
    parser.add_argument("--connections", type=int, default=200, help="how many are made to the lab's hosts")
    parser.add_argument("--operations", type=int, default=10_000, help="how many the journal's measurement takes")
    parser.add_argument("--only-operations", action="store_true", help="measure the journal alone, without a lab")
    parser.add_argument("--only-scale", action="store_true", help="measure simulated fleets alone, without a lab")
    parser.add_argument("--sizes", type=int, nargs="+", choices=sorted(scale.SIZES), default=[180, 10_000])
    parser.add_argument("--presses", type=int, default=40, help="how often each key is pressed")
    parser.add_argument("--strict", action="store_true", help="end with 1 when an aim is missed")
    chosen = parser.parse_args(arguments)
    if chosen.only_operations:
        operations.main(chosen.operations)
        return 0
    if chosen.only_scale:
        figures_of_scale = scale.main(chosen.sizes, _CHURNS, chosen.presses, chosen.idle, _say)
        return 1 if chosen.strict and not all(figure.is_met for figure in figures_of_scale) else 0
    with tempfile.TemporaryDirectory(prefix="nc-bench-", dir="/tmp") as folder:
        layout = find_layout("bench", {**os.environ, "NOVACRON_LAB_DIR": folder})
        try:
            lab = up(layout, hosts=chosen.hosts, vms=2, say=_say)
            add_busy_vm(lab)
            _say(f"measuring, {chosen.rounds} rounds: about a minute and a half")
            figures = measure(BenchLab(lab, Path(folder) / "nc"), rounds=chosen.rounds, idle_s=chosen.idle)
            _say(f"{chosen.connections} connections: half a minute")
            costs = measure_connections(lab, chosen.connections, every_s=_READ_EVERY_S)
            figures += figures_of(costs, _READ_EVERY_S)
        finally:
            down(layout)
    print(f"\n{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; median of {chosen.rounds}\n")
    print(render(figures))
    print()
    operations.main(chosen.operations)
    return 1 if chosen.strict and not all(figure.is_met for figure in figures) else 0


def _say(text: str) -> None:
    print(f"bench: {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
