"""The API's own description: what FastAPI knows of it, and the two WebSockets, which OpenAPI has no words for."""

from typing import Any

import msgspec
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

from novacron.api.bodies import (
    UUID_PATTERN,
    AcknowledgeBody,
    BatchBody,
    BatchPreviewBody,
    PreviewBody,
    StrictBody,
    SubmitBody,
)
from novacron.api.codec import AlertList, Hello, OperationList, Problem, Resync
from novacron.api.fleet_wire import FleetMessage
from novacron.model.operations.registry import TYPES
from novacron.model.work.schedule import Schedule

_REF = "#/components/schemas/{model}"
_BODIES = (PreviewBody, SubmitBody, BatchPreviewBody, BatchBody, AcknowledgeBody)
_STREAM = (Hello, Resync, OperationList, AlertList)
_ABOUT = """\
Served on a unix socket to its owner and to root; the operator is who the kernel says is on the other end.

Errors are problem JSON (Problem). A "no" that was to be expected is no error: preview, submit and cancel answer 200
with a refusal.

Several intents go as one batch: `/v1/batches/preview` says of each what it would do, `/v1/batches` accepts those that
are as they were confirmed, under one parent that is followed and cancelled as one.

WebSockets: `/v1/stream` sends Hello, then Resync, FleetMessage, OperationList and AlertList, first complete, then what
changes, field by field. Each follows the one whose `step` is its `since`; a client that lacks one sends
`{"kind":"resync"}` and is sent everything anew. `/v1/vms/{vm}/serial?host=&force=` sends the text "opened", then bytes
both ways; a Problem as text is why it ends.
"""


def takes(body: type[StrictBody]) -> dict[str, Any]:
    """Return the part of an endpoint's description that says which body it takes."""
    schema = {"$ref": _REF.format(model=body.__name__)}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


def describe(app: FastAPI) -> None:
    """Have the app serve its complete description."""

    def description() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _described(app)
        return app.openapi_schema

    app.openapi = description  # type: ignore[method-assign]


def _described(app: FastAPI) -> dict[str, Any]:
    schema = get_openapi(
        title=app.title, version=app.version, summary=app.summary, description=_ABOUT, routes=app.routes
    )
    _, stream = models_json_schema(
        [*((message, "serialization") for message in _STREAM), (Problem, "serialization")], ref_template=_REF
    )
    _, bodies = models_json_schema([(body, "validation") for body in _BODIES], ref_template=_REF)
    known = schema.setdefault("components", {}).setdefault("schemas", {})
    _, fleet = msgspec.json.schema_components([FleetMessage], ref_template=_REF.format(model="{name}"))
    fleet["FleetMessage"]["properties"]["kind"] = {"const": "fleet"}
    for name, definition in (*stream["$defs"].items(), *bodies["$defs"].items(), *fleet.items()):
        known.setdefault(name, definition)
    for intent in (one.intent for one in TYPES.values()):
        _say_it_is_strict(known[intent.__name__])
    known[Schedule.__name__]["additionalProperties"] = False
    messages = {"oneOf": [{"$ref": _REF.format(model=message.__name__)} for message in (*_STREAM, FleetMessage)]}
    schema["x-websockets"] = {"/v1/stream": {"receive": messages}, "/v1/vms/{vm}/serial": {"receive": "bytes"}}
    return schema


def _say_it_is_strict(intent: dict[str, Any]) -> None:
    """Describe what requests.py checks of an intent: pydantic knows a dataclass, and not how strictly it is read."""
    intent["additionalProperties"] = False
    intent["required"] = [*intent["required"], "kind"]
    if "vm" in intent["properties"]:
        intent["properties"]["vm"] |= {"pattern": UUID_PATTERN, "format": "uuid"}
