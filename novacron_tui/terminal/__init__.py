"""Textual on the operator's terminal: its keyboard, its theme, the order of keys, and the end of the session."""
