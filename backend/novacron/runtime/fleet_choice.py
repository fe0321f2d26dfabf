"""Which hosts are to be watched."""

from dataclasses import dataclass, field

from novacron.config.options import FleetOptions
from novacron.config.paths import config_file
from novacron.model.alert.conditions import Thresholds
from novacron.model.errors import ConfigError
from novacron.model.host import HostSpec
from novacron.model.work.retention import KEEP_DAYS
from novacron.text_file import parse_toml, read_text


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetChoice:
    """Which hosts to watch, and where that was said."""

    source: str
    hosts: tuple[HostSpec, ...]
    theme: str | None = None
    thresholds: Thresholds = field(default_factory=Thresholds)
    journal_url: str = field(default="", repr=False)
    """The PostgreSQL database of its journal, password included; empty: a file of this machine's."""
    journal_keep_days: int = KEEP_DAYS
    """For how many days an operation that has ended is kept out of the journal's archive; 0: for ever."""


def fleet_of(options: FleetOptions) -> FleetChoice:
    """Return the hosts the options mean; none of a simulated fleet, which makes its own.

    Raises:
        ConfigError: the file, or an address, is wrong.
    """
    if options.simulated:
        size = f"{options.simulated_hosts} hosts of {options.simulated_vms} VMs"
        return FleetChoice(source=f"simulated: {size}", hosts=())
    if options.connect:
        from novacron.config.addresses import specs_of

        return FleetChoice(source=" ".join(options.connect), hosts=specs_of(options.connect))
    from novacron.config.fleet_file import load

    fleet = load(options.fleet or config_file())
    return FleetChoice(
        source=fleet.source,
        hosts=fleet.hosts,
        theme=fleet.theme,
        thresholds=fleet.thresholds,
        journal_url=fleet.journal_url,
        journal_keep_days=fleet.journal_keep_days,
    )


def theme_of(options: FleetOptions) -> str | None:
    """Return the theme the fleet file names, if it does. For a console that starts: nothing else is looked at."""
    if options.simulated or options.connect:
        return None
    path = options.fleet or config_file()
    try:
        content = parse_toml(path, read_text(path))
    except (FileNotFoundError, ConfigError):
        return None
    section = content.get("console")
    theme = section.get("theme") if isinstance(section, dict) else None
    return theme if isinstance(theme, str) else None
