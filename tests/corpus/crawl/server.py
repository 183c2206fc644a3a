"""A local server of the YouTube Data API v3 for the crawler's tests: a synthetic universe, real shapes, real failures.

with Server(Universe(channels=5, videos_per_channel=70)) as server:
    build("youtube", "v3", developerKey=server.key, static_discovery=True, client_options={"api_endpoint": server.url})

Every answer is checked against the schemas of the discovery document that google-api-python-client brings.
"""

from __future__ import annotations

import json
import random
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import googleapiclient

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
RESPONSES = {
    "channels": "ChannelListResponse",
    "playlistItems": "PlaylistItemListResponse",
    "videos": "VideoListResponse",
    "commentThreads": "CommentThreadListResponse",
}
ODD = ("", " \u202eright to left\u202c", " zero\u200bwidth", " \U0001f36a", " <b>&amp;</b>", " = <mask> scene 3:")


class Fault(Enum):
    """What may go wrong with a call: HTTP status and the API's reason; the last three are of the connection."""

    QUOTA_EXCEEDED = (403, "quotaExceeded")
    RATE_LIMITED = (403, "rateLimitExceeded")
    TOO_MANY = (429, "rateLimitExceeded")
    BACKEND = (500, "backendError")
    UNAVAILABLE = (503, "backendError")
    NOT_FOUND = (404, "playlistNotFound")
    FORBIDDEN = (403, "forbidden")
    CUT = (0, "cut")
    SLOW = (0, "slow")
    MALFORMED = (0, "malformed")


TRANSIENT = (Fault.RATE_LIMITED, Fault.TOO_MANY, Fault.BACKEND, Fault.UNAVAILABLE, Fault.CUT, Fault.MALFORMED)
UNCHARGED = (429, 500, 503)
Params = dict[str, str]
Faults = Callable[[str, Params, int], Fault | None]


def random_faults(share: float, seed: int) -> Faults:
    """Passing faults for a share of the calls, by their number."""

    def fault(endpoint: str, params: Params, number: int) -> Fault | None:
        rng = random.Random(f"{seed}:{number}")
        return rng.choice(TRANSIENT) if rng.random() < share else None

    return fault


class Refused(Exception):
    """An answer that is an error: status, reason and message."""

    def __init__(self, status: int, reason: str, message: str = "refused") -> None:
        super().__init__(reason)
        self.status, self.reason, self.message = status, reason, message

    def body(self) -> dict[str, Any]:
        """The error as the API writes it."""
        one = {"message": self.message, "domain": "youtube", "reason": self.reason}
        error: dict[str, Any] = {"code": self.status, "message": self.message, "errors": [one]}
        if self.reason == "keyInvalid":
            one["reason"] = "badRequest"
            kind = "type.googleapis.com/google.rpc.ErrorInfo"
            error["details"] = [{"@type": kind, "reason": "API_KEY_INVALID", "domain": "googleapis.com"}]
        return {"error": error}


