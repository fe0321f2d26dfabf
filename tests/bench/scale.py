"""`make bench --only-scale`: the console, the backend and its API with simulated fleets of growing size.

On a real pseudo-terminal and on the backend's own socket, every part bounded in time. Beside the console: htop
and btop, where they are installed, and a Textual DataTable of as many rows. Clients, backend and console share this
machine's cores, so that a figure is worth most beside those of the same run.
"""

import asyncio
import math
import os
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.bench.api_load import Answers, Streams, ask, follow
from tests.bench.fleet_session import FleetSession, on_a_terminal
from tests.bench.key_costs import KEYS, KeyCosts, percentile, press
from tests.bench.recording import Recording

SIZES: dict[int, tuple[int, int]] = {180: (12, 15), 10_000: (500, 20), 100_000: (2000, 50)}
"""Hosts, and VMs on each, by how many VMs that makes."""
_STREAMS_WITHIN_S = 20.0
_ROWS_WITHIN_S = 60.0
_PEERS: dict[str, tuple[str, ...]] = {"htop": ("htop",), "btop": ("btop",)}


@dataclass(frozen=True, slots=True, kw_only=True)
class ScaleFigure:
    """One line of the table; an aim is an upper bound."""

    what: str
    value: float
    unit: str
    aim: float | None = None

    @property
    def is_met(self) -> bool:
        """Whether the aim is reached, or there is none."""
        return self.aim is None or self.value < self.aim


def measure(size: int, *, churn: float | None, presses: int, idle_s: float, clients: int = 1000) -> list[ScaleFigure]:
    """Take every figure of a fleet of that size; at most `clients` connections at once."""
    hosts, vms = SIZES[size]
    with tempfile.TemporaryDirectory(prefix="nc-scale-", dir="/tmp") as folder:
        session = FleetSession(Path(folder), hosts=hosts, vms=vms, churn=churn)
        with session.running():
            figures = [*_console_figures(session, presses, idle_s), *_api_figures(session, clients)]
    about = f"{size:,} VMs, {'figures move' if churn is None else f'{churn:g} % churn'}"
    return [ScaleFigure(what=f"{about}: {one.what}", value=one.value, unit=one.unit, aim=one.aim) for one in figures]


def peer_figures(rows: int, presses: int, say: Callable[[str], object]) -> list[ScaleFigure]:
    """Measure the same keys in other programs on the same terminal; says which are not there."""
    figures = []
    programs = {name: argv for name, argv in _PEERS.items() if shutil.which(argv[0])}
    for name in _PEERS.keys() - programs.keys():
        say(f"{name} IS NOT INSTALLED: nothing is compared with it (Debian package {name})")
    programs[f"Textual DataTable, {rows:,} rows"] = (sys.executable, "-m", "tests.bench.plain_table", str(rows))
    for name, argv in programs.items():
        with on_a_terminal(argv) as program:
            _wait_until_quiet(program)
            for what in ("line down", "page down and up"):
                figures += _key_figures(f"{name}: {what}", press(program, KEYS[what], presses), aims=False)
    return figures


def _console_figures(session: FleetSession, presses: int, idle_s: float) -> Iterator[ScaleFigure]:
    cpu, memory = _idle((session.backend,), idle_s)
    yield ScaleFigure(what="backend CPU, no console", value=cpu[0], unit="%", aim=10)
    yield ScaleFigure(what="backend memory", value=memory[0], unit="MiB")
    with session.console() as warm_up:
        warm_up.seen_at("running", timeout_s=_ROWS_WITHIN_S)  # not counted: compiles modules, warms the page cache
    with session.console() as console:
        shown = console.seen_at("running", timeout_s=_ROWS_WITHIN_S)
        yield ScaleFigure(what="first row, warm", value=(shown - console.started_at) * 1000, unit="ms", aim=400)
        time.sleep(2)
        begin = time.time()
        cpu, memory = _idle((session.backend, psutil.Process(console.pid)), idle_s)
        painted = console.bytes_between(begin, time.time()) / idle_s
        yield ScaleFigure(what="backend CPU, one console", value=cpu[0], unit="%", aim=12)
        yield ScaleFigure(what="console CPU, idle", value=cpu[1], unit="%", aim=5)
        yield ScaleFigure(what="console memory", value=memory[1], unit="MiB", aim=150)
        yield ScaleFigure(what="console, idle: painted a second", value=painted, unit="bytes")
        for what, keys in KEYS.items():
            yield from _key_figures(what, press(console, keys, presses), aims=True)


