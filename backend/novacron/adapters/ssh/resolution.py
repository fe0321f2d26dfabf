"""Asking ssh itself what its configuration says of a host: the files, Include, Match, tokens and canonical names.

Why not read the files here: docs/decisions/0011.
"""

import asyncio
import shutil
from collections.abc import Sequence
from pathlib import Path
from weakref import WeakKeyDictionary

from novacron.adapters.ssh.address import SshAddress, ssh_arguments
from novacron.adapters.ssh.local_program import run_program
from novacron.adapters.ssh.options import SshOptions, options_of
from novacron.adapters.ssh.tokens import own_home
from novacron.model.errors import LinkError
from novacron.model.host import HostSpec

_AT_ONCE = 16
"""So many processes run at once: a fleet that comes back all together must not use up our file descriptors."""
_IN_NO_USER = frozenset("'`\";&<>|(){}\n\t ")
_IN_NO_HOST = _IN_NO_USER | frozenset("$\\")
"""What OpenSSH 9.6 and newer takes in no name, as ProxyCommand and Match exec hand names to a shell."""
_slots: "WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore]" = WeakKeyDictionary()
_CHATTER = "Pseudo-terminal will not be allocated"


async def resolve(spec: HostSpec) -> SshOptions:
    """Return how ssh would connect to a host. Raises LinkError when its configuration cannot be used."""
    address = SshAddress.parse(spec.ssh)
    is_odd = not (_IN_NO_HOST.isdisjoint(address.name) and _IN_NO_USER.isdisjoint(address.user))
    if is_odd or spec.ssh.startswith("-") or address.user.endswith("\\"):
        raise LinkError(spec.id, f"no host or user can be called {spec.ssh}", "correct it in fleet.toml")
    ssh = shutil.which("ssh")
    if ssh is None:
        _require_no_configuration(spec)
        return await asyncio.to_thread(options_of, address, "")
    try:
        status, answer, said = await run([ssh, "-G", "-T", *ssh_arguments(spec)])
    except OSError as error:
        raise LinkError(spec.id, f"{ssh} cannot be run: {error.strerror}", "its configuration is read by it") from error
    if status:
        lines = [line.strip() for line in said.splitlines() if line.strip() and not line.startswith(_CHATTER)]
        raise LinkError(
            spec.id,
            f"its ssh configuration cannot be used: {lines[0] if lines else f'ssh -G ended with {status}'}",
            f"check {spec.ssh_config or '~/.ssh/config'}",
        )
    return await asyncio.to_thread(options_of, address, answer)


async def run(argv: Sequence[str]) -> tuple[int, str, str]:
    """Run a local program without input; return its exit status, output and error output. Raises OSError.

    Ended with its children when the caller is cancelled.
    """
    async with _slots.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(_AT_ONCE)):
        status, out, err = await run_program(argv)
    return status, out.decode(errors="replace"), err.decode(errors="replace")


def _require_no_configuration(spec: HostSpec) -> None:
    """Without ssh there is nobody to read a configuration; where there is none, ssh's defaults hold."""
    files = [Path(spec.ssh_config)] if spec.ssh_config else [own_home() / ".ssh/config", Path("/etc/ssh/ssh_config")]
    for path in files:
        if path.exists():
            raise LinkError(
                spec.id, f"{path} cannot be read without ssh, which is not installed here", "install openssh-client"
            )
