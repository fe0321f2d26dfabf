"""Connections lent to calls that take minutes."""

from contextlib import AsyncExitStack

from tests.engine.site import A, Site


async def test_a_connection_two_long_calls_use_stands_until_the_last_of_them_ended(site: Site) -> None:
    await site.start()
    poller = site.service._pollers.poller(A)
    async with AsyncExitStack() as first, AsyncExitStack() as second:
        lent = await first.enter_async_context(poller.lease())
        assert await second.enter_async_context(poller.lease()) is lent
        # A reading that stays out: the poller connects anew.
        await poller._let_go()
        await first.aclose()
        assert not lent.link.is_closed, "the second call is still carried over it"
        await second.aclose()
        assert lent.link.is_closed
