"""The libvirt library: loaded when first needed, silenced, and given its one event loop thread."""

import threading
from functools import cache
from types import ModuleType

from novacron.model.errors import LinkError
from novacron.model.link import LinkStatus


@cache
def load_libvirt() -> ModuleType:
    """Return the libvirt module with its event loop running.

    Raises LinkError (NO_BINDING) when the library is not on this machine.
    """
    try:
        import libvirt
    except ImportError as error:
        raise LinkError(
            "libvirt",
            f"the Python binding is not on this machine ({error})",
            "apt-get install python3-libvirt, or pip install 'novacron[libvirt]'",
            status=LinkStatus.NO_BINDING,
        ) from error
    # Without this, libvirt writes every error on stderr: into the middle of somebody's screen.
    libvirt.registerErrorHandler(lambda *_: None, None)
    libvirt.virEventRegisterDefaultImpl()
    threading.Thread(target=_run_events, args=(libvirt,), name="libvirt-events", daemon=True).start()
    module: ModuleType = libvirt
    return module


def _run_events(libvirt: ModuleType) -> None:
    """Deliver events for ever. A loop that is registered but never run ends long calls by keep-alive."""
    while True:
        libvirt.virEventRunDefaultImpl()
