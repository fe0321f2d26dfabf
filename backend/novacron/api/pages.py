"""Pages of the list of VMs: filtered, sorted and cut on the server, at the cost of a page and a look at each VM."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from itertools import islice
from typing import Any, Final, Literal

from novacron.api.views import VmEntry
from novacron.model.errors import NotFound
from novacron.model.fleet import Fleet, FleetVm, Host
from novacron.model.ids import HostId, VmId
from novacron.model.vm import VmReading, VmState

MOST_ENTRIES: Final = 1_000
"""On one page."""

VmOrder = Literal["name", "-name", "state", "-state", "cpu", "-cpu", "memory", "-memory"]
"""By what VMs can be sorted; "-" is the other way round."""

_KEYS: Final[dict[str, Callable[[VmReading], Any]]] = {
    "name": lambda vm: vm.name,
    "state": lambda vm: vm.state.value,
    "cpu": lambda vm: -1.0 if vm.usage.cpu_percent is None else vm.usage.cpu_percent,
    "memory": lambda vm: vm.memory_mib,
}
_FIELD: Final = "|".join([*VmEntry.model_fields, *(rf"vm\.{one.name}" for one in fields(VmReading))])
FIELDS_PATTERN: Final = f"^({_FIELD})(,({_FIELD}))*$"
"""Names of fields with commas between them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VmQuery:
    """Which VMs are asked for."""

    host: HostId | None = None
    """None: of all hosts, like the two filters below."""
    state: VmState | None = None
    name: str | None = None
    """A part of the name, in letters of any case."""
    sort: str | None = None
    """None: in the order of hosts."""
    after: VmId | None = None
    """The last VM of the page before; None: from the first."""
    limit: int | None = None
    """None: all."""


def vm_page(fleet: Fleet, query: VmQuery) -> tuple[list[FleetVm], bool]:
    """Return the VMs of one page, and whether more follow.

    Raises:
        NotFound: the VM after which the page begins is not among them (any more).
    """
    found = _matching(fleet, query)
    if query.sort is not None:
        key = _KEYS[query.sort.removeprefix("-")]
        # By UUID where equal: a page begins where the one before ended.
        ordered = sorted(found, key=lambda vm_id: vm_id)
        ordered.sort(key=lambda vm_id: key(_home(fleet, vm_id)[1]), reverse=query.sort.startswith("-"))
        found = iter(ordered)
    if query.after is not None and not any(vm_id == query.after for vm_id in found):
        raise NotFound(query.after, "this VM is not among those that are asked for (any more)", "begin without `after`")
    page = list(found if query.limit is None else islice(found, query.limit))
    more = query.limit is not None and next(found, None) is not None
    vms = [fleet.find_vm(vm_id) for vm_id in page]
    return [vm for vm in vms if vm is not None], more


def included(names: str) -> dict[str, Any]:
    """Return which fields of an entry are asked for (FIELDS_PATTERN), as pydantic takes it."""
    chosen: dict[str, Any] = {}
    for name in names.split(","):
        outer, dot, inner = name.partition(".")
        if not dot:
            chosen[outer] = True
        elif chosen.get(outer) is not True:
            chosen.setdefault(outer, {})[inner] = True
    return chosen


def _matching(fleet: Fleet, query: VmQuery) -> Iterator[VmId]:
    """Yield the VMs that match, in the order of hosts: each with the first host that knows it."""
    part = query.name.casefold() if query.name is not None else None
    seen: set[VmId] = set()
    for host in fleet.hosts.values():
        if host.reading is None:
            continue
        for vm_id in host.reading.by_id:
            if vm_id in seen:
                continue
            seen.add(vm_id)
            home, vm = _home(fleet, vm_id)
            if query.host is not None and home.id != query.host:
                continue
            if query.state is not None and vm.state is not query.state:
                continue
            if part is None or part in vm.name.casefold():
                yield vm_id


def _home(fleet: Fleet, vm_id: VmId) -> tuple[Host, VmReading]:
    """Return the host that speaks for a VM, and what it says: without joining where only one knows it."""
    hosts = fleet.index.vms.hosts[vm_id]
    if len(hosts) == 1:
        host = fleet.hosts[next(iter(hosts))]
        if host.reading is not None:
            return host, host.reading.by_id[vm_id]
    found = fleet.vms[vm_id].home
    return found.host, found.vm