class Universe:
    """Made-up channels with videos and comments, the same for the same numbers."""

    def __init__(self, channels: int, videos_per_channel: int, comments_per_video: int = 3, seed: int = 0) -> None:
        rng = random.Random(seed)
        self.comments_per_video = comments_per_video
        self.channels: dict[str, dict[str, Any]] = {}
        self.videos: dict[str, dict[str, Any]] = {}
        self.uploads: dict[str, list[str]] = {}
        self.missing: set[str] = set()
        self.private: set[str] = set()
        self.comments_disabled: set[str] = set()
        for number in range(channels):
            self._add_channel(rng, number, videos_per_channel)

    @property
    def channel_ids(self) -> list[str]:
        """All channels."""
        return list(self.channels)

    @property
    def handles(self) -> list[str]:
        """Their handles, in the same order."""
        return [channel["snippet"]["customUrl"] for channel in self.channels.values()]

    def videos_of(self, channel_id: str) -> list[str]:
        """The uploads of a channel, the newest first, missing ones among them."""
        return self.uploads[channel_id.replace("UC", "UU", 1)]

    def _add_channel(self, rng: random.Random, number: int, videos: int) -> None:
        tail = "".join(rng.choices(ALPHABET, k=22))
        hidden = rng.random() < 0.1
        counts = {"viewCount": str(rng.randrange(10**9)), "videoCount": str(videos), "hiddenSubscriberCount": hidden}
        if not hidden:
            counts["subscriberCount"] = str(rng.randrange(10**7))
        self.channels[f"UC{tail}"] = {
            "kind": "youtube#channel",
            "etag": "e",
            "id": f"UC{tail}",
            "snippet": {"title": f"Channel {number}{rng.choice(ODD)}", "customUrl": f"@channel{number}"},
            "statistics": counts,
            "contentDetails": {"relatedPlaylists": {"uploads": f"UU{tail}"}},
        }
        self.uploads[f"UU{tail}"] = [self._add_video(rng, f"UC{tail}", i) for i in range(videos)]

    def _add_video(self, rng: random.Random, channel_id: str, number: int) -> str:
        video_id = "".join(rng.choices(ALPHABET, k=11))
        if rng.random() < 0.05:
            self.missing.add(video_id)
            if rng.random() < 0.5:
                self.private.add(video_id)
        counts = {"viewCount": str(int(10 ** rng.uniform(0, 8))), "likeCount": str(rng.randrange(10**5))}
        if rng.random() < 0.1:
            del counts["likeCount"]
        if rng.random() < 0.1:
            self.comments_disabled.add(video_id)
        else:
            counts["commentCount"] = str(self.comments_per_video)
        self.videos[video_id] = {
            "kind": "youtube#video",
            "etag": "e",
            "id": video_id,
            "snippet": {
                "publishedAt": f"20{rng.randrange(15, 26)}-0{rng.randrange(1, 10)}-11T0{number % 10}:00:00Z",
                "channelId": channel_id,
                "title": f"Video {number}{rng.choice(ODD)}",
                "description": f"About {number}.{rng.choice(ODD)}",
                "tags": ["made", "up"],
                "categoryId": "22",
                "defaultAudioLanguage": rng.choice(["en", "de", "he"]),
            },
            "contentDetails": {"duration": f"PT{rng.randrange(1, 20)}M{rng.randrange(60)}S"},
            "statistics": counts,
            "status": {"privacyStatus": "public", "license": rng.choice(["youtube", "creativeCommon"])},
        }
        return video_id

    def answer(self, endpoint: str, params: Params) -> dict[str, Any]:
        """The body of a call. Raises Refused."""
        found = {
            "channels": self._channels,
            "playlistItems": self._uploads,
            "videos": self._videos,
            "commentThreads": self._comments,
        }[endpoint](params)
        start, size = int(params.get("pageToken", "p0")[1:]), int(params.get("maxResults", 5))
        paged = endpoint in ("playlistItems", "commentThreads")
        items = found[start : start + size] if paged else found
        kind = RESPONSES[endpoint][0].lower() + RESPONSES[endpoint][1:]
        body: dict[str, Any] = {"kind": f"youtube#{kind}", "etag": "e", "items": items}
        body["pageInfo"] = {"totalResults": len(found), "resultsPerPage": size}
        if paged and start + size < len(found):
            body["nextPageToken"] = f"p{start + size}"
        return body

    def _channels(self, params: Params) -> list[dict[str, Any]]:
        if "forHandle" in params:
            return [one for one in self.channels.values() if one["snippet"]["customUrl"] == params["forHandle"]]
        return [self.channels[name] for name in params["id"].split(",") if name in self.channels]

    def _uploads(self, params: Params) -> list[dict[str, Any]]:
        if params["playlistId"] not in self.uploads:
            raise Refused(404, "playlistNotFound")
        return [
            {
                "kind": "youtube#playlistItem",
                "etag": "e",
                "id": f"item-{video}",
                "contentDetails": {"videoId": video},
                "status": {"privacyStatus": "private" if video in self.private else "public"},
            }
            for video in self.uploads[params["playlistId"]]
        ]

    def _videos(self, params: Params) -> list[dict[str, Any]]:
        asked = params["id"].split(",")
        if len(asked) > 50:
            raise Refused(400, "invalidParameter")
        return [self.videos[name] for name in asked if name in self.videos and name not in self.missing]

    def _comments(self, params: Params) -> list[dict[str, Any]]:
        video = params["videoId"]
        if video in self.missing or video not in self.videos:
            raise Refused(404, "videoNotFound")
        if video in self.comments_disabled:
            raise Refused(403, "commentsDisabled")
        return [comment_thread(video, number) for number in range(self.comments_per_video)]


def comment_thread(video: str, number: int) -> dict[str, Any]:
    """A thread with one comment; some hold what must not be kept."""
    said = ("Nice one", "Write to someone@example.org please", "I agree with @somebody.else")[number % 3]
    comment = {
        "kind": "youtube#comment",
        "etag": "e",
        "id": f"{video}.{number}",
        "snippet": {
            "textOriginal": said,
            "likeCount": number,
            "publishedAt": "2025-01-02T03:04:05Z",
            "authorChannelId": {"value": f"UCauthor{number}"},
        },
    }
    thread = {"videoId": video, "topLevelComment": comment}
    return {"kind": "youtube#commentThread", "etag": "e", "id": f"{video}.{number}", "snippet": thread}


@cache
def schemas() -> dict[str, Any]:
    """The schemas of the bundled discovery document."""
    place = Path(googleapiclient.__file__).parent / "discovery_cache" / "documents" / "youtube.v3.json"
    found: dict[str, Any] = json.loads(place.read_text(encoding="utf-8"))["schemas"]
    return found


