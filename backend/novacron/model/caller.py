"""Who asks something of the backend. Every request carries one: reading, acting and serial consoles alike.

Deciding what a role may do is not here: one user's backend has one role, and its owner has it.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

DEFAULT_TENANT: Final = "default"
"""The tenant of a backend that serves one user."""


class Authentication(StrEnum):
    """How the backend knows who it is."""

    PEER_CREDENTIALS = "peer credentials"
    """The kernel told it of the other end of the unix socket."""
    IN_PROCESS = "in process"
    """The caller runs inside the backend's own process."""


class Role(StrEnum):
    """What a caller may do."""

    ADMINISTRATOR = "administrator"
    """Everything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who asks, and by what the backend knows it."""

    user: str
    """The user's name on the backend's machine; "uid 1234" when that user has none."""
    authentication: Authentication
    roles: frozenset[Role] = frozenset()
    tenant: str = DEFAULT_TENANT


def administrator(user: str, authentication: Authentication) -> Caller:
    """Return the caller of one user's own backend, who may do everything."""
    return Caller(user=user, authentication=authentication, roles=frozenset({Role.ADMINISTRATOR}))
