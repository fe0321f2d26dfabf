"""Events as the journal's rows hold them, and operations folded from them again.

Each kind of event has a version of its own. A version that is not written any more is brought to the next one by its
upcaster, so that the rest of the program knows only today's.
"""

import json
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby
from types import MappingProxyType
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError, to_jsonable_python

from novacron.adapters.sql.old_documents import is_old, upcast
from novacron.model.errors import JournalError
from novacron.model.ids import OperationId
from novacron.model.operation import Operation
from novacron.model.work.event import Accepted, Acknowledged, Event, StateMoved, StepRecorded, apply

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
    return text.encode(errors="replace").decode()


def folded(journal: str, rows: Iterable[EventRow]) -> Operation:
    """Return the operation of these events, which are all of one and in their order.

    Raises:
        JournalError: one of them is not understood.
    """
    operation = None
    try:
        for row in rows:
            operation = apply(operation, _event(row))
        if operation is None:
            raise ValueError("it has no events")
    except ValidationError as error:
        raise _not_understood(journal, error.errors()[0]["msg"]) from error
    except ValueError as error:
        raise _not_understood(journal, str(error)) from error
    return operation


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
    if row.kind not in _BY_NAME:
        msg = f"a kind of event {row.kind!r} is unknown"
        raise ValueError(msg)
    event_type, kind = _BY_NAME[row.kind]
    if row.version > kind.version:
        msg = f"version {row.version} of {row.kind!r} is newer than this version of novacron"
        raise ValueError(msg)
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
        try:
            operation = adapter.validate_json(json.dumps(_mended(json.loads(document))))
        except ValueError:
            raise error from None
    return operation


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
