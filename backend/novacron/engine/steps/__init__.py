"""The steps operations are made of: each acts once, and can tell afterwards whether it happened."""
