"""Which encoding a text file is in, and the mending of text that was decoded wrongly before it came here."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable

from charset_normalizer import from_bytes

LEGACY = ("cp1252", "mac_roman")
SAMPLE_BYTES = 1 << 16
RUN = re.compile(r"(_?)([^\x00-\x7f]+)(_(?![^\x00-\x7f]))?")
# Latin letters, punctuation, symbols, emoji: what such text is mended to. Right letters side by side may look wrong.
SYMBOLS = "\u2000-\u2bff\U0001f000-\U0001faff"
LIKELY_ONCE = re.compile(f"[\u00a0-\u024f\u1e00-\u1fff{SYMBOLS}][\u00a0-\u024f\u1e00-\u1fff\ufe0f{SYMBOLS}]*")
LIKELY_TWICE = re.compile(f"[\u00a0-\u00ff{SYMBOLS}][\u00a0-\u00ff\ufe0f{SYMBOLS}]*")
CP1252 = {bytes([byte]).decode("cp1252"): byte for byte in range(128, 256) if byte not in (129, 141, 143, 144, 157)}
# Five bytes that cp1252 does not define went through as they were, and read as these letters in mac_roman.
CP1252_PASSED = CP1252 | {bytes([byte]).decode("mac_roman"): byte for byte in (129, 141, 143, 144, 157)}


def detect(lines: Iterable[bytes]) -> str:
    """The encoding of a file: utf-8, or cp1252 or mac_roman where most lines with other than ASCII in them are not."""
    good, bad, seen, sample = 0, 0, set[int](), bytearray()
    for line in lines:
        if line.isascii():
            continue
        try:
            line.decode("utf-8")
            good += 1
        except UnicodeDecodeError:
            bad += 1
            seen.update(byte for byte in line if byte > 127)
            if len(sample) < SAMPLE_BYTES:
                sample += line
    return _legacy(bytes(sample), seen) if bad > good else "utf-8"


def _legacy(sample: bytes, seen: set[int]) -> str:
    """The legacy encoding that defines all bytes seen and reads most like language."""
    able = [name for name in LEGACY if _defines(name, seen)]
    best = from_bytes(sample, cp_isolation=able).best() if len(able) > 1 else None
    return best.encoding if best and best.encoding in able else able[0]


def _defines(encoding: str, seen: set[int]) -> bool:
    try:
        codecs.decode(bytes(sorted(seen)), encoding)
    except UnicodeDecodeError:
        return False
    return True


def mend(text: str) -> str:
    """Text whose UTF-8 was read as cp1252 and saved as mac_roman, once or twice, as it was before.

    "â€œ" and "‰ÛÏ" become a quotation mark again. On that way "¦" and "ð" were lost to "_": "â€_" is read as an
    ellipsis, "_Ÿ" as the start of an emoji. What does not decode is left alone.
    """
    return text if text.isascii() else RUN.sub(_mended, text)


def _mended(found: re.Match[str]) -> str:
    before, run, after = found[1], found[2], found[3] or ""
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
    return found[0]


def _as_utf8(run: str, likely: re.Pattern[str]) -> str | None:
    """A run read as UTF-8 again, or None where that makes no likely text."""
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
    """A run's bytes, or None where a letter has none."""
    return bytes(table[letter] for letter in run) if all(letter in table for letter in run) else None
