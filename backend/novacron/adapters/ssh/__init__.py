"""One SSH connection per host, by asyncssh: commands, sockets and the host's identity."""
