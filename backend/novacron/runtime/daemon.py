"""Being the backend: in the foreground for systemd, or detached, started by a console."""

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from novacron.config.options import FleetOptions
from novacron.config.paths import Paths, make_private, paths_of
from novacron.model.errors import ExitCode, NovaCronError
from novacron.model.safetext import SafeText
from novacron.runtime.attaching import serving_at
from novacron.runtime.fleet_choice import fleet_of
from novacron.runtime.lock import held
from novacron.runtime.memory import collect_rarely, give_back, use_few_heaps
from novacron.runtime.readiness import Teller

if TYPE_CHECKING:
    from novacron.api.server import ApiServer
    from novacron.engine.clock import SystemClock
    from novacron.engine.service import BackendService

_LOG_LOOK_S = 10.0
"""How often the size of the log is looked at, besides at every line that is logged."""
_GIVE_BACK_S = 60.0
"""How often free memory goes back to the system."""
_PARTING_S = 10.0
"""How long ending may take. After it the process ends as if killed, which the journal survives."""


def run_daemon(options: FleetOptions) -> None:
    """Run the fleet's backend until SIGTERM or SIGINT.

    Raises:
        BackendError: another one runs already, or the socket cannot be made.
        ConfigError: the fleet file, or a folder of ours, is wrong.
        JournalError: the journal cannot be used.
    """
    teller = Teller()
    if teller.is_detached:
        _leave_parent()
    os.umask(0o077)
    _allow_many_files()
    use_few_heaps()
    try:
        _run(options, teller)
    except NovaCronError as error:
        teller.failed(error)
        raise


def _allow_many_files() -> None:
    """Take as many descriptors as we may have: a host costs about seven, and the usual limit is 1,024."""
    import resource

    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _leave_parent() -> None:
    """Become nobody's child, before there is any thread or loop: our starter goes on at once."""
    if os.fork():
        os._exit(ExitCode.OK)


def _run(options: FleetOptions, teller: Teller) -> None:
    import asyncio
    import signal

    from novacron.runtime.logs import log_to

    # The terminal it was started from may go at any time.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    paths = paths_of(options.instance)
    make_private(paths.socket.parent)
    make_private(paths.lock.parent)
    with held(paths.lock, paths.socket, lambda: serving_at(paths) is not None):
        log = log_to(paths.log)
        asyncio.run(_serve(options, paths, teller, log.bound))


async def _serve(options: FleetOptions, paths: Paths, teller: Teller, bound_log: Callable[[], None]) -> None:
    import structlog

    from novacron import __version__
    from novacron.api.server import ApiServer
    from novacron.engine.clock import SystemClock
    from novacron.runtime.fleet_follower import FleetFollower

    log = structlog.get_logger("novacron.backend")
    clock = SystemClock()
    service = _service(options, paths, clock)
    server = ApiServer(service, paths.socket, lambda: make_private(paths.socket.parent), service.keep)
    _stop_on_signals(server, service)
    await service.start()
    collect_rarely()
    service.keep("following the fleet file", FleetFollower(options, service, clock).run)
    service.keep("bounding the log", lambda: _every(_LOG_LOOK_S, bound_log))
    service.keep("giving memory back", lambda: _every(_GIVE_BACK_S, give_back))
    try:
        log.info("started", version=__version__, pid=os.getpid(), instance=options.instance)
        await server.serve(teller.ready)
    finally:
        log.info("ending")
        _end_in_any_case()
        await service.stop()


async def _every(seconds: float, act: Callable[[], None]) -> None:
    import asyncio

    while True:
        await asyncio.sleep(seconds)
        # In a thread: either may take some milliseconds.
        with suppress(OSError):  # the log's folder is gone, or cannot be written: what is logged later says so
            await asyncio.to_thread(act)


def _service(options: FleetOptions, paths: Paths, clock: "SystemClock") -> "BackendService":
    from novacron.adapters.files.reading_archive import FileReadingArchive
    from novacron.adapters.sql.journal import SqlJournal
    from novacron.engine.failpoints import VARIABLE, failpoint_of
    from novacron.engine.service import BackendService
    from novacron.engine.settings import EngineSettings
    from novacron.runtime.backend_name import backend_name
    from novacron.runtime.gateways import hosts_and_gateway

    choice = fleet_of(options)
    hosts, gateway = hosts_and_gateway(options, choice.hosts, clock)
    journal = SqlJournal(choice.journal_url or paths.journal)
    return BackendService(
        hosts,
        gateway,
        journal,
        clock,
        fleet_source=choice.source,
        settings=EngineSettings(
            thresholds=choice.thresholds,
            journal_keep_days=choice.journal_keep_days,
            failpoint=failpoint_of(os.environ.get(VARIABLE, "")),
        ),
        journal_path=journal.name,
        archive=FileReadingArchive(paths.journal.parent / "readings"),
        holder=backend_name(paths.journal.parent),
    )


def _stop_on_signals(server: "ApiServer", service: "BackendService") -> None:
    """Drain and stop on the first signal; the second one ends the process at once."""
    import asyncio
    import signal

    loop = asyncio.get_running_loop()
    draining: list[asyncio.Future[None]] = []

    def stop(sign: signal.Signals) -> None:
        draining.append(asyncio.ensure_future(_drain(server, service)))
        loop.remove_signal_handler(sign)

    for sign in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(sign, stop, sign)


async def _drain(server: "ApiServer", service: "BackendService") -> None:
    """Serve on until what only this process carries has ended, and say what the next one takes up."""
    import structlog

    log = structlog.get_logger("novacron.backend")
    try:
        for left in await service.drain():
            log.warning("left unfinished: the next start takes it up", operation=left.id, title=left.title)
            with suppress(OSError):
                sys.stderr.write(f"novacron: left unfinished, the next start takes it up: {SafeText(left.title)}\n")
    finally:
        server.stop()


def _end_in_any_case() -> None:
    """Bound what comes: a thread in a call to a hanging host would keep the interpreter waiting for it."""
    import threading

    last_word = threading.Timer(_PARTING_S, os._exit, (ExitCode.FAILED,))
    last_word.daemon = True
    last_word.start()
