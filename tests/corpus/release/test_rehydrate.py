"""A release of ids, fetched again from a server: what comes back, what is gone, and that the splits are the same."""

from __future__ import annotations

from typing import Any

import pytest

from corpus.crawl.crawl import crawl
from corpus.crawl.recipe import CrawlRecipe, Ytdlp, load_crawl_recipe
from corpus.crawl.scheduler import QuotaEnded
from corpus.crawl.youtube_api import ENDPOINT_VARIABLE, KEY_VARIABLE
from corpus.ids import public_id
from corpus.release.diff import diff
from corpus.release.rehydrate import NothingToFetch, rehydrate, rehydrated_text
from corpus.release.write import release
from corpus.simulate.world import simulate
from tests.corpus.crawl.pages import Pages, ShapedIE, use
from tests.corpus.crawl.server import Server, Universe
from tests.corpus.crawl.test_crawl import KEY, recipe_file
from tests.corpus.sources.mapped import rows


@pytest.fixture
def released(tmp_path, monkeypatch):
    """A server's universe, crawled and released as ids and in full."""
    monkeypatch.setenv(KEY_VARIABLE, KEY)
    universe = Universe(channels=6, videos_per_channel=40, seed=8)
    with Server(universe, key=KEY) as server:
        monkeypatch.setenv(ENDPOINT_VARIABLE, server.url)
        crawl(load_crawl_recipe(recipe_file(tmp_path, universe)), tmp_path / "corpus")
    for content in ("ids", "full"):
        release(tmp_path / "corpus", tmp_path / content, content)
    return universe


def test_what_is_there_comes_back_in_its_split_and_what_is_gone_is_told(released, tmp_path, monkeypatch):
    there = [public_id(name) for (name,) in rows(tmp_path / "corpus", "SELECT message_id FROM message ORDER BY 1")]
    gone = there[::40]
    released.missing.update(gone)
    with Server(released, key=KEY) as server:
        monkeypatch.setenv(ENDPOINT_VARIABLE, server.url)
        found = rehydrate(tmp_path / "ids", tmp_path / "again")
        assert {call.endpoint for call in server.calls} == {"videos", "channels"}
    assert (found.asked, found.fetched, found.waiting) == (len(there), len(there) - len(gone), 0)
    assert sorted(found.gone["deleted"]) == gone and not found.others
    assert f"gone: {len(gone)} deleted: {gone[0]}" in rehydrated_text(found)
    release(tmp_path / "again", tmp_path / "second", "full", version="1.0.1")
    found = {one.table: one for one in diff(tmp_path / "full", tmp_path / "second")}
    assert (found["message"].only_a, found["message"].only_b, found["message"].moved) == (len(gone), 0, 0)
    assert not found["message"].changed and not found["communicator"].moved
    speakers = "SELECT communicator_id, name, audience FROM communicator ORDER BY 1"
    assert rows(tmp_path / "again", speakers) == rows(tmp_path / "corpus", speakers)


def test_a_spent_quota_ends_it_and_the_same_command_goes_on(released, tmp_path, monkeypatch, cbc):
    with Server(released, key=KEY, quota_units=2) as server:
        monkeypatch.setenv(ENDPOINT_VARIABLE, server.url)
        with pytest.raises(QuotaEnded):
            rehydrate(tmp_path / "ids", tmp_path / "again")
        done = cbc("corpus", "rehydrate", tmp_path / "ids", "--corpus", tmp_path / "again")
        assert done.returncode == 75 and "quota of the day is spent" in done.stderr


def test_a_release_without_videos_is_told(tmp_path):
    simulate(tmp_path / "corpus", brands=4, videos=2, posts=3, emails=1)
    release(tmp_path / "corpus", tmp_path / "ids")
    with pytest.raises(NothingToFetch, match="names no video that can be fetched"):
        rehydrate(tmp_path / "ids", tmp_path / "again")


class OtherSiteIE(ShapedIE):
    """Reads an address of another site from the same local pages."""

    _VALID_URL = r"https?://vimeo\.com/(?P<id>\d+)"

    def _real_extract(self, url: str) -> dict[str, Any]:
        return {**super()._real_extract(url), "extractor": "vimeo", "extractor_key": "Vimeo"}


def test_yt_dlp_brings_videos_of_all_sites_back_with_their_replay_and_needs_no_key(tmp_path, monkeypatch):
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    quick = Ytdlp(sleep_s=(0, 0), pause_s=0)
    names = ["video-00001", "video-00002", "video-00003"]
    lost = {"video-00002"}
    with Pages(lambda kind, name, _: "Video unavailable" if released_once and name in lost else None) as pages:

        class Client(use(pages.base)):  # type: ignore[misc]
            def add_default_info_extractors(self) -> None:
                self.add_info_extractor(type("OtherSiteIE", (OtherSiteIE,), {"base": pages.base})())
                super().add_default_info_extractors()

        released_once = False
        monkeypatch.setattr("yt_dlp.YoutubeDL", Client)
        watched = quick.model_copy(update={"videos": [*names, "https://vimeo.com/76979871"]})
        crawl(CrawlRecipe(ytdlp=watched), tmp_path / "corpus")
        release(tmp_path / "corpus", tmp_path / "ids")
        assert (tmp_path / "ids" / "ids.txt").read_text().split() == names
        assert (tmp_path / "ids" / "pages.txt").read_text().split() == ["https://vimeo.com/76979871"]
        released_once = True
        found = rehydrate(tmp_path / "ids", tmp_path / "again", ytdlp=quick)
    assert (found.asked, found.fetched, found.waiting, found.others) == (4, 3, 0, [])
    assert list(found.gone.values()) == [["video-00002"]]
    replay = "SELECT DISTINCT message_id FROM effect WHERE metric = 'replay' ORDER BY 1"
    before = rows(tmp_path / "corpus", replay)
    assert len(before) == 4 and rows(tmp_path / "again", replay) == [
        row for row in before if "video-00002" not in row[0]
    ]
