"""Encodings of text files, and text that was decoded wrongly before it came."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.files.encodings import detect_encoding, mend_mojibake

POST = "It’s “on” – we’re opening a café in Zürich… don’t miss it, señor!"


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "mac_roman"])
def test_the_encoding_of_a_file_is_found(encoding):
    lines = [b"id,text\n", b"1,plain\n", f"2,{POST}\n".encode(encoding)]
    assert detect_encoding(lines) == encoding


def test_one_broken_line_does_not_make_a_file_legacy():
    lines = [f"{i},{POST}\n".encode() for i in range(5)] + [b"6,\xff\xfe\n"]
    assert detect_encoding(lines) == "utf-8"


def test_bytes_that_one_encoding_lacks_decide_for_the_other():
    assert detect_encoding([POST.encode("cp1252"), b"\x9d\x81"]) == "mac_roman"


def through(text: str) -> str:
    """What UTF-8 becomes when read as cp1252 and saved as mac_roman; letters that has not are lost."""
    read = "".join(bytes([byte]).decode("cp1252", "replace") for byte in text.encode())
    return read.encode("mac_roman", "replace").decode("mac_roman").replace("?", "_")


@pytest.mark.parametrize("text", ["‘’“–—•é", "it’s", "wait…", "naïve café", "📈", "great 👉 look"])
def test_text_read_wrongly_is_mended(text):
    assert mend_mojibake(through(text)) == text


def test_text_read_wrongly_twice_is_mended():
    assert mend_mojibake("They‰Ûªre here ‰ÛÓ join us‰Û_") == "They’re here — join us…"


@given(st.text(st.characters(codec="ascii")))
def test_plain_text_stays(text):
    assert mend_mojibake(text) == text


@given(st.text(st.sampled_from("abc ’“”–…éüñ日本🎉")))
def test_right_text_stays(text):
    assert mend_mojibake(text) == text
