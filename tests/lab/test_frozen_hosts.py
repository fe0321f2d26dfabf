"""A libvirtd that hangs costs its own row, and nothing else: no thread, no file, no other host, no delay on exit."""

import asyncio
import json
import os
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from novacron.adapters.libvirt.channel import Channel
from novacron.adapters.libvirt.gateway import LibvirtGateway
from novacron.engine.clock import SystemClock
from novacron.engine.settings import EngineSettings
from novacron.lab.faults import make_fault, mend_host
from novacron.lab.lab import Lab
from novacron.model.errors import DeadlineExceeded, LinkError, LinkLost
from novacron.model.host import HostSpec
from novacron.model.link import LinkStatus
from novacron_tui.present.column import CellContext
from novacron_tui.present.quantity import age
from novacron_tui.present.vms import state_cell
from tests.lab.watched_fleet import MARKED_WITHIN_S, SETTINGS, Latency, WatchedFleet, novacron, specs_of, watching
from tests.lab_fixtures import MakeVm, eventually

pytestmark = pytest.mark.lab

_CHANNELS = 30
_CALLS_EACH = 10
_DEADLINE_S = 8.0
_PATIENT = replace(SETTINGS, read_deadline_s=60.0, connect_deadline_s=60.0)
"""Who waits for a host that hangs waits for a minute."""
_IMPATIENT = EngineSettings(
    poll_interval_s=0.2,
    read_deadline_s=2.0,
    connect_deadline_s=2.0,
    overrun_s=0.2,
    backoff_first_s=0.1,
    backoff_most_s=0.1,
    backoff_person_s=0.1,
)


def test_what_a_frozen_host_said_last_is_shown_as_unknown_since_then(lab: Lab, make_vm: MakeVm) -> None:
    vm = make_vm("lab1", "icicle")
    with watching(specs_of(lab)) as fleet:
        fleet.wait_all_up()
        make_fault(lab, "freeze-libvirtd", "lab1")
        frozen_at = datetime.now(UTC)
        fleet.wait("lab1", lambda link: link.status is LinkStatus.STALE, timeout_s=MARKED_WITHIN_S)
        last_read_at = fleet.read_at("lab1")
        # What was answered before may have been taken in a moment later.
        assert last_read_at < frozen_at + timedelta(seconds=SETTINGS.poll_interval_s)
        until = time.monotonic() + SETTINGS.connect_deadline_s * 2
        while time.monotonic() < until:
            assert fleet.host("lab1").link.status is LinkStatus.STALE, fleet.host("lab1").link
            fleet.require_on_time(without="lab1")
            assert fleet.read_at("lab1") == last_read_at, "nobody has answered since"
            found = fleet.fleet.find_vm(vm)
            assert found is not None, "the VM vanished with its host"
            now = datetime.now(UTC)
            assert state_cell(found, CellContext(now=now)).forms[0] == f"? unknown {age(last_read_at, now)}"
            time.sleep(0.2)
        mend_host(lab, "lab1")
        fleet.wait_up("lab1")


def test_stopping_waits_for_no_frozen_host(lab: Lab) -> None:
    fleet = WatchedFleet(specs_of(lab), _PATIENT)
    try:
        fleet.wait_all_up()
        make_fault(lab, "freeze-libvirtd", "lab1")
        make_fault(lab, "half-open", "lab2")
        overdue_s = SETTINGS.poll_interval_s + 4
        assert eventually(lambda: min(fleet.age_s("lab1"), fleet.age_s("lab2")) > overdue_s), "they still answer"
        assert fleet.host("lab3").link.is_up
    finally:
        took_s = fleet.stop()
    assert took_s < _PATIENT.read_deadline_s / 3


def test_a_backend_ends_although_hosts_hang(lab: Lab, tmp_path: Path) -> None:
    places = {f"NOVACRON_{place.upper()}_DIR": str(tmp_path / place) for place in ("runtime", "state", "config")}

    def links() -> dict[str, str]:
        said = novacron(lab.fleet_toml, "hosts", "--json", **places)
        return {host["name"]: host["link"]["status"] for host in json.loads(said.stdout)}

    try:
        assert eventually(lambda: set(links().values()) == {"up"})
        pid = json.loads(novacron(lab.fleet_toml, "status", "--json", **places).stdout)["pid"]
        make_fault(lab, "freeze-libvirtd", "lab1")
        make_fault(lab, "half-open", "lab2")
        assert eventually(lambda: _only_lab3_is_up(links()), timeout_s=120)
    finally:
        done = novacron(lab.fleet_toml, "detach", "--stop", **places)
    assert done.returncode == 0, done.stderr
    assert eventually(lambda: not _lives(pid))


