"""Whether another call is using libvirt's control interface to a VM's QEMU: one more would wait until that has ended.

libvirt lets one call at a time talk to a QEMU. One that waits there for the network or for storage holds up the next
for 30 s, and at its deadline that next one would take our whole connection to the host with it.
"""

import time
from typing import Any

from novacron.adapters.libvirt.binding import load_libvirt

_BUSY_AFTER_S = 1.0
"""Most calls use it for milliseconds: those are waited for."""
_POLL_S = 0.02


def busy_for_s(domain: Any) -> float | None:  # noqa: ANN401 - libvirt.virDomain
    """Return for how long another call has used it; None when QEMU may be asked.

    Runs in a thread, for a second at most.

    Source: virDomainGetControlInfo, which asks nobody.
    """
    libvirt = load_libvirt()
    until = time.monotonic() + _BUSY_AFTER_S
    while time.monotonic() < until:
        try:
            state, _, since_ms = domain.controlInfo(0)
        except libvirt.libvirtError:
            return None  # not every driver tells, and a VM that is off has none: the call that follows says why
        if state not in (libvirt.VIR_DOMAIN_CONTROL_JOB, libvirt.VIR_DOMAIN_CONTROL_OCCUPIED):
            return None
        busy_s = float(since_ms) / 1000
        if busy_s >= _BUSY_AFTER_S:
            return busy_s
        time.sleep(_POLL_S)
    return None  # one short call after another: ours gets its turn
