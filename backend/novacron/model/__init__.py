"""Pure values and functions: what a fleet is and what may be done to it.

No I/O, no clock, no randomness, no logging, no asyncio: every function here can be tested with literals.
"""
