"""Events as the journal's rows hold them, and operations folded from them again.

Each kind of event has a version of its own. A version that is not written any more is brought to the next one by its
upcaster, so that the rest of the program knows only today's.
"""

import json
import logging
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import groupby
from types import MappingProxyType
from typing import Any, cast

from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError, to_jsonable_python

from novacron.adapters.sql.old_documents import is_old, upcast
from novacron.model.errors import JournalError
from novacron.model.ids import HostId, OperationId, VmId
from novacron.model.operation import Operation, StepRecord
from novacron.model.operations.registry import TYPES
from novacron.model.operations.unknown import UnknownIntent
from novacron.model.work.event import Accepted, Acknowledged, Event, StateMoved, StepRecorded, apply

_step: TypeAdapter[StepRecord] = TypeAdapter(StepRecord)
_log = logging.getLogger("novacron.journal")


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRow:
    """One event as its row holds it."""

    operation: OperationId
    sequence: int
    """Its place within the operation, from 1."""
    kind: str
    version: int
    document: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    name: str
    """In the journal, for ever."""
    version: int
    """The one that is written."""
    adapter: TypeAdapter[Any]


_KINDS: Mapping[type[Event], _Kind] = MappingProxyType(
    {
        # Its document is the operation itself: so were those of layouts that kept no events.
        Accepted: _Kind(name="accepted", version=2, adapter=TypeAdapter(Operation)),
        StateMoved: _Kind(name="state-moved", version=1, adapter=TypeAdapter(StateMoved)),
        StepRecorded: _Kind(name="step-recorded", version=1, adapter=TypeAdapter(StepRecorded)),
        Acknowledged: _Kind(name="acknowledged", version=1, adapter=TypeAdapter(Acknowledged)),
    }
)
_BY_NAME = MappingProxyType({kind.name: (event, kind) for event, kind in _KINDS.items()})

Upcaster = Callable[[dict[str, Any]], dict[str, Any]]


def _with_steps_as_data(content: dict[str, Any]) -> dict[str, Any]:
    if not is_old(content):
        return content
    try:
        return upcast(content)
    except ValueError:
        return upcast(_mended(content))


UPCASTERS: Mapping[tuple[str, int], Upcaster] = MappingProxyType({("accepted", 1): _with_steps_as_data})
"""By kind and version: what makes a document of the next version from one of this."""


def document_of(event: Event) -> tuple[str, int, str]:
    """Return kind, version and document of an event. Raises ValueError or TypeError when it cannot be written down."""
    kind = _KINDS[type(event)]
    content = event.accepted if isinstance(event, Accepted) else event
    return kind.name, kind.version, _written(kind.adapter, content)


def encodable(text: str) -> str:
    """Return it as UTF-8 can have it: half a surrogate pair in a foreign word must not keep the rest out."""
    # PostgreSQL's text has no NUL.
    return text.encode(errors="replace").decode().replace("\0", "?")


def folded(journal: str, rows: Iterable[EventRow]) -> Operation:
    """Return the operation of these events, which are all of one and in their order.

    One with a later event that is not understood, such as a newer version's, is one of an unknown kind: it is shown and
    holds its VM.

    Raises:
        JournalError: not even that it was accepted is understood.
    """
    operation = None
    strange: EventRow | None = None
    for row in rows:
        try:
            operation = apply(operation, _event(row))
        except ValueError as error:
            if operation is None:
                why = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
                raise _not_understood(journal, why) from error
            strange = strange or row
    if operation is None:
        raise _not_understood(journal, "it has no events")
    if strange is None:
        return operation
    _log.warning("operation %s has an event not known here: %s %s", operation.id, strange.kind, strange.version)
    return replace(operation, intent=_strange(to_jsonable_python(operation.intent)))


def fold_each(journal: str, rows: Iterable[EventRow]) -> tuple[Operation, ...]:
    """Return operations of events that come one operation after another.

    One that is not understood costs itself, and is told in the log: without the others no operation of the fleet
    would be known any more, nor a new one taken.
    """
    found = []
    for operation, events in groupby(rows, key=lambda row: row.operation):
        try:
            found.append(folded(journal, events))
        except JournalError as error:
            _log.warning("%s It is left out, and stays in the journal: %s", error, operation)
    return tuple(found)


def _written(adapter: TypeAdapter[Any], content: object) -> str:
    try:
        return adapter.dump_json(content).decode()
    except PydanticSerializationError:
        return encodable(json.dumps(to_jsonable_python(adapter.dump_python(content)), ensure_ascii=False))


def _event(row: EventRow) -> Event:
    """Return the event of a row. Raises ValueError when it is not understood."""
    if row.kind not in _BY_NAME or row.version > _BY_NAME[row.kind][1].version:
        msg = f"version {row.version} of the event {row.kind!r} is unknown"
        raise ValueError(msg)
    event_type, kind = _BY_NAME[row.kind]
    if event_type is Accepted:
        return Accepted(accepted=_operation(_upcast(row, kind)))
    event: Event = kind.adapter.validate_json(_upcast(row, kind))
    return event


def _upcast(row: EventRow, kind: _Kind) -> str:
    if row.version == kind.version:
        return row.document
    content = json.loads(row.document)
    for version in range(row.version, kind.version):
        content = UPCASTERS[row.kind, version](content)
    return json.dumps(content)


def _operation(document: str) -> Operation:
    adapter = _KINDS[Accepted].adapter
    try:
        operation: Operation = adapter.validate_json(document)
    except ValidationError as error:
        for mend in (_mended, _of_unknown_kind):
            with suppress(ValueError):
                return cast("Operation", adapter.validate_json(json.dumps(mend(json.loads(document)))))
        raise error from None
    return operation


def _of_unknown_kind(content: Any) -> dict[str, Any]:  # noqa: ANN401 - whatever JSON holds
    """Return it with an intent that is shown and holds its VM, in place of one of a kind that is not known here.

    Raises:
        ValueError: it is no operation, or of a kind that is known.
    """
    if not isinstance(content, dict) or not isinstance(content.get("intent"), dict):
        raise ValueError("no operation at all")
    if content["intent"].get("kind") in TYPES:
        raise ValueError("of a kind that is known")
    steps = []
    for step in content.get("steps", ()):
        with suppress(ValueError):  # of a type that is not known here either
            steps.append(to_jsonable_python(_step.validate_json(json.dumps(step))))
    return {**content, "intent": to_jsonable_python(_strange(content["intent"])), "steps": steps}


def _strange(intent: dict[str, Any]) -> UnknownIntent:
    vm = intent.get("vm")
    return UnknownIntent(
        host=HostId(str(intent.get("host", ""))),
        named=str(intent.get("kind", "")),
        vm=VmId(vm) if isinstance(vm, str) else None,
        content=json.dumps(intent),
    )


def _mended(content: Any) -> dict[str, Any]:  # noqa: ANN401 - whatever JSON holds
    """Return it without what an infinite number, which JSON has none of, has become: null where none may be.

    A default takes its place, which for an intent is a usual limit; progress the hypervisors know better.

    Raises:
        ValueError: it is no operation.
    """
    if not isinstance(content, dict) or not isinstance(content.get("intent"), dict):
        raise ValueError("no operation at all")
    intent = {name: value for name, value in content["intent"].items() if value is not None}
    return {name: value for name, value in content.items() if name != "progress"} | {"intent": intent}


def _not_understood(journal: str, why: str) -> JournalError:
    return JournalError(
        journal,
        f"an operation in it is not understood: {why}",
        "it was damaged, or written by another version of novacron",
    )
