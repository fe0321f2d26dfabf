"""REST and WebSockets over the backend port."""

from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.routing import Match

from novacron import __version__
from novacron.api.codec import Problem
from novacron.api.openapi import describe
from novacron.api.problems import problem_of
from novacron.api.request_limits import MOST_WEBSOCKETS, RequestLimits
from novacron.api.routes_acting import acting_routes
from novacron.api.routes_reading import reading_routes
from novacron.api.routes_serial import serial_routes
from novacron.api.routes_stream import stream_routes
from novacron.model.errors import (
    BackendError,
    Conflict,
    DeadlineExceeded,
    JournalError,
    LinkError,
    NotFound,
    NovaCronError,
    OutcomeUnknown,
)
from novacron.ports.backend import Backend

_STATUS: Sequence[tuple[type[NovaCronError], int, str]] = (
    (NotFound, 404, "No such VM, host, pool or operation."),
    (Conflict, 409, "Somebody else holds it, or it changed."),
    (DeadlineExceeded, 504, "The host did not answer in time."),
    (LinkError, 502, "The host cannot be asked."),
    (OutcomeUnknown, 502, "The link broke under the call: its effect is not known."),
    (JournalError, 507, "The journal cannot be written."),
    (BackendError, 503, "The backend cannot serve this."),
    (NovaCronError, 422, "The request makes no sense, or the hypervisor said no."),
)
_METHOD_NOT_ALLOWED = 405
_PROBLEM_TYPE = "application/problem+json"
_PROBLEMS: dict[int | str, dict[str, Any]] = {
    code: {"description": meaning, "content": {_PROBLEM_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}}
    for code, meaning in (
        *((code, meaning) for _, code, meaning in reversed(_STATUS)),
        (405, "This address takes other methods: the header Allow names them."),
        (411, "The body has no length."),
        (413, "The body is too large."),
        (415, "The body is of another type than application/json."),
        (426, "The request names another protocol."),
        (500, "A fault of the backend itself."),
    )
}


def create_app(backend: Backend, most_websockets: int = MOST_WEBSOCKETS) -> FastAPI:
    """Return the application that serves this backend, with at most so many streams and serial consoles at once."""
    app = FastAPI(
        title="NovaCron",
        version=__version__,
        summary="The on-call console's backend: fleet, operations and alerts.",
        responses=_PROBLEMS,
        docs_url=None,
        redoc_url=None,
    )
    routers = [make(backend) for make in (reading_routes, acting_routes, stream_routes, serial_routes)]
    for router in routers:
        app.include_router(router)
    app.state.endpoints = [route for router in routers for route in router.routes]
    app.add_middleware(RequestLimits, most_websockets=most_websockets)
    app.add_exception_handler(NovaCronError, _on_error)
    app.add_exception_handler(RequestValidationError, _on_bad_request)
    app.add_exception_handler(HTTPException, _on_no_route)
    app.add_exception_handler(Exception, _on_bug)
    describe(app)
    return app


async def _on_error(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, NovaCronError)  # noqa: S101 - registered for this class only
    return _answer(next(code for kind, code, _ in _STATUS if isinstance(error, kind)), problem_of(error))


async def _on_bad_request(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this class only
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    problem = Problem(
        code="UsageError", subject=place, detail=str(first["msg"]), remedy="/openapi.json says what is taken"
    )
    return _answer(422, problem)


async def _on_no_route(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class only
    problem = _problem(f"{request.method} {request.url.path}", str(error.detail), "/openapi.json lists what there is")
    answer = _answer(error.status_code, problem)
    if error.status_code == _METHOD_NOT_ALLOWED:
        # The framework names those of the first endpoint at this address only.
        answer.headers["Allow"] = ", ".join(sorted(_methods_at(request)))
    return answer


def _methods_at(request: Request) -> set[str]:
    found = (route for route in request.app.state.endpoints if route.matches(request.scope)[0] is not Match.NONE)
    return {method for route in found for method in getattr(route, "methods", None) or ()} or {"GET"}


async def _on_bug(request: Request, error: Exception) -> JSONResponse:
    problem = _problem(
        f"{request.method} {request.url.path}", f"failed: {type(error).__name__}", "the backend's log has the details"
    )
    return _answer(500, problem)


def _problem(subject: str, detail: str, remedy: str) -> Problem:
    return Problem(code="BackendError", subject=subject, detail=detail, remedy=remedy)


def _answer(status: int, problem: Problem) -> JSONResponse:
    return JSONResponse(problem.model_dump(), status_code=status, media_type=_PROBLEM_TYPE)