def _key_figures(what: str, costs: KeyCosts, *, aims: bool) -> list[ScaleFigure]:
    last, first = costs.last_byte_ms, costs.first_byte_ms
    figures = [
        ScaleFigure(what=f"{what}: key to first byte, p50", value=percentile(first, 0.5), unit="ms"),
        ScaleFigure(what=f"{what}: key to last byte, p50", value=percentile(last, 0.5), unit="ms"),
        ScaleFigure(
            what=f"{what}: key to last byte, p99",
            value=percentile(last, 0.99),
            unit="ms",
            aim=33 if aims else None,
        ),
        ScaleFigure(
            what=f"{what}: bytes a key", value=percentile(costs.painted, 0.5), unit="bytes", aim=2048 if aims else None
        ),
    ]
    if costs.unanswered:
        figures.append(ScaleFigure(what=f"{what}: keys without an answer", value=costs.unanswered, unit=""))
    return figures


def _api_figures(session: FleetSession, clients: int) -> Iterator[ScaleFigure]:
    few = max(1, clients // 10)
    page = "/v1/vms?limit=100&sort=-cpu"
    asked = (("/v1/vms", 1, 5, None), (page, 1, 20, 100), (page, few, 5, 100), ("/v1/status", clients, 3, 100))
    for path, connections, each, aim in asked:
        answers = asyncio.run(ask(session.socket, path, connections=connections, each=each))
        yield from _answer_figures(f"GET {path}, {connections:,} at once", answers, aim)
    for count in sorted({1, few, clients}):
        streams = asyncio.run(
            follow(session.socket, count=count, last_host=session.last_host, within_s=_STREAMS_WITHIN_S)
        )
        yield from _stream_figures(streams)


def _answer_figures(what: str, answers: Answers, aim: float | None) -> list[ScaleFigure]:
    return [
        ScaleFigure(what=f"{what}: p50", value=percentile(answers.took_ms, 0.5), unit="ms"),
        ScaleFigure(what=f"{what}: p99", value=percentile(answers.took_ms, 0.99), unit="ms", aim=aim),
        ScaleFigure(what=f"{what}: body", value=answers.size / 1024, unit="KiB"),
        ScaleFigure(what=f"{what}: refused or unanswered in a minute", value=answers.refused, unit="", aim=1),
    ]


def _stream_figures(streams: Streams) -> list[ScaleFigure]:
    what = f"streams, {streams.asked:,} at once"
    return [
        ScaleFigure(what=f"{what}: whole fleet after, p50", value=percentile(streams.fleet_after_ms, 0.5), unit="ms"),
        ScaleFigure(
            what=f"{what}: whole fleet after, p99", value=percentile(streams.fleet_after_ms, 0.99), unit="ms", aim=2000
        ),
        ScaleFigure(what=f"{what}: not served in {_STREAMS_WITHIN_S:g} s", value=streams.unserved, unit="", aim=1),
    ]


def _idle(processes: Sequence[psutil.Process], seconds: float) -> tuple[list[float], list[float]]:
    """Return CPU in percent of one core and memory in MiB of each process, while nobody touches anything."""
    began, before = time.time(), [_cpu_s(process) for process in processes]
    time.sleep(seconds)
    took_s = time.time() - began
    cpu = [100 * (_cpu_s(one) - early) / took_s for one, early in zip(processes, before, strict=True)]
    return cpu, [process.memory_info().rss / 2**20 for process in processes]


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _wait_until_quiet(program: Recording) -> None:
    """Wait until a program has painted its first screens: nothing for half a second, twenty seconds at the most."""
    began = time.time()
    while time.time() - began < 20:
        painted = program.painted_since(began)
        if painted and time.time() - painted[-1] > 0.5:
            return
        time.sleep(0.05)


def render(figures: Sequence[ScaleFigure]) -> str:
    """Return the table; an aim that is missed is said to be."""
    width = max(len(one.what) for one in figures)
    return "\n".join(_line(one, width) for one in figures)


def _line(one: ScaleFigure, width: int) -> str:
    value = (
        "no answer"
        if math.isinf(one.value)
        else f"{one.value:,.{1 if one.value < 100 and one.unit else 0}f} {one.unit}".rstrip()
    )
    aim = (
        ""
        if one.aim is None
        else f"  < {one.aim:g} {one.unit}".rstrip().ljust(16) + ("met" if one.is_met else "MISSED")
    )
    return f"{one.what:<{width}}  {value:>14}{aim}".rstrip()


def main(
    sizes: Sequence[int], churns: Sequence[float | None], presses: int, idle_s: float, say: Callable[[str], object]
) -> list[ScaleFigure]:
    """Measure each size with each churn, then the other programs, and print the table."""
    # A thousand clients are a thousand files of this process.
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    figures: list[ScaleFigure] = []
    for size in sizes:
        for churn in churns:
            say(f"{size:,} VMs, churn {churn}: load {os.getloadavg()[0]:.1f}")
            try:
                figures += measure(size, churn=churn, presses=presses, idle_s=idle_s)
            except (AssertionError, OSError) as error:
                say(f"{size:,} VMs, churn {churn}: MISSED, it cannot be measured: {str(error)[:200]}")
    figures += peer_figures(max(sizes), presses, say)
    print(f"\n{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; {presses} presses of each key\n")
    print(render(figures))
    return figures
