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
from novacron.model.operation import Operation
from novacron.model.plan.plan import Plan
from novacron.model.refusal import Refusal

PROTOCOL: Final = "3"
"""Changes whenever client and server of different versions could misunderstand each other."""
PROTOCOL_HEADER: Final = "novacron-protocol"
VERSION_HEADER: Final = "novacron-version"
ERROR_CODE: Final = 4000
"""WebSocket close code after a Problem was sent as the last text message."""
BUSY_CODE: Final = 1013
"""WebSocket close code of a backend that has as many streams as it takes."""
SERIAL_OPENED: Final = "opened"
"""First message of a serial console that could be opened; a Problem otherwise."""
RESYNC: Final = '{"kind":"resync"}'
"""What a client sends on the stream that lacks a message: everything is sent anew."""


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


class OperationList(Wire):
    """What differs between the operations worth showing and those that were told before."""

    kind: Literal["operations"] = "operations"
    since: int | None = None
    """The step that this one follows; None: these are all."""
    step: int = 0
    """Its number. A client that was not told the step before has to ask for everything anew."""
    gone: tuple[str, ...] = ()
    """Identities of those that are not shown any more."""
    order: tuple[str, ...] | None = None
    """All identities in their order; None: the new ones as they stand in `changed`, then those of before."""
    changed: tuple[Operation, ...]
    """Those that are new or changed."""


class AlertList(Wire):
    """What differs between the alerts worth showing and those that were told before."""

    kind: Literal["alerts"] = "alerts"
    since: int | None = None
    """As OperationList says, like the fields below."""
    step: int = 0
    gone: tuple[str, ...] = ()
    """Their keys, as in `order`."""
    order: tuple[str, ...] | None = None
    changed: tuple[Alert, ...]


class Resync(Wire):
    """The whole fleet follows, as it was a little earlier, and what has changed since."""

    kind: Literal["resync"] = "resync"
    step: int
    """The step with which the fleet is as it stands: what comes before it is shown to nobody."""


StreamMessage = Hello | Resync | OperationList | AlertList
_KINDS: Final[dict[str, type[StreamMessage]]] = {
    "hello": Hello,
    "resync": Resync,
    "operations": OperationList,
    "alerts": AlertList,
}


def kind_of(text: str | bytes) -> str:
    """Return the kind of a message of the stream: the first key, as it is always written."""
    head = text[:24] if isinstance(text, str) else bytes(text[:24]).decode(errors="replace")
    return head.removeprefix('{"kind":"').partition('"')[0]


def stream_message(text: str | bytes) -> StreamMessage:
    """Read one message of the stream that is not of the fleet (fleet_wire.py reads those).

    Reading the kind off the front spares building the validators of messages that have not come yet.

    Raises:
        ValueError: it is none of ours (pydantic's ValidationError is one).
    """
    kind = kind_of(text)
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


class BatchPlanAnswer(Wire):
    """The answer of a preview of several intents."""

    title: str
    answers: list[PlanAnswer]
    """Of each intent, in their order."""
    digest: str
    """Of the batch of all that is not refused."""


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
        return json_of_any_text(value.model_dump()).decode()


def json_of(kind: Any, value: object, *, include: dict[str, Any] | None = None) -> bytes:  # noqa: ANN401 - any type
    """Return a value of this type as JSON. Of a list, `include` names the fields of its items; None: all."""
    chosen = {"__all__": include} if include is not None else None
    try:
        return adapter(kind).dump_json(value, include=chosen)
    except PydanticSerializationError:
        return json_of_any_text(adapter(kind).dump_python(value, include=chosen))


def json_of_any_text(value: object) -> bytes:
    """Foreign text may hold half a surrogate, which no encoding has: one bad name must not silence the fleet."""
    return json.dumps(to_jsonable_python(value), ensure_ascii=False, separators=(",", ":")).encode(errors="replace")