async def test_hundreds_of_calls_into_a_frozen_libvirtd_leak_no_thread_and_no_file(lab: Lab) -> None:
    (spec,) = specs_of(lab, "lab1")
    latency = Latency()
    measuring = asyncio.ensure_future(latency.measure())
    hypervisor = await LibvirtGateway(SystemClock()).connect(spec, deadline_s=60)
    try:
        idle = _threads()
        # Once round before counting: what is loaded late, or kept for the next time, is no leak.
        await _call_all(hypervisor.access.open_channel, frozen=lambda: None, channels=3)
        await _settled(lambda: not _threads() - idle)
        threads, files = _threads(), _files()
        latency.forget()
        ended = await _call_all(
            hypervisor.access.open_channel,
            frozen=lambda: make_fault(lab, "freeze-libvirtd", "lab1"),
            channels=_CHANNELS,
        )
        assert ended[DeadlineExceeded] >= _CHANNELS
        assert ended[DeadlineExceeded] + ended[LinkLost] == _CHANNELS * _CALLS_EACH
        opened = await _open_all(hypervisor.access.open_channel, _CHANNELS)
        assert opened == Counter({DeadlineExceeded: _CHANNELS})
        latency.require_small(_DEADLINE_S)
        # Still frozen: what comes back does so because we took it back, not because libvirtd answered.
        assert await _settled(lambda: not _threads() - threads), _threads() - threads
        assert await _settled(lambda: not _files() - files), _files() - files
    finally:
        measuring.cancel()
        await hypervisor.close()


@pytest.mark.parametrize("fault", ["freeze-libvirtd", "half-open", "kill-libvirtd", "lock-out"])
def test_trying_again_for_ever_leaves_nothing_behind(lab: Lab, fault: str) -> None:
    (spec,) = specs_of(lab, "lab1")
    with watching([spec], _IMPATIENT) as fleet:
        fleet.wait_all_up()
        make_fault(lab, fault, "lab1")
        _try_again(fleet, spec, 3)
        before = _burden()
        _try_again(fleet, spec, 8)
        after = _burden()
        for what, number in after.items():
            assert number < before[what] + 6, f"{what} grows with each attempt: {before} -> {after}"


def _only_lab3_is_up(links: dict[str, str]) -> bool:
    return links["lab3"] == "up" and "up" not in (links["lab1"], links["lab2"])


def _lives(pid: int) -> bool:
    """Return whether the process does anything; one that nobody has buried yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def _try_again(fleet: WatchedFleet, spec: HostSpec, times: int) -> None:
    """Let so many more attempts fail."""
    wanted = fleet.host(spec.id).link.attempts + times
    fleet.wait(spec.id, lambda link: link.attempts >= wanted, timeout_s=120)


async def _call_all(
    open_channel: Callable[..., Awaitable[Channel]], *, frozen: Callable[[], None], channels: int
) -> "Counter[type]":
    """Open channels, freeze, make many calls at once on each; return how they ended, all of them in time."""
    opened = [await open_channel(deadline_s=60) for _ in range(channels)]
    await asyncio.to_thread(frozen)
    began = time.monotonic()
    calls = [
        channel.call("listing its VMs", lambda connection: len(connection.listAllDomains()), deadline_s=_DEADLINE_S)
        for channel in opened
        for _ in range(_CALLS_EACH)
    ]
    answers = await asyncio.gather(*calls, return_exceptions=True)
    # One after another, those of one channel alone would take ten deadlines.
    assert time.monotonic() - began < _DEADLINE_S * 3
    for channel in opened:
        await channel.close()
    return Counter(type(answer) for answer in answers)


async def _open_all(open_channel: Callable[..., Awaitable[Channel]], channels: int) -> "Counter[type]":
    """Try to open so many at once; return how that ended."""
    tries = [open_channel(deadline_s=_DEADLINE_S) for _ in range(channels)]
    answers = await asyncio.gather(*tries, return_exceptions=True)
    for answer in answers:
        assert isinstance(answer, LinkError), answer
    return Counter(type(answer) for answer in answers)


def _threads() -> "Counter[str]":
    """Return the threads there are, by name; those of asyncio's own pool are kept for the next time."""
    return Counter(thread.name for thread in threading.enumerate() if not thread.name.startswith("asyncio_"))


def _files() -> "Counter[str]":
    """Return what is open, by kind: numbers of sockets and pipes are never the same twice."""
    kinds: Counter[str] = Counter()
    for number in os.listdir("/proc/self/fd"):  # noqa: PTH208 - as the kernel lists them
        with suppress(OSError):  # the listing's own
            kinds[os.readlink(f"/proc/self/fd/{number}").split(":")[0]] += 1  # noqa: PTH115
    return kinds


def _burden() -> dict[str, int]:
    me = os.getpid()
    children = Path(f"/proc/{me}/task").glob("*/children")
    return {
        "threads": threading.active_count(),
        "files": sum(_files().values()),
        "children": sum(len(path.read_text().split()) for path in children),
    }


async def _settled(holds: Callable[[], bool], timeout_s: float = 60.0) -> bool:
    until = time.monotonic() + timeout_s
    while not holds():
        if time.monotonic() > until:
            return False
        await asyncio.sleep(0.05)
    return True
