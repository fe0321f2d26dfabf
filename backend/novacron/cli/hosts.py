"""`novacron host add|test`: putting a host into fleet.toml, and finding out why one does not answer."""
