"""What each step of an operation does, and how it is settled when its outcome is not known."""
