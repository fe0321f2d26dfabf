"""The tokens and environment variables that ssh replaces in values of its configuration.

Source: ssh_config(5), TOKENS and ENVIRONMENT VARIABLES. A home is the one of the passwd database, as for ssh, whatever
HOME says.
"""

import hashlib
import os
import pwd
import re
import socket
from collections.abc import Mapping
from pathlib import Path

_TOKEN = re.compile("%(.)")
_VARIABLE = re.compile(r"\$\{([^}]*)\}")


def own_home() -> Path:
    """Return the home folder in which ssh looks for its files."""
    try:
        return Path(pwd.getpwuid(os.getuid()).pw_dir)
    except KeyError:
        return Path.home()


def own_name() -> str:
    """Return the name of who runs this, as ssh takes it for the remote user's."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return os.environ.get("USER", "")


def connection_tokens(*, name: str, host: str, port: int, user: str, alias: str, jump: str) -> dict[str, str]:
    """Return what the tokens stand for in a connection to `host`, which was called `name`."""
    here = socket.gethostname()
    hashed = hashlib.sha1(f"{here}{host}{port}{user}{jump}".encode(), usedforsecurity=False).hexdigest()
    return {
        "%": "%",
        "C": hashed,
        "d": str(own_home()),
        "h": host,
        "i": str(os.getuid()),
        "j": jump,
        "k": alias or name,
        "L": here.partition(".")[0],
        "l": here,
        "n": name,
        "p": str(port),
        "r": user,
        "u": own_name(),
    }


def expand(text: str, tokens: Mapping[str, str]) -> str:
    """Replace the tokens of a value; one that does not exist stays."""
    return _TOKEN.sub(lambda match: tokens.get(match[1], match[0]), text)


def expand_path(text: str, tokens: Mapping[str, str]) -> Path | None:
    """Return the file that a value names; None when a variable in it is not set, as ssh then ignores it."""
    path = _VARIABLE.sub(lambda match: os.environ.get(match[1], "\0"), expand(expand_home(text), tokens))
    return None if "\0" in path else Path(path)


def expand_home(text: str) -> str:
    """Replace a leading ~ or ~name."""
    if not text.startswith("~"):
        return text
    name, slash, rest = text[1:].partition("/")
    try:
        home = pwd.getpwnam(name).pw_dir if name else str(own_home())
    except KeyError:
        return text
    return home + slash + rest
