"""Files a person wrote: whatever stands at their path, one line says what it is, at once and in little memory."""

import os
import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from novacron.model.errors import ConfigError
from novacron.text_file import MOST_BYTES, parse_toml, read_text


def _a_socket(path: Path) -> None:
    socket.socket(socket.AF_UNIX).bind(str(path))


def _a_sparse_file(path: Path) -> None:
    path.touch()
    os.truncate(path, 3 << 30)


@pytest.mark.parametrize(
    ("make", "detail"),
    [
        (os.mkfifo, "is a pipe, not a file"),
        (Path.mkdir, "is a folder, not a file"),
        (_a_socket, "is a socket, not a file"),
        (lambda path: path.symlink_to("/dev/zero"), "is a device, not a file"),
        (_a_sparse_file, "has more than 4 MiB"),
        (lambda path: path.write_bytes(b"#" * (MOST_BYTES + 1)), "has more than 4 MiB"),
        (lambda path: path.write_bytes(b"\xef\xbb\xbf# x\n"), "begins with a byte-order mark"),
        (lambda path: path.write_text("# x\n", encoding="utf-16"), "is UTF-16"),
        (lambda path: path.write_bytes(b"# caf\xe9\n"), "is not UTF-8 at byte 5"),
        (lambda path: path.symlink_to(path), "cannot be read: Too many levels of symbolic links"),
    ],
)
def test_what_is_no_small_text_file_is_told_in_one_line_with_a_remedy(
    tmp_path: Path, make: Callable[[Path], None], detail: str
) -> None:
    path = tmp_path / "x.toml"
    make(path)
    with pytest.raises(ConfigError) as caught:
        read_text(path)
    assert (caught.value.subject, caught.value.detail) == (str(path), detail)
    assert caught.value.remedy
    assert "\n" not in str(caught.value)


def test_the_null_device_is_an_empty_file() -> None:
    assert read_text(Path("/dev/null")) == ""


def test_a_file_that_is_not_there_is_left_to_the_caller(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_text(tmp_path / "none")


def test_a_file_of_the_size_allowed_is_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_bytes(b"#" * MOST_BYTES)
    assert len(read_text(path)) == MOST_BYTES


@pytest.mark.parametrize(
    "text",
    [
        "a = " + "[" * 100_000,
        "a = " + "{b = " * 100_000,
        "[" + ".".join("a" * 100_000) + "]",
        "\n" + ".".join("a" * 100_000) + " = 1",
        "\n" + " . ".join(["'a b'"] * 100_000) + " = 1",
    ],
)
def test_toml_that_is_nested_deeply_is_refused_at_once(text: str) -> None:
    began = time.process_time()
    with pytest.raises(ConfigError, match="is nested too deeply"):
        parse_toml(Path("x.toml"), text)
    # The long keys took minutes, by the square of their length: no machine is that much slower.
    assert time.process_time() - began < 10


@pytest.mark.parametrize("text", ["a" * MOST_BYTES, '"' * MOST_BYTES, "a " * (MOST_BYTES // 2), "a." * 31 + "\n"])
def test_a_long_text_that_is_not_nested_is_looked_through_in_linear_time(text: str) -> None:
    began = time.process_time()
    with pytest.raises(ConfigError, match="is not TOML"):
        parse_toml(Path("x.toml"), text)
    assert time.process_time() - began < 10
