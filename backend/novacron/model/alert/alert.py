"""An alert: one condition that holds now, or held."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from novacron.model.ids import HostId, OperationId, VmId


class Severity(StrEnum):
    """How bad it is."""

    CRITICAL = "critical"
    WARNING = "warning"


class AlertRule(StrEnum):
    """Which fact raises it."""

    HOST_UNREACHABLE = "host unreachable"
    VM_CRASHED = "VM crashed"
    VM_IO_ERROR = "VM paused by I/O error"
    VM_RUNS_TWICE = "VM runs twice"
    POOL_NEARLY_FULL = "pool nearly full"
    FILE_SYSTEM_NEARLY_FULL = "file system nearly full"
    OPERATION_FAILED = "operation failed"
    MIGRATION_STUCK = "migration does not end"
    JOURNAL_FAILED = "journal failed"
    JOURNAL_NOT_ARCHIVED = "journal not archived"
    FLEET_FILE_BROKEN = "fleet file not followed"
    POLLING_SLOWED = "hosts read too seldom"
    TASK_FAILED = "backend task failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One condition on one subject."""

    key: str
    """Stable while the condition holds: rule and subject's identity."""
    rule: AlertRule
    severity: Severity
    subject: str
    """Name of the host, VM, pool or operation; foreign text."""
    text: str
    remedy: str = ""
    raised_at: datetime
    cleared_at: datetime | None = None
    host: HostId | None = None
    vm: VmId | None = None
    operation: OperationId | None = None
