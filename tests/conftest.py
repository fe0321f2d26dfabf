"""What every layer of the tests shares: one lab, and one PostgreSQL server."""

pytest_plugins = ["tests.lab_fixtures", "tests.support.postgresql"]
