"""What every layer of the tests shares: one lab."""

pytest_plugins = ["tests.lab_fixtures"]
