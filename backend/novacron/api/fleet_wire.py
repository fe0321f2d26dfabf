"""The stream's fleet messages: how they are written and read.

By msgspec, as JSON. pydantic took 80 % of a console's busy time; msgspec reads straight into the model's dataclasses.
JSON and not MessagePack: a script reads it with what it has, and measured with our model (10,000 VMs, 12 MB) both are
written and read in the same time. orjson writes as fast and reads no types. Operations and alerts are few, and their
intents a union that msgspec does not read: those stay with pydantic.

One message, a part of a step:

    {"kind":"fleet","since":41,"step":42,"revision":…,"part":0,"last":true,"order":null,"whole":[…],"changed":[…]}

A step of several parts goes over the socket in bundles: binary messages, each some parts as lines, compressed once for
all clients. A whole fleet is a tenth of its size then, and a thousand clients are sent it in seconds.
"""

import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from typing import Any, Final, get_type_hints

import msgspec

from novacron.api.codec import json_of_any_text
from novacron.model.fleet import Host
from novacron.model.fleet_diff import Fields, HostDiff, ItemsDiff
from novacron.model.host import HostReading
from novacron.model.ids import HostId
from novacron.model.storage import Pool
from novacron.model.vm import VmReading, VmUsage

_PART_BYTES: Final = 48 * 1024
"""About how large a message is: read in a millisecond or two, in which a console takes no key."""

_BUNDLE_PARTS: Final = 12
"""How many of them are compressed together: read again in some 3 ms."""
_LEVEL: Final = 1
"""zlib's fastest: the next one costs twice the time for a tenth of the bytes."""


class ItemsPatch(msgspec.Struct, frozen=True, omit_defaults=True):
    """ItemsDiff as it is read: fields by name, not yet of their types."""

    set: dict[str, dict[str, Any]] = {}
    new: list[Any] = []
    gone: list[str] = []
    order: list[str] | None = None


class HostPatch(msgspec.Struct, frozen=True, omit_defaults=True):
    """HostDiff as it is read."""

    id: HostId
    set: dict[str, Any] = {}
    reading: dict[str, Any] = {}
    vms: ItemsPatch = ItemsPatch()
    pools: ItemsPatch = ItemsPatch()


class FleetMessage(msgspec.Struct, frozen=True):
    """One part of one step from a fleet to a later one."""

    since: int | None
    """The step that this one follows; None: it is a whole fleet, whatever was told before."""
    step: int
    """Its number. A client that was not told the step before has to ask for everything anew."""
    revision: int
    """Of the fleet to which the step leads."""
    part: int
    """Counted from 0 within the step."""
    last: bool
    """Whether the fleet is complete with this part."""
    order: list[HostId] | None = None
    """All hosts there are, in their order: one that is missing is gone. None: those of before, in the same order."""
    whole: list[Host] = []
    changed: list[HostPatch] = []


_message = msgspec.json.Decoder(FleetMessage)
_TYPES: Final[dict[type, dict[str, Any]]] = {}
_USAGE: Final = tuple(one.name for one in fields(VmUsage))


def read_fleet_message(text: str | bytes) -> FleetMessage:
    """Read one part.

    Raises:
        ValueError: it is none.
    """
    return _message.decode(text)


def diff_of(patch: HostPatch) -> HostDiff:
    """Return what a patch says, with values of the model's types.

    Raises:
        ValueError: it names a field that there is not, or a value of another type.
    """
    return HostDiff(
        id=patch.id,
        host=_typed(Host, patch.set),
        reading=_typed(HostReading, patch.reading),
        vms=_items_of(VmReading, patch.vms),
        pools=_items_of(Pool, patch.pools),
    )


def host_json(host: Host) -> bytes:
    """Return a whole host."""
    return _json(host)


def diff_json(diff: HostDiff) -> bytes:
    """Return what differs of a host; empty when nothing does."""
    told: dict[str, Any] = {
        "set": diff.host,
        "reading": diff.reading,
        "vms": _told(diff.vms),
        "pools": _told(diff.pools),
    }
    told = {name: part for name, part in told.items() if part}
    return _json({"id": diff.id, **told}) if told else b""


def bundled(parts: list[str]) -> list[str | bytes]:
    """Return what is sent of these messages: one as it is, several as bundles."""
    if len(parts) <= 1:
        return [*parts]
    firsts = range(0, len(parts), _BUNDLE_PARTS)
    return [zlib.compress("\n".join(parts[first : first + _BUNDLE_PARTS]).encode(), _LEVEL) for first in firsts]


def unbundled(received: str | bytes) -> list[str] | list[bytes]:
    """Return the messages of what was received.

    Raises:
        ValueError: it is binary and no bundle.
    """
    if isinstance(received, str):
        return [received]
    try:
        return zlib.decompress(received).split(b"\n")
    except zlib.error as error:
        raise ValueError(f"a binary message that is no bundle: {error}") from error


def frames(head: dict[str, Any], pieces: Iterable[tuple[str, bytes]], order: list[HostId] | None) -> list[str]:
    """Return the messages of one step; at least one. A piece is a host with the list it belongs to."""
    parts = list(_parts(pieces)) or [{}]
    return [
        _frame(
            head | {"part": number, "last": number == len(parts) - 1}, order if number == len(parts) - 1 else None, part
        )
        for number, part in enumerate(parts)
    ]


def _parts(pieces: Iterable[tuple[str, bytes]]) -> Iterator[dict[str, list[bytes]]]:
    part: dict[str, list[bytes]] = {}
    size = 0
    for name, piece in pieces:
        if part and size + len(piece) > _PART_BYTES:
            yield part
            part, size = {}, 0
        part.setdefault(name, []).append(piece)
        size += len(piece)
    if part:
        yield part


def _frame(head: dict[str, Any], order: list[HostId] | None, part: Mapping[str, list[bytes]]) -> str:
    texts = [_json(head)[:-1]]
    if order is not None:
        texts.append(b'"order":' + _json(order))
    texts.extend(b'"%s":[%s]' % (name.encode(), b",".join(hosts)) for name, hosts in part.items())
    return (b",".join(texts) + b"}").decode()


def _told(diff: ItemsDiff[Any]) -> dict[str, Any]:
    told = {
        "set": {key: _compact(differing) for key, differing in diff.changed.items()},
        "new": diff.new,
        "gone": diff.gone,
    }
    return {name: part for name, part in told.items() if part} | ({} if diff.order is None else {"order": diff.order})


def _compact(differing: Fields) -> Fields:
    """Figures without their names: they are most of what is sent."""
    usage = differing.get("usage")
    return differing if usage is None else {**differing, "usage": [getattr(usage, name) for name in _USAGE]}


def _items_of(kind: type, patch: ItemsPatch) -> ItemsDiff[Any]:
    return ItemsDiff(
        changed={key: _typed(kind, differing) for key, differing in patch.set.items()},
        new=tuple(msgspec.convert(one, kind) for one in patch.new),
        gone=tuple(patch.gone),
        order=None if patch.order is None else tuple(patch.order),
    )


def _typed(kind: type, values: dict[str, Any]) -> Fields:
    types = _TYPES.get(kind) or _TYPES.setdefault(kind, get_type_hints(kind))
    typed = {}
    for name, value in values.items():
        if name == "usage":
            typed[name] = VmUsage(**dict(zip(_USAGE, value, strict=True)))
        elif name in types:
            typed[name] = msgspec.convert(value, types[name])
        else:
            raise ValueError(f"{kind.__name__} has no field {name!r}")
    return typed


def _json(value: object) -> bytes:
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:
        return json_of_any_text(value)
