"""Whether the storage under a file takes O_DIRECT."""

from novacron.adapters.libvirt.access import HostAccess


async def takes_direct_io(access: HostAccess, path: str, *, deadline_s: float) -> bool:
    """Ask by doing it; a tmpfs does not. No where nobody can be asked.

    Migration on shared storage then never meets a stale page cache.
    """
    if not access.has_shell:
        return False
    argv = ("dd", f"if={path}", "of=/dev/null", "iflag=direct", "bs=4096", "count=1", "status=none")
    return (await access.run(argv, deadline_s=deadline_s)).exit_status == 0
