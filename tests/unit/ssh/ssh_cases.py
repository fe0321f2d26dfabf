"""Configurations that OpenSSH takes, and what comes of each: the table that we and `ssh` are held against."""

import subprocess
from collections.abc import Callable
from dataclasses import dataclass

import asyncssh

from novacron.adapters.ssh.known_hosts import hashed
from tests.unit.ssh.sshd import Home, Sshd
from tests.unit.ssh.verdicts import Verdict

ENTERS, UNKNOWN, CHANGED, REVOKED = Verdict.ENTERS, Verdict.UNKNOWN, Verdict.CHANGED, Verdict.REVOKED
REFUSED, UNUSABLE = Verdict.REFUSED, Verdict.UNUSABLE
OTHER_KEY = asyncssh.generate_private_key("ssh-ed25519")
OTHER_KIND = asyncssh.generate_private_key("ecdsa-sha2-nistp256")


def public(key: asyncssh.SSHKey) -> str:
    """Return the type and the data of a key."""
    return " ".join(key.export_public_key().decode().split()[:2])


@dataclass(frozen=True, slots=True)
class Case:
    """A configuration; {…} in its texts is filled in for the server."""

    name: str
    config: str
    """Comes before the lines that name known_hosts and the identity."""
    known_hosts: str = "[127.0.0.1]:{port} {key}"
    verdict: Verdict = ENTERS
    ours: Verdict | None = None
    """Where we are stricter than ssh on purpose."""
    says: str = ""
    """Words of our refusal."""
    prepare: Callable[[Home, Sshd], None] | None = None


def _write(name: str, text: str) -> Callable[[Home, Sshd], None]:
    def prepare(home: Home, sshd: Sshd) -> None:
        path = home.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.format(**words(home, sshd)), encoding="utf-8")

    return prepare


def _script(name: str, text: str) -> Callable[[Home, Sshd], None]:
    def prepare(home: Home, sshd: Sshd) -> None:
        _write(name, text)(home, sshd)
        (home.folder / name).chmod(0o700)

    return prepare


def _krl(home: Home, sshd: Sshd) -> None:
    _write("revoked.pub", "{key}\n")(home, sshd)
    subprocess.run(["ssh-keygen", "-q", "-k", "-f", home.folder / "krl", home.folder / "revoked.pub"], check=True)


def _lock_identity(home: Home, sshd: Sshd) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "a secret", "-f", home.folder / "locked"], check=True)


def words(home: Home, sshd: Sshd) -> dict[str, str]:
    """Return what stands for {…} in a case's texts."""
    return {
        "home": str(home.folder),
        "port": str(sshd.port),
        "key": public(sshd.key),
        "other": public(OTHER_KEY),
        "kind": public(OTHER_KIND),
        "hashed": hashed(f"[127.0.0.1]:{sshd.port}"),
        "elsewhere": hashed("[127.0.0.1]:1"),
    }


