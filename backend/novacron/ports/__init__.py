"""Protocols only: the roles the engine needs played, and the one it plays for its clients."""
