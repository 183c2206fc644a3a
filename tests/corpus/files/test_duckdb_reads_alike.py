"""What is plain CSV, however its bytes are cut into chunks."""

from __future__ import annotations

from pathlib import Path
from threading import Event

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.files import duckdb_reads_alike
from corpus.files.archives import Part
from corpus.files.duckdb_reads_alike import is_plain_csv, is_plain_json


def part(content: bytes, name: str = "a.csv") -> Part:
    return Part(name, "csv", Path(name), content)


@pytest.mark.parametrize(
    ("content", "plain"),
    [
        (b"", True),
        (b"a,b\n1,2", True),
        (b'a,b\r\n"1 ","2\r3"\r\n', True),
        (b'\xef\xbb\xbf"a","b"\n"x ""y"" z",""\n', True),
        ("é,“ü”\n".encode(), True),
        (b'a\n"1" \n', False),
        (b'a\n "1"\n', False),
        (b'a\n5" pipe\n', False),
        (b'a\n"open\n', False),
        (b"a\n1\r2\n", False),
        (b"a\n1\r", False),
        (b"a\n\xff\n", False),
        (b"a\n\xc3", False),
        (b'a\n""""\n""\n', True),
        (b'a\n"""\n', False),
    ],
)
@pytest.mark.parametrize("chunk_bytes", [1, 2, 3, 7, 1 << 20])
def test_plain_is_what_both_readers_take_alike(monkeypatch, content, plain, chunk_bytes):
    monkeypatch.setattr(duckdb_reads_alike, "CHUNK_BYTES", chunk_bytes)
    if chunk_bytes < 4 and not content.isascii():
        return  # a line longer than two chunks is left to the other reader
    assert is_plain_csv(part(content), ",", Event()) == plain


@settings(max_examples=200, deadline=None)
@given(st.text(st.sampled_from('a",\n\r é'), max_size=30), st.integers(8, 40))
def test_chunks_change_nothing(text, chunk_bytes):
    content = text.encode()
    whole = is_plain_csv(part(content), ",", Event())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(duckdb_reads_alike, "CHUNK_BYTES", chunk_bytes)
        assert is_plain_csv(part(content), ",", Event()) == whole


def test_control_characters_are_no_plain_json_and_a_wide_separator_no_plain_csv():
    assert is_plain_json(part(b'{"a": 1}\n'), Event()) and not is_plain_json(part(b'{"a": 1}\x0c\n'), Event())
    assert not is_plain_csv(part("a€b\n".encode()), "€", Event())


def test_a_look_that_is_stopped_ends():
    stop = Event()
    stop.set()
    assert not is_plain_csv(part(b"a,b\n"), ",", stop) and not is_plain_json(part(b"{}\n"), stop)