NOBODY = "# nobody\n"
KNOWN_HOSTS = [
    Case("a known key", ""),
    Case("nobody is known", "", NOBODY, UNKNOWN),
    Case("a hashed name", "", "{hashed} {key}"),
    Case("another hashed name", "", "{elsewhere} {key}", UNKNOWN),
    Case("another key", "", "[127.0.0.1]:{port} {other}", CHANGED),
    Case("a key of another kind", "", "[127.0.0.1]:{port} {kind}", CHANGED),
    Case("two keys", "", "[127.0.0.1]:{port} {kind}\n[127.0.0.1]:{port} {key}"),
    Case("the name without its port", "", "127.0.0.1 {key}"),
    Case("another key for the name without its port", "", "127.0.0.1 {other}", UNKNOWN),
    Case("a port's key before the one without", "", "127.0.0.1 {key}\n[127.0.0.1]:{port} {other}", CHANGED),
    Case("the same name on another port", "", "[127.0.0.1]:1 {key}", UNKNOWN),
    Case("a pattern", "", "[127.0.0.?]:* {key}"),
    Case("a pattern that is taken back", "", "[127.0.0.?]:*,![127.0.0.1]:* {key}", UNKNOWN),
    Case("an address range is no pattern", "", "127.0.0.0/8 {key}", UNKNOWN),
    Case("a list of names", "", "kvm-9,[127.0.0.1]:{port},x {key} a comment"),
    Case("tabs, spaces and comments", "", "\n  # [127.0.0.1]:{port} {other}\n\t[127.0.0.1]:{port}\t{key}\n"),
    Case("lines that are none", "", "one\n@marker a b c\n|1|x|y {key}\n[127.0.0.1]:{port} ssh-ed25519 AAAA\n", UNKNOWN),
    Case("a revoked key", "", "@revoked * {key}\n[127.0.0.1]:{port} {key}", REVOKED),
    Case("a key revoked and not known", "", "@revoked [127.0.0.1]:{port} {key}", REVOKED),
    Case("revoked on the plain name, known on the port", "", "@revoked 127.0.0.1 {key}\n[127.0.0.1]:{port} {key}"),
    Case("known and revoked on the plain name", "", "127.0.0.1 {key}\n@revoked 127.0.0.1 {key}", REVOKED),
    Case("an authority is no host key", "", "@cert-authority * {key}", UNKNOWN),
    Case("an authority beside the key", "", "@cert-authority * {other}\n[127.0.0.1]:{port} {key}"),
]
FILES = [
    Case(
        "several files",
        "UserKnownHostsFile {home}/none {home}/two",
        NOBODY,
        prepare=_write("two", "[127.0.0.1]:{port} {key}"),
    ),
    Case(
        "a global file",
        "GlobalKnownHostsFile {home}/global",
        NOBODY,
        prepare=_write("global", "[127.0.0.1]:{port} {key}"),
    ),
    Case(
        "another key in the global file",
        "GlobalKnownHostsFile {home}/global",
        NOBODY,
        CHANGED,
        says="-f {home}/global,",
        prepare=_write("global", "[127.0.0.1]:{port} {other}"),
    ),
    Case(
        "revoked in the global file",
        "GlobalKnownHostsFile {home}/global",
        verdict=REVOKED,
        says="REVOKED in {home}/global",
        prepare=_write("global", "@revoked * {key}"),
    ),
    Case(
        "a name with a space",
        'UserKnownHostsFile "{home}/a b/known" {home}/none',
        NOBODY,
        prepare=_write("a b/known", "[127.0.0.1]:{port} {key}"),
    ),
    Case(
        "%h in the name",
        "UserKnownHostsFile {home}/known.%h",
        NOBODY,
        prepare=_write("known.127.0.0.1", "[127.0.0.1]:{port} {key}"),
    ),
    Case(
        "%k and %p",
        "HostKeyAlias rack\nUserKnownHostsFile {home}/%k.%p",
        NOBODY,
        prepare=lambda home, sshd: _write(f"rack.{sshd.port}", "rack {key}")(home, sshd),
    ),
    Case("no file", "UserKnownHostsFile none", verdict=UNKNOWN),
    Case("no file at all", "UserKnownHostsFile none\nGlobalKnownHostsFile none", verdict=UNKNOWN),
    Case("a file that is a folder", "UserKnownHostsFile {home}", verdict=UNKNOWN, says="is a folder, not a file"),
    Case("a folder beside a good file", "UserKnownHostsFile {home} {home}/known_hosts"),
]
NAMES = [
    Case("an alias", "HostKeyAlias Rack-7", "rack-7 {key}"),
    Case("an alias has no port", "HostKeyAlias rack-7", "[rack-7]:{port} {key}", UNKNOWN),
    Case("an alias and the host's own name", "HostKeyAlias rack-7", verdict=UNKNOWN),
    Case("the alias of another key", "HostKeyAlias rack-7", "rack-7 {other}", CHANGED, says="ssh-keygen -R 'rack-7'"),
    Case("CheckHostIP", "CheckHostIP yes"),
    Case("strict checking", "StrictHostKeyChecking yes", NOBODY, UNKNOWN),
    Case(
        "no checking",
        "StrictHostKeyChecking no",
        NOBODY,
        ENTERS,
        UNKNOWN,
        says="StrictHostKeyChecking no is passed over",
    ),
    Case(
        "new keys are taken",
        "StrictHostKeyChecking accept-new",
        NOBODY,
        ENTERS,
        UNKNOWN,
        says="StrictHostKeyChecking accept-new is",
    ),
    Case("no checking and a changed key", "StrictHostKeyChecking accept-new", "[127.0.0.1]:{port} {other}", CHANGED),
    Case("this machine unchecked", "NoHostAuthenticationForLocalhost yes", NOBODY, ENTERS, UNKNOWN),
    Case(
        "a revoked list",
        "RevokedHostKeys {home}/revoked",
        verdict=REVOKED,
        prepare=_write("revoked", "# why\n{other}\n{key}\n"),
    ),
    Case("a revoked list of others", "RevokedHostKeys {home}/revoked", prepare=_write("revoked", "{other}\n")),
    Case("no revoked list", "RevokedHostKeys none"),
    Case("a revoked list that is not there", "RevokedHostKeys {home}/gone", verdict=UNUSABLE),
    Case(
        "a revoked list that is none",
        "RevokedHostKeys {home}/revoked",
        verdict=UNUSABLE,
        prepare=_write("revoked", "junk\n"),
    ),
    Case("a KRL", "RevokedHostKeys {home}/krl", verdict=REVOKED, prepare=_krl),
    Case("a KRL and a key nobody knows", "RevokedHostKeys {home}/krl", NOBODY, REVOKED, prepare=_krl),
]
COMMANDS = [
    Case("a command knows it", "KnownHostsCommand /bin/echo %H {key}", NOBODY),
    Case("a command that is told the key", "KnownHostsCommand /bin/echo %H %t %K", NOBODY),
    Case(
        "a command knows another", "KnownHostsCommand /bin/echo %H {other}", NOBODY, CHANGED, says="KnownHostsCommand"
    ),
    Case("a command revokes it", "KnownHostsCommand /bin/echo @revoked %H {key}", verdict=REVOKED),
    Case("a command that fails", "KnownHostsCommand /bin/false", verdict=UNUSABLE),
    Case("a command that is not there", "KnownHostsCommand /no/such/command"),
    Case("a command without a path", "KnownHostsCommand echo", NOBODY, UNKNOWN, says="its path is not absolute"),
]
LEXING = [
    Case("comments after values", "User eve # not ada\nConnectTimeout 30 # seconds"),
    Case("an apostrophe in a comment", "# don't\nConnectTimeout 30 # it's enough"),
    Case("equal signs and quotes", 'ConnectTimeout="30"\nHostKeyAlias = "rack"', "rack {key}"),
    Case("times with units", "ConnectTimeout 30s\nServerAliveInterval 1m\nRekeyLimit default 1h"),
    Case("no time", "ConnectTimeout none\nServerAliveInterval 0"),
    Case("no line end and a carriage return", "ConnectTimeout 30\r\nTCPKeepAlive yes\r"),
    Case(
        "include",
        "Include {home}/more/*.conf",
        NOBODY,
        prepare=_write("more/a.conf", "UserKnownHostsFile {home}/two\nInclude {home}/two.conf\n"),
        verdict=UNKNOWN,
    ),
    Case(
        "include with a host's own block",
        "Include {home}/one.conf",
        "rack {key}",
        prepare=_write("one.conf", "Host 127.*\n  HostKeyAlias rack\nHost other\n  HostKeyAlias no\n"),
    ),
    Case("match exec", 'Match exec "true"\n  HostKeyAlias rack\nMatch all', "rack {key}"),
    Case(
        "match that does not",
        'Match exec "false"\n  HostKeyAlias rack\nMatch !host 127.0.0.1\n  HostKeyAlias no\nMatch all',
    ),
    Case("match final", "Match final\n  HostKeyAlias rack\nMatch all", "rack {key}"),
    Case("match of a user", "Match user ada localuser *\n  HostKeyAlias rack\nMatch all", "rack {key}"),
    Case("unknown words that are to be ignored", "IgnoreUnknown UseKeychain,Bogus*\nUseKeychain yes\nBogusOption x"),
    Case("unknown words", "Bogus yes", verdict=UNUSABLE, says="Bad configuration option"),
    Case("a value that is none", "Port many", verdict=UNUSABLE),
    Case("a terminal and a command for people", "RequestTTY force\nRemoteCommand none\nSetEnv A=b"),
    Case("canonical names", "CanonicalizeHostname yes\nCanonicalDomains invalid\nCanonicalizeMaxDots 0"),
    Case("what Debian sets", "SendEnv LANG LC_*\nHashKnownHosts yes\nGSSAPIAuthentication yes"),
]
IDENTITIES = [
    Case("a missing identity beside a good one", "IdentityFile {home}/gone"),
    Case("a locked identity beside a good one", "IdentityFile {home}/locked", prepare=_lock_identity),
    Case("an identity that is none", "IdentityFile {home}/known_hosts"),
    Case("a missing certificate", "CertificateFile {home}/gone"),
    Case("%d and a tilde in an identity", "IdentityFile ~/%h/gone\nIdentityFile %d/.ssh/%r"),
    Case("an agent that is not there", "IdentityAgent {home}/gone"),
    Case("no agent", "IdentityAgent none"),
    Case("the session's agent", "IdentityAgent SSH_AUTH_SOCK"),
    Case("a variable's agent", "IdentityAgent $NO_SUCH_VARIABLE"),
    Case("no public keys", "PubkeyAuthentication no", verdict=REFUSED),
    Case("other methods", "PreferredAuthentications password", verdict=REFUSED),
    Case("algorithms with a sign", "HostKeyAlgorithms +ssh-rsa\nKexAlgorithms -diffie-hellman*\nCiphers ^aes256-ctr"),
    Case(
        "one algorithm of each",
        "HostKeyAlgorithms ssh-ed25519\nKexAlgorithms curve25519-sha256\nCiphers aes128-ctr\nMACs hmac-sha2-256",
    ),
    Case("compression", "Compression yes"),
    Case("one family and an address of ours", "AddressFamily inet\nBindAddress 127.0.0.1"),
]
CASES = [*KNOWN_HOSTS, *FILES, *NAMES, *COMMANDS, *LEXING, *IDENTITIES]
