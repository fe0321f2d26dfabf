"""What ssh's configuration says about one connection: the one value that connecting and checking both go by.

It is read from the answer of `ssh -G`, so files, Include, Match and canonical names are ssh's own affair.
"""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from novacron.adapters.ssh.address import SshAddress
from novacron.adapters.ssh.tokens import connection_tokens, expand, expand_home, expand_path, own_home, own_name

_PORT = 22
_DEFAULT_KEYS = ("id_rsa", "id_ecdsa", "id_ed25519")
_CALLED_ALWAYS = re.compile(r"~/\.ssh/id_(rsa|dsa|ecdsa|ecdsa_sk|ed25519|ed25519_sk|xmss|mldsa\w*)")
"""The names ssh tries by itself: that one is not there is nothing to tell."""
_NOT_DONE = {
    "proxyusefdpass": ("no", "ProxyUseFdpass is not supported: its ProxyCommand must carry the connection itself"),
    "bindinterface": ("", "BindInterface is passed over; BindAddress is followed"),
    "hostbasedauthentication": ("no", "HostbasedAuthentication is passed over: keys are used"),
    "pkcs11provider": ("", "PKCS11Provider is passed over: an agent that holds the token is asked"),
    "verifyhostkeydns": ("false", "VerifyHostKeyDNS is passed over: known_hosts alone vouches for a key"),
    "nohostauthenticationforlocalhost": (
        "no",
        "NoHostAuthenticationForLocalhost is passed over: the host key of this machine is checked too",
    ),
}
_LOOSE = frozenset({"false", "no", "off", "accept-new"})


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginOptions:
    """By what we prove who we are."""

    identity_files: tuple[Path, ...] = ()
    named_identities: tuple[Path, ...] = ()
    """Those of them that the configuration names: one that is missing is told."""
    certificate_files: tuple[Path, ...] = ()
    identities_only: bool = False
    agent: str = ""
    """The agent's socket; empty: none is asked."""
    public_keys: bool = True
    gssapi: bool = False
    gssapi_key_exchange: bool = False
    methods: tuple[str, ...] = ()
    """Of authentication, the preferred first; empty: ssh's own order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SshOptions:
    """One connection as ssh would make it. Names of algorithms are empty where ssh's default holds."""

    name: str
    """What the operator calls the host."""
    host: str
    """What is connected to."""
    port: int
    user: str
    host_key_alias: str = ""
    user_known_hosts: tuple[Path, ...] = ()
    """None for `UserKnownHostsFile none`; the first is where a key is remembered."""
    global_known_hosts: tuple[Path, ...] = ()
    known_hosts_command: str = ""
    revoked_host_keys: Path | None = None
    check_host_ip: bool = False
    hash_known_hosts: bool = False
    jumps: tuple[str, ...] = ()
    """Jump hosts, the first one first."""
    proxy_command: str = ""
    """For a shell, its tokens replaced."""
    login: LoginOptions = LoginOptions()
    address_family: str = "any"
    bind_address: str = ""
    connect_timeout_s: float | None = None
    compression: bool = False
    host_key_algorithms: tuple[str, ...] = ()
    key_exchanges: tuple[str, ...] = ()
    ciphers: tuple[str, ...] = ()
    macs: tuple[str, ...] = ()
    tokens: Mapping[str, str]
    passed_over: tuple[str, ...] = ()
    """What the configuration asks for and we do not do: a line each."""
    checking_passed_over: str = ""
    """The same about StrictHostKeyChecking; empty where that asks for what is done anyway."""

    @property
    def entry(self) -> str:
        """How known_hosts names the host."""
        if self.host_key_alias or self.port == _PORT:
            return self.plain_entry
        return f"[{self.host}]:{self.port}"

    @property
    def plain_entry(self) -> str:
        """How known_hosts names the host on whatever port."""
        return self.host_key_alias or self.host


