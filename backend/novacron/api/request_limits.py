"""Limits that every request is held to: its protocol, the size of its body, and the number of streams."""

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from novacron import __version__
from novacron.api.codec import BUSY_CODE, PROTOCOL, PROTOCOL_HEADER, VERSION_HEADER, Problem

MOST_BYTES = 4 << 20
"""Of a request's body: a batch of as many operations as one may have is under three million."""
MOST_WEBSOCKETS = 2400
"""Streams and serial consoles at once, where files do not limit them further."""


class RequestLimits:
    """ASGI middleware. Plain, because the framework's own kind copies every answer through a queue."""

    def __init__(self, app: ASGIApp, most_websockets: int = MOST_WEBSOCKETS) -> None:
        self._app = app
        self._most_websockets = most_websockets
        self._websockets = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request pass, or answer why not."""
        if scope["type"] == "websocket":
            await self._let_stream(scope, receive, send)
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers[PROTOCOL_HEADER] = PROTOCOL
                headers[VERSION_HEADER] = __version__
            await send(message)

        refused = _refuse(Headers(scope=scope))
        if refused is None:
            await self._app(scope, receive, send_marked)
        else:
            await _answer(send_marked, *refused)

    async def _let_stream(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._websockets >= self._most_websockets:
            await receive()
            await send({"type": "websocket.accept"})
            await send({"type": "websocket.close", "code": BUSY_CODE})
            return
        self._websockets += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._websockets -= 1


def _refuse(headers: Headers) -> tuple[int, Problem] | None:
    protocol = headers.get(PROTOCOL_HEADER, PROTOCOL)
    if protocol != PROTOCOL:
        detail = f"the backend speaks protocol {PROTOCOL} (version {__version__}), this program protocol {protocol}"
        remedy = "novacron detach --stop ends it, VMs and their jobs go on; the next start is of your version"
        return 426, _problem("backend", detail, remedy)
    if "transfer-encoding" in headers:
        return 411, _problem("request", "its body has no length", "send it with Content-Length")
    # h11 has checked that it is a number, and gives the application no more than that.
    if int(headers.get("content-length", "0")) > MOST_BYTES:
        return 413, _problem("request", f"its body is larger than {MOST_BYTES} bytes", "no request needs that much")
    return None


def _problem(subject: str, detail: str, remedy: str) -> Problem:
    return Problem(code="BackendError", subject=subject, detail=detail, remedy=remedy)


async def _answer(send: Send, status: int, problem: Problem) -> None:
    body = problem.model_dump_json().encode()
    headers = [
        (b"content-type", b"application/problem+json"),
        (b"content-length", str(len(body)).encode()),
        # The body was not read: the connection cannot be used again.
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
