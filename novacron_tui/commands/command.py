"""A command: a name, on what it acts, when it may, and the intent it makes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from novacron.model.alert.alert import Alert
from novacron.model.fleet import FleetVm, Host
from novacron.model.operation import Operation
from novacron.model.operations.intent import Intent
from novacron.model.storage import Volume
from novacron_tui.commands.form import Form
from novacron_tui.present.console_state import ConsoleState, PoolRow


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeRow:
    """A volume in its pool."""

    row: PoolRow
    volume: Volume


Target = FleetVm | Host | PoolRow | VolumeRow | Operation | Alert


class Kind(StrEnum):
    """What a command acts on."""

    VM = "VM"
    HOST = "host"
    POOL = "pool"
    VOLUME = "volume"
    OPERATION = "operation"
    FLEET = "fleet"
    """Nothing in particular: it is possible with an empty table too."""


_KINDS: dict[type[Any], Kind] = {
    FleetVm: Kind.VM,
    Host: Kind.HOST,
    PoolRow: Kind.POOL,
    VolumeRow: Kind.VOLUME,
    Operation: Kind.OPERATION,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What the operator sees, and what of it is meant."""

    state: ConsoleState
    now: datetime
    targets: tuple[Target, ...] = ()


class Act(StrEnum):
    """What a console does by itself, without an intent."""

    SERIAL = "serial"
    XML = "xml"
    CANCEL = "cancel"
    ACKNOWLEDGE = "acknowledge"
    RECONNECT = "reconnect"
    SHOW_VMS = "show vms"


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One thing that can be done. Exactly one of `intent`, `form` and `act` is set."""

    id: str
    title: str
    kind: Kind
    makes: type[Intent] | None = None
    """Which intents `intent` or `form` make; None: it makes none, and the console does it by itself."""
    danger: bool = False
    """Whether it can lose data or service: then it is in the x menu, too."""
    asks: bool = False
    """Whether its confirmation opens at once, before the plan is there."""
    many: bool = True
    """Whether it can act on several targets together."""
    refuse: Callable[[Any, Context], str | None] = lambda _target, _context: None
    """Why not, as far as the screen can tell; None: try it."""
    intent: Callable[[Any, Context], Intent] | None = None
    form: Callable[[Sequence[Any], Context], Form] | None = None
    act: Act | None = None

    def enabled(self, context: Context) -> str | None:
        """Return None when it may be tried, else why not."""
        if self.kind is Kind.FLEET:
            return None
        targets = [target for target in context.targets if kind_of(target) is self.kind]
        if not targets:
            return f"no {self.kind} is under the cursor"
        if len(targets) > 1 and not self.many:
            return f"it acts on one {self.kind} at a time"
        first: str | None = None
        for target in targets:
            reason = self.refuse(target, context)
            if reason is None:
                return None
            first = first or reason
        return first

    def allowed(self, context: Context) -> tuple[Any, ...]:
        """Return the targets it may be tried on."""
        return tuple(
            target
            for target in context.targets
            if kind_of(target) is self.kind and self.refuse(target, context) is None
        )

    def left_out(self, context: Context) -> str:
        """Say how many of several targets it cannot be tried on, and why the first of them; empty when on all."""
        targets = [target for target in context.targets if kind_of(target) is self.kind]
        reasons = [reason for target in targets if (reason := self.refuse(target, context)) is not None]
        return f"{len(reasons)} of {len(targets)} selected are left out: {reasons[0]}" if reasons else ""


def kind_of(target: Target) -> Kind | None:
    """Return what kind of thing a target is."""
    return _KINDS.get(type(target))
