"""The backend port over a unix socket: server, client and the codec between them.

Importing this package, or its client, loads no server.
"""
