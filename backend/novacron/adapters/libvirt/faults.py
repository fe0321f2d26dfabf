"""libvirt's errors in our words. The hypervisor's own text is kept: it is foreign, and painted as SafeText."""

from contextlib import suppress
from typing import Any

from novacron.adapters.libvirt.binding import load_libvirt
from novacron.adapters.libvirt.foreign_text import spelled_out
from novacron.model.errors import Busy, Conflict, LinkLost, NotFound, NovaCronError, OperationError, OutcomeUnknown

START_LIBVIRT = "start it: systemctl start libvirtd, or virtqemud.socket where libvirt is modular"

_LINK_HOLDS = "novacron_link_holds"
_NOT_FOUND = ("VIR_ERR_NO_DOMAIN", "VIR_ERR_NO_STORAGE_POOL", "VIR_ERR_NO_STORAGE_VOL", "VIR_ERR_NO_NETWORK")
_CONFLICT = (
    "VIR_ERR_DOM_EXIST",
    "VIR_ERR_STORAGE_VOL_EXIST",
    "VIR_ERR_RESOURCE_BUSY",
)
_NOT_ALLOWED = ("VIR_ERR_AUTH_FAILED", "VIR_ERR_AUTH_CANCELLED", "VIR_ERR_AUTH_UNAVAILABLE", "VIR_ERR_ACCESS_DENIED")
_LINK = ("VIR_ERR_NO_CONNECT", "VIR_ERR_INVALID_CONN")
_UNREACHED = "Failed to connect socket"
"""Of a daemon beside the one that we talk to: nothing was sent to it."""
_REMEDIES = (
    (_UNREACHED, "start the daemon of this socket there, with systemctl"),
    ('Failed to get "write" lock', "another process has this disk open: find and stop it first"),
    ("Failed to get shared", "another process has this disk open: find and stop it first"),
    (
        "No more available PCI slots",
        "detach another device, or attach it from its next start on",
    ),
    ("Cannot allocate memory", "free some memory on the host, or choose another"),
    ("No space left", "free some room in the pool"),
    ("Unsafe migration", "put the disks on shared storage, or copy them along"),
    ("Unable to resolve address", "correct peer_uri or migration_address in fleet.toml"),
    ("Host key verification failed", "let the source's root user trust the destination's host key"),
    ("Permission denied", "check the rights of the user we log in as"),
    ("acquire state change lock", "another job holds the VM: wait for it, or abort it"),
    ("Timed out during operation", "another job holds the VM: wait for it, or abort it"),
)


def note_link(error: Any, connection: Any) -> None:  # noqa: ANN401 - libvirtError, libvirt.virConnect
    """Note with an error whether the connection still holds. Runs in the thread of the call."""
    with suppress(load_libvirt().libvirtError):
        setattr(error, _LINK_HOLDS, bool(connection.isAlive()))


def translate(error: Any, subject: str, what: str, *, effects: bool) -> NovaCronError:  # noqa: ANN401 - libvirtError
    """Return our error for a libvirtError raised while doing `what` on `subject`.

    With `effects`, a connection that broke meanwhile leaves the outcome unknown.
    """
    libvirt = load_libvirt()
    code, text = error.get_error_code(), error.get_error_message() or str(error)
    if is_broken_link(error) and getattr(error, _LINK_HOLDS, False):
        # Ours holds: virtqemud tells so of its own connection to virtstoraged, virtnetworkd or another.
        if effects and _UNREACHED not in text and code != libvirt.VIR_ERR_NO_CONNECT:
            return OutcomeUnknown(subject, f"a daemon there lost another while {what}: {text}", "it is looked at again")
    elif is_broken_link(error):
        if effects:
            return OutcomeUnknown(subject, f"the connection broke while {what}: {text}", "it is looked at again")
        return LinkLost(subject, f"the connection broke while {what}: {text}", "it is made again by itself")
    if code in {getattr(libvirt, name) for name in _NOT_FOUND}:
        return NotFound(subject, text, "look again: it was removed, or has moved")
    kind: type[OperationError] = OperationError
    if code in {getattr(libvirt, name) for name in _CONFLICT}:
        kind = Conflict
    elif code == libvirt.VIR_ERR_OPERATION_TIMEOUT:
        # Another job held the VM for the 30 s that libvirt waits for it. Source: virDomainObjBeginJobInternal.
        kind = Busy
    return kind(subject, text, next((remedy for sign, remedy in _REMEDIES if sign in text), ""))


def unreadable(error: UnicodeDecodeError, subject: str) -> NovaCronError:
    """Return our error for an answer that is not UTF-8.

    It is libvirt saying no: the binding fails to make a libvirtError of a text that quotes such a file name. Names and
    definitions, where such bytes are no error, are read by `foreign_text.text_of`.
    """
    return OperationError(subject, spelled_out(error))


def is_not_allowed(error: object) -> bool:
    """Return whether libvirt is there, but will not have us: its socket may be open to all, and polkit decide later."""
    libvirt = load_libvirt()
    if not isinstance(error, libvirt.libvirtError):
        return False
    return error.get_error_code() in {getattr(libvirt, name) for name in _NOT_ALLOWED}


def is_broken_link(error: Any) -> bool:  # noqa: ANN401 - libvirtError
    """Return whether the call failed because the connection did, not because the hypervisor said no."""
    libvirt = load_libvirt()
    code, domain = error.get_error_code(), error.get_error_domain()
    if code in {getattr(libvirt, name) for name in _LINK}:
        return True
    return domain == libvirt.VIR_FROM_RPC and code in (libvirt.VIR_ERR_SYSTEM_ERROR, libvirt.VIR_ERR_INTERNAL_ERROR)
