"""What every layer of the tests shares: one lab, one PostgreSQL server, and paths for sockets."""

pytest_plugins = ["tests.lab_fixtures", "tests.support.postgresql", "tests.support.socket_path"]
