"""What a libvirt host cannot do: by its version, its driver, and the access to it."""

from novacron.adapters.libvirt.channel import Connection
from novacron.adapters.libvirt.facts import version_text
from novacron.model.capability import Capabilities, Capability, MissingCapability

_REVERTS_EXTERNAL_SNAPSHOTS = 9_009_000
"""As libvirt packs its version: major * 1,000,000 + minor * 1,000 + release."""
_QEMU = "QEMU"


def read_capabilities(connection: Connection, *, has_shell: bool) -> Capabilities:
    """Ask libvirt; blocks, so it runs in a channel's thread. Source: virConnectGetType, virConnectGetLibVersion."""
    return capabilities_of(str(connection.getType()), connection.getLibVersion(), has_shell=has_shell)


def capabilities_of(driver: str, version: int, *, has_shell: bool) -> Capabilities:
    """Return what a host cannot do; `version` as libvirt packs it, `has_shell`: commands can be run there."""
    missing: dict[Capability, str] = {}
    if driver.upper() != _QEMU:
        reason = f"libvirt's {driver.lower()} driver cannot"
        missing |= dict.fromkeys((Capability.MIGRATE, Capability.HOTPLUG, Capability.OPEN_SERIAL_CONSOLE), reason)
    if version < _REVERTS_EXTERNAL_SNAPSHOTS:
        missing[Capability.REVERT_EXTERNAL_SNAPSHOT] = (
            f"its libvirt is {version_text(version)}; {version_text(_REVERTS_EXTERNAL_SNAPSHOTS)} is the first that can"
        )
    if not has_shell:
        missing[Capability.RUN_COMMANDS] = "it is reached through libvirt alone; name it by ssh in fleet.toml"
    return Capabilities(
        missing=tuple(MissingCapability(capability=name, reason=reason) for name, reason in missing.items())
    )
