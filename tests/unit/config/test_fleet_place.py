"""A mistake in fleet.toml is told with its line."""

import pytest

from novacron.config.fleet_file import load
from novacron.config.fleet_place import line_of
from novacron.model.errors import ConfigError

_TEXT = """\
colour = 3

[[site]]
name = "fra"

[[host]]            # rack 4
name = "a"
"ssh" = "a"
  [host.labels]
  rack = "4"

[[host]]
name = "b"
labels.rack = "5"

[console]
theme = "dusk"
"""


@pytest.mark.parametrize(
    ("location", "line"),
    [
        (("colour",), 1),
        (("site", 0, "name"), 4),
        (("host", 0), 6),
        (("host", 0, "ssh"), 8),
        (("host", 0, "labels", "rack"), 9),
        (("host", 1), 12),
        (("host", 1, "name"), 13),
        (("host", 1, "labels", "rack"), 14),
        (("host", 1, "uri"), 12),
        (("console", "theme"), 17),
        (("alerts", "full_percent"), None),
        ((), None),
    ],
)
def test_a_setting_is_found_or_else_the_entry_it_should_be_in(location, line):
    assert line_of(_TEXT, location) == line


def test_hosts_in_one_line_are_told_by_that_line():
    assert line_of('\nhost = [{name = "a", uri = 3}]\n', ("host", 0, "uri")) == 2


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ('[[host]]\nname = "a"\nssh = "a"\n\n[[host]]\nname = "b"\nsshh = "b"\n', 7),
        ('[[host]]\nname = "a"\nuri = qemu\n', 3),
        ('[[host]]\nname = "a"\n', 1),
        ('[[host]]\nname = "a"\nssh = "a"\n[[host]]\nname = "a"\nssh = "b"\n', 5),
        ('[[site]]\nname = "x"\n[[host]]\nname = "a"\nssh = "a"\nsite = "y"\n', 6),
        ('[[host]]\nname = "a"\nuri = "qemu+ssh://h/system?command=/bin/x"\n', 3),
        ('[[host]]\nname = "a"\nssh = "a"\npeer_uri = "qemu+ssh://h/system?netcat=x"\n', 4),
        ('[[host]]\nname = "a"\nssh = "a?command=x"\n', 3),
        ('[[host]]\nname = "a"\nssh = "a"\npeer_uri = "qemu+ssh://h/system?x=1;command=x"\n', 4),
        ('[[host]]\nname = "a"\nssh = "a"\npeer_uri = "qemu+ssh://h/system?Command=x"\n', 4),
        ('[[host]]\nname = "a"\nssh = "a"\npeer_uri = "qemu+ssh://h/system?%63ommand=x"\n', 4),
        ('[[host]]\nname = "a"\nuri = "qemu+ext://h/system?a=1;NETCAT=x"\n', 3),
        ('[[host]]\nname = "a"\nssh = "a"\nssh_config = "~nobody-of-that-name/x"\n', 4),
        ("[alerts]\nfull_percent = 101\n", 2),
        ("[alerts]\nnearly_full_percent = 96\n", 1),
    ],
)
def test_every_kind_of_mistake_names_its_line(tmp_path, content, line):
    path = tmp_path / "fleet.toml"
    path.write_text(content)
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert caught.value.subject == f"{path}:{line}"
    assert caught.value.remedy
