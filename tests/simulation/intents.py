"""Draws intents of every kind: the kinds come from the registry, the values from each field's name and type."""

import dataclasses
import enum
import types
import typing
import uuid
from random import Random
from typing import Any, get_args, get_origin

from novacron.model.ids import HostId, VmId
from novacron.model.operations.intent import Intent
from novacron.model.operations.registry import TYPES
from tests.simulation.observed_world import ObservedWorld

INTENT_KINDS = tuple(one.intent for one in TYPES.values())


class IntentSource:
    """Draws intents about what is in the world just now."""

    def __init__(self, world: ObservedWorld, rng: Random) -> None:
        self._world = world
        self._rng = rng
        self._names = 0

    def draw(self, kind: type[Any] | None = None) -> Intent:
        """Return an intent of that kind, or of any; mostly one that makes sense."""
        rng = self._rng
        kind = kind or rng.choice(INTENT_KINDS)
        host, vm = self._subject()
        fields = {field.name: field for field in dataclasses.fields(kind)}
        hints = typing.get_type_hints(kind)
        known = {"host": host, "vm": self._new_id() if "name" in fields else vm}
        values: dict[str, Any] = {}
        for name, field in fields.items():
            if name == "kind":
                continue
            if name in known:
                values[name] = known[name]
                continue
            has_default = field.default is not dataclasses.MISSING
            value = self._named(name, host)
            is_optional = has_default or field.default_factory is not dataclasses.MISSING
            # An optional thing that has no name known here is asked for now and then.
            if value is None and is_optional and (rng.random() < 0.7 or _is_text(hints[name])):
                continue
            values[name] = self._typed(hints[name]) if value is None else value
        return kind(**values)

    def _subject(self) -> tuple[HostId, VmId]:
        """Return a VM and a host that has it; now and then one that has not."""
        rng, hosts = self._rng, self._world.hosts
        everywhere = [(name, vm) for name, host in hosts.items() for vm in host.machines]
        name, vm = rng.choice(everywhere) if everywhere else (next(iter(hosts)), self._new_id())
        return (name if rng.random() < 0.95 else rng.choice(list(hosts))), vm

    def _named(self, name: str, host: HostId) -> Any:
        """Return a value for a field whose name says what it is; None when it says nothing."""
        rng, place = self._rng, self._world.hosts[host]
        match name:
            case "destination":
                return rng.choice([other for other in self._world.hosts if other != host])
            case "name" | "new_name":
                return self._new_name()
            case "pool":
                return rng.choice(list(place.pools))
            case "volume" | "base_volume":
                paths = sorted(path for pool in place.pools.values() for path in pool.store.volumes)
                chosen = rng.choice(paths).rpartition("/")[2] if paths else "nothing"
                return chosen if name == "volume" else rng.choice(["", "debian-12.qcow2"])
            case "network":
                return rng.choice(["", "default"])
            case "target":
                return rng.choice(["vda", "vdb"])
            case "mac":
                known = sorted({nic.mac for vm in place.machines.values() for nic in vm.nics})
                return rng.choice([*known, f"52:54:00:00:00:{rng.randrange(16, 64):02x}"])
            case "model":
                return "virtio"
            case "vcpus":
                return rng.choice([1, 2, 3, 8])
            case "memory_mib":
                return rng.choice([256, 512, 1024, 4096])
            case "disk_mib":
                return rng.choice([64, 128])
            case "timeout_s":
                return rng.choice([1.0, 10.0, 30.0])
            case "bandwidth_mib_s" | "max_downtime_ms":
                return rng.choice([100, 500])
            case _:
                return None

    def _typed(self, hint: Any) -> Any:
        """Return any value of that type."""
        rng = self._rng
        if get_origin(hint) in (typing.Union, types.UnionType):
            return self._typed(rng.choice([each for each in get_args(hint) if each is not type(None)]))
        if get_origin(hint) is typing.Literal:
            return rng.choice(get_args(hint))
        if get_origin(hint) is tuple:
            return ()
        if isinstance(hint, type) and issubclass(hint, enum.Enum):
            return rng.choice(list(hint))
        if dataclasses.is_dataclass(hint):
            hints = typing.get_type_hints(hint)
            return hint(**{field.name: self._typed(hints[field.name]) for field in dataclasses.fields(hint)})
        plain = {bool: rng.random() < 0.5, int: rng.randint(1, 8), float: rng.random() * 10}
        return plain.get(hint, self._new_name())

    def _new_id(self) -> VmId:
        return VmId(str(uuid.UUID(int=self._rng.getrandbits(128), version=4)))

    def _new_name(self) -> str:
        self._names += 1
        return f"new-{self._names}"


def _is_text(hint: Any) -> bool:
    return hint is str or get_origin(hint) is tuple