KINDS = {"string": str, "boolean": bool, "integer": int, "number": (int, float), "array": list, "object": dict}


def check_schema(schema: dict[str, Any], value: Any, where: str = "") -> None:
    """Assert that a value has the names and types of a schema; 64-bit counts are strings there."""
    if "$ref" in schema:
        schema = schemas()[schema["$ref"]]
    kind = KINDS[schema["type"]]
    assert isinstance(value, kind) and (schema["type"] == "boolean" or not isinstance(value, bool)), where
    for name, one in value.items() if schema["type"] == "object" else ():
        known = schema.get("properties", {}).get(name, schema.get("additionalProperties"))
        assert known is not None, f"{where}.{name} is unknown"
        check_schema(known, one, f"{where}.{name}")
    for one in value if schema["type"] == "array" else ():
        check_schema(schema["items"], one, where)


def selected(value: Any, mask: dict[str, Any]) -> Any:
    """The parts of a value that a mask names; an empty mask names all."""
    if not mask:
        return value
    if isinstance(value, list):
        return [selected(one, mask) for one in value]
    return {name: selected(value[name], inner) for name, inner in mask.items() if name in value}


def parse_fields(text: str) -> dict[str, Any]:
    """A `fields` parameter, a(b,c/d),e, as nested names."""
    mask: dict[str, Any] = {}
    stack, here, name = [], mask, ""
    top = here
    for sign in text + ",":
        if sign not in "(),/":
            name += sign
            continue
        if name:
            here = here.setdefault(name, {})
        if sign == "(":
            stack.append(top)
            top = here
        elif sign == ")":
            top = stack.pop()
        if sign != "/":
            here = top
        name = ""
    return mask


@dataclass(frozen=True)
class Call:
    """What the server saw and did."""

    endpoint: str
    params: Params
    status: int
    units: int


@dataclass
class Server:
    """A running server; `calls` and `units` are its own count."""

    universe: Universe
    key: str = "test-key"
    quota_units: int | None = None
    faults: Faults | None = None
    latency_s: float = 0.0
    calls: list[Call] = field(default_factory=list)
    units: int = 0
    begun: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __enter__(self) -> Server:
        self.http = Quiet(("127.0.0.1", 0), type("Handler", (Handler,), {"owner": self}))
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.http.shutdown()
        self.http.server_close()

    def decide(self, endpoint: str, params: Params) -> tuple[int, dict[str, Any], Fault | None]:
        """Status, body and fault of a call, which is counted."""
        with self.lock:
            number, self.begun = self.begun, self.begun + 1
            fault = self.faults(endpoint, params, number) if self.faults else None
            status, body = self.answer(endpoint, params, fault)
            charged = 0 if status in UNCHARGED or fault is Fault.CUT or body.get("spent") else 1
            body.pop("spent", None)
            self.units += charged
            shown = {name: value for name, value in params.items() if name != "key"}
            self.calls.append(Call(endpoint, shown, status, charged))
        return status, body, fault

    def answer(self, endpoint: str, params: Params, fault: Fault | None) -> tuple[int, dict[str, Any]]:
        """Status and body of a call."""
        try:
            if "key" not in params:
                raise Refused(403, "forbidden", "The request is missing a valid API key.")
            if params["key"] != self.key:
                raise Refused(400, "keyInvalid", "API key not valid. Please pass a valid API key.")
            if self.quota_units is not None and self.units >= self.quota_units:
                return 403, {**Refused(*Fault.QUOTA_EXCEEDED.value).body(), "spent": True}
            if fault and fault.value[0]:
                raise Refused(*fault.value)
            body = self.universe.answer(endpoint, params)
        except Refused as refused:
            return refused.status, refused.body()
        parts = {*params["part"].split(","), "kind", "etag", "id"}
        body["items"] = [{name: item[name] for name in item if name in parts} for item in body["items"]]
        check_schema({"$ref": RESPONSES[endpoint]}, body, endpoint)
        return 200, selected(body, parse_fields(params.get("fields", "")))


class Quiet(ThreadingHTTPServer):
    """Says nothing of clients that were killed."""

    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Pass over a connection that broke; anything else is a fault of the server."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class Handler(BaseHTTPRequestHandler):
    """Speaks HTTP for a server."""

    owner: Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else each answer waits for the client's delayed acknowledgement

    def do_GET(self) -> None:
        """Answer one call."""
        place = urlsplit(self.path)
        endpoint, params = place.path.removeprefix("/youtube/v3/"), dict(parse_qsl(place.query))
        time.sleep(self.owner.latency_s)
        status, found, fault = self.owner.decide(endpoint, params)
        if fault is Fault.SLOW:
            time.sleep(0.5)
        body = json.dumps(found).encode()
        if fault is Fault.MALFORMED:
            body = body[: len(body) // 2]
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=UTF-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if fault is Fault.CUT else body)
        if fault is Fault.CUT:
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""
