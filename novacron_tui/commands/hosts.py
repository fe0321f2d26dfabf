"""Reconnect a host; see its VMs."""

from typing import Final

from novacron.model.fleet import Host
from novacron_tui.commands.command import Act, Command, Context, Kind


def refuse_silent(host: Host) -> str | None:
    """Return why nothing can be asked of a host, or None when it answers."""
    return None if host.is_current else f"{host.id} is {host.link.status}: nothing can be asked of it"


def _refuse_reconnect(host: Host, _context: Context) -> str | None:
    return f"{host.id} answers already" if host.link.is_up else None


HOSTS: Final = (
    Command(
        id="host.reconnect",
        title="Try to reach it again now",
        kind=Kind.HOST,
        refuse=_refuse_reconnect,
        act=Act.RECONNECT,
    ),
    Command(id="host.vms", title="Show its VMs", kind=Kind.HOST, many=False, act=Act.SHOW_VMS),
)
