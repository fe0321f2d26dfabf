"""A running lab: its hosts, and how to do something on one of them."""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from novacron.lab.errors import LabError
from novacron.lab.host import HostPlan, virsh
from novacron.lab.layout import HostLayout, Layout, find_layout
from novacron.lab.namespaces import Namespace, inner_environment
from novacron.lab.processes import is_alive
from novacron.lab.record import Record, read_record, write_record


def outer_mark(layout: Layout) -> str:
    """Return the mark of the lab's outer namespace."""
    return str(layout.state)


class Lab:
    """A lab that runs. It holds no process and no file of its own: make as many as you like."""

    def __init__(self, *, layout: Layout, record: Record) -> None:
        self.layout = layout
        self._record = record

    @classmethod
    def load(cls, name: str | None = None) -> "Lab":
        """Return the running lab called `name` (NOVACRON_LAB, "lab").

        Raises: LabError when it does not run.
        """
        layout = find_layout(name)
        found = cls.find(layout)
        if found is None:
            name_option = "" if name is None else f" --name {layout.name}"
            raise LabError(f"lab {layout.name}", "it is not up", f"novacron lab up{name_option}")
        return found

    @classmethod
    def find(cls, layout: Layout) -> "Lab | None":
        """Return the lab when it is up to the end and still lives."""
        record = read_record(layout)
        if record is None or not record.ready or record.outer is None:
            return None
        return cls(layout=layout, record=record) if is_alive(record.outer) else None

    @property
    def record(self) -> Record:
        """What is written down of it."""
        return self._record

    @property
    def hosts(self) -> tuple[HostLayout, ...]:
        """Its hosts, up or not."""
        return tuple(self.layout.host(i) for i in range(1, len(self._record.hosts) + 1))

    @property
    def domain_type(self) -> str:
        """kvm where a trial boot proved it, else qemu (TCG)."""
        return self._record.domain_type

    @property
    def fleet_toml(self) -> Path:
        """The console's view of it."""
        return self.layout.fleet_toml

    @property
    def ssh_config(self) -> Path:
        """For `ssh -F`."""
        return self.layout.ssh_config

    @property
    def outer(self) -> Namespace:
        """The namespace in which the hosts are."""
        if self._record.outer is None:
            raise LabError(f"lab {self.layout.name}", "it is not up", "novacron lab up")
        return Namespace(
            subject=f"lab {self.layout.name}",
            first=self._record.outer,
            as_user=self._record.as_user,
        )

    def remember(self, record: Record) -> None:
        """Write down a change."""
        self._record = record
        write_record(self.layout, record)

    def host(self, name: str) -> HostLayout:
        """Return the host of this name.

        Raises: LabError when there is none.
        """
        for host in self.hosts:
            if host.name == name:
                return host
        names = ", ".join(host.name for host in self.hosts)
        raise LabError(name, f"the lab has no such host; it has {names}")

    def mark(self, host: HostLayout) -> str:
        """Return the mark of the host's namespace."""
        return f"{outer_mark(self.layout)}:{host.name}"

    def plan(self, host: HostLayout, hosts: tuple[HostLayout, ...]) -> HostPlan:
        """Return what the host is booted with."""
        return HostPlan(
            host=host,
            hosts=hosts,
            layout=self.layout,
            guest=Path(self._record.guest),
            kvm=self.domain_type == "kvm",
        )

    def is_up(self, host: HostLayout) -> bool:
        """Return whether the host lives (its daemons may not)."""
        mark = self._record.hosts.get(host.name)
        return mark is not None and is_alive(mark)

    def inside(self, host: HostLayout | str) -> Namespace:
        """Return the host's namespace.

        Raises: LabError when the host is down.
        """
        host = self.host(host) if isinstance(host, str) else host
        if not self.is_up(host):
            raise LabError(host.name, "it is down", f"novacron lab heal {host.name}")
        first = self._record.hosts[host.name]
        return Namespace(subject=host.name, first=first, as_user=self._record.as_user)

    def run(self, host: HostLayout | str, argv: Sequence[str], *, timeout_s: float = 30, stdin: str = "") -> str:
        """Run a command on the host and return what it printed.

        Raises: LabError when it fails or takes too long.
        """
        return self.inside(host).run(argv, timeout_s=timeout_s, stdin=stdin).stdout

    def attempt(
        self, host: HostLayout | str, argv: Sequence[str], *, timeout_s: float = 30, stdin: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Run a command on the host that may fail."""
        return self.inside(host).run(argv, timeout_s=timeout_s, stdin=stdin, check=False)

    def virsh(self, host: HostLayout | str, *argv: str, timeout_s: float = 60) -> str:
        """Run one virsh command on the host and return what it printed."""
        return virsh(self.inside(host), argv, timeout_s=timeout_s)

    def shell(self, host: HostLayout | str, argv: Sequence[str]) -> None:
        """Become a command on the host: this process goes on as that one, on this terminal."""
        command = self.inside(host).enter(argv)
        os.chdir("/")
        os.execve(command[0], command, inner_environment())  # noqa: S606
