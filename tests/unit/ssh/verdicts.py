"""What comes of a connection: by us and by `ssh` itself, in the same words, so that they can be compared.

As a program it prints our verdict on an address: for a process that sees another home than this one.
"""

import asyncio
import os
import sys
from collections.abc import Mapping, Sequence
from enum import StrEnum

from novacron.adapters.ssh.address import ssh_arguments
from novacron.adapters.ssh.connection import SshConnection
from novacron.model.errors import LinkError
from novacron.model.host import HostSpec
from novacron.model.ids import HostId
from novacron.model.link import LinkStatus

_DEADLINE_S = 60.0


class Verdict(StrEnum):
    """How an attempt to enter a host ended."""

    ENTERS = "enters"
    UNKNOWN = "unknown key"
    CHANGED = "changed key"
    REVOKED = "revoked key"
    REFUSED = "no key of ours is taken"
    UNUSABLE = "the configuration cannot be used"
    OTHER = "something else"


_SAID_BY_SSH = (
    ("REMOTE HOST IDENTIFICATION HAS CHANGED", Verdict.CHANGED),
    ("in revoked keys file", Verdict.UNUSABLE),
    ("revoked", Verdict.REVOKED),
    ("KnownHostsCommand failed", Verdict.UNUSABLE),
    ("terminating, ", Verdict.UNUSABLE),
    ("Permission denied", Verdict.REFUSED),
    ("Host key verification failed", Verdict.UNKNOWN),
)
_OURS = {
    LinkStatus.HOST_KEY_UNKNOWN: Verdict.UNKNOWN,
    LinkStatus.HOST_KEY_CHANGED: Verdict.CHANGED,
    LinkStatus.AUTH_REFUSED: Verdict.REFUSED,
}


async def ours(spec: HostSpec) -> tuple[Verdict, str]:
    """Connect as the product does; return the verdict and what was said."""
    try:
        (await SshConnection.open(spec, deadline_s=_DEADLINE_S)).abort()
    except LinkError as error:
        said = f"{error.detail}\n{error.remedy}"
        if "REVOKED" in said:
            return Verdict.REVOKED, said
        unusable = "cannot be used" in said or "KnownHostsCommand failed" in said
        return Verdict.UNUSABLE if unusable else _OURS.get(error.status, Verdict.OTHER), said
    return Verdict.ENTERS, ""


async def of_ssh(
    spec: HostSpec, prefix: Sequence[str] = (), env: Mapping[str, str] | None = None
) -> tuple[Verdict, str]:
    """Connect by `ssh`, which is never asked anything; return the verdict and what it said."""
    argv = [*prefix, "ssh", "-o", "BatchMode=yes", *ssh_arguments(spec), "true"]
    status, said = await output_of(argv, env)
    if status == 0:
        return Verdict.ENTERS, said
    return next((verdict for words, verdict in _SAID_BY_SSH if words in said), Verdict.OTHER), said


async def output_of(argv: Sequence[str], env: Mapping[str, str] | None = None) -> tuple[int, str]:
    """Run a program without a terminal; return its exit status and all that it said."""
    process = await asyncio.create_subprocess_exec(
        *argv,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
        env=dict(os.environ if env is None else env),
    )
    out, _ = await process.communicate()
    return process.returncode or 0, out.decode(errors="replace")


if __name__ == "__main__":
    print("\n".join(asyncio.run(ours(HostSpec(id=HostId("kvm-1"), ssh=sys.argv[1])))))
