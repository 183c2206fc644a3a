"""Parse caption files (WebVTT, SubRip and YouTube's json3) into utterances.

Automatic captions roll up: every cue repeats the previous line above the new one, and short cues in between repeat it
again. Only lines that were not shown before are kept.
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
HARD_BLANK = re.compile(r"(?<!:)\\[hN]")  # space and line break of SubStation Alpha, but not C:\home


@dataclass(frozen=True)
class Captions:
    """Captions of a video: a caption file, or text inside its info file."""

    language: str
    kind: str
    automatic: bool
    content: Path | str


@dataclass(frozen=True)
class Utterance:
    """A spoken text with its bounds in seconds."""

    start_s: float
    end_s: float
    text: str


def parse_captions(content: str, kind: str, automatic: bool = False) -> list[Utterance]:
    """Parse a caption file of kind vtt, srt or json3 into utterances, in order of time. Raises RowError."""
    content = content.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    if kind == "vtt" and not content.startswith("WEBVTT"):
        raise RowError("captions without their header", content[:40])
    utterances = _parse_json3(content) if kind == "json3" else _parse_cues(content, automatic)
    return sorted(utterances, key=lambda utterance: utterance.start_s)


def _parse_cues(content: str, automatic: bool) -> list[Utterance]:
    cues = list(_split_cues(content))
    if not cues and not content.startswith("WEBVTT") and content.strip():
        raise RowError("captions without a cue", content[:40])
    if automatic or INLINE_TIME.search(content):
        return list(_unroll(cues))
    joined = ((start, end, " ".join(lines)) for start, end, lines in cues)
    return [Utterance(start, end, text) for start, end, text in joined if text]


def _split_cues(content: str) -> Iterator[tuple[float, float, list[str]]]:
    """Yield start, end and the plain lines of each cue; text outside cues (numbers, notes, styles) is skipped.

    A blank line ends a cue of WebVTT. In SubRip it may be part of the cue, which ends at the number of the next one.
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
            bounds, lines = (_parse_seconds(parts[:4]), _parse_seconds(parts[4:])), []
        elif bounds and (plain := _plain_text(line)):
            lines.append(plain)
        before = line
    if bounds:
        yield *bounds, lines


def _unroll(cues: list[tuple[float, float, list[str]]]) -> Iterator[Utterance]:
    """Yield each line of roll-up cues once: the first lines of a cue repeat the last lines of the previous one."""
    shown: list[str] = []
    for start, end, lines in cues:
        repeated = max(n for n in range(min(len(shown), len(lines)) + 1) if shown[len(shown) - n :] == lines[:n])
        if lines[repeated:]:
            yield Utterance(start, end, " ".join(lines[repeated:]))
        shown = lines


def _parse_json3(content: str) -> list[Utterance]:
    try:
        events = json.loads(content, parse_constant=_refuse_constant)["events"]
        return [utterance for event in events if (utterance := _parse_event(event))]
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise RowError("captions of unexpected shape", error) from None


def _refuse_constant(name: str) -> None:
    raise ValueError(name)


def _parse_event(event: dict[str, Any]) -> Utterance | None:
    """Parse an event of json3; None for line breaks and window settings."""
    text = _plain_text("".join(segment.get("utf8", "") for segment in event.get("segs", [])), tags=False)
    start = event.get("tStartMs", 0) / 1000
    return Utterance(start, start + event.get("dDurationMs", 0) / 1000, text) if text else None


def _parse_seconds(parts: tuple[str | None, ...]) -> float:
    hours, minutes, seconds = (int(part or 0) for part in parts[:3])
    return hours * 3600 + minutes * 60 + seconds + int((parts[3] or "").ljust(3, "0")) / 1000


def _plain_text(line: str, tags: bool = True) -> str:
    """Remove tags and entities from a line, and collapse its white space."""
    text = html.unescape(HARD_BLANK.sub(" ", TAG.sub("", INLINE_TIME.sub("", line)))) if tags else line
    return " ".join(text.replace("\u200b", " ").replace("\u200e", "").replace("\u200f", "").split())


def list_captions(info: Info, beside: Sequence[Path]) -> list[Captions]:
    """List the captions of a video, best first: manual before automatic; its own language, then English, then others.

    `beside` are files NAME.LANG.KIND. Automatic captions in other languages are machine translations, and left out.
    """
    manual, automatic, requested = (
        value if isinstance(value := info.get(key), dict) else {}
        for key in ("subtitles", "automatic_captions", "requested_subtitles")
    )
    contents: list[tuple[str, str, Path | str]] = []
    for path in beside:
        _, lang, kind = path.name.rsplit(".", 2)
        contents.append((lang, kind, path))
    inline = [(lang, sub.get("ext"), sub.get("data")) for lang, sub in requested.items() if isinstance(sub, dict)]
    contents += [(lang, kind, data) for lang, kind, data in inline if kind in CAPTIONS and isinstance(data, str)]
    own = info.get("language") or next((lang for lang in automatic if lang.endswith("-orig")), None) or "en"
    languages = [str(own).split("-")[0], "en"]

    def rank(captions: Captions) -> tuple[bool, bool, int, bool, int]:
        base = captions.language.split("-")[0]
        nearness = languages.index(base) if base in languages else len(languages)
        translated = not captions.language.endswith("-orig")
        return nearness == len(languages), captions.automatic, nearness, translated, CAPTIONS.index(captions.kind)

    captions_list = [
        Captions(lang, kind, lang not in manual and lang in automatic, content) for lang, kind, content in contents
    ]
    spoken = [
        captions for captions in captions_list if not captions.automatic or captions.language.split("-")[0] in languages
    ]
    return sorted(spoken, key=rank)
