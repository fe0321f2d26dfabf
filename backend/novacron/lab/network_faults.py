"""Faults of the network: cables, packets, and the operator's way in."""

from collections.abc import Callable

from novacron.lab.errors import LabError
from novacron.lab.lab import Lab
from novacron.lab.layout import HostLayout
from novacron.lab.premises import ask_relay

Act = Callable[[Lab, HostLayout, str], None]
"""Makes or mends a fault on a host; the text is the fault's argument."""


def unplug(lab: Lab, host: HostLayout, _: str) -> None:
    """Take the cable out."""
    lab.outer.run(["ip", "link", "set", host.veth, "down"])


def plug(lab: Lab, host: HostLayout, _: str) -> None:
    """Put the cable in."""
    lab.outer.run(["ip", "link", "set", host.veth, "up"])


def slow(lab: Lab, host: HostLayout, rate_kbit: str) -> None:
    """Limit the cable, both ways."""
    number = whole_number("slow", rate_kbit, low=8, high=10_000_000)
    limit = ["tbf", "rate", f"{number}kbit", "burst", "32kbit", "latency", "400ms"]
    lab.outer.run(["tc", "qdisc", "replace", "dev", host.veth, "root", *limit])
    lab.run(host, ["tc", "qdisc", "replace", "dev", "eth0", "root", *limit])


def unslow(lab: Lab, host: HostLayout, _: str) -> None:
    """Lift the limit."""
    # A host that was started anew has lost its limit; that is no failure.
    lab.outer.run(["tc", "qdisc", "del", "dev", host.veth, "root"], check=False)
    lab.attempt(host, ["tc", "qdisc", "del", "dev", "eth0", "root"])


def _filter(lab: Lab, host: HostLayout, table: str, incoming: str, outgoing: str) -> None:
    """Drop what matches, in both directions, but not the host's talk with itself."""
    chains = "".join(
        f"add chain inet {table} {hook} {{ type filter hook {hook} priority -10; }}\n"
        f"add rule inet {table} {hook} {own} lo accept\n"
        f"add rule inet {table} {hook} {match} drop\n"
        for hook, own, match in (("input", "iif", incoming), ("output", "oif", outgoing))
    )
    lab.run(host, ["nft", "-f", "-"], stdin=f"add table inet {table}\n{chains}")


def _unfilter(lab: Lab, host: HostLayout, table: str) -> None:
    lab.attempt(host, ["nft", "delete", "table", "inet", table])


def lose(lab: Lab, host: HostLayout, percent: str) -> None:
    """Lose packets."""
    number = whole_number("loss", percent, low=1, high=100)
    _unfilter(lab, host, "novacron_loss")
    match = f"numgen random mod 100 < {number}" if number < 100 else ""
    _filter(lab, host, "novacron_loss", match, match)


def unlose(lab: Lab, host: HostLayout, _: str) -> None:
    """Lose no more packets."""
    _unfilter(lab, host, "novacron_loss")


def half_open(lab: Lab, host: HostLayout, _: str) -> None:
    """Swallow everything, refuse nothing."""
    ask_relay(lab.layout, {"host": host.name, "set": {"half_open": True}})
    _filter(lab, host, "novacron_half_open", "", "")


def unhalf_open(lab: Lab, host: HostLayout, _: str) -> None:
    """Let traffic through; connections whose bytes are gone are broken."""
    _unfilter(lab, host, "novacron_half_open")
    ask_relay(lab.layout, {"host": host.name, "set": {"half_open": False}})


def relay(setting: str, high: int) -> tuple[Act, Act]:
    """Return how to set and to reset one of the relay's numbers."""

    def make(lab: Lab, host: HostLayout, argument: str) -> None:
        number = whole_number(setting, argument, low=1, high=high)
        ask_relay(lab.layout, {"host": host.name, "set": {setting: number}})

    def mend(lab: Lab, host: HostLayout, _: str) -> None:
        ask_relay(lab.layout, {"host": host.name, "set": {setting: 0}})

    return make, mend


def shut_out(lab: Lab, host: HostLayout, _: str) -> None:
    """Drop what the host and the other hosts say to each other; the operator's way in stays open."""
    others = ", ".join(other.address for other in lab.hosts if other != host)
    if not others:
        raise LabError(host.name, "the lab has no other host")
    _unfilter(lab, host, "novacron_no_peers")
    _filter(lab, host, "novacron_no_peers", f"ip saddr {{ {others} }}", f"ip daddr {{ {others} }}")


def let_meet(lab: Lab, host: HostLayout, _: str) -> None:
    """Let the host and the others meet again."""
    _unfilter(lab, host, "novacron_no_peers")


def whole_number(kind: str, text: str, *, low: int, high: int) -> int:
    """Return the argument of a fault as a number.

    Raises: LabError when it is none, or out of bounds.
    """
    if not text.isascii() or not text.isdigit() or not low <= int(text) <= high:
        raise LabError(kind, f"{text!r} is not a whole number from {low} to {high}")
    return int(text)


delay, undelay = relay("delay_ms", 60_000)
drop, undrop = relay("drop_after_bytes", 10**12)
