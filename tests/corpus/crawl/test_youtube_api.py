"""Searched names, listed videos, counts at an age, and comments without identifiable authors."""

from __future__ import annotations

import json
import sqlite3
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest
import yaml

from corpus.crawl.crawl import crawl
from corpus.crawl.plan import plan_text
from corpus.crawl.progress import crawled_text, progress_text
from corpus.crawl.recipe import BadCrawlRecipe, load_crawl_recipe
from corpus.crawl.scheduler import QuotaEnded
from corpus.crawl.youtube_api import ENDPOINT_VARIABLE, KEY_VARIABLE, tasks_at_age
from corpus.privacy.scrub import author_hash
from corpus.takedown.takedown import takedown
from tests.corpus.crawl.server import Server, Universe
from tests.corpus.sources.mapped import rows

KEY = "test-key"


@pytest.fixture
def universe() -> Universe:
    return Universe(channels=6, videos_per_channel=60, comments_per_video=2, seed=4)


@pytest.fixture(autouse=True)
def key(monkeypatch):
    monkeypatch.setenv(KEY_VARIABLE, KEY)
    monkeypatch.setenv("CBC_HASH_KEY", "salt")


def made(folder: Path, **youtube: object) -> Path:
    (folder / "recipe.yaml").write_text(yaml.safe_dump({"youtube": youtube, "wait_s": 0.01}))
    return folder / "recipe.yaml"


def run(folder: Path, server: Server, monkeypatch: pytest.MonkeyPatch, **youtube: object) -> Path:
    monkeypatch.setenv(ENDPOINT_VARIABLE, server.url)
    crawl(load_crawl_recipe(made(folder, **youtube)), folder / "corpus")
    return folder / "corpus"


def test_a_name_leads_to_the_channel_that_the_search_ranks_first(tmp_path, monkeypatch, universe):
    with Server(universe, key=KEY) as server:
        root = run(tmp_path, server, monkeypatch, names=["Channel 3", "nobody at all"], videos_per_channel=5)
        assert server.searches == 2
    assert rows(root, "SELECT communicator_id FROM communicator") == [(f"youtube:{universe.channel_ids[3]}",)]
    text = progress_text(root)
    assert "searches: 2" in text and "deleted, e.g. nobody at all" in text
    with sqlite3.connect(root / "crawl.sqlite") as journal:
        stages = dict(journal.execute("SELECT stage, count(*) FROM task GROUP BY stage").fetchall())
    assert stages["search"] == 2 and stages["channels"] == 1


def test_searches_have_a_separate_ledger(tmp_path, monkeypatch, universe):
    names = [f"Channel {number}" for number in range(4)]
    with Server(universe, key=KEY, quota_searches=2) as server:
        monkeypatch.setenv(ENDPOINT_VARIABLE, server.url)
        recipe = made(tmp_path, names=names, videos_per_channel=5)
        with pytest.raises(QuotaEnded):
            crawl(load_crawl_recipe(recipe), tmp_path / "corpus")
        # units remain: the channels of the two searches are fetched
        assert server.searches == 2 and server.units >= 6
        assert rows(tmp_path / "corpus", "SELECT count(*) FROM communicator") == [(2,)]
    with Server(universe, key=KEY) as server:
        monkeypatch.setenv(ENDPOINT_VARIABLE, server.url)
        own = yaml.safe_load(recipe.read_text()) | {"quota": {"searches_per_day": 3}}
        recipe.write_text(yaml.safe_dump(own))
        other = tmp_path / "other"
        with pytest.raises(QuotaEnded):
            crawl(load_crawl_recipe(recipe), other)
        assert server.searches == 3 and rows(other, "SELECT count(*) FROM communicator") == [(3,)]
    assert "searches: 4, at 3 a day: 2 days" in plan_text(load_crawl_recipe(recipe))


def test_listed_videos_are_fetched_without_their_channels(tmp_path, monkeypatch, universe):
    wanted = [*universe.videos_of(universe.channel_ids[0]), *universe.videos_of(universe.channel_ids[1])[:7]]
    (tmp_path / "ids.txt").write_text("# of two channels\n" + "\n".join([*wanted, wanted[0]]))
    with Server(universe, key=KEY) as server:
        root = run(tmp_path, server, monkeypatch, videos="ids.txt")
        assert [call.endpoint for call in server.calls] == ["videos", "videos"]
    there = {name for name in wanted if name not in universe.missing}
    assert {name for (name,) in rows(root, "SELECT message_id FROM message")} == {f"youtube:{name}" for name in there}
    (tmp_path / "ids.txt").write_text("aaaaaaaaaaa\nnot an id\n")
    with pytest.raises(BadCrawlRecipe, match="line 2: 'not an id' is no video id"):
        load_crawl_recipe(tmp_path / "recipe.yaml")


