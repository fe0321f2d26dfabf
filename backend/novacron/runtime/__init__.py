"""The composition root: options become a fleet, its adapters, an engine and a socket.

For the command line:

    ensure_backend(options) -> Path         socket of the fleet's backend, starting one, detached, when there is none
    socket_of(options) -> Path              where it listens, whether or not there is one
    is_answering(socket) -> bool            whether somebody accepts connections there
    stop_backend(options) -> int | None     end it and wait until it has ended; its process id, None when there is none
    fleet_of(options) -> FleetChoice        the hosts the options mean, read afresh
    theme_of(options) -> str | None         the theme that fleet.toml names; cheap, and never fails
    require_extra(extra, what) -> None      complain, with the line that installs it, of an extra that is not installed
    run_daemon(options) -> None             be the backend, until SIGTERM or SIGINT

All take config.options.FleetOptions and raise NovaCronError. Importing this loads no engine, adapter or server.
"""

from novacron.runtime.attaching import ensure_backend, is_answering, socket_of, stop_backend
from novacron.runtime.daemon import run_daemon
from novacron.runtime.extras import require_extra
from novacron.runtime.fleet_choice import FleetChoice, fleet_of, theme_of

__all__ = [
    "FleetChoice",
    "ensure_backend",
    "fleet_of",
    "is_answering",
    "require_extra",
    "run_daemon",
    "socket_of",
    "stop_backend",
    "theme_of",
]
