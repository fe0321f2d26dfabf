"""Asks the backend to try hosts again now."""

from collections.abc import Sequence

from novacron.model.errors import NovaCronError
from novacron.model.fleet import Host
from novacron_tui.desk import Desk
from novacron_tui.present.cells import Role, span


async def reconnect(desk: Desk, hosts: Sequence[Host]) -> None:
    """Ask for each host, and say which are being tried."""
    tried = []
    for host in hosts:
        try:
            await desk.backend.reconnect(desk.caller, host.id)
            tried.append(host.id)
        except NovaCronError as error:
            desk.tell(f"{host.id}: {error}")
    if tried:
        desk.say(span(f"trying {', '.join(tried)} again", Role.TEXT))
