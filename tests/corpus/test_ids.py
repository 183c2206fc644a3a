"""Ids carry their medium, and the outside world gets YouTube's own back."""

from __future__ import annotations

import pytest

from corpus.ids import AmbiguousId, UnknownId, public_id, resolve_id, split_id
from corpus.ingest.run import ingest
from corpus.inspect.explain import explain
from corpus.inspect.validate import validate
from corpus.sources.mapping import BadMapping
from corpus.sources.registry import source_named
from corpus.store import Corpus
from corpus.takedown.takedown import takedown
from corpus.withdrawn.tombstones import withdrawn
from tests.corpus.sources.infos import video, write
from tests.corpus.sources.mapped import POSTS, rows, source


def elsewhere(extractor: str, video_id: str, **more):
    """A video of another site, as yt-dlp tells it: no channel, only an uploader."""
    bare = {"channel_id": None, "channel": None, "comments": [], "heatmap": None}
    return video(video_id, extractor_key=extractor, extractor=extractor.lower(), **bare, **more)


@pytest.fixture
def corpus(tmp_path):
    """The same ids in several media."""
    infos = [
        elsewhere("Facebook", "9991", uploader_id="u1", uploader="Acme", channel_follower_count=81),
        elsewhere("TwitchVod", "9991", uploader_id="u1", uploader="Somebody", channel_follower_count=9_000_000),
        elsewhere("Rutube", "9991", uploader_id="u1", uploader="A third", channel_follower_count=5),
        elsewhere("WebOfStories", "77", uploader_id="u2", uploader="A fourth"),
        video("aaaaaaaaaaa"),
    ]
    for n, info in enumerate(infos):
        write(tmp_path / "videos", info, name=f"video {n}")
    ingest(source_named("ytdlp"), [tmp_path / "videos"], tmp_path / "corpus")
    return tmp_path / "corpus"


def test_communicators_of_different_media_never_share_an_id(corpus):
    found = rows(corpus, "SELECT communicator_id, channel, name, audience FROM communicator ORDER BY 1")
    assert found == [
        ("facebook:u1", "facebook", "Acme", 81),
        ("other:rutube:u1", "other", "A third", 5),
        ("other:webofstories:u2", "other", "A fourth", 12_300),
        ("twitch:u1", "twitch", "Somebody", 9_000_000),
        ("youtube:UCalvora", "youtube", "Alvora", 12_300),
    ]
    assert not validate(corpus).counts


@pytest.mark.parametrize("name", ["aaaaaaaaaaa", "youtube:aaaaaaaaaaa"])
def test_a_bare_id_and_a_full_one_name_the_same(corpus, name):
    assert "youtube:aaaaaaaaaaa" in explain(corpus, name)
    takedown(corpus, [name])
    assert withdrawn(corpus)["message"] == {"youtube:aaaaaaaaaaa"}
    takedown(corpus, [name])  # again, when it stands among what was taken down only
    assert rows(corpus, "SELECT count(*) FROM message") == [(4,)]


def test_an_ambiguous_bare_id_lists_the_full_ones_and_takes_nothing(corpus):
    for name, full_ids in (("9991", "facebook:9991 or twitch:9991"), ("u1", "facebook:u1 or twitch:u1")):
        for ask in (lambda one: explain(corpus, one), lambda one: takedown(corpus, [one])):
            with pytest.raises(AmbiguousId, match=f"{name} may mean {full_ids}"):
                ask(name)
    assert rows(corpus, "SELECT count(*) FROM message") == [(5,)]
    takedown(corpus, ["facebook:u1"])
    assert rows(corpus, "SELECT message_id FROM message WHERE message_id LIKE '%9991' ORDER BY 1") == [
        ("other:rutube:9991",),
        ("twitch:9991",),
    ]


@pytest.mark.parametrize("name", ["nope", "youtube:9991", "", "youtube:", ":", "%", "' OR 1=1 --"])
def test_what_names_nothing_is_unknown(corpus, name):
    with Corpus.open(corpus).connect() as connection, pytest.raises(UnknownId, match="holds no message"):
        resolve_id(connection, name, "here")


def test_ids_are_taken_apart_and_go_out_as_they_came():
    assert split_id("youtube:a:b") == ("youtube", "a:b")
    assert split_id("brand:Acme") == ("", "brand:Acme")
    assert split_id("youtube:") == ("", "youtube:")
    assert public_id("youtube:abc") == "abc" and public_id("vimeo:abc") == "vimeo:abc"


def test_a_mapping_may_name_the_medium_itself_and_must_name_one_that_is_known(tmp_path):
    file = tmp_path / "posts.csv"
    file.write_text("id,title,day,views\nweb:a,x,,1\nb,x,,1\n")
    ingest(source(tmp_path, POSTS), [file], tmp_path / "corpus")
    assert rows(tmp_path / "corpus", "SELECT message_id FROM message ORDER BY 1") == [("web:a",), ("web:b",)]
    with pytest.raises(BadMapping, match="no medium is called billboard; known are youtube, twitter"):
        source(tmp_path, {**POSTS, "channel": "billboard"})
