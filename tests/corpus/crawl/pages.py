"""Serve a local site of videos for yt-dlp's stage: plain pages with a player, and YouTube-shaped info dicts.

with Pages() as pages:
    pages.url("plain", name)      a page that yt-dlp's own generic extractor reads: <video>, <track>, .mp4
    use(pages.base)               from now on yt-dlp reads https://www.youtube.com/watch?v=ID from these pages

    python -m tests.corpus.crawl.pages corpus crawl RECIPE --corpus DIR      the command, with $CBC_TEST_PAGES in use

Every address of media, captions and pictures is signed, and every answer sets a cookie: neither may be written.
"""

from __future__ import annotations

import json
import os
import random
import sys
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import yt_dlp
from yt_dlp.extractor.common import InfoExtractor
from yt_dlp.utils import ExtractorError, GeoRestrictedError, UserNotLive

SIGNED = "ip=203.0.113.77&sig=SIGNATUREOFWHOASKED"
COOKIE = "COOKIEOFWHOASKED"
HEADER = "HEADEROFWHOASKED"
SECRETS = (SIGNED.split("&")[0], SIGNED.split("=")[-1], COOKIE, HEADER, "127.0.0.1")
MEDIA_BYTES = 4_000
VTT = "WEBVTT\n\n00:01.000 --> 00:03.000\nfirst of {0}\n\n01:10.000 --> 01:12.000\nlast of {0}\n"
PAGE = """<html><head><title>Page {0}</title></head><body><video src="/media/{0}.mp4?{1}">
<track kind="subtitles" src="/captions/{0}.vtt?{1}" srclang="en"></video></body></html>"""
Fault = int | str | None  # an HTTP status, "cut", or a message of the site


def info(video: str, base: str) -> dict[str, Any]:
    """Info dict of a made-up YouTube video, equal for equal ids; about half have written captions."""
    rng = random.Random(video)
    has_captions = rng.random() < 0.5
    signed = f"{base}/captions/{video}.vtt?{SIGNED}"
    listed = [{"ext": "ttml", "url": f"{signed}&fmt=ttml"}, {"ext": "vtt", "url": signed}]
    automatic = {name: [{"ext": "vtt", "url": f"{signed}&kind=asr&tlang={name}"}] for name in ("de", "en", "en-orig")}
    markers = [{"start_time": float(i), "end_time": i + 1.0, "value": rng.random()} for i in range(100)]
    return {
        "id": video,
        "extractor": "youtube",
        "extractor_key": "Youtube",
        "title": f"Video {video} ../../x \u202eright to left",
        "description": f"About {video}",
        "channel": "A channel",
        "channel_id": "UC" + "c" * 22,
        "uploader_id": "@channel",
        "channel_follower_count": 1000,
        "duration": 100,
        "language": "en",
        "timestamp": 1_700_000_000,
        "view_count": rng.randrange(10**6),
        "heatmap": markers,
        "chapters": [{"start_time": 0.0, "end_time": 60.0, "title": "One"}, {"start_time": 60.0, "end_time": 100.0}],
        "tags": ["made", "up"],
        "formats": [
            {
                "format_id": "18",
                "ext": "mp4",
                "url": f"{base}/media/{video}.mp4?{SIGNED}",
                "http_headers": {"X-Who": HEADER},
            }
        ],
        "thumbnails": [{"url": f"{base}/picture/{video}.jpg?{SIGNED}"}],
        "subtitles": {"en-GB": listed} if has_captions else {},
        "automatic_captions": automatic,
        "http_headers": {"X-Who": HEADER},
        "comments": None,
    }


class Pages:
    """A running site; `requests` holds the time, kind and name of each request, `fault` decides its fault."""

    def __init__(self, fault: Callable[[str, str, int], Fault] = lambda *_: None, latency_s: float = 0.0) -> None:
        self.fault, self.latency_s = fault, latency_s
        self.requests: list[tuple[float, str, str]] = []

    def __enter__(self) -> Pages:
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (Handler,), {"owner": self}))
        self.base = f"http://127.0.0.1:{self.http.server_address[1]}"
        threading.Thread(target=self.http.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.http.shutdown()
        self.http.server_close()

    def url(self, kind: str, name: str) -> str:
        """The address of a page."""
        return f"{self.base}/{kind}/{name}"

    def names(self, kind: str) -> list[str]:
        """The names requested of a kind."""
        return [name for _, requested, name in self.requests if requested == kind]

    def body(self, kind: str, name: str) -> tuple[str, bytes]:
        """Content type and body of an answer; empty for an unknown kind."""
        stem = name.rpartition(".")[0]
        if kind == "media":
            return "video/mp4", b"\0\0\0\x18ftypmp42".ljust(MEDIA_BYTES, b"\0")
        if kind == "captions":
            return "text/vtt", VTT.format(stem).encode()
        if kind == "plain":
            return "text/html", PAGE.format(name, SIGNED).encode()
        if kind == "two":
            return "text/html", (PAGE.format(name, SIGNED) + PAGE.format(f"{name}b", SIGNED)).encode()
        if kind == "nothing":
            return "text/html", b"<html><head><title>No video</title></head></html>"
        return ("application/json", json.dumps(info(name, self.base)).encode()) if kind == "info" else ("", b"")


class Handler(BaseHTTPRequestHandler):
    """Answers with the owner's bodies and faults."""

    owner: Pages

    def do_GET(self) -> None:
        kind, _, name = urlsplit(self.path).path.lstrip("/").partition("/")
        pages = self.owner
        number = len(pages.names(kind))
        pages.requests.append((time.time(), kind, name))
        time.sleep(pages.latency_s)
        fault = pages.fault(kind, name, number)
        kind_of_body, body = pages.body(kind, name)
        if isinstance(fault, int) or not body:
            self.send_error(fault if isinstance(fault, int) else 404)
            return
        if isinstance(fault, str) and fault != "cut":
            body = json.dumps({"message": fault}).encode()
        self.send_response(200)
        self.send_header("Content-Type", kind_of_body)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Set-Cookie", f"who={COOKIE}; Max-Age=9999")
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if fault == "cut" else body)

    def log_message(self, *_: object) -> None:
        """Print no log."""


class ShapedIE(InfoExtractor):
    """Reads a YouTube address from the local site, and raises the errors of yt-dlp's own extractor."""

    _VALID_URL = r"https?://www\.youtube\.com/watch\?v=(?P<id>[\w-]{11})"
    base = ""

    def _real_extract(self, url: str) -> dict[str, Any]:
        video = self._match_id(url)
        answer = self._download_json(f"{self.base}/info/{video}", video)
        message = answer.get("message")
        if message == "geo":
            raise GeoRestrictedError("The uploader has not made this video available in your country", ["DE"])
        if message == "offline":
            raise UserNotLive(video_id=video)
        if message:
            raise ExtractorError(message, expected=True, video_id=video)
        return answer


def use(base: str) -> type[yt_dlp.YoutubeDL]:
    """The real YoutubeDL, with the extractor of the local site before the others."""
    extractor = type("ShapedIE", (ShapedIE,), {"base": base})

    class Client(yt_dlp.YoutubeDL):
        def __init__(self, params: dict[str, Any]) -> None:
            super().__init__(params, auto_init=False)
            self.add_info_extractor(extractor())
            self.add_default_info_extractors()

    return Client


if __name__ == "__main__":
    yt_dlp.YoutubeDL = use(os.environ["CBC_TEST_PAGES"])
    from cbc import main

    sys.exit(main())
