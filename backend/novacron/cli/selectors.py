"""Which VMs, hosts and pools a command means: names, globs, UUIDs, each with @host where a name is not enough."""

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

from novacron.model.errors import Conflict, LinkError, NotFound, UsageError
from novacron.model.fleet import Fleet, FleetVm, Host
from novacron.model.ids import HostId, VmId

_GLOB_SIGNS = "*?["
_SHORTEST_UUID_PREFIX = 9
"""Eight digits and the dash behind them: shorter ones, such as 100234 or facade, are somebody's names."""


def select_vms(fleet: Fleet, patterns: Sequence[str]) -> tuple[FleetVm, ...]:
    """Return the VMs meant by the patterns, each once, in the order of the fleet; one that runs twice once a copy.

    A pattern is a UUID or its beginning (8 digits and a dash at the least), an exact name, or a glob; `@host` behind
    it narrows it to a host, itself a glob.

    Raises:
        UsageError: one side of the `@` is empty.
        NotFound: a pattern matches nothing.
        LinkError: it matches nothing, and hosts that never answered may have it.
        Conflict: a plain name fits several VMs.
    """
    chosen: dict[VmId, dict[HostId, FleetVm]] = {}
    for pattern in patterns:
        for vm in _matching(fleet, pattern):
            chosen.setdefault(vm.id, {})[vm.home.host.id] = vm
    return tuple(copy for vm_id in fleet.vms if vm_id in chosen for copy in chosen[vm_id].values())


def all_vms(fleet: Fleet) -> tuple[FleetVm, ...]:
    """Return every VM in the order of the fleet; one that runs twice once a copy."""
    return tuple(copy for vm in fleet.vms.values() for copy in _copies(vm))


def refuse_both_copies(chosen: Iterable[FleetVm]) -> None:
    """Let nothing be done to both copies of a VM that runs twice, or to one that nobody chose.

    Raises:
        Conflict: two copies of the same VM are meant.
    """
    seen: dict[VmId, HostId] = {}
    for vm in chosen:
        name, host = vm.home.vm.name, vm.home.host.id
        first = seen.setdefault(vm.id, host)
        if first != host:
            raise Conflict(
                name, f"it runs on {first} and {host} at once", f"say which: {name}@{first} or {name}@{host}"
            )


def select_one_vm(fleet: Fleet, pattern: str) -> FleetVm:
    """Return the one VM meant. Raises as `select_vms`, and Conflict when several are."""
    chosen = select_vms(fleet, [pattern])
    refuse_both_copies(chosen)
    if len(chosen) > 1:
        raise Conflict(pattern, f"{len(chosen)} VMs are meant, and one is wanted", "name it by UUID or as name@host")
    return chosen[0]


def select_hosts(fleet: Fleet, patterns: Sequence[str]) -> tuple[Host, ...]:
    """Return the hosts meant by names and globs, each once, in the order of the fleet.

    Raises:
        NotFound: a pattern matches nothing.
    """
    for pattern in patterns:
        if not any(fnmatchcase(host, pattern) for host in fleet.hosts):
            raise NotFound(pattern, "no host of this fleet has that name", "novacron hosts lists them")
    return tuple(host for host in fleet.hosts.values() if any(fnmatchcase(host.id, pattern) for pattern in patterns))


def hosts_unread(fleet: Fleet, patterns: Iterable[str]) -> list[HostId]:
    """Return the hosts that never answered and may have what the patterns mean."""
    places = [_split(pattern)[1] for pattern in patterns]
    return [
        host.id
        for host in fleet.hosts.values()
        if host.reading is None and any(fnmatchcase(host.id, place) for place in places)
    ]


def names_in_doubt(fleet: Fleet, patterns: Iterable[str]) -> dict[str, list[HostId]]:
    """Return the plain names among the patterns that hosts may have which never answered, with those hosts."""
    plain = (pattern for pattern in patterns if not is_glob(pattern) and not is_uuid(fleet, pattern))
    return {pattern: unread for pattern in plain if (unread := hosts_unread(fleet, [pattern]))}


def is_uuid(fleet: Fleet, pattern: str) -> bool:
    """Whether it is the whole UUID of a VM of the fleet, which no other host can mean something else by."""
    return fleet.find_vm(VmId(pattern.lower())) is not None


