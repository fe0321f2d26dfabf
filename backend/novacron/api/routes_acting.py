"""What may be done: preview, submit, cancel, reconnect."""

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Request
from fastapi.responses import Response

from novacron.api.bodies import AcknowledgeBody, BatchBody, BatchPreviewBody, PreviewBody, SubmitBody
from novacron.api.caller import caller_of
from novacron.api.codec import BatchPlanAnswer, OperationAnswer, PlanAnswer, Wire, to_json
from novacron.api.openapi import takes
from novacron.api.requests import OperationPath, body_of, refuse_unknown_parameters
from novacron.model.ids import HostId, OperationId
from novacron.model.operation import Operation
from novacron.model.operations.batch import BatchChild
from novacron.model.plan.plan import Plan
from novacron.model.refusal import Refusal
from novacron.ports.backend import Backend

Key = Annotated[
    str,
    Header(min_length=8, max_length=200, description="Chosen by the client: the same key gives the same operation."),
]


def acting_routes(backend: Backend) -> APIRouter:
    """Return the endpoints that act."""
    routes = APIRouter(prefix="/v1", tags=["act"], dependencies=[Depends(refuse_unknown_parameters)])
    _add_submission(routes, backend)
    _add_batches(routes, backend)

    @routes.post(
        "/operations/{operation}/cancel", response_model=OperationAnswer, summary="Ask a running operation to stop"
    )
    async def cancel(request: Request, operation: OperationPath) -> Response:
        return _answer(await backend.cancel(caller_of(request), OperationId(operation)))

    @routes.post(
        "/operations/{operation}/acknowledge",
        response_model=OperationAnswer,
        summary="Say that an operation which needed attention was dealt with",
        openapi_extra=takes(AcknowledgeBody),
    )
    async def acknowledge(request: Request, operation: OperationPath) -> Response:
        note = (await body_of(request, AcknowledgeBody)).note
        return _answer(await backend.acknowledge(caller_of(request), OperationId(operation), note=note))

    @routes.post("/hosts/{host}/reconnect", status_code=204, summary="Try a host again now")
    async def reconnect(request: Request, host: str) -> None:
        await backend.reconnect(caller_of(request), HostId(host))

    return routes


def _add_submission(routes: APIRouter, backend: Backend) -> None:
    @routes.post(
        "/preview",
        response_model=PlanAnswer,
        summary="What an intent would do; changes nothing",
        openapi_extra=takes(PreviewBody),
    )
    async def preview(request: Request) -> Response:
        body = await body_of(request, PreviewBody)
        answer = await backend.preview(caller_of(request), body.intent, schedule=body.schedule)
        return _json(_plan_answer(answer))

    @routes.post(
        "/operations",
        response_model=OperationAnswer,
        summary="Have an intent carried out; answers once it is in the journal",
        openapi_extra=takes(SubmitBody),
    )
    async def submit(request: Request, idempotency_key: Key) -> Response:
        body = await body_of(request, SubmitBody)
        return _answer(
            await backend.submit(
                caller_of(request),
                body.intent,
                plan_digest=body.plan_digest,
                idempotency_key=idempotency_key,
                schedule=body.schedule,
            )
        )


def _add_batches(routes: APIRouter, backend: Backend) -> None:
    @routes.post(
        "/batches/preview",
        response_model=BatchPlanAnswer,
        summary="What several intents would do together; changes nothing",
        openapi_extra=takes(BatchPreviewBody),
    )
    async def preview_batch(request: Request) -> Response:
        body = await body_of(request, BatchPreviewBody)
        batch = await backend.preview_batch(caller_of(request), body.intents, schedule=body.schedule)
        answers = [_plan_answer(answer) for answer in batch.answers]
        return _json(BatchPlanAnswer(title=batch.title, answers=answers, digest=batch.digest))

    @routes.post(
        "/batches",
        response_model=OperationAnswer,
        summary="Have several intents carried out as one batch; answers once all are in the journal",
        openapi_extra=takes(BatchBody),
    )
    async def submit_batch(request: Request, idempotency_key: Key) -> Response:
        body = await body_of(request, BatchBody)
        children = [BatchChild(intent=one.intent, plan_digest=one.plan_digest) for one in body.children]
        return _answer(
            await backend.submit_batch(
                caller_of(request),
                children,
                plan_digest=body.plan_digest,
                idempotency_key=idempotency_key,
                schedule=body.schedule,
            )
        )


def _plan_answer(answer: Plan | Refusal) -> PlanAnswer:
    return PlanAnswer(refusal=answer) if isinstance(answer, Refusal) else PlanAnswer(plan=answer)


def _answer(answer: Operation | Refusal) -> Response:
    if isinstance(answer, Refusal):
        return _json(OperationAnswer(refusal=answer))
    return _json(OperationAnswer(operation=answer))


def _json(body: Wire) -> Response:
    return Response(to_json(body), media_type="application/json")
