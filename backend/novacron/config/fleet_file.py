"""fleet.toml: which sites and hosts there are. Read into HostSpec values; written only by `novacron host add`."""

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from novacron.config.addresses import require_harmless_peer, spec_of
from novacron.config.fleet_place import line_of
from novacron.model.alert.conditions import Thresholds
from novacron.model.errors import ConfigError
from novacron.model.host import HostSpec
from novacron.model.work.limits import DEFAULT_LIMITS, Limits
from novacron.model.work.retention import KEEP_DAYS
from novacron.text_file import parse_toml, read_text

if TYPE_CHECKING:
    from tomlkit.items import InlineTable, Table

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$")]


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetFile:
    """What fleet.toml says."""

    source: str
    hosts: tuple[HostSpec, ...]
    sites: tuple[str, ...] = ()
    theme: str | None = None
    thresholds: Thresholds = field(default_factory=Thresholds)
    journal_url: str = field(default="", repr=False)
    """The PostgreSQL database of its journal, password included; empty: a file of this machine's."""
    journal_keep_days: int = KEEP_DAYS
    """For how many days an operation that has ended is kept out of the journal's archive; 0: for ever."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Site(_Strict):
    name: Name


class _Limits(_Strict):
    """How much a host takes at once; what is left out is as for the fleet, and there as by default."""

    migrations_in: int | None = Field(default=None, ge=1, le=1000)
    migrations_out: int | None = Field(default=None, ge=1, le=1000)
    starts: int | None = Field(default=None, ge=1, le=1000)
    disk_copies: int | None = Field(default=None, ge=1, le=1000)

    def over(self, limits: Limits) -> Limits:
        """Return these limits with what is set here."""
        return replace(limits, **self.model_dump(exclude_none=True))


class _Host(_Strict):
    """A HostSpec as the file has it: the same settings by the same names, but for its name."""

    name: Name
    site: str = ""
    uri: str = ""
    ssh: str = ""
    ssh_config: str = ""
    socket: str = ""
    peer_uri: str = ""
    migration_address: str = ""
    labels: dict[str, str] = {}
    limits: _Limits = _Limits()

    @model_validator(mode="after")
    def _one_way_in(self) -> "_Host":
        if bool(self.uri) == bool(self.ssh):
            raise ValueError(f"host {self.name}: exactly one of uri and ssh is needed")
        if self.ssh.startswith("-"):
            raise ValueError(f"host {self.name}: an ssh name cannot begin with a dash")
        if "://" in self.ssh:
            raise ValueError(f"host {self.name}: ssh is a name, not a URI; write it as uri")
        return self


class _ConsoleSection(_Strict):
    theme: str | None = None


class _Alerts(_Strict):
    unreachable_after_s: float = Field(default=Thresholds().unreachable_after_s, ge=0)
    nearly_full_percent: float = Field(default=Thresholds().nearly_full * 100, gt=0, le=100)
    full_percent: float = Field(default=Thresholds().full * 100, gt=0, le=100)

    @model_validator(mode="after")
    def _in_order(self) -> "_Alerts":
        if self.nearly_full_percent > self.full_percent:
            raise ValueError("nearly_full_percent is more than full_percent")
        return self


class _Journal(_Strict):
    url: str = ""
    keep_days: int = Field(default=KEEP_DAYS, ge=0, le=36_500)

    @model_validator(mode="after")
    def _of_postgresql(self) -> "_Journal":
        # No word of the URL in a message: a password may be in it.
        if self.url and not self.url.startswith(("postgresql://", "postgres://")):
            raise ValueError("url begins with postgresql:// (or leave it out: the journal is a file then)")
        try:
            parts = urlsplit(self.url)
            _ = parts.port
        except ValueError:
            raise ValueError("url is no URL: signs such as / @ : # in a password are written %2F %40 %3A %23") from None
        if self.url and not parts.path.strip("/"):
            raise ValueError("url names no database: postgresql://user@host/DATABASE")
        return self


class _File(_Strict):
    site: list[_Site] = []
    host: list[_Host] = []
    console: _ConsoleSection = _ConsoleSection()
    alerts: _Alerts = _Alerts()
    journal: _Journal = _Journal()
    limits: _Limits = _Limits()


_SECTIONS: dict[str, type[_Strict]] = {
    "site": _Site,
    "host": _Host,
    "console": _ConsoleSection,
    "alerts": _Alerts,
    "journal": _Journal,
    "limits": _Limits,
}


def load(path: Path) -> FleetFile:
    """Read a fleet file.

    Raises ConfigError naming the file, the place, the cause and the remedy.
    """
    return _understood(path, _text_of(path))


def add_host(path: Path, spec: HostSpec) -> None:
    """Append a host, keeping every comment; the file is made if there is none, and replaced whole or not at all.

    Raises ConfigError when the file is broken, has such a host, or could not be read with it.
    """
    # Late: a console reads this file when it starts, and only this writes it.
    import tomlkit
    import tomlkit.items

    before = _text_of(path) if path.exists() else ""
    if any(host.id == spec.id for host in _understood(path, before).hosts):
        raise ConfigError(str(path), f"host {spec.id} is in it already", "choose another name")
    # An empty line between what is there and the new host.
    document = tomlkit.parse(f"{before.rstrip()}\n\n" if before.strip() else before)
    hosts = document.get("host")
    if hosts is None:
        hosts = tomlkit.aot()
        document.append("host", hosts)
    hosts.append(_table_of(spec, inline=isinstance(hosts, tomlkit.items.Array)))
    after = f"{tomlkit.dumps(document).rstrip()}\n"
    _understood(path, after)
    _replace(path, after)


def _table_of(spec: HostSpec, *, inline: bool) -> "Table | InlineTable":
    """Return a host as TOML; inside a one-line list of hosts only an inline table can stand."""
    import tomlkit

    table = tomlkit.inline_table() if inline else tomlkit.table()
    keys = [key for key in _Host.model_fields if key not in ("name", "labels", "limits")]
    written = {"name": spec.id, **{key: getattr(spec, key) for key in keys}}
    table.update({key: value for key, value in written.items() if value})
    if spec.labels:
        labels = tomlkit.inline_table()
        labels.update(spec.labels)
        table["labels"] = labels
    return table


def _replace(path: Path, text: str) -> None:
    """Write through a link to the file it names, which keeps its mode."""
    path = path.resolve()
    if path.exists() and not path.is_file():
        raise ConfigError(str(path), "is no regular file, and cannot be replaced by one", "name another file")
    fresh = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh.write_text(text, encoding="utf-8")
        if path.exists():
            fresh.chmod(path.stat().st_mode & 0o7777)
        fresh.replace(path)
    except OSError as error:
        with suppress(OSError):
            fresh.unlink(missing_ok=True)
        raise ConfigError(str(path), f"cannot be written: {error.strerror}", "check its folder") from error


def _text_of(path: Path) -> str:
    try:
        return read_text(path)
    except FileNotFoundError:
        raise ConfigError(
            str(path),
            "there is no such file",
            "novacron host add makes it; novacron --connect URI goes without; to look around: novacron --simulated",
        ) from None


def _understood(path: Path, text: str) -> FleetFile:
    content = parse_toml(path, text)
    try:
        parsed = _File.model_validate(content)
    except ValidationError as error:
        raise _explain(_Place(path, text), error) from error
    _refuse_doubles(_Place(path, text), parsed)
    _refuse_unknown_sites(_Place(path, text), parsed)
    return FleetFile(
        source=str(path),
        hosts=tuple(
            replace(
                _spec(host, path.parent, _Place(path, text, index)),
                limits=host.limits.over(parsed.limits.over(DEFAULT_LIMITS)),
            )
            for index, host in enumerate(parsed.host)
        ),
        sites=tuple(site.name for site in parsed.site),
        theme=parsed.console.theme,
        journal_url=parsed.journal.url,
        journal_keep_days=parsed.journal.keep_days,
        thresholds=Thresholds(
            unreachable_after_s=parsed.alerts.unreachable_after_s,
            nearly_full=parsed.alerts.nearly_full_percent / 100,
            full=parsed.alerts.full_percent / 100,
        ),
    )


@dataclass(frozen=True, slots=True)
class _Place:
    """The file, for messages about it."""

    path: Path
    text: str
    host: int = 0

    def at(self, *location: str | int) -> str:
        line = line_of(self.text, location)
        return f"{self.path}:{line}" if line else str(self.path)


def _expanded(host: _Host, folder: Path, place: _Place) -> str:
    """Return the path of its ssh configuration, from the file's folder; empty when it has none."""
    if not host.ssh_config:
        return ""
    try:
        return str(folder / Path(host.ssh_config).expanduser())
    except RuntimeError as error:
        raise ConfigError(
            place.at("host", place.host, "ssh_config"),
            f"host {host.name}: ssh_config: {error}",
            "write the path out, or begin it with ~/",
        ) from error


