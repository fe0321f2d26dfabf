"""The backend port for programs outside the backend: the same calls over its socket.

Requests and the stream use separate connections. The stream comes first and alone, so that a console paints its
first row before anything else is even imported.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import TYPE_CHECKING, Final, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import PydanticSerializationError
from websockets.asyncio.client import connect, unix_connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, WebSocketException
from websockets.frames import Close

from novacron.api.codec import (
    BUSY_CODE,
    PROTOCOL,
    PROTOCOL_HEADER,
    VERSION_HEADER,
    BatchPlanAnswer,
    FleetBody,
    OperationAnswer,
    PlanAnswer,
    adapter,
)
from novacron.api.problems import error_of, other_version
from novacron.api.serial_client import RemoteSerial
from novacron.api.stream_reader import StreamReader
from novacron.model.alert.alert import Alert
from novacron.model.caller import Caller
from novacron.model.errors import BackendError, NovaCronError, UsageError
from novacron.model.fleet import Fleet
from novacron.model.ids import HostId, OperationId, VmId
from novacron.model.operation import Operation
from novacron.model.operations.batch import BATCH_MOST, BatchChild, BatchPlan
from novacron.model.operations.intent import Intent
from novacron.model.plan.plan import Plan
from novacron.model.refusal import Refusal
from novacron.model.sample import VmSample
from novacron.model.work.backoff import Backoff
from novacron.model.work.schedule import AT_ONCE, Schedule
from novacron.ports.backend import BackendChange, BackendLost, BackendStatus
from novacron.ports.hypervisor import SerialLink

if TYPE_CHECKING:
    import httpx2

T = TypeVar("T")

_ORIGIN = "http://novacron"
_RETRY: Final = Backoff(first_s=0.2, most_s=5.0)
_ANSWER_S = 120.0
"""A preview asks hypervisors, each within its own deadline; this only bounds a backend that is stuck."""
_BUSY_WAITS_S = (0.2, 0.5, 1.0, 2.0)
"""Between tries at a backend that has no connection left: it turned the request away unread."""
_BUSY = 503
_OPEN_S = 5.0
_PING_S = 5.0
"""A backend that hangs is told as lost after twice this."""
_NO_ANSWER = 1011
"""Close code with which our own side gives up on one that does not answer pings."""
_GOING_AWAY = 1012
"""Close code of a backend that was asked to end."""


class RemoteBackend:
    """ports.backend.Backend over a backend's socket.

    The caller of each method is not sent: the server knows who we are from the kernel, and trusts nothing else.

    `revive` starts a backend again that died under an attached console; one that was asked to end stays ended.
    It is called in a worker thread.
    """

    def __init__(self, socket: Path, revive: Callable[[], object] | None = None) -> None:
        self._socket = socket
        self._revive = revive
        self._http: httpx2.AsyncClient | None = None

    async def changes(self, caller: Caller) -> AsyncIterator[BackendChange]:
        """Yield snapshots and changes; says when the backend is lost and goes on trying for ever.

        Raises:
            BackendError: the backend speaks another protocol: trying again would not help.
        """
        lost: BackendLost | None = None
        backoff = _RETRY
        ended_itself = False
        while True:
            cause = "it ended the connection"
            try:
                async with self._websocket("/v1/stream") as stream:
                    reader = StreamReader(stream)
                    async for received in stream:
                        backoff, lost, ended_itself = _RETRY, None, False
                        async for change in reader.take(received):
                            yield change
            except (OSError, WebSocketException, EOFError, TimeoutError) as error:
                cause = _cause_of(error)
                ended_itself = ended_itself or _says_it_ends(error)
            if lost is None or lost.cause != cause:
                lost = BackendLost(since=lost.since if lost else datetime.now(UTC), cause=cause)
                yield lost
            backoff = backoff.failed()
            await asyncio.sleep(backoff.wait_s())
            if self._revive is not None and not ended_itself:
                await _try(self._revive)

    async def fleet(self, caller: Caller) -> Fleet:
        """Return the current fleet."""
        body = await self._ask("GET", "/v1/fleet", FleetBody)
        return Fleet(revision=body.revision, hosts=MappingProxyType({host.id: host for host in body.hosts}))

    async def operations(self, caller: Caller) -> tuple[Operation, ...]:
        """Return recent operations, newest first."""
        return await self._ask("GET", "/v1/operations", tuple[Operation, ...])

    async def find_operation(self, caller: Caller, operation: OperationId) -> Operation:
        """Return one operation, also one that is too old to be among the recent ones."""
        return await self._ask("GET", f"/v1/operations/{_quote(operation)}", Operation)

    async def alerts(self, caller: Caller) -> tuple[Alert, ...]:
        """Return the alerts that hold, then those cleared lately."""
        return await self._ask("GET", "/v1/alerts", tuple[Alert, ...])

    async def children(self, caller: Caller, operation: OperationId) -> tuple[Operation, ...]:
        """Return the operations of a batch as they stand, in their order."""
        return await self._ask("GET", f"/v1/operations/{_quote(operation)}/children", tuple[Operation, ...])

    async def preview(self, caller: Caller, intent: Intent, *, schedule: Schedule = AT_ONCE) -> Plan | Refusal:
        """Say what it would do."""
        from novacron.api.bodies import PreviewBody

        answer = await self._ask("POST", "/v1/preview", PlanAnswer, PreviewBody(intent=intent, schedule=schedule))
        return _one_of(answer.plan, answer.refusal)

    async def preview_batch(
        self, caller: Caller, intents: Sequence[Intent], *, schedule: Schedule = AT_ONCE
    ) -> BatchPlan:
        """Say of each what it would do if all were submitted together, or why it is refused."""
        from novacron.api.bodies import BatchPreviewBody

        _require_batch(intents)
        body = BatchPreviewBody(intents=list(intents), schedule=schedule)
        answer = await self._ask("POST", "/v1/batches/preview", BatchPlanAnswer, body)
        answers = tuple(_one_of(one.plan, one.refusal) for one in answer.answers)
        return BatchPlan(title=answer.title, answers=answers)

    async def submit(
        self,
        caller: Caller,
        intent: Intent,
        *,
        plan_digest: str,
        idempotency_key: str,
        schedule: Schedule = AT_ONCE,
    ) -> Operation | Refusal:
        """Accept the intent, or refuse it; returns once it is in the journal."""
        from novacron.api.bodies import SubmitBody

        answer = await self._ask(
            "POST",
            "/v1/operations",
            OperationAnswer,
            SubmitBody(intent=intent, plan_digest=plan_digest, schedule=schedule),
            headers={"idempotency-key": idempotency_key},
        )
        return _one_of(answer.operation, answer.refusal)

    async def submit_batch(
        self,
        caller: Caller,
        children: Sequence[BatchChild],
        *,
        plan_digest: str,
        idempotency_key: str,
        schedule: Schedule = AT_ONCE,
    ) -> Operation | Refusal:
        """Accept several intents as one batch; returns its parent once all that are accepted are in the journal."""
        from novacron.api.bodies import BatchBody, BatchChildBody

        _require_batch(children)
        each = [BatchChildBody(intent=one.intent, plan_digest=one.plan_digest) for one in children]
        answer = await self._ask(
            "POST",
            "/v1/batches",
            OperationAnswer,
            BatchBody(children=each, plan_digest=plan_digest, schedule=schedule),
            headers={"idempotency-key": idempotency_key},
        )
        return _one_of(answer.operation, answer.refusal)

    async def cancel(self, caller: Caller, operation: OperationId) -> Operation | Refusal:
        """Ask a running operation to stop."""
        answer = await self._ask("POST", f"/v1/operations/{_quote(operation)}/cancel", OperationAnswer)
        return _one_of(answer.operation, answer.refusal)

    async def acknowledge(self, caller: Caller, operation: OperationId, *, note: str) -> Operation | Refusal:
        """Write that it was dealt with."""
        from novacron.api.bodies import AcknowledgeBody

        path = f"/v1/operations/{_quote(operation)}/acknowledge"
        answer = await self._ask("POST", path, OperationAnswer, AcknowledgeBody(note=note))
        return _one_of(answer.operation, answer.refusal)

    async def definition(self, caller: Caller, vm: VmId, host: HostId) -> str:
        """Return the VM's XML from that host."""
        return (await self._request("GET", f"/v1/vms/{_quote(vm)}/definition?host={_quote(host)}")).decode()

    async def samples(self, caller: Caller, vm: VmId) -> tuple[VmSample, ...]:
        """Return its last minutes, oldest first."""
        return await self._ask("GET", f"/v1/vms/{_quote(vm)}/samples", tuple[VmSample, ...])

    async def reconnect(self, caller: Caller, host: HostId) -> None:
        """Try that host again now."""
        await self._request("POST", f"/v1/hosts/{_quote(host)}/reconnect")

    async def open_serial(self, caller: Caller, vm: VmId, host: HostId, *, force: bool = False) -> SerialLink:
        """Open the VM's serial console."""
        path = f"/v1/vms/{_quote(vm)}/serial?host={_quote(host)}&force={str(force).lower()}"
        try:
            connection = await self._websocket(path)
        except (OSError, InvalidHandshake, EOFError, TimeoutError) as error:
            raise self._unreachable(error) from error
        return await RemoteSerial.opened(connection)

    async def status(self, caller: Caller) -> BackendStatus:
        """Return what the backend says of itself."""
        return await self._ask("GET", "/v1/status", BackendStatus)

    async def close(self) -> None:
        """Let go of the backend; it goes on."""
        if self._http is not None:
            await self._http.aclose()
            self._http = None

    def _websocket(self, path: str) -> connect:
        return unix_connect(
            str(self._socket),
            f"ws://novacron{path}",
            max_size=None,
            compression=None,
            proxy=None,
            open_timeout=_OPEN_S,
            close_timeout=1,
            ping_interval=_PING_S,
            ping_timeout=_PING_S,
        )

    async def _ask(
        self,
        method: str,
        path: str,
        kind: type[T],
        body: BaseModel | None = None,
        headers: dict[str, str] | None = None,
    ) -> T:
        content = await self._request(method, path, body, headers)
        try:
            answer: T = adapter(kind).validate_json(content)
        except ValidationError as error:
            raise _not_understood(error) from error
        return answer

    async def _request(
        self, method: str, path: str, body: BaseModel | None = None, headers: dict[str, str] | None = None
    ) -> bytes:
        # In a thread: a console asks for the first time at a key press, and the next one must not wait for an import.
        httpx2 = await asyncio.to_thread(_load_http)
        if self._http is None:
            self._http = httpx2.AsyncClient(
                transport=httpx2.AsyncHTTPTransport(uds=str(self._socket)),
                base_url=_ORIGIN,
                timeout=_ANSWER_S,
                headers={PROTOCOL_HEADER: PROTOCOL, "content-type": "application/json"},
            )
        content = _encoded(body) if body is not None else None
        try:
            response = await self._http.request(method, path, content=content, headers=headers)
            for wait_s in _BUSY_WAITS_S:
                if not _is_turned_away(response):
                    break
                await asyncio.sleep(wait_s)
                response = await self._http.request(method, path, content=content, headers=headers)
        except httpx2.HTTPError as error:
            raise self._unreachable(error) from error
        if _is_turned_away(response):
            raise BackendError(
                "backend", "it has as many connections as it takes", "end what holds them, then try again"
            )
        theirs = response.headers.get(PROTOCOL_HEADER, "")
        if theirs != PROTOCOL:
            raise other_version(theirs, response.headers.get(VERSION_HEADER, ""))
        if response.is_error:
            raise error_of(response.content)
        return response.content

    def _unreachable(self, error: Exception) -> BackendError:
        return BackendError(
            "backend",
            f"cannot be reached on {self._socket}: {error or type(error).__name__}",
            "novacron status tells more",
        )


