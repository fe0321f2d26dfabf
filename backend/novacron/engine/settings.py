"""Every interval, deadline and limit of the engine, with its reason."""

from dataclasses import dataclass, field

from novacron.engine.failpoints import Reached
from novacron.model.alert.conditions import Thresholds
from novacron.model.work.retention import KEEP_DAYS


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSettings:
    """How often, how long, how many. A sick host is marked within poll interval + read deadline: 7 s."""

    poll_interval_s: float = 2.0
    read_deadline_s: float = 5.0
    connect_deadline_s: float = 8.0
    connect_burst: int = 64
    """This many hosts are connected to at once..."""
    connect_gap_s: float = 0.02
    """...and the others one after the other: 500 hosts in 9 s. Each costs some milliseconds of key exchange."""
    inventory_interval_s: float = 30.0
    """Pools, volumes and definitions change rarely and cost more to read."""
    overrun_s: float = 1.0
    """How much longer than its deadline an adapter's call may take before it is abandoned."""

    backoff_first_s: float = 1.0
    backoff_most_s: float = 30.0
    backoff_person_s: float = 60.0
    """For states that only a person heals: no storm of refused logins."""

    event_debounce_s: float = 0.05
    """Events come in bursts: a start makes four."""
    event_gap_s: float = 0.2
    """At most five reads a second of one host, however many events it sends."""
    fleet_gap_s: float = 0.1
    """A reader gets at most ten whole fleets a second; the first after a pause comes at once."""
    figures_gap_per_vm_s: float = 0.0005
    """Between fleets that differ in figures alone, for each VM: ten times what a console takes to read and draw one."""

    sample_window_s: float = 900.0
    sample_interval_s: float = 5.0
    """180 points in the window: about as many as a terminal has columns to plot them in."""

    call_deadline_s: float = 35.0
    """For calls with effects: longer than the 30 s after which libvirt itself says that another call holds the VM.
    Its answer says why; our own deadline costs the connection."""
    look_deadline_s: float = 5.0
    fit_deadline_s: float = 10.0
    disk_deadline_s: float = 600.0
    """Copying a base image or deleting a large one."""
    migration_deadline_s: float = 24 * 3600.0

    goal_patience_s: float = 20.0
    """How long a state may take to show after the hypervisor accepted the call for it."""
    repeat_most: int = 5
    """How often a step that may be repeated is asked for while its VM is busy with something else."""
    repeat_first_s: float = 2.0
    repeat_longest_s: float = 30.0
    """Between such attempts. libvirt itself waits for 30 s before it says that another call holds the VM."""
    goal_interval_s: float = 0.25
    lost_patience_s: float = 10.0
    """How long to keep looking for the effect of a call whose answer was lost, once its host answers again."""
    detach_patience_s: float = 60.0
    """How long a guest may take to let go of a device: one that is paused, or has no PCI hotplug, never does."""
    reboot_watch_s: float = 5.0
    """How long a guest that was asked to restart is watched: one that goes off instead mostly does so by then."""
    reboot_off_s: float = 120.0
    """How long a guest may take to power off where its definition makes that of a restart."""
    blind_first_s: float = 1.0
    blind_most_s: float = 5.0
    """Between looks at a host that does not answer: well under a deadline's length, for ever."""
    job_interval_s: float = 1.0
    looks_apart_s: float = 2.0
    silent_job_s: float = 60.0
    """A migration call that neither ends nor has a job for this long is not waited for: both hosts are read."""
    mend_most: int = 5
    """Corrections of one interrupted migration before it is left to a person."""

    resume_accepted_within_s: float = 300.0
    """An operation that never began is begun after a restart only when it was accepted this lately."""
    note_waiting_s: float = 120.0
    """Between two notes in the journal of what waits for its turn; well below `resume_accepted_within_s`."""
    operations_kept: int = 200
    journal_keep_days: int = KEEP_DAYS
    """How long an operation that has ended stays out of the journal's archive; 0: for ever."""
    archive_interval_s: float = 3600.0
    archive_at_once: int = 50
    """Operations that are moved to the archive in one commit: other commits wait for some milliseconds."""
    archive_gap_s: float = 1.0
    """Between two such commits: others have the journal most of the time."""
    journal_retry_s: float = 2.0
    lease_s: float = 15.0
    """How long another backend on the same journal waits for one that is gone without a word."""
    lease_renew_s: float = 4.0
    """Three tries within a lease; also how often a backend that only shows operations reads them."""
    lease_margin_s: float = 3.0
    """How long before it runs out no step is begun any more: the time a call takes until it is on its way."""
    drain_s: float = 30.0
    """How long a backend that ends waits for migrations whose data it carries; well below the
    TimeoutStopSec of novacron.service."""
    drain_stop_s: float = 5.0
    """How long it then waits for those it asks to stop, so that none is cut off in its last phase."""
    alert_interval_s: float = 1.0
    task_backoff_first_s: float = 1.0
    task_backoff_most_s: float = 60.0
    """Between a long-lived task's failure and its next start."""
    task_well_after_s: float = 120.0
    """How long a task has to run without failing before its alert is cleared: longer than it may wait to start."""
    failpoint: Reached | None = None
    """Is called at every boundary of the journal, for tests that stop the backend there; None: nothing is."""
    thresholds: Thresholds = field(default_factory=Thresholds)
