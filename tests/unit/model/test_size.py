"""Sizes as people type them."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from novacron.model.errors import UsageError
from novacron.model.size import MOST_MIB, parse_size_mib, size_text


@pytest.mark.parametrize(
    ("typed", "mib"),
    [
        ("512", 512),
        ("0", 0),
        ("512M", 512),
        ("512m", 512),
        ("512MiB", 512),
        ("2G", 2048),
        ("2g", 2048),
        ("20GiB", 20_480),
        (" 20 gib ", 20_480),
        ("1.5G", 1536),
        ("1T", 1_048_576),
        ("2TiB", 2_097_152),
        ("1P", 1_073_741_824),
        ("2048K", 2),
        ("1024kib", 1),
    ],
)
def test_a_size_is_typed_with_a_unit_or_as_mib(typed: str, mib: int) -> None:
    assert parse_size_mib(typed) == mib


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("", "this is no size (type it as 512M, 2G, 20GiB or 1T"),
        ("big", "this is no size"),
        ("-2G", "this is no size"),
        ("1,5G", "this is no size"),
        ("٢G", "this is no size"),
        ("2X", "'X' is no unit of size"),
        ("2B", "'B' is no unit of size"),
        ("2GB", "type GiB"),
        ("0.3G", "no whole number of MiB (type 307M or 308M)"),
        ("1K", "no whole number of MiB (type 1M)"),
        ("9999999P", "no machine is that large"),
    ],
)
def test_what_is_no_size_is_refused_with_what_to_type(typed: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_size_mib(typed)
    assert said in str(caught.value)


@given(st.integers(min_value=0, max_value=MOST_MIB))
def test_a_size_reads_back_as_it_was_written(mib: int) -> None:
    assert parse_size_mib(size_text(mib)) == mib


@given(st.text(max_size=40))
def test_anything_that_is_typed_is_a_size_or_a_usage_error(typed: str) -> None:
    with suppress(UsageError):
        assert 0 <= parse_size_mib(typed) <= MOST_MIB
