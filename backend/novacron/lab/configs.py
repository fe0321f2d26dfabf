"""The text of every configuration file of the lab. Pure: layout in, text out."""

from collections.abc import Sequence

from novacron.lab.layout import GATEWAY, HostLayout, Layout

_OPERATOR = "operator"
"""An account on each host that may log in but not use libvirt."""


def passwd(machine: str) -> str:
    """Return /etc/passwd of each host: the machine's (daemons insist on their accounts), and the operator."""
    others = [line for line in machine.splitlines() if line.split(":")[0] not in ("root", _OPERATOR)]
    own = ["root:x:0:0:root:/root:/bin/bash", f"{_OPERATOR}:x:1000:1000::/tmp:/bin/bash"]
    return "\n".join([*own, *others]) + "\n"


def shadow(passwd_text: str) -> str:
    """Return /etc/shadow: no passwords, and nobody locked: sshd refuses a locked root even with a key."""
    names = [line.partition(":")[0] for line in passwd_text.splitlines()]
    return "".join(f"{name}:*:19000:0:99999:7:::\n" for name in names)


def group(machine: str) -> str:
    """Return /etc/group of each host."""
    others = [line for line in machine.splitlines() if line.split(":")[0] != _OPERATOR]
    return "\n".join([*others, f"{_OPERATOR}:x:1000:"]) + "\n"


def etc_hosts(hosts: Sequence[HostLayout]) -> str:
    """Return /etc/hosts of each host."""
    lines = ["127.0.0.1 localhost", f"{GATEWAY} console"]
    return "\n".join([*lines, *(f"{host.address} {host.name}" for host in hosts)]) + "\n"


def libvirtd_conf(host: HostLayout) -> str:
    """Return /etc/libvirt/libvirtd.conf: root alone may use the socket."""
    return f"""\
host_uuid = "{host.uuid}"
listen_tls = 0
unix_sock_rw_perms = "0700"
unix_sock_ro_perms = "0700"
auth_unix_ro = "none"
auth_unix_rw = "none"
log_level = 3
log_outputs = "3:file:/var/log/libvirt/libvirtd.log"
"""


def qemu_conf(host: HostLayout) -> str:
    """Return /etc/libvirt/qemu.conf.

    Namespaces and control groups are the machine's: QEMU runs as the lab's root, and libvirt leaves both
    alone.
    """
    return f"""\
user = "root"
group = "root"
dynamic_ownership = 0
remember_owner = 0
security_driver = "none"
cgroup_controllers = []
namespaces = []
stdio_handler = "file"
migration_host = "{host.address}"
migration_address = "{host.address}"
keepalive_interval = 2
keepalive_count = 3
"""


def sshd_config(host: HostLayout, *, penalties: bool) -> str:
    """Return the host's sshd_config; `penalties`: its sshd would punish the relay for its clients."""
    del host
    return f"""\
ListenAddress 0.0.0.0
HostKey /root/.ssh/host_key
AuthorizedKeysFile /run/ssh/authorized_keys
PidFile /run/sshd.pid
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
UseDNS no
StrictModes no
MaxStartups 1000
MaxSessions 1000
PrintMotd no
Subsystem sftp internal-sftp
{"PerSourcePenalties no" if penalties else ""}
"""


def peer_ssh_config() -> str:
    """Return root's ~/.ssh/config on each host: how the hosts reach each other."""
    return """\
Host *
    BatchMode yes
    ConnectTimeout 10
    ServerAliveInterval 2
    ServerAliveCountMax 3
"""


def ssh_config(layout: Layout, hosts: Sequence[HostLayout]) -> str:
    """Return the configuration with which ssh, virsh and the console enter the lab from the machine."""
    blocks = [f"# ssh -F {layout.ssh_config} {hosts[0].name}"]
    for host in hosts:
        blocks.append(f"""
Host {host.name}
    HostName {host.name}
    User root
    IdentityFile {layout.operator_key}
    IdentitiesOnly yes
    IdentityAgent none
    UserKnownHostsFile {layout.known_hosts}
    GlobalKnownHostsFile /dev/null
    StrictHostKeyChecking yes
    ProxyCommand socat - UNIX-CONNECT:{host.relay_socket}""")
    return "\n".join(blocks) + "\n"


def ssh_wrapper(layout: Layout) -> str:
    """Return a program that is ssh with the lab's configuration, for qemu+ssh://lab1/system?command=…"""
    return f'#!/bin/sh\nexec ssh -F {layout.ssh_config} "$@"\n'


def fleet_toml(layout: Layout, hosts: Sequence[HostLayout]) -> str:
    """Return the console's view of the lab."""
    blocks = [f'[[site]]\nname = "{layout.name}"\n']
    blocks.extend(
        f"""\
[[host]]
name = "{host.name}"
site = "{layout.name}"
ssh = "{host.name}"
ssh_config = "{layout.ssh_config}"
peer_uri = "qemu+ssh://root@{host.name}/system"
migration_address = "{host.address}"
labels = {{ rack = "{host.rack}" }}
"""
        for host in hosts
    )
    return "\n".join(blocks)


def known_hosts(keys: Sequence[tuple[HostLayout, str]]) -> str:
    """Return a known_hosts file from each host's public key."""
    return "".join(f"{host.name},{host.address} {' '.join(key.split()[:2])}\n" for host, key in keys)
