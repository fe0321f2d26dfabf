"""What a host keeps beside a VM's definition and its disks."""

from novacron.adapters.libvirt import xml
from novacron.adapters.libvirt.binding import load_libvirt
from novacron.adapters.libvirt.host_role import Domain
from novacron.model.migration import Belongings


def read_belongings(domain: Domain) -> Belongings:
    """Ask libvirt; blocks, so it runs in a channel's thread.

    Source: virDomainSnapshotNum, virDomainListAllCheckpoints, virDomainHasManagedSaveImage.
    """
    root = xml.parse(domain.XMLDesc(0), domain.UUIDString())
    return Belongings(
        snapshots=domain.snapshotNum(0),
        checkpoints=_checkpoints(domain),
        saved_memory=bool(domain.hasManagedSaveImage(0)),
        uefi_variables=root.find("os/nvram") is not None,
        tpm=root.find("devices/tpm") is not None,
    )


def _checkpoints(domain: Domain) -> int:
    libvirt = load_libvirt()
    try:
        return len(domain.listAllCheckpoints(0))
    except libvirt.libvirtError as error:
        if error.get_error_code() == libvirt.VIR_ERR_NO_SUPPORT:
            return 0  # a driver that knows of none has none
        raise
