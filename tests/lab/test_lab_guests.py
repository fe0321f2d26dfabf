"""The tiny guest boots, answers, works and obeys; storage and migration are what libvirt takes for real."""

import re
import time

import pytest

from novacron.lab.definitions import VmDefinition
from novacron.lab.lab import Lab
from novacron.lab.vms import define_vm, disk_path
from tests.lab_fixtures import MakeVm, eventually

pytestmark = pytest.mark.lab

_READY = "ready after"


def _console(lab: Lab, host: str, vm: str, typed: str, *, seconds: int = 1) -> str:
    """Type on a guest's serial line, on the host's own side of it, and return what it says."""
    line = lab.virsh(host, "ttyconsole", vm).strip()
    argv = ["socat", f"-T{seconds}", f"-t{seconds}", "-", f"{line},raw,echo=0"]
    return lab.attempt(host, argv, stdin=typed + "\n").stdout


def _state(lab: Lab, host: str, vm: str) -> str:
    return lab.attempt(host, ["virsh", "-q", "domstate", vm]).stdout.strip()


def _answers(lab: Lab, host: str, vm: str) -> bool:
    return "sum=42" in _console(lab, host, vm, "echo sum=$((40 + 2))")


def _migrate(lab: Lab, vm: str, source: str, destination: str, *options: str) -> None:
    uri = f"qemu+ssh://root@{destination}/system"
    lab.virsh(source, "migrate", "--live", "--p2p", "--persistent", "--undefinesource", *options, vm, uri)


def test_a_guest_boots_in_seconds_and_answers_on_its_console(lab: Lab, make_vm: MakeVm) -> None:
    started = time.monotonic()
    make_vm("lab1", "talker")
    assert eventually(lambda: _answers(lab, "lab1", "talker"), timeout_s=20)
    assert time.monotonic() - started < 20
    assert "talker" in _console(lab, "lab1", "talker", "hostname")
    up_s = float(_console(lab, "lab1", "talker", "echo up=$(cut -d' ' -f1 /proc/uptime)").split("up=")[-1].split()[0])
    assert up_s < 20


def test_the_power_button_shuts_a_guest_down(lab: Lab, make_vm: MakeVm) -> None:
    make_vm("lab2", "obedient")
    assert eventually(lambda: _answers(lab, "lab2", "obedient"), timeout_s=20)
    lab.virsh("lab2", "shutdown", "obedient", "--mode", "acpi")
    assert eventually(lambda: _state(lab, "lab2", "obedient") == "shut off")


def test_a_reboot_starts_the_guest_anew(lab: Lab, make_vm: MakeVm) -> None:
    make_vm("lab2", "phoenix")
    assert eventually(lambda: _answers(lab, "lab2", "phoenix"), timeout_s=20)
    _console(lab, "lab2", "phoenix", "touch /before")
    lab.virsh("lab2", "reboot", "phoenix")
    gone = "[ -e /before ] && echo old=yes || echo old=no"
    assert eventually(lambda: "\nold=no\n" in _console(lab, "lab2", "phoenix", gone), timeout_s=30)


def test_the_guest_has_its_disk_and_its_card(lab: Lab, make_vm: MakeVm) -> None:
    make_vm("lab1", "equipped")
    assert eventually(lambda: _answers(lab, "lab1", "equipped"), timeout_s=20)
    said = _console(lab, "lab1", "equipped", "cat /proc/partitions; ls /sys/class/net")
    assert re.search(r"65536 vda", said)
    assert "eth0" in said
    stats = lab.virsh("lab1", "dommemstat", "equipped")
    assert "unused" in stats, "the balloon driver gives no statistics"


def test_live_migration_over_the_shared_storage_is_safe_for_libvirt(lab: Lab, make_vm: MakeVm) -> None:
    vm_id = make_vm("lab1", "traveller")
    assert eventually(lambda: _answers(lab, "lab1", "traveller"), timeout_s=20)
    _console(lab, "lab1", "traveller", "echo kept >/work/note")
    _migrate(lab, "traveller", "lab1", "lab2")
    assert _state(lab, "lab2", "traveller") == "running"
    assert vm_id not in lab.virsh("lab1", "list", "--all", "--uuid")
    assert "\nkept\n" in _console(lab, "lab2", "traveller", "cat /work/note")


def test_live_migration_copies_local_storage_along(lab: Lab, make_vm: MakeVm) -> None:
    make_vm("lab1", "mover", storage="local")
    assert eventually(lambda: _answers(lab, "lab1", "mover"), timeout_s=20)
    _console(lab, "lab1", "mover", "echo cargo | dd of=/dev/vda conv=fsync")
    lab.run("lab3", ["qemu-img", "create", "-q", "-f", "qcow2", str(disk_path("mover", "local")), "64M"])
    _migrate(lab, "mover", "lab1", "lab3", "--copy-storage-all")
    assert _state(lab, "lab3", "mover") == "running"
    assert "\ncargo\n" in _console(lab, "lab3", "mover", "head -n 1 /dev/vda", seconds=5)


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


@pytest.mark.parametrize("rate_mib_s", [4, 16])
def test_a_guest_dirties_memory_at_the_rate_it_was_told(lab: Lab, make_vm: MakeVm, rate_mib_s: int) -> None:
    make_vm("lab3", "painter", dirty=rate_mib_s)
    assert eventually(lambda: _answers(lab, "lab3", "painter"), timeout_s=20)
    rates = []

    def measured() -> bool:
        # Sampling pages under an emulated processor is coarse: it settles within a few looks.
        lab.virsh("lab3", "domdirtyrate-calc", "painter", "--seconds", "1")
        time.sleep(1.3)
        stats = lab.virsh("lab3", "domstats", "painter", "--dirtyrate")
        found = re.search(r"megabytes_per_second=(\d+)", stats)
        rates.append(int(found.group(1)) if found else 0)
        return rate_mib_s / 2 <= rates[-1] <= rate_mib_s * 2

    assert eventually(measured, timeout_s=20), f"wanted {rate_mib_s}, measured {rates}"


def test_every_host_has_its_pools_its_network_and_the_base_image(lab: Lab) -> None:
    for host in lab.hosts:
        pools = lab.virsh(host, "pool-list", "--name").split()
        assert pools == ["local", "shared"]
        assert lab.virsh(host, "net-list", "--name").split() == ["default"]
        assert "tiny.qcow2" in lab.virsh(host, "vol-list", "shared")
        capabilities = lab.virsh(host, "capabilities")
        assert ("<domain type='kvm'" in capabilities) == (lab.domain_type == "kvm")
