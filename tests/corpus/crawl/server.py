"""Serve the YouTube Data API v3 locally for the crawler's tests: a synthetic universe with real shapes and failures.

with Server(Universe(channels=5, videos_per_channel=70)) as server:
    build("youtube", "v3", developerKey=server.key, static_discovery=True, client_options={"api_endpoint": server.url})

Answers are checked against the discovery document of google-api-python-client; __exit__ raises what that check finds.
"""

from __future__ import annotations

import json
import random
import re
import sys
import threading
import time
import zlib
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

import googleapiclient

Params = dict[str, str]
Item = dict[str, Any]

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
ODD = ("", " \u202bימין\u202c", " zero\u200bwidth", " \U0001f36a e\u0301", " <b>&amp;</b>", " <mask> scene 3:")
COMMENTS = ("Nice one", "Write to someone@example.org please", "I agree with @somebody.else", "مرحبا")
# endpoint: schema of its response, its filters, maximum and default number of items on a page
ENDPOINTS = {
    "search": ("SearchListResponse", ("q",), 50, 5),
    "channels": ("ChannelListResponse", ("id", "forHandle", "forUsername"), 50, 5),
    "playlistItems": ("PlaylistItemListResponse", ("playlistId",), 50, 5),
    "videos": ("VideoListResponse", ("id",), 50, 5),
    "commentThreads": ("CommentThreadListResponse", ("videoId",), 100, 20),
}
DOMAINS = {"quotaExceeded": "youtube.quota", "rateLimitExceeded": "usageLimits", "backendError": "global"}
INVALID = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}
SLOW_S = 0.5


class Fault(Enum):
    """Faults of a call: HTTP status and the API's reason; the last three are faults of the connection."""

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
Faults = Callable[[str, Params, int], Fault | None]


def random_faults(share: float, seed: int) -> Faults:
    """Transient faults for a share of the calls, by their number."""

    def fault(endpoint: str, params: Params, number: int) -> Fault | None:
        rng = random.Random(f"{seed}:{number}")
        return rng.choice(TRANSIENT) if rng.random() < share else None

    return fault


class Refused(Exception):
    """An answer that is an error."""

    def __init__(self, status: int, reason: str, message: str = "", details: list[Item] | None = None) -> None:
        super().__init__(reason)
        self.status = status
        message = message or f"The call was refused: {reason}."
        entry = {
            "message": message,
            "domain": DOMAINS.get(reason, "youtube.parameter" if status == 400 else "global"),
            "reason": reason,
        }
        self.body = {"error": {"code": status, "message": message, "errors": [entry]}}
        if details:
            self.body["error"]["details"] = details


def resource(kind: str, name: str, **parts: Any) -> Item:
    """An item with the fields that the API always sets."""
    return {"kind": f"youtube#{kind}", "etag": f"{zlib.crc32(repr((name, parts)).encode()):08x}", "id": name, **parts}


