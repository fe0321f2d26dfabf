"""What the operator wrote and where NovaCron keeps its own things."""
