"""What the console asks of the backend: preview, submit, cancel, acknowledge, reconnect. No screens."""
