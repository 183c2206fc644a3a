"""Detect the encoding of a text file, and mend text that was decoded wrongly before (mojibake)."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable

from charset_normalizer import from_bytes

LEGACY = ("cp1252", "mac_roman")
SAMPLE_BYTES = 1 << 16
RUN = re.compile(r"(_?)([^\x00-\x7f]+)(_(?![^\x00-\x7f]))?")
# Mended text consists of Latin letters, punctuation, symbols and emoji; anything else was correct text before.
SYMBOLS = "\u2000-\u2bff\U0001f000-\U0001faff"
LIKELY_ONCE = re.compile(f"[\u00a0-\u024f\u1e00-\u1fff{SYMBOLS}][\u00a0-\u024f\u1e00-\u1fff\ufe0f{SYMBOLS}]*")
LIKELY_TWICE = re.compile(f"[\u00a0-\u00ff{SYMBOLS}][\u00a0-\u00ff\ufe0f{SYMBOLS}]*")
CP1252 = {bytes([byte]).decode("cp1252"): byte for byte in range(128, 256) if byte not in (129, 141, 143, 144, 157)}
# Five bytes that cp1252 does not define went through as they were, and read as these letters in mac_roman.
CP1252_PASSED = CP1252 | {bytes([byte]).decode("mac_roman"): byte for byte in (129, 141, 143, 144, 157)}


def binary_fault(start: bytes) -> str | None:
    """Why the first bytes of a file are no text in UTF-8 or a similar encoding; None if they may be."""
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "is text in UTF-16"
    return "holds NUL bytes, as binary files and UTF-16 do" if b"\0" in start else None


def detect_encoding(lines: Iterable[bytes]) -> str:
    """Detect the encoding: utf-8, or cp1252 or mac_roman if most of the lines that are not ASCII fail as UTF-8."""
    good, bad, high_bytes, sample = 0, 0, set[int](), bytearray()
    for line in lines:
        if line.isascii():
            continue
        try:
            line.decode("utf-8")
            good += 1
        except UnicodeDecodeError:
            bad += 1
            high_bytes.update(byte for byte in line if byte > 127)
            if len(sample) < SAMPLE_BYTES:
                sample += line
    return _legacy(bytes(sample), high_bytes) if bad > good else "utf-8"


def _legacy(sample: bytes, high_bytes: set[int]) -> str:
    """The legacy encoding that defines all `high_bytes` and in which the sample reads most like language."""
    candidates = [name for name in LEGACY if _defines(name, high_bytes)]
    best = from_bytes(sample, cp_isolation=candidates).best() if len(candidates) > 1 else None
    return best.encoding if best and best.encoding in candidates else candidates[0]


def _defines(encoding: str, high_bytes: set[int]) -> bool:
    try:
        codecs.decode(bytes(sorted(high_bytes)), encoding)
    except UnicodeDecodeError:
        return False
    return True


def mend_mojibake(text: str) -> str:
    """Restore text whose UTF-8 was read as cp1252 and saved as mac_roman, once or twice.

    "â€œ" and "‰ÛÏ" become a quotation mark again. Such text often has "_" in place of "¦" and "ð": "â€_" is read as an
    ellipsis, "_Ÿ" as the start of an emoji. Text that does not decode is left alone.
    """
    return text if text.isascii() else RUN.sub(_mended, text)


def _mended(match: re.Match[str]) -> str:
    before, run, after = match[1], match[2], match[3] or ""
    for likely in (LIKELY_ONCE, LIKELY_TWICE):
        if (read := _as_utf8(run, likely)) is not None:
            return before + read + after
        if after and run.endswith("â€") and (read := _as_utf8(run + "¦", likely)) is not None:
            return before + read
        if before and run.startswith("Ÿ") and (read := _as_utf8("ð" + run, likely)) is not None:
            return read + after
        encoded = _cp1252(run, CP1252_PASSED) or _cp1252(run, CP1252)
        if encoded is None:
            break
        run = encoded.decode("mac_roman")
    return match[0]


def _as_utf8(run: str, likely: re.Pattern[str]) -> str | None:
    """Decode a run as UTF-8; None where that gives no likely text."""
    for table in (CP1252, CP1252_PASSED):
        encoded = _cp1252(run, table)
        try:
            read = encoded.decode("utf-8") if encoded else ""
        except UnicodeDecodeError:
            continue
        if likely.fullmatch(read):
            return read
    return None


def _cp1252(run: str, table: dict[str, int]) -> bytes | None:
    """Bytes of a run by a table of letters; None where a letter is not in it."""
    return bytes(table[letter] for letter in run) if all(letter in table for letter in run) else None
