"""The terminal that tests look through: it loses nothing of what a program writes."""

import os

from tests.terminal import Terminal


def test_what_a_program_writes_last_is_read_after_it_has_ended() -> None:
    program = "head -c 60000 /dev/zero | tr '\\0' x; echo; echo the end"
    for _ in range(10):
        terminal = Terminal(["sh", "-c", program], env=os.environ)
        assert terminal.wait() == 0
        terminal.close()
        assert "the end" in terminal.text


def test_a_program_finds_the_size_that_the_terminal_is_given() -> None:
    terminal = Terminal(["stty", "size"], env=os.environ, columns=133, rows=44)
    assert terminal.wait() == 0
    terminal.close()
    assert "44 133" in terminal.text
