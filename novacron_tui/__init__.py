"""The console: what an operator sees and presses. Reached through novacron_tui.run.run alone.

It knows the backend port and the model, and nothing of how they are served. Importing this package loads no Textual.
"""
