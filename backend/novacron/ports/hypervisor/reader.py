"""Reads one host: everything at once, one VM afresh, and events in between. Changes nothing."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from novacron.model.host import HostFacts, HostReading
from novacron.model.ids import VmId
from novacron.model.migration import Belongings
from novacron.model.vm import VmReading


class HostEventKind(StrEnum):
    """What happened."""

    VM = "vm"
    POOL = "pool"
    LINK_CLOSED = "link closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class HostEvent:
    """Something changed on the host: a reason to read it again, never itself the truth."""

    kind: HostEventKind
    vm: VmId | None = None
    detail: str = ""


class HostReader(Protocol):
    """Reads what is there."""

    async def read(self, *, inventory: bool, deadline_s: float) -> HostReading:
        """Read everything in one bulk call; with `inventory` also definitions, pools and volumes.

        Without `inventory` those parts are repeated from the last reading that had them. A VM that is
        new since then has its definition read at once.
        """

    async def facts(self, *, deadline_s: float) -> HostFacts:
        """Read what the host says of itself."""

    async def look(self, vm: VmId, *, deadline_s: float) -> VmReading | None:
        """Read one VM afresh, never from a cache; None when this host does not know it."""

    async def look_all(self, vms: Sequence[VmId], *, deadline_s: float) -> Mapping[VmId, VmReading]:
        """Read several VMs afresh, in one call; one that this host does not know is left out."""

    async def definition(self, vm: VmId, *, with_secrets: bool = False, deadline_s: float) -> str:
        """Return its XML as libvirt would take it back; `with_secrets` is for another host, never for eyes."""

    async def belongings(self, vm: VmId, *, deadline_s: float) -> Belongings:
        """Tell what this host keeps beside the VM's definition, and a move would leave behind or lose."""

    def watch(self, on_event: Callable[[HostEvent], None]) -> None:
        """Call `on_event` on the event loop for every change, until closed."""
