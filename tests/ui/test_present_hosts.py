"""What the hosts pane says of hosts, as text."""

from dataclasses import replace

from novacron_tui.present.cells import Role, SafeText
from novacron_tui.present.column import CellContext
from novacron_tui.present.host_detail import host_lines
from novacron_tui.present.hosts import HOSTS
from tests.builders import NOW, a_fleet, a_host, a_reading, some_facts

LIMIT = "its sshd allows one session at once: set MaxSessions 10 in its sshd_config"


def test_what_limits_a_host_that_is_up_stands_in_its_row_and_its_detail():
    facts = replace(some_facts(), limits=(LIMIT,))
    host = a_host(reading=a_reading(facts=facts))
    (what,) = (column for column in HOSTS.columns if column.id == "what")
    cell = what.cell(host, CellContext(now=NOW))
    assert (cell.forms, cell.role) == ((SafeText(LIMIT),), Role.WARNING)
    assert any(
        LIMIT in "".join(part.text for part in line)
        for line in host_lines(host, (), a_fleet(host), CellContext(now=NOW), 200)
    )
