"""Model values as JSON and back, for both ends of the socket.

Adapters are built when first used: the console needs three of them before its first row, not twenty.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, TypeAdapter

from novacron.model.alert.alert import Alert
from novacron.model.fleet import Host
from novacron.model.ids import HostId
from novacron.model.intent import Intent
from novacron.model.operation import Operation
from novacron.model.plan.plan import Plan
from novacron.model.refusal import Refusal

PROTOCOL = "1"
"""Changes whenever client and server of different versions could misunderstand each other."""
PROTOCOL_HEADER = "novacron-protocol"
OPENED = "opened"
"""First message of a serial console that could be opened; a Problem otherwise."""


class Hello(BaseModel):
    """First message of a stream."""

    kind: Literal["hello"] = "hello"
    version: str
    protocol: str = PROTOCOL
    consoles: int


class FleetPart(BaseModel):
    """Hosts that changed since the last message to this client."""

    kind: Literal["fleet"] = "fleet"
    revision: int
    order: list[HostId]
    """All hosts there are, in their order: one that is missing is gone."""
    changed: list[Host]


class OperationList(BaseModel):
    """All operations worth showing."""

    kind: Literal["operations"] = "operations"
    operations: tuple[Operation, ...]


class AlertList(BaseModel):
    """All alerts worth showing."""

    kind: Literal["alerts"] = "alerts"
    alerts: tuple[Alert, ...]


StreamMessage = Annotated[Hello | FleetPart | OperationList | AlertList, Field(discriminator="kind")]


class FleetBody(BaseModel):
    """The whole fleet."""

    revision: int
    hosts: list[Host]


class PlanAnswer(BaseModel):
    """A preview's answer: one of both is set."""

    plan: Plan | None = None
    refusal: Refusal | None = None


class OperationAnswer(BaseModel):
    """A submission's answer: one of both is set."""

    operation: Operation | None = None
    refusal: Refusal | None = None


class PreviewBody(BaseModel):
    """What to preview."""

    intent: Annotated[Intent, Field(discriminator="kind")]


class SubmitBody(BaseModel):
    """What to do, and what was on the screen when it was decided."""

    intent: Annotated[Intent, Field(discriminator="kind")]
    seen_revision: int


class Problem(BaseModel):
    """An error, as every endpoint gives it."""

    error: str
    """Name of the error class in novacron.model.errors."""
    subject: str
    detail: str
    remedy: str = ""


_ADAPTERS: dict[Any, TypeAdapter[Any]] = {}


def adapter(of: Any) -> TypeAdapter[Any]:  # noqa: ANN401 - any type the model has
    """Return the pydantic adapter of a type, built once."""
    if of not in _ADAPTERS:
        _ADAPTERS[of] = TypeAdapter(of)
    return _ADAPTERS[of]


def to_json(value: BaseModel) -> str:
    """Return a message as JSON."""
    return value.model_dump_json()
