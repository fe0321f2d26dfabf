"""How a lab is: hosts, daemons, faults, VMs; as a value, as text and as JSON."""

import json
import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field

from novacron.lab.errors import LabError
from novacron.lab.faults import active_faults
from novacron.lab.host import LIBVIRTD_PID, SSHD_PID
from novacron.lab.lab import Lab
from novacron.lab.layout import HostLayout
from novacron.model.safetext import SafeText

_TIMEOUT_S = 5.0

# One visit for all: the state letter of each daemon ("-" for a dead one), how full the disk is, the VMs.
_LOOK = f"""
for file in {SSHD_PID} {LIBVIRTD_PID}; do
    state=$(sed 's/.*) //' "/proc/$(cat $file 2>/dev/null)/stat" 2>/dev/null | cut -c1)
    echo "${{state:--}}"
done
df --output=pcent /var/log/libvirt | tail -n 1
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostStatus:
    """How one host is."""

    name: str
    address: str
    up: bool
    sshd: str = "dead"
    """running, frozen or dead."""
    libvirtd: str = "dead"
    disk: str = ""
    """How full its own disk is, in percent."""
    vms: Mapping[str, str] = field(default_factory=dict)
    """VM -> state, as virsh on the host says; empty when libvirtd does not answer."""
    faults: Mapping[str, str] = field(default_factory=dict)
    """Fault -> argument."""


def read_status(lab: Lab) -> list[HostStatus]:
    """Look at every host, from inside: a network fault hides nothing."""
    faults = active_faults(lab)
    with ThreadPoolExecutor(len(lab.hosts)) as pool:
        return list(pool.map(lambda host: _look(lab, host, faults.get(host.name, {})), lab.hosts))


def render_text(lab: Lab, hosts: Sequence[HostStatus]) -> str:
    """Return the status for a person."""
    accelerator = "KVM" if lab.domain_type == "kvm" else "TCG"
    lines = [f"lab {lab.layout.name}: {len(hosts)} hosts, {accelerator}, {lab.layout.state}"]
    for host in hosts:
        if not host.up:
            lines.append(f"{host.name}  {host.address}  DOWN")
        else:
            daemons = f"sshd {host.sshd}, libvirtd {host.libvirtd}, disk {host.disk}"
            lines.append(f"{host.name}  {host.address}  {daemons}")
        if host.faults:
            suffered = ", ".join(f"{kind} {value}".strip() for kind, value in host.faults.items())
            lines.append(f"      FAULT {suffered}")
        lines.extend(f"      {vm}: {state}" for vm, state in host.vms.items())
    return "\n".join(lines)


def render_json(lab: Lab, hosts: Sequence[HostStatus]) -> str:
    """Return the status for a program."""
    about = {
        "name": lab.layout.name,
        "state": str(lab.layout.state),
        "fleet_toml": str(lab.fleet_toml),
        "ssh_config": str(lab.ssh_config),
        "domain_type": lab.domain_type,
    }
    return json.dumps({**about, "hosts": [asdict(host) for host in hosts]}, indent=2)


def _look(lab: Lab, host: HostLayout, faults: Mapping[str, str]) -> HostStatus:
    nothing = HostStatus(name=host.name, address=host.address, up=lab.is_up(host), faults=faults)
    if not nothing.up:
        return nothing
    try:
        sshd, libvirtd, disk = lab.run(host, ["sh", "-c", _LOOK], timeout_s=_TIMEOUT_S).split()
    except (LabError, ValueError):
        return nothing
    return HostStatus(
        name=host.name,
        address=host.address,
        up=True,
        sshd=_word(sshd),
        libvirtd=_word(libvirtd),
        disk=disk,
        vms=_vms(lab, host) if _word(libvirtd) == "running" else {},
        faults=faults,
    )


def _word(letter: str) -> str:
    return {"-": "dead", "Z": "dead", "X": "dead", "T": "frozen", "t": "frozen"}.get(letter, "running")


def _vms(lab: Lab, host: HostLayout) -> dict[str, str]:
    try:
        listed = lab.run(host, ["virsh", "-q", "list", "--all"], timeout_s=_TIMEOUT_S)
    except LabError:
        return {}
    # Names hold blanks and so do states ("shut off"); columns are at least two blanks apart.
    rows = [re.split(r"\s{2,}", line.strip()) for line in listed.splitlines() if line.strip()]
    return {SafeText.clip(row[1], 60): SafeText(row[-1]) for row in rows if len(row) >= 3}
