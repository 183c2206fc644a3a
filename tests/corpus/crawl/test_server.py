"""The local server against the real client and the bundled discovery document."""

from __future__ import annotations

import copy

import pytest
from googleapiclient.discovery import build
from googleapiclient.errors import HttpError

from tests.corpus.crawl.server import Fault, Server, Universe, check_schema, comment_thread, parse_fields, selected

UNIVERSE = Universe(channels=3, videos_per_channel=70, seed=4)


def client(server: Server, key: str = "test-key"):
    options = {"api_endpoint": server.url}
    return build("youtube", "v3", developerKey=key, static_discovery=True, client_options=options)


def test_paging_gives_every_upload_once_and_counts_are_strings():
    with Server(UNIVERSE) as server:
        youtube, channel = client(server), UNIVERSE.channel_ids[1]
        found = youtube.channels().list(part="contentDetails,statistics", id=channel).execute()["items"]
        assert isinstance(found[0]["statistics"]["viewCount"], str) and "snippet" not in found[0]
        uploads, page = [], None
        while page is not None or not uploads:
            playlist = channel.replace("UC", "UU", 1)
            told = youtube.playlistItems().list(
                part="contentDetails", playlistId=playlist, maxResults=50, **({"pageToken": page} if page else {})
            )
            body = told.execute()
            uploads += [item["contentDetails"]["videoId"] for item in body["items"]]
            page = body.get("nextPageToken")
        assert uploads == UNIVERSE.videos_of(channel) and len(set(uploads)) == 70
        assert server.units == len(server.calls) == 3


@pytest.mark.parametrize("fault", [fault for fault in Fault if fault.value[0]])
def test_a_fault_has_its_status_and_reason(fault):
    with Server(UNIVERSE, faults=lambda *_: fault) as server:
        with pytest.raises(HttpError) as error:
            client(server).videos().list(part="id", id="x").execute()
        assert (error.value.resp.status, error.value.error_details[0]["reason"]) == fault.value
        assert server.units == (fault.value[0] in (403, 404))


def test_a_wrong_key_and_a_spent_quota_are_told_as_the_api_tells_them():
    with Server(UNIVERSE, quota_units=1) as server:
        with pytest.raises(HttpError) as wrong:
            client(server, "other").videos().list(part="id", id="x").execute()
        assert wrong.value.resp.status == 400 and "API_KEY_INVALID" in wrong.value.content.decode()
        with pytest.raises(HttpError) as spent:
            client(server).videos().list(part="id", id="x").execute()
        assert spent.value.error_details[0]["reason"] == "quotaExceeded" and server.units == 1


def test_fields_cut_an_answer():
    mask = parse_fields("items(id,snippet(title,sub/name)),nextPageToken")
    assert mask == {"items": {"id": {}, "snippet": {"title": {}, "sub": {"name": {}}}}, "nextPageToken": {}}
    body = {"etag": "e", "items": [{"id": 1, "other": 2, "snippet": {"title": "t", "sub": {"name": 3, "x": 4}}}]}
    assert selected(body, mask) == {"items": [{"id": 1, "snippet": {"title": "t", "sub": {"name": 3}}}]}


def test_the_schema_check_refuses_what_the_api_would_never_send():
    video = next(iter(UNIVERSE.videos.values()))
    check_schema({"$ref": "Video"}, video)
    check_schema({"$ref": "CommentThread"}, comment_thread("v", 1))
    for part, name, value in [("statistics", "viewCount", 5), ("snippet", "tytle", "x"), ("snippet", "tags", "x")]:
        wrong = copy.deepcopy(video)
        wrong[part][name] = value
        with pytest.raises(AssertionError):
            check_schema({"$ref": "Video"}, wrong)


def test_a_universe_is_the_same_for_the_same_numbers():
    again = Universe(channels=3, videos_per_channel=70, seed=4)
    assert again.videos == UNIVERSE.videos and again.missing == UNIVERSE.missing != set()
    assert Universe(channels=3, videos_per_channel=70, seed=5).channel_ids != UNIVERSE.channel_ids
