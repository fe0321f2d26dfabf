"""REST over the Console port."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, FastAPI, Header, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response

from novacron import __version__
from novacron.api.codec import (
    PROTOCOL,
    PROTOCOL_HEADER,
    FleetBody,
    OperationAnswer,
    PlanAnswer,
    PreviewBody,
    Problem,
    SubmitBody,
)
from novacron.api.problems import problem_of
from novacron.api.stream import stream_routes
from novacron.model.alert.alert import Alert
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
from novacron.model.fleet import Host
from novacron.model.ids import HostId, OperationId, VmId
from novacron.model.operation import Operation
from novacron.model.refusal import Refusal
from novacron.model.sample import VmSample
from novacron.ports.console import BackendStatus, Console

_STATUS: Sequence[tuple[type[NovaCronError], int]] = (
    (NotFound, 404),
    (Conflict, 409),
    (DeadlineExceeded, 504),
    (LinkError, 502),
    (OutcomeUnknown, 502),
    (JournalError, 507),
    (BackendError, 503),
    (NovaCronError, 422),
)
_PROBLEMS: dict[int | str, dict[str, Any]] = {code: {"model": Problem} for code in (404, 409, 422, 502, 503, 504, 507)}


def create_app(console: Console) -> FastAPI:
    """Return the application that serves this backend."""
    app = FastAPI(
        title="NovaCron",
        version=__version__,
        summary="The on-call console's backend: fleet, operations and alerts.",
        responses=_PROBLEMS,
        docs_url=None,
        redoc_url=None,
    )
    app.include_router(_reading_routes(console))
    app.include_router(_acting_routes(console))
    app.include_router(stream_routes(console))
    app.add_exception_handler(NovaCronError, _on_error)
    app.add_exception_handler(RequestValidationError, _on_bad_request)

    @app.middleware("http")
    async def name_protocol(request: Request, call_next: Any) -> Response:  # noqa: ANN401
        response: Response = await call_next(request)
        response.headers[PROTOCOL_HEADER] = PROTOCOL
        return response

    return app


def _reading_routes(console: Console) -> APIRouter:
    routes = APIRouter(prefix="/v1", tags=["read"])

    @routes.get("/status")
    async def status() -> BackendStatus:
        return await console.status()

    @routes.get("/fleet")
    async def fleet() -> FleetBody:
        now = await console.fleet()
        return FleetBody(revision=now.revision, hosts=list(now.hosts.values()))

    @routes.get("/hosts/{host}")
    async def host(host: str) -> Host:
        found = (await console.fleet()).hosts.get(HostId(host))
        if found is None:
            raise NotFound(host, "no host of this fleet has that name", "GET /v1/fleet lists them")
        return found

    @routes.get("/operations")
    async def operations() -> tuple[Operation, ...]:
        return await console.operations()

    @routes.get("/operations/{operation}")
    async def operation(operation: str) -> Operation:
        for found in await console.operations():
            if found.id == operation:
                return found
        raise NotFound(operation, "there is no operation with this id", "GET /v1/operations lists the recent ones")

    @routes.get("/alerts")
    async def alerts() -> tuple[Alert, ...]:
        return await console.alerts()

    @routes.get("/vms/{vm}/definition", response_class=Response)
    async def definition(vm: str, host: str) -> Response:
        xml = await console.definition(VmId(vm), HostId(host))
        return Response(xml, media_type="application/xml")

    @routes.get("/vms/{vm}/samples")
    async def samples(vm: str) -> tuple[VmSample, ...]:
        return await console.samples(VmId(vm))

    return routes


def _acting_routes(console: Console) -> APIRouter:
    routes = APIRouter(prefix="/v1", tags=["act"])

    @routes.post("/preview")
    async def preview(body: PreviewBody) -> PlanAnswer:
        answer = await console.preview(body.intent)
        return PlanAnswer(refusal=answer) if isinstance(answer, Refusal) else PlanAnswer(plan=answer)

    @routes.post("/operations")
    async def submit(
        request: Request, body: SubmitBody, idempotency_key: Annotated[str, Header(min_length=8, max_length=200)]
    ) -> OperationAnswer:
        return _operation_answer(
            await console.submit(
                body.intent,
                seen_revision=body.seen_revision,
                idempotency_key=idempotency_key,
                actor=actor_of(request),
            )
        )

    @routes.post("/operations/{operation}/cancel")
    async def cancel(operation: str) -> OperationAnswer:
        return _operation_answer(await console.cancel(OperationId(operation)))

    @routes.post("/hosts/{host}/reconnect", status_code=204)
    async def reconnect(host: str) -> None:
        await console.reconnect(HostId(host))

    return routes


def actor_of(request: Request) -> str:
    """Return the user on the other end of the socket, as the kernel told the server."""
    return request.client.host if request.client else "unknown"


def _operation_answer(answer: Operation | Refusal) -> OperationAnswer:
    if isinstance(answer, Refusal):
        return OperationAnswer(refusal=answer)
    return OperationAnswer(operation=answer)


async def _on_error(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, NovaCronError)  # noqa: S101 - registered for this class only
    status = next(code for kind, code in _STATUS if isinstance(error, kind))
    return JSONResponse(problem_of(error).model_dump(), status_code=status)


async def _on_bad_request(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this class only
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    problem = Problem(
        error="BackendError", subject=place, detail=str(first["msg"]), remedy="see /openapi.json for what is taken"
    )
    return JSONResponse(problem.model_dump(), status_code=422)
