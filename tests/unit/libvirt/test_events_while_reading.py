"""What an event says while a reading is under way is in that reading or in the next one, never in neither."""

import asyncio
from collections.abc import Callable
from typing import Any

import libvirt
import pytest

from novacron.adapters.libvirt.hypervisor import LibvirtHypervisor
from novacron.model.errors import OperationError
from novacron.model.ids import VmId
from tests.builders import an_id
from tests.unit.libvirt.test_built_in_driver import S


class _AddedLate(set[VmId]):
    """A set of which somebody has taken hold to add to it, and adds when a reading's thread has run meanwhile."""

    meanwhile: Callable[[], None]

    def add(self, vm: VmId) -> None:
        self.meanwhile()
        super().add(vm)


class _HeldChannel:
    """Runs a reading's work when it is told to, in place of a thread."""

    def __init__(self, channel: Any) -> None:
        self._channel = channel
        self.work: asyncio.Future[Callable[[Any], Any]] = asyncio.get_running_loop().create_future()
        self.answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    async def call(self, what: str, work: Callable[[Any], Any], **options: Any) -> Any:
        if what != "reading its VMs" or self.work.done():
            return await self._channel.call(what, work, **options)
        self.work.set_result(work)
        return await self.answer


async def _described(host: LibvirtHypervisor, name: str) -> str:
    reading = await host.reader.read(inventory=False, deadline_s=S)
    return next(vm.description for vm in reading.vms if vm.id == an_id(name))


async def test_an_event_at_the_very_moment_a_reading_begins_is_heeded_by_the_next(host: LibvirtHypervisor):
    vm = an_id("off")
    await host.reader.read(inventory=True, deadline_s=S)
    text = (await host.reader.definition(vm, deadline_s=S)).replace("about off", "changed since")
    channel, host.reader.channel = host.channel, _HeldChannel(host.channel)  # type: ignore[assignment]
    held: Any = host.reader.channel
    reading = asyncio.create_task(host.reader.read(inventory=False, deadline_s=S))
    work = await held.work
    stale = _AddedLate(host.reader._stale)
    host.reader._stale = stale

    def meanwhile() -> None:
        held.answer.set_result(work(channel.connection))
        channel.connection.defineXML(text)

    stale.meanwhile = meanwhile
    host.reader._stale.add(vm)
    await reading
    assert (await _described(host, "off")).startswith("changed since")


async def test_what_an_event_said_outlasts_a_reading_that_failed(
    host: LibvirtHypervisor, monkeypatch: pytest.MonkeyPatch
):
    def unreadable(domain: libvirt.virDomain, flags: int = 0) -> str:
        raise UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte")

    vm = an_id("off")
    await host.reader.read(inventory=True, deadline_s=S)
    text = (await host.reader.definition(vm, deadline_s=S)).replace("about off", "changed since")
    await host.definitions.define_xml(text, deadline_s=S)
    host.reader._stale.add(vm)
    with monkeypatch.context() as patched:
        patched.setattr(libvirt.virDomain, "XMLDesc", unreadable)
        with pytest.raises(OperationError):
            await host.reader.read(inventory=False, deadline_s=S)
    assert (await _described(host, "off")).startswith("changed since")
