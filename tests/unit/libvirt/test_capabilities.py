"""What a host cannot do is known from its version, its driver and the way to it, and said with the reason."""

from novacron.adapters.libvirt.capabilities import capabilities_of
from novacron.adapters.libvirt.hypervisor import LibvirtHypervisor
from novacron.model.capability import Capability
from tests.unit.libvirt.test_built_in_driver import S


def test_a_new_qemu_host_with_a_shell_can_do_everything() -> None:
    able = capabilities_of("QEMU", 9_009_000, has_shell=True)
    assert [able.why_not(capability) for capability in Capability] == [""] * len(Capability)


def test_external_snapshots_are_reverted_from_libvirt_9_9_on() -> None:
    old = capabilities_of("QEMU", 9_000_000, has_shell=True)
    assert old.why_not(Capability.REVERT_EXTERNAL_SNAPSHOT) == "its libvirt is 9.0.0; 9.9.0 is the first that can"
    assert [one.capability for one in old.missing] == [Capability.REVERT_EXTERNAL_SNAPSHOT]


def test_a_host_without_a_shell_runs_no_commands() -> None:
    assert capabilities_of("QEMU", 9_009_000, has_shell=False).why_not(Capability.RUN_COMMANDS)


async def test_the_test_driver_says_what_it_lacks_in_its_facts_too(host: LibvirtHypervisor) -> None:
    assert host.capabilities.why_not(Capability.HOTPLUG) == "libvirt's test driver cannot"
    assert host.capabilities.why_not(Capability.MIGRATE)
    assert (await host.reader.facts(deadline_s=S)).capabilities == host.capabilities
