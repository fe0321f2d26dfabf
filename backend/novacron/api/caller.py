"""Who is at the other end of a connection: what the server was told by the kernel, never what the client says."""

from starlette.requests import HTTPConnection

from novacron.model.caller import Authentication, Caller, administrator
from novacron.model.errors import BackendError


def caller_of(connection: HTTPConnection) -> Caller:
    """Return the caller of a request or a WebSocket.

    The server takes connections of the socket's owner and root alone: either may do everything.

    Raises:
        BackendError: the server has put no user beside the connection; nobody unknown is served.
    """
    if connection.client is None:
        raise BackendError("request", "it is not known who asks", "connect to the backend's socket")
    return administrator(connection.client.host, Authentication.PEER_CREDENTIALS)
