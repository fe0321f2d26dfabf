"""Pure decisions: what an intent would do, whether it may, and what an interrupted one has come to."""
