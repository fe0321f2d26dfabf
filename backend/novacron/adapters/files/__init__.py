"""Plain files in the state folder."""
