"""What is measured, one function each. Nothing is averaged here: the report does the statistics."""

import time
from dataclasses import dataclass

import psutil

from tests.bench.bench_lab import BUSY_VM, BenchLab
from tests.bench.recording import Recording


@dataclass(frozen=True, slots=True, kw_only=True)
class Appearance:
    """One start of a program, until its rows were on the screen."""

    first_row_s: float
    last_row_s: float
    """Until a row of the last host was there as well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Idleness:
    """What a console costs that nobody touches, while VMs run and their figures change; CPU is of one core."""

    memory_mib: float
    cpu_percent: float
    painted_bytes_s: float
    backend_memory_mib: float
    backend_cpu_percent: float


def console_appearance(bench: BenchLab) -> Appearance:
    """Start the console on a warm backend and wait for its rows."""
    with bench.console() as console:
        return _appearance(console, bench)


def virsh_appearance(bench: BenchLab, *, at_once: bool) -> Appearance:
    """Run `virsh list` over every host, one after another or all at once, and wait for its rows."""
    with bench.virsh_list(len(bench.lab.hosts), at_once=at_once) as listing:
        return _appearance(listing, bench)


def virsh_one_host(bench: BenchLab) -> float:
    """Run `virsh list` over one host and wait for its first row."""
    with bench.virsh_list(1) as listing:
        return listing.seen_at(vms_of(bench)[0], "running") - listing.started_at


def event_to_row(bench: BenchLab, console: Recording) -> float:
    """Start a VM by virsh elsewhere; from libvirt's time stamp of the event to the row that says so."""
    host = bench.lab.hosts[0].name
    with bench.event_log(host) as events:
        events.wait_until_it_listens(lambda: bench.define_again(host))
        bench.lab.virsh(host, "start", BUSY_VM)
        started_at = events.instant_of(BUSY_VM, "Started")
        shown_at = console.seen_at(BUSY_VM, "running", since=started_at)
        bench.lab.virsh(host, "destroy", BUSY_VM)
        console.seen_at(BUSY_VM, "shut off", since=shown_at)
    return shown_at - started_at


def idleness(bench: BenchLab, console: Recording, seconds: float) -> Idleness:
    """Leave the console alone for a while."""
    processes = psutil.Process(console.pid), psutil.Process(bench.backend_pid())
    begin, before = time.time(), [_cpu_s(process) for process in processes]
    time.sleep(seconds)
    end, after = time.time(), [_cpu_s(process) for process in processes]
    console_percent, backend_percent = (
        100 * (late - early) / (end - begin) for late, early in zip(after, before, strict=True)
    )
    console_mib, backend_mib = (process.memory_info().rss / 2**20 for process in processes)
    return Idleness(
        memory_mib=console_mib,
        cpu_percent=console_percent,
        painted_bytes_s=console.bytes_between(begin, end) / (end - begin),
        backend_memory_mib=backend_mib,
        backend_cpu_percent=backend_percent,
    )


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


def vms_of(bench: BenchLab) -> list[str]:
    """Return one running VM of each host, in the hosts' order."""
    return [bench.lab.virsh(host, "list", "--name").split()[0] for host in bench.lab.hosts]


def _appearance(program: Recording, bench: BenchLab) -> Appearance:
    shown = [program.seen_at(vm, "running") - program.started_at for vm in vms_of(bench)]
    return Appearance(first_row_s=min(shown), last_row_s=max(shown))
