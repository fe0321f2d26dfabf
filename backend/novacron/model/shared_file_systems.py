"""Which file systems other hosts may reach too: the one list, for pools, for disks and for every plan.

It errs to the side of "shared": a file that may be another host's as well is neither copied over nor deleted as ours.
"""

from typing import Final

_LIBVIRT_CALLS_SHARED: Final = frozenset(
    {"nfs", "nfs4", "gfs2", "ocfs2", "afs", "smb3", "smbfs", "cifs", "ceph", "gpfs", "acfs", "beegfs"}
    | {"glusterfs", "fuse.glusterfs", "fuse.quobyte"}
)
"""Source: libvirt's virFileIsSharedFSType (src/util/virfile.c), with the names that the kernel prints for them."""

_SHARED_AS_WELL: Final = frozenset(
    {"lustre", "9p", "virtiofs", "fuse.ceph", "fuse.ceph-fuse", "fuse.moosefs", "fuse.mfs", "moosefs"}
    | {"fuse.juicefs", "fuse.lizardfs", "fuse.sshfs", "fuse.s3fs", "fuse.beegfs", "orangefs", "pvfs2", "coda"}
)
"""Those libvirt does not know: they are reached from several hosts by what they are made for."""

_SHARED: Final = _LIBVIRT_CALLS_SHARED | _SHARED_AS_WELL

_ON_ONE_HOST: Final = frozenset(
    {"ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "f2fs", "bcachefs", "jfs", "reiserfs", "nilfs2", "exfat", "vfat"}
    | {"ntfs", "ntfs3", "iso9660", "udf", "squashfs", "erofs", "tmpfs", "ramfs", "overlay", "hugetlbfs"}
)
"""What one kernel alone mounts: two hosts that show the same file in them show two files."""


_NUMBERED_BY_SERVER: Final = frozenset(
    {"nfs", "nfs4", "ceph", "fuse.ceph", "fuse.ceph-fuse", "gfs2", "ocfs2", "lustre", "gpfs", "beegfs"}
    | {"glusterfs", "fuse.glusterfs"}
)
"""A file has the same inode number on every host; CIFS, 9p and others may number as each client likes."""


_EXPORTED: Final = "exported "


def exported(file_system: str) -> str:
    """Return what a host's own file system is called that it lets other hosts mount over NFS."""
    return f"{_EXPORTED}{file_system}" if is_local(file_system) else file_system


def is_shared(file_system: str) -> bool:
    """Return whether other hosts may reach a file system of this type, as `findmnt` names it; False for none."""
    return file_system in _SHARED


def is_local(file_system: str) -> bool:
    """Return whether a file system of this type belongs to one host for certain; False where that is not known."""
    return file_system in _ON_ONE_HOST


def numbers_files_alike(file_system: str) -> bool:
    """Return whether a file has the same inode number on every host that mounts a file system of this type."""
    return file_system in _NUMBERED_BY_SERVER or file_system.startswith(_EXPORTED)
