"""The Console port for programs outside the backend: the same calls over its socket.

Requests and the stream use separate connections. The stream comes first and alone, so that a console paints its
first row before anything else is even imported.
"""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError
from websockets.asyncio.client import connect, unix_connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from novacron.api.codec import (
    PROTOCOL,
    AlertList,
    FleetBody,
    FleetPart,
    Hello,
    OperationAnswer,
    OperationList,
    PlanAnswer,
    PreviewBody,
    StreamMessage,
    SubmitBody,
    adapter,
)
from novacron.api.problems import error_of
from novacron.api.serial_client import RemoteSerial
from novacron.model.alert.alert import Alert
from novacron.model.errors import BackendError
from novacron.model.fleet import Fleet, Host
from novacron.model.ids import HostId, OperationId, VmId
from novacron.model.intent import Intent
from novacron.model.operation import Operation
from novacron.model.plan.plan import Plan
from novacron.model.refusal import Refusal
from novacron.model.sample import VmSample
from novacron.ports.console import (
    AlertsChanged,
    BackendFound,
    BackendLost,
    BackendStatus,
    ConsoleChange,
    FleetChanged,
    OperationsChanged,
)
from novacron.ports.hypervisor import SerialLink

if TYPE_CHECKING:
    import httpx2

T = TypeVar("T")

_ORIGIN = "http://novacron"
_RETRY_FIRST_S = 0.2
_RETRY_MOST_S = 5.0
_ANSWER_S = 120.0
"""A preview asks hypervisors, each within its own deadline; this only bounds a backend that is stuck."""


class RemoteConsole:
    """ports.console.Console over a backend's socket."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket
        self._http: httpx2.AsyncClient | None = None

    async def changes(self) -> AsyncIterator[ConsoleChange]:
        """Yield snapshots and changes; says when the backend is lost and goes on trying for ever."""
        delay_s = _RETRY_FIRST_S
        lost_since: datetime | None = None
        while True:
            cause = "the backend ended the connection"
            try:
                async with self._websocket("/v1/stream") as stream:
                    picture = _Picture()
                    async for text in stream:
                        yield picture.take(text)
                        delay_s, lost_since = _RETRY_FIRST_S, None
            except (OSError, ConnectionClosed, InvalidHandshake, EOFError, TimeoutError) as error:
                cause = str(error) or type(error).__name__
            lost_since = lost_since or datetime.now(UTC)
            yield BackendLost(since=lost_since, cause=cause)
            await asyncio.sleep(delay_s)
            delay_s = min(_RETRY_MOST_S, delay_s * 2)

    async def fleet(self) -> Fleet:
        """Return the fleet as it stands."""
        body = await self._ask("GET", "/v1/fleet", FleetBody)
        return Fleet(revision=body.revision, hosts=MappingProxyType({host.id: host for host in body.hosts}))

    async def operations(self) -> tuple[Operation, ...]:
        """Return recent operations, newest first."""
        return await self._ask("GET", "/v1/operations", tuple[Operation, ...])

    async def alerts(self) -> tuple[Alert, ...]:
        """Return the alerts that hold."""
        return await self._ask("GET", "/v1/alerts", tuple[Alert, ...])

    async def preview(self, intent: Intent) -> Plan | Refusal:
        """Say what it would do."""
        answer = await self._ask("POST", "/v1/preview", PlanAnswer, PreviewBody(intent=intent))
        return _one_of(answer.plan, answer.refusal)

    async def submit(
        self, intent: Intent, *, seen_revision: int, idempotency_key: str, actor: str = ""
    ) -> Operation | Refusal:
        """Submit; the actor is who the kernel says we are."""
        answer = await self._ask(
            "POST",
            "/v1/operations",
            OperationAnswer,
            SubmitBody(intent=intent, seen_revision=seen_revision),
            headers={"idempotency-key": idempotency_key},
        )
        return _one_of(answer.operation, answer.refusal)

    async def cancel(self, operation: OperationId) -> Operation | Refusal:
        """Ask a running operation to stop."""
        answer = await self._ask("POST", f"/v1/operations/{_quote(operation)}/cancel", OperationAnswer)
        return _one_of(answer.operation, answer.refusal)

    async def definition(self, vm: VmId, host: HostId) -> str:
        """Return the VM's XML from that host."""
        return (await self._request("GET", f"/v1/vms/{_quote(vm)}/definition?host={_quote(host)}")).decode()

    async def samples(self, vm: VmId) -> tuple[VmSample, ...]:
        """Return its last minutes, oldest first."""
        return await self._ask("GET", f"/v1/vms/{_quote(vm)}/samples", tuple[VmSample, ...])

    async def reconnect(self, host: HostId) -> None:
        """Try that host again now."""
        await self._request("POST", f"/v1/hosts/{_quote(host)}/reconnect")

    async def open_serial(self, vm: VmId, host: HostId, *, force: bool = False) -> SerialLink:
        """Open the VM's serial console."""
        path = f"/v1/vms/{_quote(vm)}/serial?host={_quote(host)}&force={str(force).lower()}"
        try:
            connection = await self._websocket(path)
        except (OSError, InvalidHandshake, EOFError, TimeoutError) as error:
            raise self._unreachable(error) from error
        return await RemoteSerial.opened(connection)

    async def status(self) -> BackendStatus:
        """Return what the backend says of itself."""
        return await self._ask("GET", "/v1/status", BackendStatus)

    async def close(self) -> None:
        """Let go of the backend; it goes on."""
        if self._http is not None:
            await self._http.aclose()
            self._http = None

    def _websocket(self, path: str) -> connect:
        return unix_connect(
            str(self._socket), f"ws://novacron{path}", max_size=None, compression=None, open_timeout=10, close_timeout=1
        )

    async def _ask(
        self,
        method: str,
        path: str,
        kind: type[T],
        body: BaseModel | None = None,
        headers: dict[str, str] | None = None,
    ) -> T:
        answer: T = _decoded(adapter(kind), await self._request(method, path, body, headers))
        return answer

    async def _request(
        self, method: str, path: str, body: BaseModel | None = None, headers: dict[str, str] | None = None
    ) -> bytes:
        import httpx2

        if self._http is None:
            self._http = httpx2.AsyncClient(
                transport=httpx2.AsyncHTTPTransport(uds=str(self._socket)), base_url=_ORIGIN, timeout=_ANSWER_S
            )
        try:
            response = await self._http.request(
                method,
                path,
                content=body.model_dump_json().encode() if body is not None else None,
                headers={"content-type": "application/json", **(headers or {})},
            )
        except httpx2.HTTPError as error:
            raise self._unreachable(error) from error
        if response.is_error:
            raise error_of(response.content)
        return response.content

    def _unreachable(self, error: Exception) -> BackendError:
        return BackendError(
            "backend",
            f"cannot be reached on {self._socket}: {error or type(error).__name__}",
            "novacron status tells more",
        )


