"""What differs between a host and its former self, field by field; and the host made of both again.

Costs what the host has, not what the fleet has: a VM or pool that is the same object in both is not looked into. The
later host that `host_after` returns shares every part that did not change with the former one.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, Final, Generic, TypeVar

from novacron.model.fleet import Host
from novacron.model.host import HostReading
from novacron.model.ids import HostId
from novacron.model.storage import Pool
from novacron.model.vm import VmReading

T = TypeVar("T")

Fields = Mapping[str, Any]
"""Values of those fields that changed, by name."""


def _names(kind: type, *, without: frozenset[str]) -> tuple[str, ...]:
    return tuple(one.name for one in fields(kind) if one.name not in without)


_HOST_FIELDS: Final = ("spec", "link")
_READING_FIELDS: Final = _names(HostReading, without=frozenset({"host", "vms", "pools"}))
_VM_FIELDS: Final = _names(VmReading, without=frozenset({"id"}))
_POOL_FIELDS: Final = _names(Pool, without=frozenset({"id"}))


class UnknownPart(ValueError):
    """A difference is about something that the former state does not have: it belongs to another one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemsDiff(Generic[T]):
    """What differs between two sequences of things with identities."""

    changed: Mapping[str, Fields] = field(default_factory=dict)
    """Changed fields by identity, of those that both have."""
    new: tuple[T, ...] = ()
    """Those that only the later one has; they come after all others where `order` does not say otherwise."""
    gone: tuple[str, ...] = ()
    """Those that only the former one has."""
    order: tuple[str, ...] | None = None
    """All identities in their later order; None: the former order, then the new ones."""

    @property
    def is_empty(self) -> bool:
        """Whether nothing differs."""
        return not (self.changed or self.new or self.gone) and self.order is None


@dataclass(frozen=True, slots=True, kw_only=True)
class HostDiff:
    """What differs between two states of one host, both with a reading."""

    id: HostId
    host: Fields = field(default_factory=dict)
    """Of Host: spec, link."""
    reading: Fields = field(default_factory=dict)
    """Of HostReading, but for its VMs and pools."""
    vms: ItemsDiff[VmReading] = ItemsDiff()
    pools: ItemsDiff[Pool] = ItemsDiff()


def host_diff(before: Host, after: Host) -> HostDiff | None:
    """Return what differs; None: it is not to be told as a difference (a first or last reading, twice the same VM)."""
    was, now = before.reading, after.reading
    if was is None or now is None or was.host != now.host:
        return None
    vms = _items_diff(was.vms, now.vms, _VM_FIELDS)
    pools = _items_diff(was.pools, now.pools, _POOL_FIELDS)
    if vms is None or pools is None:
        return None
    return HostDiff(
        id=after.id,
        host=_changed_fields(before, after, _HOST_FIELDS),
        reading=_changed_fields(was, now, _READING_FIELDS),
        vms=vms,
        pools=pools,
    )


def host_after(before: Host, diff: HostDiff) -> Host:
    """Return the later host of the former one and what differs.

    Raises:
        UnknownPart: the difference is to another host than this.
    """
    was = before.reading
    if was is None:
        raise UnknownPart(f"{before.id} has no reading that could have changed")
    changes: dict[str, Any] = dict(diff.reading)
    if not diff.vms.is_empty:
        changes["vms"] = _items_after(was.vms, diff.vms)
    if not diff.pools.is_empty:
        changes["pools"] = _items_after(was.pools, diff.pools)
    reading = replace(was, **changes) if changes else was
    return replace(before, **diff.host, reading=reading)


def ordered(former: Sequence[str], diff: ItemsDiff[Any], new: Sequence[str]) -> Sequence[str]:
    """Return all identities in their later order."""
    if diff.order is not None:
        return diff.order
    gone = frozenset(diff.gone)
    return [*(one for one in former if one not in gone), *new]


def _changed_fields(before: object, after: object, names: Sequence[str]) -> dict[str, Any]:
    changed: dict[str, Any] = {}
    for name in names:
        was, now = getattr(before, name), getattr(after, name)
        if was is not now and was != now:
            changed[name] = now
    return changed


def _items_diff(before: Sequence[Any], after: Sequence[Any], names: Sequence[str]) -> ItemsDiff[Any] | None:
    if before is after:
        return ItemsDiff()
    was, now = {one.id: one for one in before}, {one.id: one for one in after}
    if len(was) != len(before) or len(now) != len(after):
        return None
    changed = {}
    for key, one in now.items():
        former = was.get(key)
        if former is not None and former is not one and (difference := _changed_fields(former, one, names)):
            changed[key] = difference
    new = tuple(one for key, one in now.items() if key not in was)
    gone = tuple(key for key in was if key not in now)
    diff: ItemsDiff[Any] = ItemsDiff(changed=changed, new=new, gone=gone)
    order = tuple(now)
    return diff if tuple(ordered(tuple(was), diff, [one.id for one in new])) == order else replace(diff, order=order)


def _items_after(before: Sequence[Any], diff: ItemsDiff[Any], changed: Callable[..., Any] = replace) -> tuple[Any, ...]:
    was = {one.id: one for one in before}
    items = dict(was)
    try:
        for key, differing in diff.changed.items():
            items[key] = changed(was[key], **differing)
        items |= {one.id: one for one in diff.new}
        return tuple(items[key] for key in ordered(tuple(was), diff, [one.id for one in diff.new]))
    except KeyError as error:
        raise UnknownPart(f"{error.args[0]} is not known") from error
