"""The lab of the integration tests, for the measurements' own test."""

from tests.lab.conftest import lab, lab_folder, make_vm, pytest_terminal_summary

__all__ = ["lab", "lab_folder", "make_vm", "pytest_terminal_summary"]
