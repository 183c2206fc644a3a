"""The local server against the real client and the bundled discovery document."""

from __future__ import annotations

import copy
import http.client
import json

import pytest
from googleapiclient.discovery import build
from googleapiclient.errors import HttpError

from tests.corpus.crawl.server import Fault, Server, Universe, check_schema, parse_fields, random_faults, selected

UNIVERSE = Universe(channels=3, videos_per_channel=70, seed=4)
CHANNEL = UNIVERSE.channel_ids[1]
SHOWN = next(video for video in UNIVERSE.videos if video not in UNIVERSE.missing | UNIVERSE.comments_disabled)


@pytest.fixture(scope="module")
def service():
    """The client, made once: its discovery document is large. Tests point it at their server."""
    return build("youtube", "v3", developerKey="test-key", static_discovery=True, cache_discovery=False)


@pytest.fixture
def youtube(service, monkeypatch):
    """Function that makes a call of the client at a server."""

    def call(server: Server, endpoint: str, key: str | None = "test-key", **params: object) -> dict:
        request = getattr(service, endpoint)().list(**{"part": "id", **params})
        uri = request.uri.replace("https://youtube.googleapis.com", server.url)
        request.uri = uri.replace("key=test-key", f"key={key}" if key else "")
        return request.execute()

    return call


def refusal(call, *args: object, **params: object) -> tuple[int, str, str]:
    """Status, reason and domain of a refused call."""
    with pytest.raises(HttpError) as caught:
        call(*args, **params)
    error = json.loads(caught.value.content)["error"]
    assert error["code"] == caught.value.resp.status and error["message"] == error["errors"][0]["message"]
    return error["code"], error["errors"][0]["reason"], error["errors"][0]["domain"]


def test_the_client_reaches_the_server_by_its_option_api_endpoint():
    with Server(UNIVERSE) as server:
        options = {"api_endpoint": server.url}
        client = build("youtube", "v3", developerKey=server.key, static_discovery=True, client_options=options)
        assert client.channels().list(part="id", id=CHANNEL).execute()["items"][0]["id"] == CHANNEL


def test_paging_gives_every_upload_once_and_is_charged_by_the_call(youtube):
    uploads, page = [], {}
    with Server(UNIVERSE) as server:
        while page is not None:
            asked = {"part": "contentDetails", "playlistId": "UU" + CHANNEL[2:], "maxResults": 50, **page}
            body = youtube(server, "playlistItems", **asked)
            uploads += [item["contentDetails"]["videoId"] for item in body["items"]]
            page = {"pageToken": body["nextPageToken"]} if "nextPageToken" in body else None
    assert uploads == UNIVERSE.videos_of(CHANNEL) and len(set(uploads)) == body["pageInfo"]["totalResults"] == 70
    assert [(call.status, call.units) for call in server.calls] == [(200, 1)] * 2 and server.units == 2
    assert not any("key" in call.params for call in server.calls)


def test_items_have_the_asked_parts_and_counts_are_strings(youtube):
    with Server(UNIVERSE) as server:
        by_id = youtube(server, "channels", part=["statistics", "contentDetails"], id=UNIVERSE.channel_ids)["items"]
        by_handle = youtube(server, "channels", part="statistics", forHandle=UNIVERSE.handles[1])["items"]
        by_name = youtube(server, "channels", part="statistics", forUsername=UNIVERSE.handles[1][1:])["items"]
    assert [set(item) for item in by_id] == [{"kind", "etag", "id", "statistics", "contentDetails"}] * 3
    assert by_handle == by_name and by_handle[0]["id"] == CHANNEL
    assert isinstance(by_id[0]["statistics"]["viewCount"], str)


def test_missing_videos_are_in_the_uploads_but_have_no_item(youtube):
    ids = UNIVERSE.videos_of(CHANNEL)[:50]
    with Server(UNIVERSE) as server:
        items = youtube(server, "videos", part="statistics", id=",".join(ids))["items"]
        assert refusal(youtube, server, "videos", id=",".join(UNIVERSE.videos_of(CHANNEL)[:51]))[0] == 400
    assert [item["id"] for item in items] == [video for video in ids if video not in UNIVERSE.missing]
    assert len(items) < 50 and any("likeCount" not in item["statistics"] for item in items)
    closed = {item["id"] for item in items if "commentCount" not in item["statistics"]}
    assert closed == {item["id"] for item in items} & UNIVERSE.comments_disabled != set()


def test_comments_are_paged_and_closed_ones_are_refused(youtube):
    closed, gone = min(UNIVERSE.comments_disabled - UNIVERSE.missing), min(UNIVERSE.missing)
    with Server(UNIVERSE) as server:
        first = youtube(server, "commentThreads", part="snippet", videoId=SHOWN, maxResults=2)
        rest = youtube(server, "commentThreads", videoId=SHOWN, maxResults=2, pageToken=first["nextPageToken"])
        assert refusal(youtube, server, "commentThreads", videoId=closed)[:2] == (403, "commentsDisabled")
        assert refusal(youtube, server, "commentThreads", videoId=gone)[:2] == (404, "videoNotFound")
    assert "someone@example.org" in first["items"][1]["snippet"]["topLevelComment"]["snippet"]["textDisplay"]
    assert len({item["id"] for item in first["items"] + rest["items"]}) == 3 and "nextPageToken" not in rest
    assert server.units == len(server.calls) == 4


