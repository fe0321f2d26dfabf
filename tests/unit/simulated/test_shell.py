"""The fake guest's serial line."""

from hypothesis import given
from hypothesis import strategies as st

from novacron.adapters.simulated.shell import Shell, ShellRequest


def _shell(asked: list[ShellRequest] | None = None, name: str = "web-1") -> Shell:
    return Shell(name, (asked if asked is not None else []).append)


def test_enter_brings_the_login_and_a_name_the_prompt() -> None:
    shell = _shell()
    assert shell.feed(b"\r").endswith(b"web-1 login: ")
    assert shell.feed(b"root\r").endswith(b"root@web-1:~# ")


def test_it_echoes_and_rubs_out() -> None:
    shell = _shell()
    shell.feed(b"root\r")
    assert shell.feed(b"echo hallp") == b"echo hallp"
    assert shell.feed(b"\x7f") == b"\b \b"
    assert b"\r\nhallo\r\n" in shell.feed(b"o\r")


def test_poweroff_asks_for_it() -> None:
    asked: list[ShellRequest] = []
    _shell(asked).feed(b"root\rpoweroff\r")
    assert asked == [ShellRequest.POWER_OFF]


def test_a_hostile_name_is_no_prompt() -> None:
    assert b"\x1b" not in _shell(name="web-\x1b[2J").feed(b"\r")


@given(st.lists(st.binary(max_size=40), max_size=10))
def test_it_survives_any_bytes(pieces: list[bytes]) -> None:
    shell = _shell()
    for piece in pieces:
        shell.feed(piece)
    assert b"login: " in shell.feed(b"\x03\x03\r") or b"# " in shell.feed(b"\r")
