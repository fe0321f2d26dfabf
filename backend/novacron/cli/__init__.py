"""The `novacron` command.

Importing it loads no screen, no hypervisor library and no server: each verb imports what it needs, late.
"""