def _is_turned_away(response: "httpx2.Response") -> bool:
    """Whether the server itself answered, before the backend: that says nothing of its protocol."""
    return response.status_code == _BUSY and PROTOCOL_HEADER not in response.headers


def _load_http() -> "ModuleType":
    import httpx2

    return httpx2


def _encoded(body: BaseModel) -> bytes:
    try:
        return body.model_dump_json().encode()
    except PydanticSerializationError as error:
        # Words of a command line that are no UTF-8 arrive as halves of surrogates.
        raise NovaCronError("request", "a name in it is not text", "write it in UTF-8") from error


async def _try(revive: Callable[[], object]) -> None:
    """Start the backend again; why that failed shows as the cause for which it cannot be reached."""
    with suppress(NovaCronError, OSError):  # OSError: no memory for a process, no program behind the name
        await asyncio.to_thread(revive)


def _cause_of(error: Exception) -> str:
    """Say in the operator's words why a stream ended or did not begin."""
    if _says_it_ends(error):
        return "it was asked to end"
    match error:
        case FileNotFoundError() | ConnectionRefusedError():
            return "none is running"
        case ConnectionClosed(rcvd=Close(code=code)) if code == BUSY_CODE:
            return "it has as many consoles as it takes"
        case ConnectionClosed():
            answers = error.sent is None or error.sent.code != _NO_ANSWER
            return "the connection broke" if answers else "it does not answer"
        case TimeoutError():
            return "it does not answer"
    return str(error) or type(error).__name__


def _says_it_ends(error: Exception) -> bool:
    return isinstance(error, ConnectionClosed) and error.rcvd is not None and error.rcvd.code == _GOING_AWAY


def _not_understood(error: ValidationError) -> BackendError:
    return BackendError(
        "backend", f"its answer was not understood: {error.errors()[0]['msg']}", "is it of another version?"
    )


def _require_batch(of: Sequence[object]) -> None:
    """Check that they are not more than one batch may have.

    Raises:
        UsageError: they are.
    """
    if len(of) > BATCH_MOST:
        raise UsageError("batch", f"{len(of)} are more than the {BATCH_MOST} of one batch", "choose fewer at a time")


def _one_of(answer: T | None, refusal: Refusal | None) -> T | Refusal:
    if refusal is not None:
        return refusal
    if answer is None:
        raise BackendError("backend", "its answer was empty", "is it of another version?")
    return answer


def _quote(text: str) -> str:
    from urllib.parse import quote

    return quote(text, safe="", errors="replace")
