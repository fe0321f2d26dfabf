"""What the backend says of itself."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendStatus:
    """What the backend says of itself."""

    version: str
    pid: int
    started_at: datetime
    fleet_source: str
    """Which fleet it watches: a file, or URIs, or a simulated one."""
    hosts: int
    consoles: int
    operations_running: int
    journal_path: str
    fleet_error: str = ""
    """Why the fleet file, as it is now, is not followed; empty when it is."""
    journal_error: str = ""
    """Why new operations are refused; empty when the journal can be written."""
    operations_run_by: str = ""
    """Which other backend on this journal runs the operations, while this one shows them; empty: this one does."""
    polling_slowed: str = ""
    """Why hosts are read less often than they should be; empty when they are not."""
