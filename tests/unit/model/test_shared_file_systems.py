"""One list says which file systems several hosts reach."""

import pytest

from novacron.model.shared_file_systems import is_local, is_shared


@pytest.mark.parametrize("name", ["nfs4", "ceph", "cifs", "9p", "gpfs", "fuse.glusterfs", "afs", "virtiofs", "beegfs"])
def test_a_network_file_system_is_shared(name: str) -> None:
    assert is_shared(name)
    assert not is_local(name)


@pytest.mark.parametrize("name", ["ext4", "xfs", "btrfs", "tmpfs", "overlay"])
def test_a_file_system_of_one_kernel_is_local(name: str) -> None:
    assert is_local(name)
    assert not is_shared(name)


@pytest.mark.parametrize("name", ["", "fuse", "fuse.somebodys-own"])
def test_what_is_not_known_is_neither(name: str) -> None:
    assert not is_shared(name)
    assert not is_local(name)