class Universe:
    """Made-up channels with videos and comments, equal for equal arguments."""

    def __init__(self, channels: int, videos_per_channel: int, comments_per_video: int = 3, seed: int = 0) -> None:
        self.comments_per_video = comments_per_video
        self.channels: dict[str, Item] = {}
        self.videos: dict[str, Item] = {}
        self.entries: dict[str, list[Item]] = {}
        self.missing, self.private, self.comments_disabled = set[str](), set[str](), set[str]()
        rng = random.Random(seed)
        for number in range(channels):
            self._add_channel(rng, number, videos_per_channel)
        self.channel_ids = list(self.channels)
        self.handles = [channel["snippet"]["customUrl"] for channel in self.channels.values()]

    def videos_of(self, channel_id: str) -> list[str]:
        """The uploads of a channel in the playlist's order, missing ones among them."""
        return [entry["contentDetails"]["videoId"] for entry in self.entries[channel_id.replace("UC", "UU", 1)]]

    def _add_channel(self, rng: random.Random, number: int, videos: int) -> None:
        tail = "".join(rng.choices(ALPHABET, k=22))
        hidden = rng.random() < 0.1
        counts = {"viewCount": str(rng.randrange(10**9)), "videoCount": str(videos), "hiddenSubscriberCount": hidden}
        if not hidden:
            counts["subscriberCount"] = str(rng.randrange(10**7))
        shown = {"title": f"Channel {number}{rng.choice(ODD)}", "customUrl": f"@channel{number}", "country": "DE"}
        shown |= {"publishedAt": "2014-05-06T07:08:09Z", "description": f"All of {number}.{rng.choice(ODD)}"}
        lists = {"relatedPlaylists": {"uploads": f"UU{tail}"}}
        name = f"UC{tail}"
        self.channels[name] = resource("channel", name, snippet=shown, statistics=counts, contentDetails=lists)
        uploads = [self._add_video(rng, name, shown["title"], i) for i in range(videos)]
        self.entries[f"UU{tail}"] = [self._upload(video, i) for i, video in enumerate(uploads)]

    def _add_video(self, rng: random.Random, channel: str, channel_title: str, number: int) -> str:
        video = "".join(rng.choices(ALPHABET, k=11))
        for hidden, share in ((self.missing, 0.05), (self.comments_disabled, 0.1)):
            if rng.random() < share:
                hidden.add(video)
        if video in self.missing and rng.random() < 0.5:
            self.private.add(video)
        published = f"20{rng.randrange(15, 26)}-0{rng.randrange(1, 10)}-11T0{number % 10}:00:00Z"
        shown = {"publishedAt": published, "channelId": channel, "channelTitle": channel_title, "categoryId": "22"}
        shown |= {"title": f"Video {number}{rng.choice(ODD)}", "tags": ["made", "up", rng.choice(("ünï", "日本"))]}
        shown["description"] = f"About {number}.{rng.choice(ODD)}\nhttps://example.com"
        shown["defaultAudioLanguage"] = rng.choice(("en", "de", "he"))
        length = {"duration": f"PT{rng.randrange(1, 20)}M{rng.randrange(60)}S", "definition": "hd", "caption": "false"}
        counts = {"viewCount": str(int(10 ** rng.uniform(0, 8)))}  # hidden counts are left out
        if rng.random() < 0.9:
            counts["likeCount"] = str(rng.randrange(10**5))
        if video not in self.comments_disabled:
            counts["commentCount"] = str(self.comments_per_video)
        status = {"privacyStatus": "public", "license": rng.choice(("youtube", "creativeCommon"))}
        parts = {"snippet": shown, "contentDetails": length, "statistics": counts, "status": status}
        self.videos[video] = resource("video", video, **parts)
        return video

    def answer(self, endpoint: str, params: Params) -> Item:
        """The body of a call. Raises Refused."""
        schema, filters, most, usual = ENDPOINTS[endpoint]
        if "part" not in params or not any(name in params for name in filters):
            raise Refused(400, "missingRequiredParameter", f"part and one of {', '.join(filters)} are required.")
        size, page = params.get("maxResults", str(usual)), params.get("pageToken", "P0")
        if not re.fullmatch(r"\d{1,3}", size) or not 1 <= int(size) <= most:
            raise Refused(400, "invalidParameter", f"maxResults must be within [1, {most}].")
        if not re.fullmatch(r"P\d{1,9}", page):
            raise Refused(400, "invalidPageToken")
        matches = self._matches(endpoint, params)
        start, step = int(page[1:]), int(size) if endpoint in ("playlistItems", "commentThreads", "search") else most
        parts = {*params["part"].split(","), "kind", "etag", "id"}
        items = [{k: item[k] for k in item if k in parts} for item in matches[start : start + step]]
        body = resource(schema[0].lower() + schema[1:], page, items=items)
        del body["id"]
        body["pageInfo"] = {"totalResults": len(matches), "resultsPerPage": step}
        if start + step < len(matches):
            body["nextPageToken"] = f"P{start + step}"
        return body

    def _upload(self, video: str, position: int) -> Item:
        """An entry of an uploads list; for a missing video it holds little more than the id."""
        shown = {name: self.videos[video]["snippet"][name] for name in ("channelId", "publishedAt", "title")}
        shown |= {"position": position, "resourceId": {"kind": "youtube#video", "videoId": video}}
        if video in self.missing:
            shown["title"] = "Private video" if video in self.private else "Deleted video"
        status = {"privacyStatus": "private" if video in self.private else "public"}
        return resource("playlistItem", f"UP{video}", snippet=shown, contentDetails={"videoId": video}, status=status)

    def _matches(self, endpoint: str, params: Params) -> list[Item]:
        """All items that match a call, on all pages. Raises Refused."""
        if "id" in ENDPOINTS[endpoint][1] and "id" in params:
            known, ids = getattr(self, endpoint), params["id"].split(",")
            if len(ids) > 50:
                raise Refused(400, "invalidParameter", "At most 50 ids a call.")
            return [known[name] for name in dict.fromkeys(ids) if name in known and name not in self.missing]
        if endpoint == "search":
            if params.get("type") != "channel":
                raise Refused(400, "invalidParameter", "Only channels are searched for here.")
            hits = [channel for channel in self.channels.values() if params["q"] in channel["snippet"]["title"]]
            return [search_result(channel) for channel in hits]
        if endpoint == "channels":
            handle = "@" + (params.get("forHandle") or params["forUsername"]).removeprefix("@")
            return [channel for channel in self.channels.values() if channel["snippet"]["customUrl"] == handle]
        if endpoint == "playlistItems":
            if params["playlistId"] not in self.entries:
                raise Refused(404, "playlistNotFound")
            return self.entries[params["playlistId"]]
        video = params["videoId"]
        if video in self.missing or video not in self.videos:
            raise Refused(404, "videoNotFound")
        if video in self.comments_disabled:
            raise Refused(403, "commentsDisabled", "The video has disabled comments.")
        return [comment_thread(video, number) for number in range(self.comments_per_video)]


