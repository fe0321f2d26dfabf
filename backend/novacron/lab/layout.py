"""Where everything of a lab is and what it is called. Pure: paths, names and addresses."""

import os
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from novacron.lab.errors import LabError

DEFAULT_NAME = "lab"
MAX_HOSTS = 30
GATEWAY = "10.77.0.1"
SHARED = Path("/var/lib/libvirt/shared")
"""Where each host sees the storage that all share (and the pool `shared`)."""
LOCAL = Path("/var/lib/libvirt/images")
"""Where each host sees its own storage (and the pool `local`)."""
GUEST = Path("/var/lib/libvirt/guest")
"""Where each host sees the tiny guest's kernel and initrd."""

_SOCKET_PATH_LIMIT = 100
_NAMESPACE = uuid.UUID("6f1c2f5e-5d0b-4d0f-9f0a-3b1de2f1c077")


@dataclass(frozen=True, slots=True, kw_only=True)
class HostLayout:
    """One hypervisor of the lab."""

    lab: str
    index: int
    """From 1."""
    folder: Path
    """Its folder in the lab's state, seen from the machine."""
    sockets: Path

    @property
    def name(self) -> str:
        """Its hostname and its name for ssh."""
        return f"lab{self.index}"

    @property
    def address(self) -> str:
        """Its address in the lab's network."""
        return f"10.77.0.{10 + self.index}"

    @property
    def mac(self) -> str:
        """The hardware address of its card."""
        return f"02:6e:63:00:00:{self.index:02x}"

    @property
    def veth(self) -> str:
        """The outer end of its cable."""
        return f"veth-{self.name}"

    @property
    def uuid(self) -> str:
        """The hypervisor's identity: the same in each life of a lab, different in each lab."""
        return str(uuid.uuid5(_NAMESPACE, f"{self.lab}/{self.name}"))

    @property
    def disk(self) -> Path:
        """Its own disk, mounted in the outer namespace so that it outlives a crash of the host."""
        return self.folder / "disk"

    @property
    def relay_socket(self) -> Path:
        """The way in for ssh."""
        return self.sockets / f"{self.name}.sock"

    @property
    def rack(self) -> str:
        """A label to group by: two hosts a rack."""
        return "abcdefghijklmnop"[(self.index - 1) // 2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The files of one lab."""

    name: str
    state: Path
    cache: Path

    @property
    def record(self) -> Path:
        """What is known of the running lab."""
        return self.state / "state.json"

    @property
    def lock(self) -> Path:
        """Held while the lab is being built or taken down."""
        return self.state.with_name(self.state.name + ".lock")

    @property
    def sockets(self) -> Path:
        """The relay's sockets."""
        return self.state / "sock"

    @property
    def control_socket(self) -> Path:
        """Where the relay takes orders."""
        return self.sockets / "control"

    @property
    def keys(self) -> Path:
        """The operator's key, the hosts' keys."""
        return self.state / "keys"

    @property
    def operator_key(self) -> Path:
        """The private key that opens every host; the hosts use it among themselves as well."""
        return self.keys / "id_ed25519"

    @property
    def known_hosts(self) -> Path:
        """The hosts' keys, for ssh."""
        return self.state / "known_hosts"

    @property
    def ssh_config(self) -> Path:
        """Makes `ssh -F ssh_config lab1` work from the machine."""
        return self.state / "ssh_config"

    @property
    def fleet_toml(self) -> Path:
        """Makes the console work from the machine."""
        return self.state / "fleet.toml"

    @property
    def shared_store(self) -> Path:
        """What the shared storage is made of."""
        return self.state / "shared-store"

    @property
    def shared(self) -> Path:
        """The shared file system, in the outer namespace only."""
        return self.state / "shared"

    @property
    def capabilities(self) -> Path:
        """libvirt's findings about the machine's QEMU, kept from one lab to the next."""
        return self.cache / "capabilities"

    @property
    def log(self) -> Path:
        """What the lab's own processes have to say."""
        return self.state / "lab.log"

    def host(self, index: int) -> HostLayout:
        """Return the `index`-th host, from 1."""
        name = f"lab{index}"
        return HostLayout(
            lab=str(self.state),
            index=index,
            folder=self.state / "hosts" / name,
            sockets=self.sockets,
        )


def find_layout(name: str | None = None, env: Mapping[str, str] = os.environ) -> Layout:
    """Return the layout of the lab called `name`, by default NOVACRON_LAB's or "lab".

    Raises: LabError when the name cannot be a folder's, or the folder's path is too long for a unix socket.
    """
    name = name or env.get("NOVACRON_LAB") or DEFAULT_NAME
    if not name.replace("-", "").replace("_", "").isalnum() or not name.isascii():
        raise LabError(f"lab {name!r}", "a lab's name is letters, digits, - and _")
    home = Path(env.get("HOME", "/root"))
    state_home = Path(env.get("XDG_STATE_HOME") or home / ".local/state")
    cache_home = Path(env.get("XDG_CACHE_HOME") or home / ".cache")
    state = Path(env.get("NOVACRON_LAB_DIR") or state_home / "novacron/lab") / name
    layout = Layout(name=name, state=state.absolute(), cache=cache_home / "novacron/guest")
    _check_paths(layout)
    return layout


def _check_paths(layout: Layout) -> None:
    if not re.fullmatch(r"[\w/.+@-]+", str(layout.state), re.ASCII):
        detail = f"{layout.state} has characters that ssh and socat would take apart"
        raise LabError(f"lab {layout.name}", detail, "set NOVACRON_LAB_DIR to a plainer folder")
    longest = layout.host(MAX_HOSTS).relay_socket
    remedy = "set NOVACRON_LAB_DIR to a shorter folder"
    if len(os.fsencode(longest)) >= _SOCKET_PATH_LIMIT:
        raise LabError(f"lab {layout.name}", f"{longest} is too long for a unix socket", remedy)
    for hidden in ("/run", "/dev"):
        if layout.state.is_relative_to(hidden):
            detail = f"{layout.state} is under {hidden}, which the lab hides from its hosts"
            raise LabError(f"lab {layout.name}", detail, "set NOVACRON_LAB_DIR to another folder")
