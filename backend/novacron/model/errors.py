"""Every error NovaCron raises on purpose.

NovaCronError
├── LinkError                 a host cannot be reached or used; carries the LinkStatus its row shows
│   ├── DeadlineExceeded      an answer did not come in time
│   └── LinkLost              the connection broke under a call
├── OperationError            a hypervisor said no, or the world changed under an operation
│   ├── NotFound              the VM, pool, volume, host or operation is not there
│   ├── Conflict              somebody else holds it, or it changed since it was looked at
│   └── Busy                  it is being worked on: the same question has another answer later
├── OutcomeUnknown            the call may or may not have had its effect; only a look can tell
├── UsageError                what was asked for on the command line can mean nothing
├── ConfigError               fleet.toml or a setting is wrong
├── JournalError              the journal cannot be read or written
│   └── JournalUncertain      the answer to a commit was lost: it may have been made
└── BackendError              the backend is absent, refuses, or speaks another version

An expected "no" is not an error but a value: model.refusal.Refusal.
"""

from enum import IntEnum

from novacron.model.link import LinkStatus


class ExitCode(IntEnum):
    """What the command line ends with."""

    OK = 0
    FAILED = 1
    USAGE = 2
    REFUSED = 3
    NOT_FOUND = 4
    UNREACHABLE = 5
    OUTCOME_UNKNOWN = 6
    CONFIG = 7
    BACKEND = 8
    JOURNAL = 9
    INTERRUPTED = 130


class NovaCronError(Exception):
    """Something went wrong with `subject`; `detail` says what, `remedy` what to do next.

    All three may quote text from a hypervisor: pass them through SafeText before they reach a terminal.
    """

    exit_code = ExitCode.FAILED

    def __init__(self, subject: str, detail: str, remedy: str = "") -> None:
        super().__init__(subject, detail, remedy)
        self.subject = subject
        self.detail = detail
        self.remedy = remedy

    def __str__(self) -> str:
        text = f"{self.subject}: {self.detail}"
        return f"{text} ({self.remedy})" if self.remedy else text


class LinkError(NovaCronError):
    """A host cannot be reached or used."""

    exit_code = ExitCode.UNREACHABLE

    def __init__(
        self,
        subject: str,
        detail: str,
        remedy: str = "",
        *,
        status: LinkStatus = LinkStatus.UNREACHABLE,
    ) -> None:
        super().__init__(subject, detail, remedy)
        self.status = status


class DeadlineExceeded(LinkError):
    """An answer did not come in time; the channel under the call was aborted."""

    def __init__(self, subject: str, detail: str, remedy: str = "") -> None:
        super().__init__(subject, detail, remedy, status=LinkStatus.STALE)


class LinkLost(LinkError):
    """The connection broke under a call."""


class OperationError(NovaCronError):
    """A hypervisor said no, or the world changed under an operation."""


class NotFound(OperationError):
    """The VM, pool, volume, host or operation is not there."""

    exit_code = ExitCode.NOT_FOUND


class Conflict(OperationError):
    """Somebody else holds it, or it changed since it was looked at."""

    exit_code = ExitCode.REFUSED


class Busy(OperationError):
    """It is being worked on: ask again later."""


class OutcomeUnknown(NovaCronError):
    """The call may or may not have had its effect: neither success nor failure."""

    exit_code = ExitCode.OUTCOME_UNKNOWN


class UsageError(NovaCronError):
    """What was asked for on the command line can mean nothing."""

    exit_code = ExitCode.USAGE


class ConfigError(NovaCronError):
    """fleet.toml or a setting is wrong."""

    exit_code = ExitCode.CONFIG


class JournalError(NovaCronError):
    """The journal cannot be read or written."""

    exit_code = ExitCode.JOURNAL


class JournalUncertain(JournalError):
    """The answer to a commit was lost. Append the same events again, before any others: they are written once."""


class BackendError(NovaCronError):
    """The backend is absent, refuses, or speaks another version."""

    exit_code = ExitCode.BACKEND
