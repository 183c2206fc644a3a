"""yt-dlp as the crawler asks it, through its Python API: what the YouTube Data API does not give.

One call is one video: its page (heatmap, chapters, counts), its captions in the recipe's languages, and its file where
the recipe asks for media. Kept is what the source `ytdlp` reads, by name: addresses of media, request headers and all
else that tells who asked are never written. No cookies, cache, configuration or plugins of the user are read.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any, cast

from corpus.crawl.causes import CAUSES, CallFailed
from corpus.crawl.journal import Task
from corpus.crawl.media import download
from corpus.crawl.recipe import VIDEO_ID, Ytdlp
from corpus.crawl.scheduler import Answer
from corpus.crawl.ytdlp_errors import failure
from corpus.ids import global_id
from corpus.sources.captions import CAPTIONS
from corpus.sources.ytdlp_media import medium_of, native_id

Info = dict[str, Any]
PAGE = "https://www.youtube.com/watch?v="
TIMEOUT_S = 30
MOST_CAPTIONS = 20_000_000  # bytes; those of a day of talk have fewer
KEPT = (
    *("_type", "id", "title", "fulltitle", "description", "duration", "language", "license", "tags", "categories"),
    *("channel", "channel_id", "channel_follower_count", "uploader", "uploader_id", "extractor", "extractor_key"),
    *("timestamp", "release_timestamp", "upload_date", "epoch", "live_status", "availability", "age_limit"),
    *("view_count", "like_count", "dislike_count", "comment_count", "repost_count", "heatmap", "chapters"),
)


class Quiet:
    """A logger that says nothing: failures are told by cause, not call by call."""

    def debug(self, message: str) -> None:
        """Say nothing."""

    info = warning = error = debug


class Watcher:
    """The stage's calls, made by several threads; a failure that passes is given up at the last of `tries`."""

    def __init__(self, wanted: Ytdlp, root: Path, tries: int, withheld: frozenset[str]) -> None:
        os.environ["YTDLP_NO_PLUGINS"] = "1"  # code found on this machine has no place in a crawl
        self.wanted, self.root, self.tries, self.withheld = wanted, root, tries, withheld
        self.local = threading.local()

    def client(self) -> Any:
        """The calling thread's own yt-dlp: it is not made to be shared."""
        if not hasattr(self.local, "client"):
            from yt_dlp import YoutubeDL

            self.local.client = YoutubeDL(options(self.wanted))
        return self.local.client

    def fetch(self, task: Task) -> Answer:
        """What one video's page tells. Raises CallFailed."""
        client = self.client()
        try:
            info = client.extract_info(address(task.target), download=False)
        except Exception as error:  # extractors of a thousand sites meet answers that nobody foresaw
            raise failure(error) from None
        if not isinstance(info, dict) or info.get("_type", "video") != "video":
            raise CallFailed("request", "it is a list: name its videos")
        if (names_of(info) | {task.target}) & self.withheld:
            raise CallFailed("opted out")
        last = task.tries + 1 >= self.tries
        spoken, lacking = captions(client, info, self.wanted.subtitles, last)
        if self.wanted.media:
            lacking |= download(info, self.wanted, self.root, options(self.wanted), last)
        return Answer(kept(client.sanitize_info(info), spoken), [], lacking)


def names_of(info: Info) -> set[str]:
    """What a video may stand under on an opt-out list: names of it and its uploader, bare or with the medium."""
    bare = {str(info[key]) for key in ("id", "channel_id", "uploader_id", "channel") if info.get(key)}
    return bare | {global_id(medium_of(info), native_id(info, name)) for name in bare}


def address(target: str) -> str:
    """The page of a video."""
    return PAGE + target if VIDEO_ID.fullmatch(target) else target


def options(wanted: Ytdlp) -> dict[str, Any]:
    """yt-dlp's settings: one video, one try (the crawl repeats), nothing read or written beside what is asked for."""
    return {
        "quiet": True,
        "no_warnings": True,
        "noprogress": True,
        "logger": Quiet(),
        "cachedir": False,
        "noplaylist": True,
        "extract_flat": "in_playlist",
        "playlist_items": "1",
        "default_search": "error",
        "geo_bypass": False,
        "socket_timeout": TIMEOUT_S,
        "retries": 0,
        "fragment_retries": 0,
        "extractor_retries": 0,
        "fixup": "never",
        # Extractors ask for lists of captions only if some are wanted; which are fetched is decided here.
        "writesubtitles": bool(wanted.subtitles),
        "writeautomaticsub": bool(wanted.subtitles),
        "format": any_format,
    }


def any_format(context: dict[str, Any]) -> Iterable[Info]:
    """Whatever there is: a page is of use although none of its formats can be played here."""
    return cast("list[Info]", context["formats"])[-1:]


def kept(info: Info, spoken: dict[str, Info]) -> Info:
    """The part of an info dict that is written; of lists of captions the languages alone."""
    found = {key: info[key] for key in KEPT if info.get(key) is not None}
    automatic = [name for name in info.get("automatic_captions") or {} if name in spoken or name.endswith("-orig")]
    found["subtitles"] = {name: [] for name in info.get("subtitles") or {}}
    found["automatic_captions"] = {name: [] for name in automatic}
    found["requested_subtitles"] = spoken
    version = info.get("_version")
    return {**found, "_version": {"version": version.get("version")}} if isinstance(version, dict) else found


def chosen(info: Info, language: str) -> tuple[str, list[Info]] | None:
    """The captions of a language, written before automatic, with the name they stand under; None without any."""
    written, automatic = (info.get(key) or {} for key in ("subtitles", "automatic_captions"))
    for name in (language, *sorted(one for one in written if one.split("-")[0] == language)):
        if written.get(name):
            return name, written[name]
    own = str(info.get("language") or language).split("-")[0]
    names = [f"{language}-orig", *([language] if own == language.split("-")[0] else [])]
    return next(((name, automatic[name]) for name in names if automatic.get(name)), None)


def captions(client: Any, info: Info, languages: Iterable[str], last: bool) -> tuple[dict[str, Info], dict[str, str]]:
    """Captions by name with their text, and those that cannot be had with the cause. Raises CallFailed."""
    spoken: dict[str, Info] = {}
    lacking: dict[str, str] = {}
    for name, offered in filter(None, (chosen(info, language) for language in languages)):
        readable = [one for kind in CAPTIONS for one in offered if one.get("ext") == kind and not streamed(one)]
        if name in spoken or not readable:
            continue
        try:
            spoken[name] = {"ext": readable[0]["ext"], "data": text_of(client, readable[0])}
        except CallFailed as failed:
            if CAUSES[failed.cause].policy != "never" and not last:
                raise
            lacking[f"{info['id']} captions {name}"] = failed.cause
    return spoken, lacking


def streamed(offered: Info) -> bool:
    """Whether captions come in pieces, as those of broadcasts do."""
    return str(offered.get("protocol", "")).startswith("m3u8")


def text_of(client: Any, offered: Info) -> str:
    """The content of a caption file. Raises CallFailed."""
    if isinstance(data := offered.get("data"), str):
        return data
    from yt_dlp.networking import Request

    try:
        headers = offered.get("http_headers") or {}
        with client.urlopen(Request(offered["url"], headers=headers)) as response:
            return str(response.read(MOST_CAPTIONS).decode("utf-8-sig", "replace"))
    except Exception as error:
        raise failure(error) from None
