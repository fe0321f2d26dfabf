"""libvirt's events: each only says that something changed."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from novacron.adapters.libvirt.binding import load_libvirt
from novacron.adapters.libvirt.channel import Channel
from novacron.model.errors import NovaCronError
from novacron.model.ids import VmId
from novacron.ports.hypervisor import HostEvent, HostEventKind

_DOMAIN_EVENTS = (
    "VIR_DOMAIN_EVENT_ID_LIFECYCLE",
    "VIR_DOMAIN_EVENT_ID_REBOOT",
    "VIR_DOMAIN_EVENT_ID_IO_ERROR_REASON",
    "VIR_DOMAIN_EVENT_ID_WATCHDOG",
    "VIR_DOMAIN_EVENT_ID_DEVICE_ADDED",
    "VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED",
    "VIR_DOMAIN_EVENT_ID_JOB_COMPLETED",
    "VIR_DOMAIN_EVENT_ID_METADATA_CHANGE",
)
_POOL_EVENTS = ("VIR_STORAGE_POOL_EVENT_ID_LIFECYCLE",)
"""Not REFRESH: our own reading refreshes pools, and would call for the next reading for ever."""
_DEADLINE_S = 5.0


class EventFeed:
    """Registers for a host's events and lets go of them when the channel closes."""

    def __init__(self, channel: Channel, on_event: Callable[[HostEvent], None]) -> None:
        self._channel = channel
        self._on_event = on_event
        self._loop = asyncio.get_running_loop()
        self._domain_ids: list[int] = []
        self._pool_ids: list[int] = []

    async def start(self) -> None:
        """Register. A driver that lacks an event is asked for the others."""
        self._channel.before_close(self._deregister)
        self._channel.on_closed(lambda: self._on_event(HostEvent(kind=HostEventKind.LINK_CLOSED)))
        with suppress(NovaCronError):  # a link that breaks now is the next reading's to tell
            await self._channel.call("registering for events", self._register, deadline_s=_DEADLINE_S)

    def _register(self, connection: Any) -> None:  # noqa: ANN401 - libvirt.virConnect
        libvirt = load_libvirt()
        for name in _DOMAIN_EVENTS:
            with suppress(libvirt.libvirtError, AttributeError):
                number = getattr(libvirt, name)
                self._domain_ids.append(connection.domainEventRegisterAny(None, number, self._domain_event, None))
        for name in _POOL_EVENTS:
            with suppress(libvirt.libvirtError, AttributeError):
                number = getattr(libvirt, name)
                self._pool_ids.append(connection.storagePoolEventRegisterAny(None, number, self._pool_event, None))

    def _deregister(self, connection: Any) -> None:  # noqa: ANN401 - libvirt.virConnect
        """Without this the registrations keep the connection, its socket and its memory for ever."""
        libvirt = load_libvirt()
        for number in self._domain_ids:
            with suppress(libvirt.libvirtError):
                connection.domainEventDeregisterAny(number)
        for number in self._pool_ids:
            with suppress(libvirt.libvirtError):
                connection.storagePoolEventDeregisterAny(number)

    def _domain_event(self, _connection: object, domain: Any, *_details: object) -> None:  # noqa: ANN401 - virDomain
        self._tell(HostEvent(kind=HostEventKind.VM, vm=VmId(domain.UUIDString())))

    def _pool_event(self, *_details: object) -> None:
        self._tell(HostEvent(kind=HostEventKind.POOL))

    def _tell(self, event: HostEvent) -> None:
        """Runs on libvirt's event thread."""
        with suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self._on_event, event)