class _Picture:
    """The fleet as this client has been told, rebuilt from deltas; unchanged hosts stay the same objects."""

    def __init__(self) -> None:
        self._hosts: dict[HostId, Host] = {}

    def take(self, text: str | bytes) -> ConsoleChange:
        message = _decoded(adapter(StreamMessage), text)
        match message:
            case Hello():
                if message.protocol != PROTOCOL:
                    raise BackendError(
                        "backend",
                        f"speaks protocol {message.protocol} (version {message.version}), this program {PROTOCOL}",
                        "novacron detach --stop ends it; the next start is of this version",
                    )
                return BackendFound(version=message.version, consoles=message.consoles)
            case FleetPart():
                known = self._hosts | {host.id: host for host in message.changed}
                self._hosts = {host_id: known[host_id] for host_id in message.order}
                return FleetChanged(fleet=Fleet(revision=message.revision, hosts=MappingProxyType(self._hosts)))
            case OperationList():
                return OperationsChanged(operations=message.operations)
            case AlertList():
                return AlertsChanged(alerts=message.alerts)
        raise AssertionError(message)


def _decoded(kind: TypeAdapter[Any], content: str | bytes) -> Any:  # noqa: ANN401 - as the adapter says
    try:
        return kind.validate_json(content)
    except ValidationError as error:
        raise BackendError(
            "backend", f"its answer was not understood: {error.errors()[0]['msg']}", "is it of another version?"
        ) from error


def _one_of(answer: T | None, refusal: Refusal | None) -> T | Refusal:
    if refusal is not None:
        return refusal
    if answer is None:
        raise BackendError("backend", "its answer was empty", "is it of another version?")
    return answer


def _quote(text: str) -> str:
    from urllib.parse import quote

    return quote(text, safe="")
