"""`novacron host test` on a host that is not there: what its ssh configuration asks for and is not done is named."""

from pathlib import Path

from typer.testing import CliRunner

from novacron.cli.main import app
from novacron.model.errors import ExitCode


def test_what_is_passed_over_in_a_hosts_ssh_configuration_is_named_in_a_line_each(tmp_path: Path):
    (tmp_path / "config").write_text("StrictHostKeyChecking no\nIdentityFile /no/such/key\nUserKnownHostsFile none\n")
    (tmp_path / "fleet.toml").write_text('[[host]]\nname = "db"\nssh = "127.0.0.1:1"\nssh_config = "config"\n')
    done = CliRunner().invoke(app, ["--fleet", str(tmp_path / "fleet.toml"), "host", "test"])
    assert done.exit_code == ExitCode.UNREACHABLE
    assert "db: nothing listens on its ssh port" in done.output
    assert [line for line in done.stdout.splitlines() if "its ssh configuration" in line] == [
        "db: its ssh configuration: StrictHostKeyChecking no is passed over: "
        "a host key is trusted after a person's yes only",
        "db: its ssh configuration: IdentityFile /no/such/key is passed over: No such file or directory",
    ]
