"""Model values as JSON and back, for both ends of the socket.

Nothing is built at import: pydantic turns a model into a validator when it is first used, and the console needs
three of them before its first row, not twenty.
"""

import json
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, TypeAdapter
from pydantic_core import PydanticSerializationError, to_jsonable_python

from novacron.model.alert.alert import Alert
from novacron.model.fleet import Host
from novacron.model.ids import HostId
from novacron.model.operation import Operation
from novacron.model.plan.plan import Plan
from novacron.model.refusal import Refusal

PROTOCOL: Final = "2"
"""Changes whenever client and server of different versions could misunderstand each other."""
PROTOCOL_HEADER: Final = "novacron-protocol"
VERSION_HEADER: Final = "novacron-version"
ERROR_CODE: Final = 4000
"""WebSocket close code after a Problem was sent as the last text message."""
BUSY_CODE: Final = 1013
"""WebSocket close code of a backend that has as many streams as it takes."""
SERIAL_OPENED: Final = "opened"
"""First message of a serial console that could be opened; a Problem otherwise."""


class Wire(BaseModel):
    """What goes over the socket."""

    model_config = ConfigDict(defer_build=True)


class Hello(Wire):
    """First message of a stream."""

    kind: Literal["hello"] = "hello"
    version: str
    protocol: str = PROTOCOL
    consoles: int
    """How many are attached, this one included."""


class FleetPart(Wire):
    """Hosts that differ from what this client was last sent."""

    kind: Literal["fleet"] = "fleet"
    revision: int
    order: list[HostId]
    """All hosts there are, in their order: one that is missing is gone. Empty in every part but the last."""
    changed: list[Host]
    last: bool
    """Whether the revision is complete: a large fleet comes in several parts, and is shown when all are there."""


class OperationList(Wire):
    """All operations worth showing."""

    kind: Literal["operations"] = "operations"
    operations: tuple[Operation, ...]


class AlertList(Wire):
    """All alerts worth showing."""

    kind: Literal["alerts"] = "alerts"
    alerts: tuple[Alert, ...]


StreamMessage = Hello | FleetPart | OperationList | AlertList
_KINDS: Final[dict[str, type[StreamMessage]]] = {
    "hello": Hello,
    "fleet": FleetPart,
    "operations": OperationList,
    "alerts": AlertList,
}


def stream_message(text: str | bytes) -> StreamMessage:
    """Read one message of the stream.

    `kind` is the first key, as `to_json` writes it: reading it off the front spares building the validators of
    messages that have not come yet.

    Raises:
        ValueError: it is none of ours (pydantic's ValidationError is one).
    """
    head = text[:24] if isinstance(text, str) else bytes(text[:24]).decode(errors="replace")
    kind = head.removeprefix('{"kind":"').partition('"')[0]
    if kind not in _KINDS:
        raise ValueError(f"a message of the unknown kind {kind!r}")
    return _KINDS[kind].model_validate_json(text)


class FleetBody(Wire):
    """The whole fleet."""

    revision: int
    hosts: list[Host]
    """In the order of fleet.toml."""


class PlanAnswer(Wire):
    """A preview's answer: one of both is set."""

    plan: Plan | None = None
    refusal: Refusal | None = None


class OperationAnswer(Wire):
    """A submission's or cancellation's answer: one of both is set."""

    operation: Operation | None = None
    refusal: Refusal | None = None


class Problem(Wire):
    """An error, as every endpoint gives it."""

    code: str
    """Its class in novacron.model.errors: NotFound, Conflict, DeadlineExceeded, …"""
    subject: str
    detail: str
    remedy: str = ""
    link_status: str = ""
    """Of an error of the link to a host: the state of the connection to it."""


_ADAPTERS: dict[Any, TypeAdapter[Any]] = {}


def adapter(of: Any) -> TypeAdapter[Any]:  # noqa: ANN401 - any type the model has
    """Return the pydantic adapter of a type, built once."""
    if of not in _ADAPTERS:
        _ADAPTERS[of] = TypeAdapter(of)
    return _ADAPTERS[of]


def to_json(value: BaseModel) -> str:
    """Return a message as JSON."""
    try:
        return value.model_dump_json()
    except PydanticSerializationError:
        return _json_of_any_text(value.model_dump()).decode()


def json_of(kind: Any, value: object) -> bytes:  # noqa: ANN401 - any type the model has
    """Return a value of this type as JSON."""
    try:
        return adapter(kind).dump_json(value)
    except PydanticSerializationError:
        return _json_of_any_text(adapter(kind).dump_python(value))


def _json_of_any_text(value: object) -> bytes:
    """Foreign text may hold half a surrogate, which no encoding has: one bad name must not silence the fleet."""
    return json.dumps(to_jsonable_python(value), ensure_ascii=False, separators=(",", ":")).encode(errors="replace")