@pytest.mark.parametrize("fault", [fault for fault in Fault if fault.value[0]])
def test_a_fault_has_its_status_and_reason(youtube, fault):
    with Server(UNIVERSE, faults=lambda *_: fault) as server:
        status, reason, domain = refusal(youtube, server, "videos", id="x")
    assert (status, reason) == fault.value and (reason == "quotaExceeded") == (domain == "youtube.quota")
    assert server.units == (status in (403, 404))


def test_faults_of_the_connection(youtube):
    faults = [Fault.CUT, Fault.MALFORMED, Fault.SLOW]
    with Server(UNIVERSE, faults=lambda endpoint, params, number: faults[number]) as server:
        with pytest.raises(http.client.IncompleteRead):
            youtube(server, "videos", id=SHOWN)
        assert not isinstance(youtube(server, "videos", id=SHOWN), dict)  # the client passes on what is no JSON
        assert youtube(server, "videos", id=SHOWN)["items"][0]["id"] == SHOWN
    assert [call.units for call in server.calls] == [0, 1, 1]
    assert server.calls[2].time - server.calls[1].time < 0.5  # decided before it sleeps


def test_keys_are_refused_as_the_api_refuses_them(youtube):
    with Server(UNIVERSE) as server:
        assert refusal(youtube, server, "videos", key=None, id="x")[:2] == (403, "forbidden")
        with pytest.raises(HttpError, match=r"API key not valid\. Please pass a valid API key\.") as wrong:
            youtube(server, "videos", key="other", id="x")
        assert wrong.value.resp.status == 400 and wrong.value.error_details[0]["reason"] == "API_KEY_INVALID"
        assert json.loads(wrong.value.content)["error"]["errors"][0]["reason"] == "badRequest"


def test_a_spent_quota_refuses_every_call_until_the_next_day(youtube):
    with Server(UNIVERSE, quota_units=1) as server:
        youtube(server, "videos", id=SHOWN)
        for _ in range(2):
            assert refusal(youtube, server, "videos", id=SHOWN) == (403, "quotaExceeded", "youtube.quota")
        assert server.units == 1
        server.reset_quota()
        assert youtube(server, "videos", id=SHOWN)["items"] and server.units == 2


def test_fields_cut_an_answer(youtube):
    mask = parse_fields("items(id,snippet(title,sub/name)),nextPageToken")
    assert mask == {"items": {"id": {}, "snippet": {"title": {}, "sub": {"name": {}}}}, "nextPageToken": {}}
    body = {"etag": "e", "items": [{"id": 1, "other": 2, "snippet": {"title": "t", "sub": {"name": 3, "x": 4}}}]}
    assert selected(body, mask) == {"items": [{"id": 1, "snippet": {"title": "t", "sub": {"name": 3}}}]}
    with Server(UNIVERSE) as server:
        fields = "items(id,snippet(title,publishedAt),statistics/viewCount),nextPageToken"
        answer = youtube(server, "videos", part="snippet,statistics", id=SHOWN, fields=fields)
    assert set(answer) == {"items"} and set(answer["items"][0]) == {"id", "snippet", "statistics"}
    assert set(answer["items"][0]["snippet"]) == {"title", "publishedAt"}


WRONG = [
    ("statistics", "viewCount", 5),
    ("statistics", "viewCount", "many"),
    ("snippet", "tytle", "x"),
    ("snippet", "tags", "x"),
    ("snippet", "publishedAt", "yesterday"),
    ("status", "license", "free"),
]


@pytest.mark.parametrize(("part", "name", "value"), WRONG)
def test_the_schema_check_refuses_impossible_answers(part, name, value):
    video = copy.deepcopy(UNIVERSE.videos[SHOWN])
    check_schema("Video", video)
    video[part][name] = value
    with pytest.raises(AssertionError, match=name):
        check_schema("Video", video)


def test_an_answer_that_breaks_the_schema_is_raised_when_the_server_is_left(youtube):
    universe = Universe(channels=1, videos_per_channel=1)
    universe.channels[universe.channel_ids[0]]["statistics"]["viewCount"] = 5
    with pytest.raises(AssertionError, match="viewCount"), Server(universe) as server, pytest.raises(HttpError):
        youtube(server, "channels", part="statistics", id=universe.channel_ids[0])


def test_a_universe_and_its_faults_are_equal_for_equal_seeds():
    again = Universe(channels=3, videos_per_channel=70, seed=4)
    assert (again.channels, again.videos, again.entries) == (UNIVERSE.channels, UNIVERSE.videos, UNIVERSE.entries)
    assert again.missing == UNIVERSE.missing != set() and again.comments_disabled == UNIVERSE.comments_disabled
    assert Universe(channels=3, videos_per_channel=70, seed=5).channel_ids != UNIVERSE.channel_ids
    first, second = ([random_faults(0.1, seed)("videos", {}, n) for n in range(2000)] for seed in (1, 1))
    assert first == second and 150 < sum(fault is not None for fault in first) < 250
