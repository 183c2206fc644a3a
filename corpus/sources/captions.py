"""Caption files as utterances: WebVTT, SubRip and YouTube's json3.

Automatic captions come as a roll-up: every cue shows the line before once more above the new one, and short cues in
between repeat it. Of these only lines that were not shown yet are kept.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corpus.sources.base import RowError
from corpus.sources.fields import Info

CAPTIONS = ("json3", "vtt", "srt")
_TIME = r"(?:(\d{1,4}):)?(\d{1,2}):(\d{2})[.,](\d{1,3})"
TIMING = re.compile(rf"\s*{_TIME}\s*-->\s*{_TIME}")
INLINE_TIME = re.compile(r"<(?:\d+:)?\d{2}:\d{2}\.\d{3}>")
TAG = re.compile(r"</?[A-Za-z0-9][^<>]*>|\{\\[^}]*\}")
HARD_BLANK = re.compile(r"(?<!:)\\[hN]")  # a space and a line break of SubStation Alpha; no C:\home


@dataclass(frozen=True)
class Captions:
    """A caption file of a video, or captions inside its info file."""

    language: str
    kind: str
    automatic: bool
    content: Path | str


@dataclass(frozen=True)
class Utterance:
    """Something said, with its bounds in seconds."""

    start_s: float
    end_s: float
    text: str


def parse_captions(content: str, kind: str, automatic: bool = False) -> list[Utterance]:
    """Utterances of a caption file of kind vtt, srt or json3, in order of time. Raises RowError."""
    content = content.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    if kind == "vtt" and not content.startswith("WEBVTT"):
        raise RowError("captions without their header", content[:40])
    utterances = _json3(content) if kind == "json3" else _cued(content, automatic)
    return sorted(utterances, key=lambda utterance: utterance.start_s)


def _cued(content: str, automatic: bool) -> list[Utterance]:
    cues = list(_cues(content))
    if not cues and not content.startswith("WEBVTT") and content.strip():
        raise RowError("captions without a cue", content[:40])
    if automatic or INLINE_TIME.search(content):
        return list(_unrolled(cues))
    joined = ((start, end, " ".join(lines)) for start, end, lines in cues)
    return [Utterance(start, end, text) for start, end, text in joined if text]


def _cues(content: str) -> Iterator[tuple[float, float, list[str]]]:
    """Start, end and the plain lines of each cue; what stands outside (numbers, notes, styles) is passed over.

    A blank line ends a cue of WebVTT. Of SubRip it may stand inside one; there the next cue's number ends it.
    """
    blank_ends = content.startswith("WEBVTT")
    bounds: tuple[float, float] | None = None
    lines: list[str] = []
    before = ""
    for line in content.split("\n"):
        timing = TIMING.match(line)
        if bounds and timing:
            yield *bounds, lines[:-1] if before.strip().isdecimal() and not blank_ends else lines
        elif bounds and not line and blank_ends:
            yield *bounds, lines
            bounds = None
        if timing:
            parts = timing.groups()
            bounds, lines = (_seconds(parts[:4]), _seconds(parts[4:])), []
        elif bounds and (plain := _plain(line)):
            lines.append(plain)
        before = line
    if bounds:
        yield *bounds, lines


def _unrolled(cues: list[tuple[float, float, list[str]]]) -> Iterator[Utterance]:
    """Each line of a roll-up once: the lines at the top that end the cue before are being shown again."""
    shown: list[str] = []
    for start, end, lines in cues:
        again = max(n for n in range(min(len(shown), len(lines)) + 1) if shown[len(shown) - n :] == lines[:n])
        if lines[again:]:
            yield Utterance(start, end, " ".join(lines[again:]))
        shown = lines


def _json3(content: str) -> list[Utterance]:
    try:
        events = json.loads(content, parse_constant=_no_number)["events"]
        return [utterance for event in events if (utterance := _event(event))]
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise RowError("captions of unexpected shape", error) from None


def _no_number(name: str) -> None:
    raise ValueError(name)


def _event(event: dict[str, Any]) -> Utterance | None:
    """One event of json3; None for line breaks and window settings."""
    text = _plain("".join(segment.get("utf8", "") for segment in event.get("segs", [])), tags=False)
    start = event.get("tStartMs", 0) / 1000
    return Utterance(start, start + event.get("dDurationMs", 0) / 1000, text) if text else None


def _seconds(parts: tuple[str | None, ...]) -> float:
    hours, minutes, seconds = (int(part or 0) for part in parts[:3])
    return hours * 3600 + minutes * 60 + seconds + int((parts[3] or "").ljust(3, "0")) / 1000


def _plain(line: str, tags: bool = True) -> str:
    """A line without tags and entities, its white space collapsed."""
    text = html.unescape(HARD_BLANK.sub(" ", TAG.sub("", INLINE_TIME.sub("", line)))) if tags else line
    return " ".join(text.replace("\u200b", " ").replace("\u200e", "").replace("\u200f", "").split())


def captions_of(info: Info, beside: Sequence[Path]) -> list[Captions]:
    """Captions of a video, best first: manual before automatic ones, its own language, then English, then others.

    `beside` are files NAME.LANG.KIND. Machine translations into other languages are nothing that was said: left out.
    """
    manual, automatic, requested = (
        value if isinstance(value := info.get(key), dict) else {}
        for key in ("subtitles", "automatic_captions", "requested_subtitles")
    )
    found: list[tuple[str, str, Path | str]] = []
    for path in beside:
        _, lang, kind = path.name.rsplit(".", 2)
        found.append((lang, kind, path))
    inline = [(lang, sub.get("ext"), sub.get("data")) for lang, sub in requested.items() if isinstance(sub, dict)]
    found += [(lang, kind, data) for lang, kind, data in inline if kind in CAPTIONS and isinstance(data, str)]
    own = info.get("language") or next((lang for lang in automatic if lang.endswith("-orig")), None) or "en"
    languages = [str(own).split("-")[0], "en"]

    def rank(captions: Captions) -> tuple[bool, bool, int, bool, int]:
        base = captions.language.split("-")[0]
        nearness = languages.index(base) if base in languages else len(languages)
        translated = not captions.language.endswith("-orig")
        return nearness == len(languages), captions.automatic, nearness, translated, CAPTIONS.index(captions.kind)

    known = [Captions(lang, kind, lang not in manual and lang in automatic, content) for lang, kind, content in found]
    heard = [one for one in known if not one.automatic or one.language.split("-")[0] in languages]
    return sorted(heard, key=rank)
