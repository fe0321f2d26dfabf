"""The faults of a simulated host, and the words in which its link reports them."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, fields

from novacron.model.errors import LinkError, NovaCronError
from novacron.model.link import LinkStatus


@dataclass(slots=True, kw_only=True)
class HostFaults:
    """How a host answers. The defaults are those of a healthy one."""

    hangs: bool = False
    """Takes calls and never answers them: a frozen libvirtd."""
    black_holed: bool = False
    """Packets vanish: connecting never completes, standing connections are never answered."""
    answers_after_s: float = 0.0
    refuses: LinkStatus | None = None
    """Connecting ends with this status at once."""
    effects_come_late: bool = False
    """What was asked of it while it hung is carried out when it comes back, after the caller has given up."""

    postponed: list[Callable[[], object]] = field(default_factory=list)
    """Those, in their order."""

    @property
    def is_silent(self) -> bool:
        """Whether no answer comes at all."""
        return self.hangs or self.black_holed

    def become(self, other: "HostFaults") -> None:
        """Take over everything of `other`, but for what was postponed: that is carried out when it answers."""
        for each in fields(self):
            if each.name != "postponed":
                setattr(self, each.name, getattr(other, each.name))
        if self.is_silent:
            return
        postponed, self.postponed = self.postponed, []
        for effect in postponed:
            # It may not be possible any more; nobody is there to be told.
            with suppress(NovaCronError):
                effect()


_REFUSALS: dict[LinkStatus, tuple[str, str]] = {
    LinkStatus.UNREACHABLE: (
        "connect to port 22: Connection refused",
        "check that the host and its sshd run",
    ),
    LinkStatus.STALE: ("connected, but libvirt does not answer", "look at libvirtd on the host"),
    LinkStatus.HOST_KEY_UNKNOWN: (
        "its host key SHA256:Yk3lC5m0Qd2 is not in known_hosts",
        "compare the fingerprint, then run: novacron host trust NAME",
    ),
    LinkStatus.HOST_KEY_CHANGED: (
        "its host key is SHA256:Yk3lC5m0Qd2, known_hosts has SHA256:9sXw1pE7rTt",
        "find out why before you connect; remove the old key only when you know",
    ),
    LinkStatus.AUTH_REFUSED: (
        "Permission denied (publickey)",
        "add your public key to authorized_keys on the host, or load it into the agent",
    ),
    LinkStatus.NO_LIBVIRT: (
        "no libvirt socket at /run/libvirt/libvirt-sock",
        "install and start libvirtd on the host",
    ),
    LinkStatus.NO_PERMISSION: (
        "/run/libvirt/libvirt-sock: Permission denied",
        "add the user to the group libvirt on the host",
    ),
    LinkStatus.WRONG_VERSION: ("its libvirt is 4.0.0; 7.0.0 is the oldest we know", "update libvirt there"),
    LinkStatus.WRONG_IDENTITY: (
        "another machine answers at this address",
        "check the address in fleet.toml",
    ),
    LinkStatus.NO_BINDING: ("libvirt-python is not installed here", "install python3-libvirt"),
}


def refusal(subject: str, status: LinkStatus) -> LinkError:
    """Return the error with which connecting ends for this status."""
    cause, remedy = _REFUSALS[status]
    return LinkError(subject, cause, remedy, status=status)
