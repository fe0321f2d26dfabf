"""The composition root: options become a fleet, its adapters, an engine and a socket.

What a client needs (finding or starting a backend) is light; what a backend needs is imported inside `run_daemon`.
"""

import asyncio
import fcntl
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from novacron.config.options import FleetOptions
from novacron.config.paths import Paths, config_file, make_private, paths_of
from novacron.model.errors import BackendError
from novacron.model.host import HostSpec
from novacron.ports.clock import Clock
from novacron.ports.hypervisor import HypervisorGateway

_START_S = 20.0
"""How long a fresh backend may take until its socket answers; it takes about a second."""
_LOG_TAIL = 5


def ensure_backend(options: FleetOptions) -> Path:
    """Return the socket of the fleet's backend, starting one, detached, when there is none.

    Raises BackendError with the last lines of its log when it does not come up.
    """
    paths = paths_of(options.instance)
    if is_answering(paths.socket):
        return paths.socket
    fleet_of(options)  # a broken fleet file is told here, on the terminal, not in a log
    make_private(paths.socket.parent)
    make_private(paths.log.parent)
    with paths.log.open("ab") as log:
        backend = subprocess.Popen(
            [sys.executable, "-m", "novacron.cli.main", *options.arguments(), "daemon", "--detached"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            cwd="/",
        )
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline:
        if is_answering(paths.socket):
            return paths.socket
        if backend.poll() not in (None, 0) and not is_answering(paths.socket):
            raise BackendError("backend", f"did not start: {_tail(paths.log)}", f"its log is {paths.log}")
        time.sleep(0.02)
    raise BackendError("backend", f"did not answer within {_START_S:.0f} s", f"its log is {paths.log}")


def socket_of(options: FleetOptions) -> Path:
    """Return where the fleet's backend listens, whether or not there is one."""
    return paths_of(options.instance).socket


def is_answering(path: Path) -> bool:
    """Return whether somebody accepts connections on this socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True


def stop_backend(options: FleetOptions) -> int | None:
    """Ask the fleet's backend to end; returns its process id, or None when there is none."""
    pid = _holder(paths_of(options.instance).lock)
    if pid is not None:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    return pid


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetChoice:
    """Which hosts to watch, and where that was said."""

    source: str
    hosts: tuple[HostSpec, ...]
    theme: str | None = None


def fleet_of(options: FleetOptions) -> FleetChoice:
    """Return the hosts the options mean. Raises ConfigError."""
    if options.simulated:
        return FleetChoice(source=f"simulated: {options.simulated_hosts} hosts, {options.simulated_vms} VMs", hosts=())
    if options.connect:
        from novacron.config.addresses import specs_of

        return FleetChoice(source=" ".join(options.connect), hosts=specs_of(options.connect))
    from novacron.config.fleet_file import load

    fleet = load(options.fleet or config_file())
    return FleetChoice(source=fleet.source, hosts=fleet.hosts, theme=fleet.theme)


def run_daemon(options: FleetOptions) -> None:
    """Run the fleet's backend until SIGTERM or SIGINT. Raises BackendError when another one runs already."""
    paths = paths_of(options.instance)
    make_private(paths.socket.parent)
    make_private(paths.lock.parent)
    lock = _take_lock(paths.lock)
    try:
        _log_to(paths.log)
        asyncio.run(_serve(options, paths))
    finally:
        os.close(lock)


async def _serve(options: FleetOptions, paths: Paths) -> None:
    from novacron.adapters.sql.journal import SqlJournal
    from novacron.api.server import ApiServer
    from novacron.engine.clock import SystemClock
    from novacron.engine.service import ConsoleService
    from novacron.engine.settings import EngineSettings

    clock = SystemClock()
    choice = fleet_of(options)
    hosts, gateway = _hosts_and_gateway(options, choice.hosts, clock)
    service = ConsoleService(
        hosts,
        gateway,
        SqlJournal(paths.journal),
        clock,
        fleet_source=choice.source,
        settings=EngineSettings(),
        journal_path=str(paths.journal),
    )
    server = ApiServer(service, paths.socket)
    loop = asyncio.get_running_loop()
    for sign in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(sign, server.stop)
    with suppress(ValueError):
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
    await service.start()
    try:
        await server.serve()
    finally:
        await service.stop()


def _hosts_and_gateway(
    options: FleetOptions, hosts: Sequence[HostSpec], clock: Clock
) -> tuple[Sequence[HostSpec], HypervisorGateway]:
    if options.simulated:
        from novacron.adapters.simulated.gateway import SimulatedGateway
        from novacron.adapters.simulated.world import World

        world = World.of_fleet(hosts=options.simulated_hosts, vms=options.simulated_vms, seed=1, clock=clock)
        return world.specs, SimulatedGateway(world)
    from novacron.adapters.libvirt.gateway import LibvirtGateway

    return hosts, LibvirtGateway(clock)


def _log_to(path: Path) -> None:
    """Log to the file, never to the terminal: a console may be drawn there."""
    import logging

    import structlog

    logging.basicConfig(
        handlers=[logging.FileHandler(path)],
        level=logging.WARNING,
        format="%(asctime)s %(levelname)s %(name)s %(message)s",
        force=True,
    )
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(path.open("a", encoding="utf-8")))


def _take_lock(path: Path) -> int:
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        holder = os.read(handle, 20).decode(errors="replace").strip()
        os.close(handle)
        raise BackendError(
            "backend", f"one of this fleet runs already (process {holder})", "novacron attaches to it"
        ) from None
    os.ftruncate(handle, 0)
    os.write(handle, f"{os.getpid()}\n".encode())
    return handle


def _holder(path: Path) -> int | None:
    """Return the process that holds the lock, or None."""
    try:
        with path.open() as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except OSError:
                return int(handle.read().strip() or 0) or None
    except (FileNotFoundError, ValueError):
        pass
    return None


def _tail(path: Path) -> str:
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return "it left no log"
    return " | ".join(lines[-_LOG_TAIL:]) or "it left no word in its log"
