"""The only mutable state there is: asyncio tasks around immutable values, each with one writer.

poller and store own what is known; ledger, executor and run own what is being done; alerting owns what an
operator must be told; hub tells everybody; service is the one door to all of it (ports.backend.Backend).
"""
