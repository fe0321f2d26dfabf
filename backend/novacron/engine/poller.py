"""One host, watched for ever: connect, read, apply, wait; and when that breaks, say why and try again.

Each host has a task of its own and shares nothing with the others but the store's one synchronous write and the rate
at which connections are begun: no lock, no semaphore, no pool. What is wrong with a host costs its own row and nothing
else.
"""

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from novacron.engine.deadline import first_of, within
from novacron.engine.log import log
from novacron.engine.poll_schedule import HostTurns, PollSchedule
from novacron.engine.settings import EngineSettings
from novacron.engine.store import FleetStore
from novacron.model.errors import LinkError, LinkLost, NovaCronError
from novacron.model.host import HostReading, HostSpec
from novacron.model.ids import HostId
from novacron.model.link import NEEDS_PERSON, Link, LinkStatus
from novacron.model.work.backoff import Backoff
from novacron.ports.clock import Clock
from novacron.ports.hypervisor import HostEvent, HostEventKind, Hypervisor, HypervisorGateway


@dataclass(frozen=True, slots=True, kw_only=True)
class PollerContext:
    """What all pollers are given."""

    gateway: HypervisorGateway
    store: FleetStore
    clock: Clock
    settings: EngineSettings
    rng: random.Random
    schedule: PollSchedule
    on_reading: Callable[[HostReading], None]


