"""The keys that an agent holds, and the order in which ssh offers all of ours.

sshd ends a connection after six keys, so the order decides whether the right one of a full agent is ever reached.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncssh

from novacron.adapters.ssh.identities import Identities


@asynccontextmanager
async def offered_keys(identities: Identities) -> AsyncIterator[list[asyncssh.SSHKeyPair]]:
    """Give the keys to offer; those of the agent can sign while the block lasts.

    First what the agent holds of the named keys, then what else it holds, then the files. An agent that is not there
    or does not understand holds none. Source: ssh's pubkey_prepare().
    """
    if not identities.agent:
        yield list(identities.keys)
        return
    try:
        agent = await asyncssh.connect_agent(identities.agent)
    except (OSError, asyncssh.Error):
        yield list(identities.keys)
        return
    try:
        yield _in_order(identities, await _held(agent))
    finally:
        agent.close()


async def _held(agent: asyncssh.SSHAgentClient) -> list[asyncssh.SSHKeyPair]:
    try:
        return list(await agent.get_keys())
    except (OSError, ValueError):
        return []


def _in_order(identities: Identities, held: list[asyncssh.SSHKeyPair]) -> list[asyncssh.SSHKeyPair]:
    by_data = {pair.public_data: pair for pair in held}
    named = [by_data[data] for data in identities.named if data in by_data]
    others = [] if identities.only_named else [pair for pair in held if pair.public_data not in identities.named]
    return [*named, *others, *(pair for pair in identities.keys if pair.public_data not in by_data)]
