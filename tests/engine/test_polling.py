"""How each host's row is kept: events between polls, back-off, identity, and nothing shared between hosts."""

import asyncio
from dataclasses import replace

from novacron.model.ids import HostId
from novacron.model.link import LinkStatus
from novacron.model.vm import VmState
from novacron.ports.backend import FleetChanged
from tests.builders import an_id
from tests.callers import ALICE
from tests.engine.site import SETTINGS, A, B, Site, a_site

VM = an_id("web-1")


async def link(site: Site, host: HostId = A):
    return (await site.fleet()).hosts[host].link


async def test_every_host_is_read_at_once(site: Site) -> None:
    site.add()
    await site.start()
    fleet = await site.fleet()
    assert all(host.is_current for host in fleet.hosts.values())
    assert fleet.find_vm(VM) is not None


async def test_an_event_is_seen_well_before_the_next_poll(site: Site) -> None:
    site.add(state=VmState.SHUT_OFF)
    await site.start()
    await site.clock.advance(SETTINGS.poll_interval_s / 4)
    site.world.start(site.world.host(A), VM)
    await site.clock.advance(0.3)
    found = (await site.fleet()).find_vm(VM)
    assert found is not None
    assert found.home.vm.state is VmState.RUNNING


async def test_a_storm_of_events_costs_five_readings_a_second(site: Site) -> None:
    site.add()
    await site.start()
    before = (await site.fleet()).revision
    host = site.world.host(A)
    for _ in range(500):
        host.put(host.machines[VM], "noise")
        await site.clock.advance(0.01)
    # 5 s: 25 readings of this host, and a few of each other one.
    assert (await site.fleet()).revision - before <= 25 + 2 * 4


async def test_a_broken_link_is_marked_and_reconnected_with_growing_pauses(site: Site) -> None:
    await site.start()
    site.world.refuse(A, LinkStatus.UNREACHABLE)
    pauses = []
    for _ in range(400):
        await site.clock.advance(0.5)
        now = await link(site)
        if now.retry_at is not None:
            pauses.append((now.attempts, (now.retry_at - site.clock.now()).total_seconds()))
    assert now.status is LinkStatus.UNREACHABLE
    assert now.cause
    assert now.remedy
    longest = {attempt: max(s for a, s in pauses if a == attempt) for attempt, _ in pauses}
    assert max(longest.values()) <= SETTINGS.backoff_most_s
    assert max(longest.values()) > SETTINGS.backoff_most_s / 3
    assert longest[min(longest)] < 2
    site.world.heal(A)
    await site.clock.advance(SETTINGS.backoff_most_s + 1)
    assert (await link(site)).is_up


async def test_what_a_person_must_heal_is_tried_once_a_minute(site: Site) -> None:
    site.world.refuse(A, LinkStatus.AUTH_REFUSED)
    await site.start()
    for _ in range(20):
        await site.clock.advance(30)
    assert (await link(site)).attempts <= 12
    assert (await link(site)).status is LinkStatus.AUTH_REFUSED


async def test_a_libvirtd_that_restarts_is_back_within_seconds(site: Site) -> None:
    await site.start()
    site.world.kill_libvirtd(A, restart_after_s=3)
    await site.clock.advance(1)
    assert not (await link(site)).is_up
    await site.clock.advance(8)
    assert (await link(site)).is_up


async def test_since_is_when_a_status_began_not_when_it_was_tried_last(site: Site) -> None:
    await site.start()
    site.world.refuse(A, LinkStatus.UNREACHABLE)
    await site.clock.advance(10)
    began = (await link(site)).since
    await site.clock.advance(100)
    assert (await link(site)).since == began


async def test_reconnect_tries_at_once(site: Site) -> None:
    site.world.refuse(A, LinkStatus.AUTH_REFUSED)
    await site.start()
    site.world.heal(A)
    await site.clock.advance(5)
    assert not (await link(site)).is_up
    await site.clock.run(site.service.reconnect(ALICE, A))
    await site.clock.advance(1)
    assert (await link(site)).is_up


async def test_two_entries_for_one_machine_leave_the_second_refused() -> None:
    site = a_site()
    host_b = site.world.host(B)
    host_b._facts = replace(host_b.facts, uuid=site.world.host(A).facts.uuid)
    await site.start()
    statuses = {(await link(site, host)).status for host in (A, B)}
    assert statuses == {LinkStatus.UP, LinkStatus.WRONG_IDENTITY}
    await site.kill()


async def test_another_machine_at_the_same_address_is_refused_until_a_person_says_so(site: Site) -> None:
    await site.start()
    host = site.world.host(A)
    host._facts = replace(host.facts, uuid=an_id("a new mainboard"))
    await site.clock.advance(5)
    assert (await link(site)).status is LinkStatus.WRONG_IDENTITY
    await site.clock.advance(300)
    assert (await link(site)).status is LinkStatus.WRONG_IDENTITY
    await site.clock.run(site.service.reconnect(ALICE, A))
    await site.clock.advance(1)
    assert (await link(site)).is_up


async def test_an_unforeseen_fault_stays_on_the_hosts_own_row(site: Site) -> None:
    await site.start()
    host = site.world.host(A)
    whole = host.machines
    host.machines = None  # type: ignore[assignment]
    await site.clock.advance(5)
    now = await link(site)
    assert not now.is_up
    assert "unforeseen" in now.cause
    assert (await link(site, B)).is_up
    host.machines = whole
    await site.clock.advance(60)
    assert (await link(site)).is_up


async def test_a_vm_keeps_its_recent_past(site: Site) -> None:
    site.add()
    await site.start()
    await site.clock.advance(1200)
    samples = await site.clock.run(site.service.samples(ALICE, VM))
    window_s = (samples[-1].observed_at - samples[0].observed_at).total_seconds()
    assert SETTINGS.sample_window_s * 0.95 < window_s <= SETTINGS.sample_window_s
    assert len(samples) < 200
    assert all(sample.cpu_percent is not None for sample in samples[1:])


async def test_a_vm_that_is_gone_for_good_is_forgotten(site: Site) -> None:
    site.add()
    await site.start()
    await site.clock.advance(60)
    del site.world.host(A).machines[VM]
    await site.clock.advance(SETTINGS.sample_window_s + 120)
    assert await site.clock.run(site.service.samples(ALICE, VM)) == ()


async def test_in_a_large_fleet_figures_come_less_often_and_events_as_soon_as_ever(site: Site) -> None:
    site.settings = replace(SETTINGS, figures_gap_per_vm_s=10.0)
    site.add()
    await site.start()
    seen: list[tuple[float, VmState]] = []

    async def look() -> None:
        async for change in site.service.changes(ALICE):
            found = change.fleet.find_vm(VM) if isinstance(change, FleetChanged) else None
            if found is not None:
                seen.append((site.clock.monotonic(), found.home.vm.state))

    looking = asyncio.create_task(look())
    await site.clock.advance(1)
    seen.clear()
    await site.clock.advance(30)
    assert 2 <= len(seen) <= 4
    seen.clear()
    began = site.clock.monotonic()
    site.world.crash_vm(VM)
    await site.clock.advance(1)
    assert [state for _, state in seen][-1] is not VmState.RUNNING
    assert seen[-1][0] - began < 0.5
    looking.cancel()
    await asyncio.gather(looking, return_exceptions=True)
