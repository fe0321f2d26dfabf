"""MAC addresses of virtual network interfaces."""

from typing import Final

_QEMU: Final = "52:54:00"
"""The prefix that QEMU and libvirt give."""


def mac_address(tail: bytes) -> str:
    """Return the address with these last three bytes, which should be random.

    Raises:
        ValueError: there are more or fewer of them.
    """
    if len(tail) != 3:
        msg = f"a MAC address ends in three bytes, not {len(tail)}"
        raise ValueError(msg)
    return f"{_QEMU}:{tail.hex(':')}"
