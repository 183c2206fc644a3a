"""Fetch through yt-dlp's Python API what the YouTube Data API does not give.

A call is for a single video: its page (heatmap, chapters, counts), its captions in the recipe's languages, and its file
if the recipe asks for media. Only the fields that the source `ytdlp` reads are kept, by name: addresses of media,
request headers and anything else that identifies the caller are never written. No cookies, cache, configuration or
plugins of the user are read.
"""

from __future__ import annotations

import logging
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
from corpus.crawl.ytdlp_errors import classify_exception
from corpus.ids import global_id
from corpus.sources.captions import CAPTIONS
from corpus.sources.ytdlp_media import medium_of, native_id

LOG = logging.getLogger(__name__)
Info = dict[str, Any]
WATCH_URL = "https://www.youtube.com/watch?v="
TIMEOUT_S = 30
MAX_CAPTION_BYTES = 20_000_000  # captions of a day of speech are smaller
KEPT_FIELDS = (
    *("_type", "id", "title", "fulltitle", "description", "duration", "language", "license", "tags", "categories"),
    *("channel", "channel_id", "channel_follower_count", "uploader", "uploader_id", "extractor", "extractor_key"),
    *("timestamp", "release_timestamp", "upload_date", "epoch", "live_status", "availability", "age_limit"),
    *("view_count", "like_count", "dislike_count", "comment_count", "repost_count", "heatmap", "chapters"),
)


class Quiet:
    """A logger without output: the crawl reports failures by cause, not call by call."""

    def debug(self, message: str) -> None:
        """Drop the message."""

    info = warning = error = debug


class YtDlpFetcher:
    """Makes the stage's calls from several threads; at the last of `tries` captions and files may be missing."""

    def __init__(self, settings: Ytdlp, root: Path, tries: int, withheld: frozenset[str]) -> None:
        os.environ["YTDLP_NO_PLUGINS"] = "1"  # a crawl runs no other code of this machine
        self.settings, self.root, self.tries, self.withheld = settings, root, tries, withheld
        self.local = threading.local()

    def client(self) -> Any:
        """The calling thread's own yt-dlp, which is not thread-safe."""
        if not hasattr(self.local, "client"):
            from yt_dlp import YoutubeDL

            self.local.client = YoutubeDL(make_options(self.settings))
        return self.local.client

    def fetch(self, task: Task) -> Answer:
        """Fetch a video's page, captions and file. Raises CallFailed."""
        client = self.client()
        LOG.debug("GET the page of %s", task.target.partition("?")[0])  # an address may hold a key behind that
        try:
            info = client.extract_info(page_url(task.target), download=False)
        except Exception as error:  # extractors of a thousand sites raise anything
            raise classify_exception(error) from None
        if not isinstance(info, dict) or info.get("_type", "video") != "video":
            raise CallFailed("request", "a list of videos: name each of them in the recipe")
        if (names_of(info) | {task.target}) & self.withheld:
            raise CallFailed("opted out")
        last = task.tries + 1 >= self.tries
        captions, unavailable = fetch_captions(client, info, self.settings.subtitles, last)
        if self.settings.media:
            unavailable |= download(info, self.settings, self.root, make_options(self.settings), last)
        return Answer(select_fields(client.sanitize_info(info), captions), [], unavailable)


def names_of(info: Info) -> set[str]:
    """Names under which a video may be on an opt-out list: its own and its uploader's, bare or with the medium."""
    bare = {str(info[key]) for key in ("id", "channel_id", "uploader_id", "channel") if info.get(key)}
    return bare | {global_id(medium_of(info), native_id(info, name)) for name in bare}


def page_url(target: str) -> str:
    """Address of a video's page."""
    return WATCH_URL + target if VIDEO_ID.fullmatch(target) else target


def make_options(settings: Ytdlp) -> dict[str, Any]:
    """yt-dlp's options: a single video and try (the crawl retries), no other file of the user read or written."""
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
        # Extractors list captions only with these options; `choose_captions` decides which are fetched.
        "writesubtitles": bool(settings.subtitles),
        "writeautomaticsub": bool(settings.subtitles),
        "format": pick_format,
    }


def pick_format(context: dict[str, Any]) -> Iterable[Info]:
    """Pick any format, so that a page is read even if none of its formats can be played here."""
    return cast("list[Info]", context["formats"])[-1:]


def select_fields(info: Info, captions: dict[str, Info]) -> Info:
    """The fields of an info dict that are written, with the fetched captions and the languages of all others."""
    selected = {key: info[key] for key in KEPT_FIELDS if info.get(key) is not None}
    automatic = [name for name in info.get("automatic_captions") or {} if name in captions or name.endswith("-orig")]
    selected["subtitles"] = {name: [] for name in info.get("subtitles") or {}}
    selected["automatic_captions"] = {name: [] for name in automatic}
    selected["requested_subtitles"] = captions
    version = info.get("_version")
    return {**selected, "_version": {"version": version.get("version")}} if isinstance(version, dict) else selected


def choose_captions(info: Info, language: str) -> tuple[str, list[Info]] | None:
    """Name and formats of the captions in a language, written before automatic; None without any."""
    written, automatic = (info.get(key) or {} for key in ("subtitles", "automatic_captions"))
    for name in (language, *sorted(tag for tag in written if tag.split("-")[0] == language)):
        if written.get(name):
            return name, written[name]
    own = str(info.get("language") or language).split("-")[0]
    names = [f"{language}-orig", *([language] if own == language.split("-")[0] else [])]
    return next(((name, automatic[name]) for name in names if automatic.get(name)), None)


def fetch_captions(
    client: Any, info: Info, languages: Iterable[str], last: bool
) -> tuple[dict[str, Info], dict[str, str]]:
    """Fetch captions by name with their text; also gives unavailable captions with the cause. Raises CallFailed."""
    captions: dict[str, Info] = {}
    unavailable: dict[str, str] = {}
    for name, formats in filter(None, (choose_captions(info, language) for language in languages)):
        readable = [entry for kind in CAPTIONS for entry in formats if entry.get("ext") == kind and is_file(entry)]
        if name in captions or not readable:
            continue
        try:
            captions[name] = {"ext": readable[0]["ext"], "data": read_captions(client, readable[0])}
        except CallFailed as failed:
            if CAUSES[failed.cause].policy != "never" and not last:
                raise
            unavailable[f"{info['id']} captions {name}"] = failed.cause
    return captions, unavailable


def is_file(entry: Info) -> bool:
    """Whether captions come as a single file, not in pieces as those of broadcasts."""
    return not str(entry.get("protocol", "")).startswith("m3u8")


def read_captions(client: Any, entry: Info) -> str:
    """Content of a caption file. Raises CallFailed."""
    if isinstance(data := entry.get("data"), str):
        return data
    from yt_dlp.networking import Request

    try:
        headers = entry.get("http_headers") or {}
        with client.urlopen(Request(entry["url"], headers=headers)) as response:
            return str(response.read(MAX_CAPTION_BYTES).decode("utf-8-sig", "replace"))
    except Exception as error:
        raise classify_exception(error) from None