class HostPoller:
    """The one writer of its host's row, and the owner of the connection to it."""

    def __init__(self, spec: HostSpec, context: PollerContext) -> None:
        self._spec = spec
        self._context = context
        self._hypervisor: Hypervisor | None = None
        self._wake = asyncio.Event()
        self._lost = ""
        self._inventory_wanted = True
        self._turns = HostTurns(spec.id, context.schedule, context.settings)
        self._read_at = 0.0
        self._identity = ""
        self._attempts = 0
        self._waiting: list[tuple[bool, asyncio.Future[None]]] = []
        self._leased: list[Hypervisor] = []

    @property
    def spec(self) -> HostSpec:
        """What it was told to watch."""
        return self._spec

    @property
    def hypervisor(self) -> Hypervisor:
        """The connection.

        Raises:
            LinkError: there is none that answers.
        """
        link = self._context.store.link_of(self._spec.id)
        if self._hypervisor is None or not link.is_up:
            raise LinkError(self._spec.id, link.cause or f"it is {link.status}", link.remedy, status=link.status)
        return self._hypervisor

    @asynccontextmanager
    async def lease(self) -> AsyncIterator[Hypervisor]:
        """Lend the connection for a call that takes minutes.

        A reading that stays out replaces the connection, but does not end a migration that is carried over it.

        Raises:
            LinkError: there is none that answers.
        """
        hypervisor = self.hypervisor
        self._leased.append(hypervisor)
        try:
            yield hypervisor
        finally:
            self._leased.remove(hypervisor)
            if hypervisor is not self._hypervisor and hypervisor not in self._leased:
                await self._close(hypervisor)

    def poke(self, *, inventory: bool = False) -> None:
        """Take the next turn now: read, or try to connect."""
        self._inventory_wanted = self._inventory_wanted or inventory
        self._wake.set()

    def reconnect(self) -> None:
        """Try again now, and take whichever machine answers for the one that is meant: a person asked."""
        self._identity = ""
        self.poke(inventory=True)

    async def refresh(self, *, inventory: bool = False) -> None:
        """Return after a reading that began after this call, or as soon as the host fails to give one."""
        if self._hypervisor is None:
            return
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((inventory, done))
        self.poke(inventory=inventory)
        await done

    async def run(self) -> None:
        """Watch the host until cancelled. Never gives up."""
        try:
            while True:
                await self._hold(await self._try())
        finally:
            self._release()
            await self._let_go()

    async def _try(self) -> LinkError:
        """Connect and read for as long as it goes well; return what ended it."""
        try:
            await self._connect()
            while True:
                await self._read()
                await self._rest()
        except LinkError as error:
            return error
        except NovaCronError as error:
            return LinkError(error.subject, error.detail, error.remedy)
        except Exception as error:  # noqa: BLE001 - an unforeseen fault costs this host's row, not the backend
            log("unforeseen error", level=logging.ERROR, error=error, host=self._spec.id)
            return LinkError(
                self._spec.id,
                f"unforeseen: {type(error).__name__}: {error}",
                "this is a fault in NovaCron: report it; it is tried again",
            )

    async def _hold(self, error: LinkError) -> None:
        """Show what is wrong, let go, and wait until it is time to try again."""
        context = self._context
        self._attempts += 1
        before = context.store.link_of(self._spec.id)
        now = context.clock.now()
        wait_s = self._backoff_s(error.status)
        link = Link(
            status=error.status,
            since=before.since if before.status is error.status else now,
            cause=error.detail,
            remedy=error.remedy or "it is tried again by itself",
            retry_at=now + timedelta(seconds=wait_s),
            attempts=self._attempts,
        )
        context.store.set_link(self._spec.id, link)
        _log_trouble(self._spec.id, before, link)
        self._release()
        self._wake.clear()
        await self._let_go()
        await first_of(context.clock, wait_s, self._wake)
        self._wake.clear()

    async def _connect(self) -> None:
        context, deadline_s = self._context, self._context.settings.connect_deadline_s
        before = context.store.link_of(self._spec.id)
        if before.retry_at is not None:
            context.store.set_link(self._spec.id, _under_way(before))
        self._lost = ""
        await context.schedule.wait_to_connect()
        hypervisor = await within(
            context.clock,
            deadline_s + context.settings.overrun_s,
            context.gateway.connect(self._spec, deadline_s=deadline_s),
            subject=self._spec.id,
            what="connecting",
        )
        self._hypervisor = hypervisor
        self._inventory_wanted = True
        hypervisor.reader.watch(lambda event: self._on_event(hypervisor, event))

    async def _read(self) -> None:
        context, settings = self._context, self._context.settings
        if self._hypervisor is None:
            raise LinkLost(self._spec.id, "the connection is gone")
        self._wake.clear()
        self._read_at = context.clock.monotonic()
        due = self._turns.is_inventory_due(self._read_at)
        inventory, self._inventory_wanted = self._inventory_wanted or due, False
        served = [entry for entry in self._waiting if inventory or not entry[0]]
        reading = await within(
            context.clock,
            settings.read_deadline_s + settings.overrun_s,
            self._hypervisor.reader.read(inventory=inventory, deadline_s=settings.read_deadline_s),
            subject=self._spec.id,
            what="a reading",
        )
        self._require_identity(reading)
        if inventory:
            self._turns.note_inventory(self._read_at)
        if not context.store.link_of(self._spec.id).is_up:
            log("host connected", host=self._spec.id, attempts=self._attempts)
        self._attempts = 0
        context.store.apply(reading)
        context.on_reading(reading)
        for entry in served:
            self._waiting.remove(entry)
            _resolve(entry[1])

    async def _rest(self) -> None:
        """Wait for the next turn: the interval, or an event, and never more than five turns a second."""
        context, settings = self._context, self._context.settings
        now = context.clock.monotonic()
        # A host that took longer than the interval to answer is read again at once, and is not late for that.
        due_at = max(now, self._read_at + self._turns.interval_s())
        if await first_of(context.clock, due_at - now, self._wake):
            self._require_link()
            elapsed_s = context.clock.monotonic() - self._read_at
            await context.clock.sleep(max(settings.event_debounce_s, settings.event_gap_s - elapsed_s))
        else:
            context.schedule.note_turn(context.clock.monotonic() - due_at)
        self._require_link()

    def _on_event(self, hypervisor: Hypervisor, event: HostEvent) -> None:
        if hypervisor is not self._hypervisor:
            return
        if event.kind is HostEventKind.LINK_CLOSED:
            self._lost = event.detail or "the connection broke"
        self.poke(inventory=event.kind is HostEventKind.POOL)

    def _require_link(self) -> None:
        if self._lost:
            raise LinkLost(self._spec.id, self._lost, "it is reconnected by itself")

    def _require_identity(self, reading: HostReading) -> None:
        """Check that this is the machine it was before, and that no other entry names it."""
        uuid = reading.facts.uuid
        if not uuid:
            return
        twin = self._twin(uuid)
        if twin is not None:
            raise LinkError(
                self._spec.id,
                f"{twin} names this very machine already (host UUID {uuid})",
                f"remove {self._spec.id} or {twin} from fleet.toml; or give the machines different host_uuids",
                status=LinkStatus.WRONG_IDENTITY,
            )
        if self._identity not in ("", uuid):
            raise LinkError(
                self._spec.id,
                f"another machine answers here: host UUID {uuid}, before it was {self._identity}",
                "check the address; if it was replaced on purpose, reconnect it by hand",
                status=LinkStatus.WRONG_IDENTITY,
            )
        self._identity = uuid

    def _twin(self, uuid: str) -> HostId | None:
        # What it said before the backend was restarted may be another machine's by now.
        others = (other for other in self._context.store.fleet.same_machine(uuid) if other.is_current)
        return next((other.id for other in others if other.id != self._spec.id), None)

    def _backoff_s(self, status: LinkStatus) -> float:
        settings = self._context.settings
        # A libvirtd that was there a moment ago is being restarted far more often than it was removed.
        restarts = status is LinkStatus.NO_LIBVIRT and bool(self._identity)
        if status in NEEDS_PERSON and not restarts:
            return settings.backoff_person_s
        # Half of it at random: a switch that failed must not bring all hosts back in the same instant.
        backoff = Backoff(
            first_s=settings.backoff_first_s, most_s=settings.backoff_most_s, spread=0.5, failures=self._attempts - 1
        )
        return backoff.failed(chance=self._context.rng.random()).wait_s()

    def _release(self) -> None:
        waiting, self._waiting = self._waiting, []
        for _, done in waiting:
            _resolve(done)

    async def _let_go(self) -> None:
        hypervisor, self._hypervisor = self._hypervisor, None
        if hypervisor is not None and hypervisor not in self._leased:
            await self._close(hypervisor)

    async def _close(self, hypervisor: Hypervisor) -> None:
        try:
            await within(self._context.clock, 2.0, hypervisor.close(), subject=self._spec.id, what="closing")
        except NovaCronError:
            return


def _resolve(waiter: "asyncio.Future[None]") -> None:
    if not waiter.done():
        waiter.set_result(None)


def _log_trouble(host: HostId, before: Link, link: Link) -> None:
    """Write why a host is not connected, once for each cause and not for each attempt."""
    if (before.status, before.cause) == (link.status, link.cause):
        return
    told = {"host": host, "status": link.status, "cause": link.cause, "retry_at": link.retry_at}
    log("host lost" if before.is_up else "host not connected", told, level=logging.WARNING)


def _under_way(link: Link) -> Link:
    return Link(status=link.status, since=link.since, cause=link.cause, remedy=link.remedy, attempts=link.attempts)
