"""The journal in a SQL database: SQLite in WAL mode on one machine."""
