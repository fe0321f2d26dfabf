"""How strictly a request is read: bodies, ids and query parameters. What is not described is refused, by its field."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from typing import Annotated, Final, TypeVar

from fastapi import HTTPException, Path, Request
from fastapi.exceptions import RequestValidationError
from pydantic import AfterValidator, ValidationError
from starlette.datastructures import QueryParams
from starlette.requests import ClientDisconnect

from novacron.api.bodies import UUID_PATTERN, BatchBody, BatchPreviewBody, IntentBody, StrictBody
from novacron.model.errors import NotFound, UsageError
from novacron.model.ids import HostId, OperationId, VmId
from novacron.model.operations.intent import Intent, VmIntent

_OPERATION: Final = "^[0-9a-z][0-9a-z-]{2,63}$"
_JSON: Final = "application/json"
_PLAINER: Final = {
    "unexpected_keyword_argument": "there is no such field",
    "extra_forbidden": "there is no such field",
    "finite_number": "this number is not finite",
}
Body = TypeVar("Body", bound=StrictBody)


def vm_id(text: str) -> VmId:
    """Return a UUID as the model has it.

    Raises:
        NotFound: it is none, so that no VM can have it.
    """
    if not re.fullmatch(UUID_PATTERN, text):
        raise NotFound(text, "this is no UUID, so that no VM has it", "GET /v1/vms lists them")
    return VmId(text.lower())


def operation_id(text: str) -> OperationId:
    """Return an operation's id.

    Raises:
        NotFound: it is none.
    """
    if not re.fullmatch(_OPERATION, text):
        raise NotFound(text, "this is no id of an operation", "novacron ops lists them")
    return OperationId(text)


VmPath = Annotated[str, Path(json_schema_extra={"pattern": UUID_PATTERN, "format": "uuid"}), AfterValidator(vm_id)]
OperationPath = Annotated[str, Path(json_schema_extra={"pattern": _OPERATION}), AfterValidator(operation_id)]


async def body_of(request: Request, kind: type[Body]) -> Body:
    """Read a body.

    Raises:
        HTTPException: it is of another media type than JSON.
        RequestValidationError: it is not JSON, which names line and column, or a field is wrong, which it names.
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != _JSON:
        raise HTTPException(415, f"its body is of the type {media_type or '(none)'}, and only {_JSON} is taken")
    try:
        body = kind.model_validate_json(await request.body())
    except ClientDisconnect as error:
        raise HTTPException(400, "its body did not come to its end") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = _without_kind(first["loc"]) or ["body"]
        raise RequestValidationError(
            [{"loc": place, "msg": _PLAINER.get(first["type"], first["msg"]), "type": first["type"]}]
        ) from error
    return _with_vm_ids(body)


def _without_kind(place: Sequence[str | int]) -> list[str | int]:
    """Return ("intent", "vm") for ("intent", "start", "vm"): the kind is no field."""
    kept: list[str | int] = []
    for number, part in enumerate(place):
        before = place[number - 1] if number else None
        is_kind = before == "intent" or (number > 1 and place[number - 2] == "intents")
        if not is_kind:
            kept.append(part)
    return kept


def _with_vm_ids(body: Body) -> Body:
    """Return a body in which each VM's UUID is as the model has it."""
    match body:
        case IntentBody():
            return body.model_copy(update={"intent": _with_vm_id(body.intent, ["intent"])})
        case BatchPreviewBody():
            intents = [_with_vm_id(one, ["intents", number]) for number, one in enumerate(body.intents)]
            return body.model_copy(update={"intents": intents})
        case BatchBody():
            intents = [
                _with_vm_id(one.intent, ["children", number, "intent"]) for number, one in enumerate(body.children)
            ]
            pairs = zip(body.children, intents, strict=True)
            return body.model_copy(update={"children": [one.model_copy(update={"intent": it}) for one, it in pairs]})
    return body


def _with_vm_id(intent: Intent, place: list[str | int]) -> Intent:
    if not isinstance(intent, VmIntent):
        return intent
    if not re.fullmatch(UUID_PATTERN, intent.vm):
        raise RequestValidationError([{"loc": [*place, "vm"], "msg": "this is no UUID", "type": "uuid"}])
    return replace(intent, vm=vm_id(intent.vm))


async def refuse_unknown_parameters(request: Request) -> None:
    """Let no query parameter pass that the endpoint does not have: `?hots=kvm1` would list every host.

    Raises:
        UsageError: there is one, or one is given twice.
    """
    dependant = getattr(request.scope.get("route"), "dependant", None)
    known = [parameter.alias for parameter in dependant.query_params] if dependant is not None else []
    require_known(request.query_params, known)


def require_known(given: QueryParams, known: list[str]) -> None:
    """Check the names of query parameters.

    Raises:
        UsageError: one is not known, or given twice.
    """
    names = [name for name, _ in given.multi_items()]
    for name in names:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            remedy = f"did you mean {near[0]}?" if near else f"known here: {', '.join(known) or 'none'}"
            raise UsageError(f"query.{name}", "there is no such parameter", remedy)
        if names.count(name) > 1:
            raise UsageError(f"query.{name}", "it is given more than once", "give it once")


def serial_parameters(given: QueryParams) -> tuple[HostId, bool]:
    """Return the host of a serial console, and whether to take the console from whoever has it.

    Raises:
        UsageError: a parameter is missing, unknown or wrong.
    """
    require_known(given, ["host", "force"])
    if not given.get("host"):
        raise UsageError("query.host", "it is missing", "name the host on which the VM is seen")
    force: Mapping[str, bool] = {"false": False, "true": True}
    if given.get("force", "false") not in force:
        raise UsageError("query.force", "it is neither true nor false", "write true or false")
    return HostId(given["host"]), force[given.get("force", "false")]
