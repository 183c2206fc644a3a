"""yt-dlp info files made by code, in the shape that yt-dlp itself writes (through its own `sanitize_info`)."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from yt_dlp import YoutubeDL

EPOCH = 1_700_000_000


def heatmap(duration_s: float, markers: int = 100) -> list[dict[str, float]]:
    """A smooth curve with its peak in the first marker."""
    length = duration_s / markers
    return [
        {"start_time": i * length, "end_time": (i + 1) * length, "value": round(0.5 + 0.5 * math.cos(i / 20), 6)}
        for i in range(markers)
    ]


def comment(n: int, **more: Any) -> dict[str, Any]:
    return {
        "id": f"c{n}",
        "parent": "root",
        "text": f"nice shoes {n}",
        "like_count": n,
        "author_id": f"UCauthor{n}",
        "author": f"@author{n}",
        "author_is_uploader": False,
        "timestamp": EPOCH - 1000 * n,
        "_time_text": "1 day ago",
        **more,
    }


def video(video_id: str = "aaaaaaaaaaa", **more: Any) -> dict[str, Any]:
    """An info dict of a brand's video; `more` replaces fields."""
    info = {
        "id": video_id,
        "extractor_key": "Youtube",
        "extractor": "youtube",
        "title": "New shoes for the spring",
        "description": "Run with us.\nhttps://example.com",
        "channel": "Alvora",
        "channel_id": "UCalvora",
        "uploader": "Alvora",
        "uploader_id": "@alvora",
        "channel_follower_count": 12_300,
        "upload_date": "20231001",
        "timestamp": 1_696_150_000,
        "duration": 40,
        "language": "en",
        "license": None,
        "view_count": 1000,
        "like_count": 50,
        "comment_count": 2,
        "heatmap": heatmap(40),
        "comments": [comment(1), comment(2)],
        "chapters": None,
        "subtitles": {},
        "automatic_captions": {},
        "tags": ["shoes"],
        "categories": ["Sports"],
        "epoch": EPOCH,
    }
    return {**info, **more}


def write(folder: Path, info: dict[str, Any], name: str | None = None, **captions: str) -> Path:
    """Write an info file as yt-dlp does; captions as en_vtt="..." become NAME.en.vtt."""
    folder.mkdir(parents=True, exist_ok=True)
    stem = name or f"{info['title']} [{info['id']}]"
    path = folder / f"{stem}.info.json"
    path.write_text(json.dumps(YoutubeDL.sanitize_info(dict(info), remove_private_keys=True)), encoding="utf-8")
    for key, content in captions.items():
        language, kind = key.rsplit("_", 1)
        (folder / f"{stem}.{language.replace('_', '-')}.{kind}").write_text(content, encoding="utf-8")
    return path


def stamp(seconds: float) -> str:
    return f"{int(seconds // 3600):02d}:{int(seconds % 3600 // 60):02d}:{seconds % 60:06.3f}"


def rolled_up(utterances: list[tuple[float, float, str]]) -> str:
    """Automatic captions as YouTube serves them: each line once with timing tags, once alone, once above the next."""
    lines = ["WEBVTT", "Kind: captions", "Language: en", ""]
    before = " "
    for start, end, text in utterances:
        words = text.split(" ")
        tagged = words[0] + "".join(
            f"<{stamp(start + 0.01 * (n + 1))}><c> {word}</c>" for n, word in enumerate(words[1:])
        )
        lines += [f"{stamp(start)} --> {stamp(end - 0.01)} align:start position:0%", before, tagged, ""]
        lines += [f"{stamp(end - 0.01)} --> {stamp(end)} align:start position:0%", text, " ", ""]
        before = text
    return "\n".join(lines)