def search_result(channel: Item) -> Item:
    """A channel as a search result."""
    shown = {"channelId": channel["id"], "title": channel["snippet"]["title"]}
    shown |= {"publishedAt": channel["snippet"]["publishedAt"], "description": ""}
    result = resource("searchResult", channel["id"], snippet=shown)
    return result | {"id": {"kind": "youtube#channel", "channelId": channel["id"]}}


def comment_thread(video: str, number: int) -> Item:
    """A thread with a single comment; the texts hold personal data that must not be kept."""
    text = COMMENTS[number % len(COMMENTS)] + ODD[number % len(ODD)]
    comment = {"videoId": video, "textDisplay": text}
    comment |= {"likeCount": number, "publishedAt": "2025-01-02T03:04:05Z", "updatedAt": "2025-01-02T03:04:05Z"}
    comment |= {"authorDisplayName": f"@author{number}", "authorChannelId": {"value": f"UCauthor{number}"}}
    name = f"Ug{video}.{number}"
    shown = {"videoId": video, "topLevelComment": resource("comment", name, snippet=comment), "totalReplyCount": 0}
    return resource("commentThread", name, snippet=shown)


DOCUMENT = Path(googleapiclient.__file__).parent / "discovery_cache" / "documents" / "youtube.v3.json"
SCHEMAS: dict[str, Item] = json.loads(DOCUMENT.read_text(encoding="utf-8"))["schemas"]
KINDS = {"string": str, "boolean": bool, "integer": int, "number": (int, float), "array": list, "object": dict}
RANGES = {"int32": (-(2**31), 2**31), "uint32": (0, 2**32), "int64": (-(2**63), 2**63), "uint64": (0, 2**64)}
WRITTEN = {"int64": r"-?\d+", "uint64": r"\d+", "date-time": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"}


def check_schema(resource: str | Item, body: Any, where: str = "") -> None:
    """Assert that a body has the names and types of a schema, e.g. Video; 64-bit counts are strings there."""
    schema = SCHEMAS[resource] if isinstance(resource, str) else resource
    if "$ref" in schema:
        return check_schema(schema["$ref"], body, where)
    kind, form = schema["type"], schema.get("format", "")
    assert isinstance(body, KINDS[kind]) and isinstance(body, bool) == (kind == "boolean"), f"{where} is no {kind}"
    assert form not in WRITTEN or re.fullmatch(WRITTEN[form], body), f"{where} is no {form}"
    assert form not in RANGES or RANGES[form][0] <= int(body) < RANGES[form][1], f"{where} is out of {form}"
    assert body in schema.get("enum", [body]), f"{where} is none of {schema.get('enum')}"
    for name, value in body.items() if kind == "object" else ():
        known = schema.get("properties", {}).get(name, schema.get("additionalProperties"))
        assert known is not None, f"{where}.{name} is unknown"
        check_schema(known, value, f"{where}.{name}")
    for value in body if kind == "array" else ():
        check_schema(schema["items"], value, f"{where}[]")


def parse_fields(text: str | deque[str]) -> Item:
    """Parse a `fields` parameter, a(b,c/d),e, or the rest of it inside a bracket, into nested names."""
    signs = deque(re.findall(r"[^(),/]+|[(),/]", text)) if isinstance(text, str) else text
    mask: Item = {}
    sign = ","
    while signs and sign == ",":
        inner = mask.setdefault(signs.popleft(), {})
        while signs and signs[0] == "/":
            signs.popleft()
            inner = inner.setdefault(signs.popleft(), {})
        sign = signs.popleft() if signs else ")"
        if sign == "(":
            inner |= parse_fields(signs)
            sign = signs.popleft() if signs else ")"
    return mask


def selected(value: Any, mask: Item) -> Any:
    """The parts of a value that a mask names; an empty mask names all."""
    if isinstance(value, list):
        return [selected(element, mask) for element in value]
    return {name: selected(value[name], inner) for name, inner in mask.items() if name in value} if mask else value


class Call(NamedTuple):
    """A call as the server logged it; the status is logged even if the connection was cut."""

    time: float
    endpoint: str
    params: Params
    status: int
    units: int


@dataclass
class Server:
    """A running server; `calls` and `units` are its totals, `day_units` counts against the quota."""

    universe: Universe
    key: str = "test-key"
    quota_units: int | None = None
    quota_searches: int | None = None
    faults: Faults | None = None
    latency_s: float = 0.0
    calls: list[Call] = field(default_factory=list)
    units: int = 0
    day_units: int = 0
    searches: int = 0
    broken: list[Exception] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __enter__(self) -> Server:
        self.http = Http(("127.0.0.1", 0), type("Handler", (Handler,), {"owner": self}))
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}"
        threading.Thread(target=self.http.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.http.shutdown()
        self.http.server_close()
        if self.broken:
            raise self.broken[0]

    def reset_quota(self) -> None:
        """Begin a new day."""
        with self.lock:
            self.day_units = self.searches = 0

    def decide(self, endpoint: str, params: Params) -> tuple[int, Item, Fault | None]:
        """Count a call; gives its status, body and fault."""
        key, status, body, units, fault = params.pop("key", None), 500, {}, 0, None
        with self.lock:
            try:
                fault = self.faults(endpoint, params, len(self.calls)) if self.faults else None
                quota, used = (self.quota_units, self.day_units)
                if endpoint == "search":
                    quota, used = self.quota_searches, self.searches
                spent = quota is not None and used >= quota
                fault = Fault.QUOTA_EXCEEDED if spent else fault
                status, body = self.answer(endpoint, params, key, fault)
                units = int(not spent and status < 429 and fault is not Fault.CUT)
            except Exception as error:  # raised in __exit__: here only the crawler would see it
                self.broken.append(error)
            status = 200 if fault is Fault.MALFORMED else status
            if endpoint == "search":
                self.searches += units
            else:
                self.units, self.day_units = self.units + units, self.day_units + units
            self.calls.append(Call(time.time(), endpoint, params, status, units))
        return status, body, fault

    def answer(self, endpoint: str, params: Params, key: str | None, fault: Fault | None) -> tuple[int, Item]:
        """Status and body of a call."""
        try:
            if key is None:
                raise Refused(403, "forbidden", "The request is missing a valid API key.")
            if key != self.key:
                raise Refused(400, "badRequest", "API key not valid. Please pass a valid API key.", [INVALID])
            if fault and fault.value[0]:
                raise Refused(*fault.value)
            if endpoint not in ENDPOINTS:
                raise Refused(404, "notFound")
            body = self.universe.answer(endpoint, params)
        except Refused as refused:
            return refused.status, refused.body
        check_schema(ENDPOINTS[endpoint][0], body)
        return 200, selected(body, parse_fields(params.get("fields", "")))


class Http(ThreadingHTTPServer):
    """A server that prints nothing about clients that were killed."""

    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore a connection that broke; any other error is a fault of the server."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class Handler(BaseHTTPRequestHandler):
    owner: Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else each answer waits for the client's delayed acknowledgement

    def do_GET(self) -> None:
        place, params = urlsplit(self.path), {}
        for name, value in parse_qsl(place.query):  # lists come as repeated parameters
            params[name] = f"{params[name]},{value}" if name in params else value
        time.sleep(self.owner.latency_s)
        status, content, fault = self.owner.decide(place.path.removeprefix("/youtube/v3/"), params)
        time.sleep(SLOW_S if fault is Fault.SLOW else 0)
        body = json.dumps(content).encode()
        body = body[: len(body) // 2] if fault is Fault.MALFORMED else body
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=UTF-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.close_connection = self.close_connection or fault is Fault.CUT
        self.wfile.write(body[: len(body) // 2] if fault is Fault.CUT else body)

    def log_message(self, format: str, *args: object) -> None:
        pass
