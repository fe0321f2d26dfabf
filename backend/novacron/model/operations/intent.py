"""What an operator wants done: what all intents have in common. Each subject's module declares its own.

Every intent names the host on which the operator saw its subject: a VM that has moved since is a refusal, never a
surprise. `kind` is the intent's name on the wire and in the journal.
"""

from dataclasses import dataclass, fields, replace
from typing import Any, TypeVar

from novacron.model.ids import HostId, VmId

IntentT = TypeVar("IntentT", bound="Intent")


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """What an operator wants done on one host."""

    host: HostId
    kind: str

    @property
    def hosts(self) -> tuple[HostId, ...]:
        """Every host it works on."""
        return (self.host,)

    @property
    def about_vm(self) -> VmId | None:
        """The VM it is about; None for a pool or a volume."""
        return None

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:  # noqa: ANN401 - pydantic's own types
        """Let pydantic read and write an intent of any registered kind where one of the base class is declared."""
        if cls.__dataclass_fields__["kind"].type is not str:
            return handler(source)
        from novacron.model.operations.registry import INTENTS

        choices = {kind_of(intent): handler.generate_schema(intent) for intent in INTENTS}
        return {"type": "tagged-union", "choices": choices, "discriminator": "kind"}


@dataclass(frozen=True, slots=True, kw_only=True)
class VmIntent(Intent):
    """What an operator wants done with one VM."""

    vm: VmId

    @property
    def about_vm(self) -> VmId | None:
        """The VM it is about."""
        return self.vm


def kind_of(intent: type[Intent]) -> str:
    """Return the name that all intents of this class have on the wire and in the journal."""
    return str(intent.__dataclass_fields__["kind"].default)


def with_word_for(intent: IntentT, hosts: tuple[HostId, ...]) -> IntentT:
    """Return the intent with a person's word for hosts that cannot be asked; as it is where it takes none."""
    if all(field.name != "vouched" for field in fields(intent)):
        return intent
    known: tuple[HostId, ...] = getattr(intent, "vouched", ())
    return replace(intent, vouched=(*known, *(host for host in hosts if host not in known)))  # type: ignore[call-arg]