def options_of(address: SshAddress, answer: str) -> SshOptions:
    """Return the options that `ssh -G` answered with; an empty answer means ssh's own defaults."""
    said: dict[str, list[str]] = {}
    for line in answer.splitlines():
        key, _, value = line.partition(" ")
        said.setdefault(key.lower(), []).append(value.strip())
    one = {key: values[0] for key, values in said.items()}
    host = one.get("hostname", address.name.lower())
    port = int(one.get("port", address.port or _PORT))
    user = one.get("user", address.user or own_name())
    alias = _unless_none(one.get("hostkeyalias", ""))
    jump = _unless_none(one.get("proxyjump", ""))
    tokens = connection_tokens(name=address.name, host=host, port=port, user=user, alias=alias, jump=jump)
    return SshOptions(
        name=address.name,
        host=host,
        port=port,
        user=user,
        host_key_alias=alias,
        user_known_hosts=_files(one.get("userknownhostsfile", f"{own_home()}/.ssh/known_hosts")),
        global_known_hosts=_files(one.get("globalknownhostsfile", "/etc/ssh/ssh_known_hosts")),
        known_hosts_command=_unless_none(one.get("knownhostscommand", "")),
        revoked_host_keys=_revocations(_unless_none(one.get("revokedhostkeys", "")), tokens),
        check_host_ip=one.get("checkhostip") == "yes",
        hash_known_hosts=one.get("hashknownhosts") == "yes",
        jumps=_hops(expand(jump, tokens)),
        proxy_command=expand(_unless_none(one.get("proxycommand", "")), tokens),
        login=_login(said, one, tokens),
        address_family=one.get("addressfamily", "any"),
        bind_address=one.get("bindaddress", ""),
        connect_timeout_s=_seconds(one.get("connecttimeout", "")),
        compression=one.get("compression") == "yes",
        host_key_algorithms=_words(one.get("hostkeyalgorithms", "")),
        key_exchanges=_words(one.get("kexalgorithms", "")),
        ciphers=_words(one.get("ciphers", "")),
        macs=_words(one.get("macs", "")),
        tokens=tokens,
        passed_over=_passed_over(one),
        checking_passed_over=_checking(one.get("stricthostkeychecking", "ask")),
    )


def _login(said: Mapping[str, Sequence[str]], one: Mapping[str, str], tokens: Mapping[str, str]) -> LoginOptions:
    identities = said.get("identityfile") or [f"~/.ssh/{name}" for name in _DEFAULT_KEYS]
    return LoginOptions(
        identity_files=_paths(identities, tokens),
        named_identities=_paths([name for name in identities if not _CALLED_ALWAYS.fullmatch(name)], tokens),
        certificate_files=_paths(said.get("certificatefile", ()), tokens),
        identities_only=one.get("identitiesonly") == "yes",
        agent=_agent(one.get("identityagent", "SSH_AUTH_SOCK"), tokens),
        public_keys=one.get("pubkeyauthentication") not in ("no", "false"),
        gssapi=one.get("gssapiauthentication") == "yes",
        gssapi_key_exchange=one.get("gssapikeyexchange") == "yes",
        methods=_words(one.get("preferredauthentications", "")),
    )


def _passed_over(one: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(line for key, (usual, line) in _NOT_DONE.items() if _unless_none(one.get(key, usual)) != usual)


def _checking(asked: str) -> str:
    if asked not in _LOOSE:
        return ""
    called = "accept-new" if asked == "accept-new" else "no"
    return f"StrictHostKeyChecking {called} is passed over: a host key is trusted after a person's yes only"


def _files(joined: str) -> tuple[Path, ...]:
    """Part the file names that `ssh -G` joins with spaces, also where a name has some: each begins at the root."""
    names: list[str] = []
    for word in joined.split(" "):
        if names and not expand_home(word).startswith("/"):
            names[-1] += f" {word}"
        else:
            names.append(word)
    return tuple(Path(expand_home(name)) for name in names if _unless_none(name))


def _seconds(value: str) -> float | None:
    return float(value) if value.isdigit() and int(value) else None


def _revocations(named: str, tokens: Mapping[str, str]) -> Path | None:
    """Return the file, which some versions of ssh take by its name as it is written; None where none is named."""
    if not named:
        return None
    written = Path(named)
    return written if written.exists() else expand_path(named, tokens) or written


def _hops(named: str) -> tuple[str, ...]:
    """Return the jump hosts of ProxyJump as an operator writes hosts: ssh -G answers with ssh's own spelling."""
    written = (hop.strip().removeprefix("ssh://").rstrip("/") for hop in named.split(","))
    return tuple(str(SshAddress.parse(hop)) for hop in written if hop)


def _agent(named: str, tokens: Mapping[str, str]) -> str:
    if named == "none":
        return ""
    if named == "SSH_AUTH_SOCK":
        return os.environ.get("SSH_AUTH_SOCK", "")
    if named.startswith("$") and not named.startswith("${"):
        return os.environ.get(named[1:], "")
    path = expand_path(named, tokens)
    return str(path) if path else ""


def _paths(names: Sequence[str], tokens: Mapping[str, str]) -> tuple[Path, ...]:
    return tuple(path for name in names if _unless_none(name) and (path := expand_path(name, tokens)))


def _words(text: str) -> tuple[str, ...]:
    return tuple(word for word in text.split(",") if word)


def _unless_none(value: str) -> str:
    return "" if value.lower() == "none" else value