def is_glob(text: str) -> bool:
    """Whether a pattern may mean more than one thing."""
    return any(sign in text for sign in _GLOB_SIGNS)


def host_of_pool(fleet: Fleet, pool: str, host: str) -> HostId:
    """Return the host on which a pool is meant: the one named, or the only one that has it.

    Raises:
        NotFound: there is none.
        Conflict: several hosts have a pool of this name, and none was named.
    """
    having = [
        one.id
        for one in fleet.hosts.values()
        if host in ("", one.id) and one.reading is not None and any(pool == known.name for known in one.reading.pools)
    ]
    if not having:
        where = f"{host} has no pool of that name" if host else "no host has a pool of that name"
        raise NotFound(pool, where, "novacron pools lists them")
    if len(having) > 1:
        raise Conflict(pool, f"{len(having)} hosts have such a pool: {', '.join(having)}", "say which by --host")
    return having[0]


def _matching(fleet: Fleet, pattern: str) -> tuple[FleetVm, ...]:
    name, host = _split(pattern)
    candidates = [copy for copy in all_vms(fleet) if fnmatchcase(copy.home.host.id, host)]
    if not is_glob(host):
        candidates += _second_copies(fleet, HostId(host), candidates, also_defined=not is_glob(name))
    exact = [vm for vm in candidates if name == vm.home.vm.name or name.lower() == vm.id]
    if len({vm.id for vm in exact}) > 1:
        places = ", ".join(f"{vm.id} on {vm.home.host.id}" for vm in exact)
        raise Conflict(name, f"{len(exact)} VMs have this name: {places}", "name it by UUID or as name@host")
    unread = hosts_unread(fleet, [pattern])
    # On a host that was never read there may be a VM of that very name: nothing is guessed then.
    found = exact or ([] if unread else _by_uuid_prefix(candidates, name))
    if not found and is_glob(name):
        found = [vm for vm in candidates if fnmatchcase(vm.home.vm.name, name)]
    if not found:
        if unread:
            raise LinkError(
                pattern,
                f"no host that answered has such a VM, and {', '.join(unread)} never did",
                "novacron hosts says why",
            )
        raise NotFound(pattern, "no VM of this fleet has that name or UUID", _suggest(name, candidates))
    return tuple(found)


def _by_uuid_prefix(candidates: Iterable[FleetVm], prefix: str) -> list[FleetVm]:
    if len(prefix) < _SHORTEST_UUID_PREFIX:
        return []
    found = [vm for vm in candidates if vm.id.startswith(prefix.lower())]
    if len({vm.id for vm in found}) > 1:
        raise Conflict(prefix, f"{len(found)} UUIDs begin with this", "give more of the UUID")
    return found


def _copies(vm: FleetVm) -> tuple[FleetVm, ...]:
    running = vm.running_copies if vm.others else ()
    return tuple(vm.seen_on(copy) for copy in running) if len(running) > 1 else (vm,)


def _second_copies(fleet: Fleet, host: HostId, known: Iterable[FleetVm], *, also_defined: bool) -> list[FleetVm]:
    """Return what a host that was named has, although the VM is shown as on another host: a paused second copy.

    With `also_defined` also a mere definition, when the host on which it is shown does not answer: it was named.
    """
    known_ids = {vm.id for vm in known}
    return [
        vm.seen_on(seen)
        for vm in fleet.vms.values()
        if vm.id not in known_ids
        for seen in vm.others
        if seen.host.id == host and seen.is_current
        if seen.vm.is_active or (also_defined and not vm.home.is_current)
    ]


def _split(pattern: str) -> tuple[str, str]:
    """Return name and host of a pattern.

    Raises:
        UsageError: one of them is missing, as when a script's variable was empty. That must not mean all there is.
    """
    name, separator, host = pattern.rpartition("@")
    if not separator:
        return pattern, "*"
    if not name:
        raise UsageError(pattern, "no name before @", f"'*@{host or '*'}' means all of it")
    if not host:
        raise UsageError(pattern, "no host behind @", f"'{name}@*' means any host")
    return name, host


def _suggest(name: str, candidates: Iterable[FleetVm]) -> str:
    from difflib import get_close_matches

    close = get_close_matches(name, [vm.home.vm.name for vm in candidates], n=3)
    return f"did you mean {', '.join(close)}?" if close else "novacron vms lists them"
