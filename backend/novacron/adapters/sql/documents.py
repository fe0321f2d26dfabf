"""An operation as its row in the journal holds it, and back."""

import json
import logging
from collections.abc import Iterable
from pathlib import Path

from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError, to_jsonable_python

from novacron.model.errors import JournalError
from novacron.model.operation import Operation

_document: TypeAdapter[Operation] = TypeAdapter(Operation)
_log = logging.getLogger("novacron.journal")


def written(operation: Operation) -> str:
    """Return the document of an operation."""
    try:
        return _document.dump_json(operation).decode()
    except PydanticSerializationError:
        return encodable(json.dumps(to_jsonable_python(_document.dump_python(operation)), ensure_ascii=False))


def encodable(text: str) -> str:
    """Return it as UTF-8 can have it: half a surrogate pair in a foreign word must not keep the rest out."""
    return text.encode(errors="replace").decode()


def read(path: Path, document: str) -> Operation:
    """Return the operation of a document.

    Raises:
        JournalError: it is not understood.
    """
    try:
        return _document.validate_json(document)
    except ValidationError as error:
        try:
            return _document.validate_json(_mended(document))
        except ValueError:
            raise JournalError(
                str(path),
                f"an operation in it is not understood: {error.errors()[0]['msg']}",
                "it was damaged, or written by another version of novacron",
            ) from error


def read_each(path: Path, documents: Iterable[str]) -> tuple[Operation, ...]:
    """Return the operations of documents. One that is not understood costs itself, and is told in the log.

    Without the others no operation of the fleet would be known any more, nor a new one taken.
    """
    found = []
    for document in documents:
        try:
            found.append(read(path, document))
        except JournalError as error:
            _log.warning("%s It is left out, and stays in the file: %.200s", error, document)
    return tuple(found)


def _mended(document: str) -> str:
    """Return it without what an infinite number, which JSON has none of, has become: null where none may be.

    A default takes its place, which for an intent is a usual limit; progress the hypervisors know better.
    """
    content = json.loads(document)
    if not isinstance(content, dict) or not isinstance(content.get("intent"), dict):
        raise ValueError("no operation at all")
    content["intent"] = {name: value for name, value in content["intent"].items() if value is not None}
    content.pop("progress", None)
    return json.dumps(content)
