"""What NovaCron calls a VM, and what it never does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from novacron.model.plan.input_limits import refuse_disk, refuse_memory, refuse_name, refuse_vcpus


@pytest.mark.parametrize("name", ["a", "web-1", "Web_1.example", "0", "a" * 63])
def test_allowed(name: str) -> None:
    assert refuse_name(name) is None


@pytest.mark.parametrize(
    "name",
    [
        "", "-rf", ".hidden", "_x", "a" * 64, "a b", "a/b", "..", "a..b", "a\n", "a\x1b[2J", "naïve", "--help",
        ";reboot", "a\u202eb", "[/]", "a\x00",
    ],
)  # fmt: skip
def test_refused(name: str) -> None:
    refusal = refuse_name(name)
    assert refusal is not None
    assert refusal.remedy


@given(st.text(max_size=80))
def test_an_allowed_name_is_plain(name: str) -> None:
    if refuse_name(name) is None:
        assert name.isascii()
        assert name.isprintable()
        assert not set(name) & set(" /\\'\"$`;&|<>*?[]{}()!~#")
        assert name[0].isalnum()


def test_sizes_have_limits() -> None:
    assert refuse_vcpus(0) is not None
    assert refuse_vcpus(4) is None
    assert refuse_memory(1) is not None
    assert refuse_memory(512) is None
    assert refuse_disk(-1) is not None
    assert refuse_disk(0) is None
