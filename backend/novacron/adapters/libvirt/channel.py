"""One libvirt connection. Its calls block, so each runs in a thread of its own, and each comes back."""

import asyncio
import logging
import threading
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, TypeVar

from novacron.adapters.libvirt.binding import load_libvirt
from novacron.adapters.libvirt.faults import START_LIBVIRT, is_not_allowed, note_link, translate, unreadable
from novacron.adapters.libvirt.tunnel import OpenFar, Tunnel
from novacron.model.errors import DeadlineExceeded, LinkError, LinkLost, NovaCronError
from novacron.model.link import LinkStatus

T = TypeVar("T")
Connection = Any
"""libvirt.virConnect: the module has no types of its own."""

_log = logging.getLogger("novacron.libvirt")
_KEEP_ALIVE_S = 5
_KEEP_ALIVE_MISSES = 3


class Channel:
    """A libvirt connection, through a tunnel of ours where the transport allows it.

    Without a tunnel (TLS, TCP, libvirt's own ssh) a stuck call cannot be ended: its thread stays until libvirt's
    keep-alive ends it, about 20 s later. Only the caller is let go at the deadline.
    """

    def __init__(self, subject: str) -> None:
        self._subject = subject
        self._tunnel: Tunnel | None = None
        self._connection: Connection = None
        self._closed = False
        self._on_closed: list[Callable[[], None]] = []
        self._closers: list[Callable[[Connection], None]] = []
        self._at_work: set[threading.Thread] = set()
        """Threads that may be inside libvirt with our connection."""

    @classmethod
    async def open(cls, subject: str, uri: str, open_far: OpenFar | None, *, deadline_s: float) -> "Channel":
        """Connect to `uri`; with `open_far` through a tunnel, as its `socket` parameter.

        Raises LinkError, also when the deadline passes.
        """
        channel = cls(subject)
        if open_far is not None:
            # A libvirtd that dies is noticed now, not at the next call.
            channel._tunnel = Tunnel(open_far, channel.abort)
            uri = f"{uri}?socket={await channel._tunnel.listen()}"
        load_libvirt()
        try:
            channel._connection = await channel._run("connecting", lambda: channel._open(uri), deadline_s=deadline_s)
            await channel.call("setting up", channel._set_up, deadline_s=deadline_s)
        except NovaCronError as error:
            refused_by = channel._tunnel.refused_by if channel._tunnel is not None else None
            channel.abort()
            if isinstance(refused_by, OSError):
                raise _not_let_in(subject, refused_by) from error
            if isinstance(error, LinkLost):
                detail = f"libvirt cannot be connected to: {error.__cause__ or error.detail}"
                raise LinkError(subject, detail, "is libvirtd running there?") from error
            if isinstance(error, LinkError):
                raise
            if is_not_allowed(error.__cause__):
                raise LinkError(
                    subject,
                    f"libvirt does not let us in: {error.detail}",
                    "add the user to the libvirt group there, or permit org.libvirt.unix.manage in its polkit",
                    status=LinkStatus.NO_PERMISSION,
                ) from error
            raise LinkError(subject, error.detail, error.remedy or "is libvirtd running there?") from error
        except BaseException:
            channel.abort()
            raise
        return channel

    @property
    def connection(self) -> Connection:
        """libvirt's own connection, for a call that takes two. Only for use in a thread of a call."""
        return self._connection

    @property
    def is_closed(self) -> bool:
        """Whether it can no longer be used."""
        return self._closed

    async def call(
        self,
        what: str,
        work: Callable[[Connection], T],
        *,
        deadline_s: float | None,
        effects: bool = False,
        beside: "Channel | None" = None,
    ) -> T:
        """Run `work(connection)` in a thread; without a deadline until it ends or the channel is aborted.

        `beside` is the channel of another connection that `work` uses as well.

        Raises DeadlineExceeded at the deadline, after which the channel is gone; OutcomeUnknown when it broke under
        a call with `effects`, LinkLost when it broke otherwise; what the hypervisor said as our own error.
        """
        if self._closed:
            raise LinkLost(self._subject, "the connection is closed", "it is made again by itself")
        connection = self._connection

        def work_and_look() -> T:
            try:
                return work(connection)
            except load_libvirt().libvirtError as error:
                note_link(error, connection)
                raise

        return await self._run(what, work_and_look, deadline_s=deadline_s, effects=effects, beside=beside)

    def on_closed(self, callback: Callable[[], None]) -> None:
        """Call back, on the event loop, when it closes."""
        self._on_closed.append(callback)

    def before_close(self, closer: Callable[[Connection], None]) -> None:
        """Run `closer(connection)`, in a thread, when it closes: to let go of callbacks."""
        self._closers.append(closer)

    def abort(self) -> None:
        """Break it at once: every call on it returns, with an error."""
        if self._closed:
            return
        self._closed = True
        if self._tunnel is not None:
            self._tunnel.abort()
        connection, self._connection = self._connection, None
        if connection is not None:
            target, at_work = self._let_go, tuple(self._at_work)
            threading.Thread(target=target, args=(connection, at_work), name="libvirt-close", daemon=True).start()
        for callback in self._on_closed:
            callback()

    async def close(self) -> None:
        """The same: politeness would mean waiting for the far side."""
        self.abort()

    async def _run(
        self,
        what: str,
        work: Callable[[], T],
        *,
        deadline_s: float | None,
        effects: bool = False,
        beside: "Channel | None" = None,
    ) -> T:
        libvirt, answer = load_libvirt(), self._begin(work, beside)
        try:
            async with asyncio.timeout(deadline_s):
                return await asyncio.shield(answer)
        except TimeoutError as error:
            _log.warning("deadline ended the connection", extra=self._fields(what, deadline_s=deadline_s))
            self.abort()
            raise DeadlineExceeded(
                self._subject, f"{what} was not answered within {deadline_s} s", "it is tried again by itself"
            ) from error
        except libvirt.libvirtError as error:
            raise self._translated(error, what, effects=effects) from error
        except (UnicodeDecodeError, SystemError) as error:
            # With an error handler of ours the binding raises the one as the cause of the other.
            cause = error.__cause__ if isinstance(error, SystemError) else error
            if not isinstance(cause, UnicodeDecodeError):
                self._log_unforeseen(what)
                raise
            raise unreadable(cause, self._subject) from error
        except NovaCronError:
            raise
        except Exception:
            self._log_unforeseen(what)
            raise
        finally:
            answer.add_done_callback(_forget)

    def _begin(self, work: Callable[[], T], beside: "Channel | None") -> "asyncio.Future[T]":
        """Run it in a thread; return its answer to come."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()
        name = f"libvirt-{self._subject}"
        thread = threading.Thread(target=_work, args=(loop, answer, work), name=name, daemon=True)
        thread.start()
        for channel in (self, beside):
            if channel is not None:
                channel._at_work = {one for one in channel._at_work if one.is_alive()} | {thread}
        return answer

    def _translated(self, error: Exception, what: str, *, effects: bool) -> NovaCronError:
        fault = translate(error, self._subject, what, effects=effects)
        # What is read is refused again with each reading; what was to change something is asked once.
        level = logging.INFO if effects or isinstance(fault, LinkError) else logging.DEBUG
        said = {"fault": type(fault).__name__, "detail": fault.detail}
        _log.log(level, "call failed", extra=self._fields(what, **said))
        return fault

    def _fields(self, what: str, **more: object) -> dict[str, object]:
        return {"host": self._subject, "call": what, **more}

    def _log_unforeseen(self, what: str) -> None:
        _log.exception("unforeseen error in a call", extra=self._fields(what))

    def _open(self, uri: str) -> Connection:
        connection = load_libvirt().open(uri)
        if self._closed:
            # Too late for anybody to take it. The loop must not be the one to free it: that may wait for the far side.
            connection.close()
        return connection

    def _set_up(self, connection: Connection) -> None:
        libvirt = load_libvirt()
        with suppress(libvirt.libvirtError):  # the test driver has none
            connection.setKeepAlive(_KEEP_ALIVE_S, _KEEP_ALIVE_MISSES)

    def _let_go(self, connection: Connection, at_work: Sequence[threading.Thread]) -> None:
        libvirt = load_libvirt()
        # Closing frees it, also under a call that is still inside: libvirt then works on memory that is not its own.
        for thread in at_work:
            thread.join()
        for closer in self._closers:
            with suppress(libvirt.libvirtError):
                closer(connection)
        with suppress(libvirt.libvirtError):
            connection.close()


def _not_let_in(subject: str, error: OSError) -> LinkError:
    """Say what opening libvirt's socket met: libvirt itself only knows that its line ended."""
    if isinstance(error, PermissionError):
        return LinkError(
            subject,
            "this user may not use libvirt's socket",
            "add the user to the libvirt group there: usermod -aG libvirt USER, then log in anew",
            status=LinkStatus.NO_PERMISSION,
        )
    return LinkError(
        subject,
        f"nobody answers on libvirt's socket: {error.strerror or error}",
        START_LIBVIRT,
        status=LinkStatus.NO_LIBVIRT,
    )


def _work(loop: asyncio.AbstractEventLoop, answer: "asyncio.Future[T]", work: Callable[[], T]) -> None:
    try:
        result = work()
    except BaseException as error:  # noqa: BLE001 - handed to the caller whole, never swallowed
        # The loop must not be the last to hold one of libvirt's objects: freeing it may ask the far side, over a
        # tunnel that the loop itself carries.
        del work
        traceback.clear_frames(error.__traceback__)
        _tell(loop, answer, error=error)
    else:
        _tell(loop, answer, result=result)


def _tell(
    loop: asyncio.AbstractEventLoop,
    answer: "asyncio.Future[Any]",
    *,
    result: object = None,
    error: BaseException | None = None,
) -> None:
    def settle() -> None:
        if answer.done():
            return
        if error is not None:
            answer.set_exception(error)
        else:
            answer.set_result(result)

    with suppress(RuntimeError):  # the loop has ended: nobody waits any more
        loop.call_soon_threadsafe(settle)


def _forget(answer: "asyncio.Future[Any]") -> None:
    """Take an answer that came after its deadline, so that nobody complains it was never taken."""
    if not answer.cancelled():
        answer.exception()