def test_young_videos_wait_for_their_age_and_are_then_observed_again(tmp_path, monkeypatch):
    universe = Universe(channels=1, videos_per_channel=12, seed=6)
    now = datetime.now(UTC)
    young = [name for name in universe.videos if name not in universe.missing]
    for n, name in enumerate(young):
        at = now - timedelta(days=3 + n % 2 if n < 6 else 400)
        universe.videos[name]["snippet"]["publishedAt"] = at.strftime("%Y-%m-%dT%H:%M:%SZ")
    with Server(universe, key=KEY) as server:
        monkeypatch.setenv(ENDPOINT_VARIABLE, server.url)
        recipe = load_crawl_recipe(made(tmp_path, channels=universe.channel_ids, ages_days=[7, 30]))
        did = crawl(recipe, tmp_path / "corpus")
        days = (did.aged[1] - now.timestamp()) / 86_400
        assert 2.9 < days < 5.1
        waiting = "SELECT count(*), min(not_before) FROM task WHERE page = 'age 7'"
        with sqlite3.connect(tmp_path / "corpus" / "crawl.sqlite") as journal:
            assert journal.execute(waiting).fetchone()[0] == 2  # of two days
            journal.execute("UPDATE task SET not_before = 0 WHERE page = 'age 7'")
        before = len(server.calls)
        time.sleep(1.1)  # observations are told apart by the second
        for name in young:
            universe.videos[name]["statistics"]["viewCount"] = "123456"
        assert "until videos reach an age; run the command again at" in crawled_text(did, tmp_path / "corpus")
        crawl(recipe, tmp_path / "corpus")
        assert [call.endpoint for call in server.calls[before:]] == ["videos"] * 2
        views = "SELECT count(DISTINCT message_id), max(value) FROM effect WHERE metric = 'views' AND value = 123456"
        assert rows(tmp_path / "corpus", views) == [(6, 123456.0)]
        waits = crawl(recipe, tmp_path / "corpus", again=True).aged  # which keeps no new round from beginning
        assert waits[0] == 2  # at 30 days; nobody is asked for twice at an age
        assert len(server.calls) > before + 4


def test_a_video_is_due_within_a_day_after_it_has_its_age():
    now = datetime(2026, 1, 10, 12, tzinfo=UTC)
    at = {"a": "2026-01-08T23:59:59Z", "b": "2026-01-08T00:00:00Z", "c": "2026-01-01T08:00:00Z"}
    items = [{"id": name, "snippet": {"publishedAt": time}} for name, time in at.items()]
    (task,) = tasks_at_age(items, 7, now.timestamp())
    assert task.target == "a,b" and task.not_before == datetime(2026, 1, 16, tzinfo=UTC).timestamp()
    assert not tasks_at_age(items[2:], 7, now.timestamp())  # too late to be seen at that age
    odd = [{"id": "d", "snippet": {"publishedAt": "soon"}}, {"id": "e", "snippet": {}}]
    assert not tasks_at_age(odd, 7, now.timestamp())


@pytest.mark.parametrize("words", ["aggregate", "text"])
def test_only_a_keyed_hash_of_a_comments_author_is_written(tmp_path, monkeypatch, universe, words):
    monkeypatch.setenv("CBC_COMMENTS", words)
    with Server(universe, key=KEY) as server:
        root = run(tmp_path, server, monkeypatch, channels=universe.channel_ids[:1], comment_pages=1)
    written = b"".join(path.read_bytes() for path in root.glob("crawl.sqlite*"))
    written += "".join(
        repr(duckdb.sql(f"FROM read_parquet('{path}')").fetchall()) for path in root.rglob("*.parquet")
    ).encode()
    assert b"UCauthor" not in written and b"@author" not in written
    assert (b"Nice one" in written) == (words == "text")
    authors = {name for (name,) in rows(root, "SELECT DISTINCT author FROM comment")}
    assert authors == {author_hash(f"UCauthor{n}", b"salt") for n in range(2)}
    assert ("Nice one",) in rows(root, "SELECT text FROM comment") or words == "aggregate"
    (name,) = rows(root, "SELECT min(comment_id) FROM comment")[0]
    takedown(root, [name])
    text = "".join(repr(duckdb.sql(f"FROM read_parquet('{path}')").fetchall()) for path in root.rglob("*.parquet"))
    assert name not in text and rows(root, "SELECT count(*) FROM comment") != [(0,)]


def test_a_corpus_holds_the_recipe_that_it_was_crawled_with(tmp_path, monkeypatch, universe):
    (tmp_path / "out.txt").write_text("UCnobody\n")
    with Server(universe, key=KEY) as server:
        monkeypatch.setenv(ENDPOINT_VARIABLE, server.url)
        path = made(tmp_path, channels=universe.channel_ids[:1], videos_per_channel=3)
        path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | {"opt_out": "out.txt"}))
        crawl(load_crawl_recipe(path), tmp_path / "corpus")
    kept = (tmp_path / "corpus" / "recipe.yaml").read_text()
    assert json.loads(json.dumps(yaml.safe_load(kept)))["youtube"]["channels"] == universe.channel_ids[:1]
    assert str(tmp_path) not in kept