def _spec(host: _Host, folder: Path, place: _Place) -> HostSpec:
    ssh_config = _expanded(host, folder, place)
    try:
        way = spec_of(host.uri or host.ssh, host.name)
        if host.peer_uri:
            require_harmless_peer(host.peer_uri)
    except ConfigError as error:
        key = "peer_uri" if error.subject == host.peer_uri else "uri" if host.uri else "ssh"
        raise ConfigError(
            place.at("host", place.host, key), f"host {host.name}: {key}: {error.detail}", error.remedy
        ) from error
    # What an address says by itself holds where the file says nothing else.
    own = host.model_dump(exclude={"name", "uri", "ssh", "limits"}, exclude_defaults=True)
    return replace(way, **{**own, "ssh_config": ssh_config})


def _refuse_doubles(place: _Place, parsed: _File) -> None:
    for what, names in (("host", [h.name for h in parsed.host]), ("site", [s.name for s in parsed.site])):
        for index, name in enumerate(names):
            if name in names[:index]:
                raise ConfigError(
                    place.at(what, index, "name"), f"{what} {name} is in it twice", "give each its own name"
                )


def _refuse_unknown_sites(place: _Place, parsed: _File) -> None:
    known = {site.name for site in parsed.site}
    for index, host in enumerate(parsed.host):
        if host.site and known and host.site not in known:
            near = get_close_matches(host.site, known, n=1)
            hint = f"did you mean {near[0]}?" if near else "add a [[site]] of that name"
            raise ConfigError(place.at("host", index, "site"), f"host {host.name}: there is no site {host.site}", hint)


def _explain(place: _Place, error: ValidationError) -> ConfigError:
    """Turn the first complaint into a line: which entry, which key, what is wrong with it."""
    first = error.errors()[0]
    location: Sequence[str | int] = first["loc"]
    named = "".join(f"[{part + 1}]" if isinstance(part, int) else f".{part}" for part in location).lstrip(".")
    where = place.at(*location)
    if first["type"] == "extra_forbidden":
        key = str(location[-1])
        parts = [str(part) for part in location[:-1] if isinstance(part, str)]
        section = _SECTIONS.get(parts[-1], _File) if parts else _File
        near = get_close_matches(key, section.model_fields, n=1)
        return ConfigError(
            where,
            f"{named}: there is no such setting",
            f"did you mean {near[0]}?" if near else f"known here: {', '.join(section.model_fields)}",
        )
    message = str(first["msg"]).removeprefix("Value error, ")
    return ConfigError(where, f"{named}: {message}", "mend it at the place named")
