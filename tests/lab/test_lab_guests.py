"""The tiny guest boots, answers, works and obeys; storage and migration are what libvirt takes for real."""

import re
import time

import pytest

from novacron.lab.definitions import VmDefinition
from novacron.lab.lab import Lab
from novacron.lab.vms import define_vm, disk_path
from tests.lab_fixtures import MakeVm, eventually

pytestmark = pytest.mark.lab

_PATIENCE_S = 180.0
"""A guest boots in eight seconds where nothing disturbs it."""


def _says(lab: Lab, host: str, vm: str, typed: str, wanted: str = "") -> str:
    """Let a guest carry out a command until what it says to it matches `wanted`; return what it said.

    A guest that boots, or is short of a processor, may not hear, or answer when nobody listens any more: the command
    is typed again, with another mark at its end, and listened to for longer.
    """
    until = time.monotonic() + _PATIENCE_S
    turn = 0
    while True:
        turn += 1
        said = _console(lab, host, vm, f"{{ {typed}; }} && echo done=$((1000 + {turn}))", silence_s=min(turn, 8))
        if f"\ndone={1000 + turn}\n" in said and re.search(wanted, said, re.MULTILINE):
            return said
        assert time.monotonic() < until, f"{vm} did not answer to `{typed}`: {said!r}"


def _console(lab: Lab, host: str, vm: str, typed: str, *, silence_s: int) -> str:
    """Type on a guest's serial line, on the host's own side of it, and return what it says until it is silent."""
    line = lab.virsh(host, "ttyconsole", vm).strip()
    argv = ["socat", f"-T{silence_s}", f"-t{silence_s}", "-", f"{line},raw,echo=0"]
    return lab.attempt(host, argv, stdin=typed + "\n").stdout


def _boots(lab: Lab, host: str, vm: str) -> None:
    _says(lab, host, vm, "true")


def _state(lab: Lab, host: str, vm: str) -> str:
    return lab.attempt(host, ["virsh", "-q", "domstate", vm]).stdout.strip()


def _migrate(lab: Lab, vm: str, source: str, destination: str, *options: str) -> None:
    uri = f"qemu+ssh://root@{destination}/system"
    command = ["migrate", "--live", "--p2p", "--persistent", "--undefinesource", *options, vm, uri]
    lab.virsh(source, *command, timeout_s=_PATIENCE_S)


def test_a_guest_boots_and_answers_on_its_console(lab: Lab, make_vm: MakeVm) -> None:
    make_vm("lab1", "talker")
    _says(lab, "lab1", "talker", "hostname", wanted="^talker$")


def test_the_power_button_shuts_a_guest_down(lab: Lab, make_vm: MakeVm) -> None:
    make_vm("lab2", "obedient")
    _boots(lab, "lab2", "obedient")
    lab.virsh("lab2", "shutdown", "obedient", "--mode", "acpi")
    assert eventually(lambda: _state(lab, "lab2", "obedient") == "shut off", timeout_s=_PATIENCE_S)


def test_a_reboot_starts_the_guest_anew(lab: Lab, make_vm: MakeVm) -> None:
    make_vm("lab2", "phoenix")
    _says(lab, "lab2", "phoenix", "touch /before")
    lab.virsh("lab2", "reboot", "phoenix")
    _says(lab, "lab2", "phoenix", "[ -e /before ] && echo old=yes || echo old=no", wanted="^old=no$")


def test_the_guest_has_its_disk_and_its_card(lab: Lab, make_vm: MakeVm) -> None:
    make_vm("lab1", "equipped")
    _says(lab, "lab1", "equipped", "cat /proc/partitions", wanted="65536 vda$")
    _says(lab, "lab1", "equipped", "ls /sys/class/net", wanted="eth0")
    balloon = "the balloon driver gives no statistics"
    assert eventually(lambda: "unused" in lab.virsh("lab1", "dommemstat", "equipped")), balloon


def test_live_migration_over_the_shared_storage_is_safe_for_libvirt(lab: Lab, make_vm: MakeVm) -> None:
    vm_id = make_vm("lab1", "traveller")
    _says(lab, "lab1", "traveller", "echo kept >/work/note")
    _migrate(lab, "traveller", "lab1", "lab2")
    assert _state(lab, "lab2", "traveller") == "running"
    assert vm_id not in lab.virsh("lab1", "list", "--all", "--uuid")
    _says(lab, "lab2", "traveller", "cat /work/note", wanted="^kept$")


def test_live_migration_copies_local_storage_along(lab: Lab, make_vm: MakeVm) -> None:
    make_vm("lab1", "mover", storage="local")
    _says(lab, "lab1", "mover", "echo cargo | dd of=/dev/vda conv=fsync")
    lab.run("lab3", ["qemu-img", "create", "-q", "-f", "qcow2", str(disk_path("mover", "local")), "64M"])
    _migrate(lab, "mover", "lab1", "lab3", "--copy-storage-all")
    assert _state(lab, "lab3", "mover") == "running"
    _says(lab, "lab3", "mover", "head -n 1 /dev/vda", wanted="^cargo$")


def test_a_disk_in_use_on_one_host_cannot_be_opened_on_another(lab: Lab, make_vm: MakeVm) -> None:
    make_vm("lab1", "owner")
    thief = VmDefinition(name="thief", domain_type=lab.domain_type, disk=disk_path("owner", "shared"))
    define_vm(lab, "lab2", thief, storage="")
    try:
        refused = lab.attempt("lab2", ["virsh", "start", "thief"])
    finally:
        lab.virsh("lab2", "undefine", "thief")
    assert refused.returncode != 0
    assert 'Failed to get "write" lock' in refused.stderr


def test_a_guest_dirties_memory_at_the_rate_it_was_told(lab: Lab, make_vm: MakeVm) -> None:
    # Of a higher rate a busy machine leaves no more than that it is higher.
    make_vm("lab2", "calm", dirty=4)
    make_vm("lab3", "brisk", dirty=16)
    rates = []

    def as_told() -> bool:
        # Sampling pages under an emulated processor is coarse: it settles within a few looks.
        rates.append((_dirty_rate(lab, "lab2", "calm"), _dirty_rate(lab, "lab3", "brisk")))
        calm, brisk = rates[-1]
        return 2 <= calm <= 8 and brisk > calm

    assert eventually(as_told, timeout_s=_PATIENCE_S), f"wanted 4 and more, measured {rates}"


def test_every_host_has_its_pools_its_network_and_the_base_image(lab: Lab) -> None:
    for host in lab.hosts:
        pools = lab.virsh(host, "pool-list", "--name").split()
        assert pools == ["local", "shared"]
        assert lab.virsh(host, "net-list", "--name").split() == ["default"]
        assert "tiny.qcow2" in lab.virsh(host, "vol-list", "shared")
        capabilities = lab.virsh(host, "capabilities")
        assert ("<domain type='kvm'" in capabilities) == (lab.domain_type == "kvm")


def _dirty_rate(lab: Lab, host: str, vm: str) -> int:
    """Let the hypervisor measure for a second how much memory a guest dirties; in MiB/s."""
    lab.virsh(host, "domdirtyrate-calc", vm, "--seconds", "1")
    stats = ""

    def is_measured() -> bool:
        nonlocal stats
        stats = lab.virsh(host, "domstats", vm, "--dirtyrate")
        return "dirtyrate.calc_status=2" in stats

    assert eventually(is_measured), stats
    found = re.search(r"megabytes_per_second=(\d+)", stats)
    assert found is not None, stats
    return int(found[1])
