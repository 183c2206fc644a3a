"""Where a row came from: from an id to the raw payload, the call, the tool and what was done to it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from corpus.crawl.crawl import crawl
from corpus.crawl.recipe import load_crawl_recipe
from corpus.ids import UnknownId, public_id
from corpus.ingest.run import ingest
from corpus.inspect.explain import explain
from corpus.schema import METRICS, TABLES
from corpus.simulate.world import simulate
from corpus.sources.registry import SOURCES, shipped_mappings, source_named
from tests.corpus.crawl.server import Server, Universe
from tests.corpus.sources.mapped import rows


@pytest.fixture(scope="module")
def crawled(tmp_path_factory) -> tuple[Path, Universe]:
    folder, universe = tmp_path_factory.mktemp("crawled"), Universe(channels=2, videos_per_channel=60, seed=3)
    (folder / "r.yaml").write_text(json.dumps({"youtube": {"channels": universe.channel_ids}}))
    with pytest.MonkeyPatch.context() as patch, Server(universe) as server:
        patch.setenv("CBC_YOUTUBE_API_KEY", server.key)
        patch.setenv("CBC_YOUTUBE_ENDPOINT", server.url)
        crawl(load_crawl_recipe(folder / "r.yaml"), folder / "corpus")
    return folder / "corpus", universe


def test_a_crawled_video_leads_to_its_call_and_its_own_item(crawled):
    root, universe = crawled
    video = next(v for v in universe.videos_of(universe.channel_ids[1]) if v not in universe.missing)
    told = explain(root, video)
    assert f"views    {'':5}" in told and "FROM youtube_api@1 (message)" in told
    assert re.search(rf"call: +videos\.list of .*{video}", told)
    assert re.search(r"by: +google-api-python-client \d", told)
    raw = root / re.search(r"raw payload: (\S+), sha256", told)[1]
    assert raw.is_file()
    item = json.loads(re.search(r"payload: +(\[.*\])", told)[1])[0]
    assert (item["id"], item["statistics"]) == (video, universe.videos[video]["statistics"])
    assert "a hidden count is missing there, and null here" in told
    views = universe.videos[video]["statistics"]["viewCount"]
    assert re.search(rf'effect\.views +<- statistics\.viewCount = "{views}"', told)
    assert re.search(r"message\.title +<- snippet\.title = ", told)


def test_a_comment_leads_to_the_answer_that_held_it(tmp_path, monkeypatch):
    universe = Universe(channels=1, videos_per_channel=3, comments_per_video=2, seed=5)
    (tmp_path / "r.yaml").write_text(json.dumps({"youtube": {"channels": universe.channel_ids, "comment_pages": 1}}))
    with Server(universe) as server:
        monkeypatch.setenv("CBC_YOUTUBE_API_KEY", server.key)
        monkeypatch.setenv("CBC_YOUTUBE_ENDPOINT", server.url)
        crawl(load_crawl_recipe(tmp_path / "r.yaml"), tmp_path / "corpus")
    name, video = rows(tmp_path / "corpus", "SELECT comment_id, message_id FROM comment ORDER BY 1 LIMIT 1")[0]
    told = explain(tmp_path / "corpus", name)
    assert (
        re.search(rf"call: +commentThreads\.list of {public_id(video)}\n", told)
        and told.count("FROM youtube_api@1") == 1
    )
    assert re.search(rf'comment\.comment_id +<- snippet\.topLevelComment\.id = "{name}"', told)


def test_a_channel_leads_to_its_call(crawled):
    root, universe = crawled
    told = explain(root, universe.channel_ids[0])
    assert "COMMUNICATOR" in told and re.search(r"call: +channels\.list of UC", told)


def test_an_info_file_is_shown_and_a_mapped_file_is_named(tmp_path):
    info = {"id": "abc", "title": "A video", "view_count": 5, "epoch": 1_700_000_000, "description": "x" * 5000}
    (tmp_path / "abc.info.json").write_text(json.dumps(info))
    ingest(source_named("ytdlp"), [tmp_path], tmp_path / "corpus")
    told = explain(tmp_path / "corpus", "abc")
    assert re.search(r"effect\.views +<- view_count = 5\n", told)
    assert '"view_count": 5' in told and re.search(r"… \(5,\d+ characters in all\)", told)
    (tmp_path / "posts.csv").write_text("id,text\n7,hello\n")
    mapping = tmp_path / "own.yaml"
    mapping.write_text("channel: web\nkind: post\nmessage: {message_id: id, body: text}\n")
    ingest(source_named("table", mapping), [tmp_path / "posts.csv"], tmp_path / "corpus")
    told = explain(tmp_path / "corpus", "7")
    assert re.search(r"raw payload: raw/own/[0-9a-f]{16}-posts\.csv", told) and re.search(r"record: +1\b", told)
    assert re.search(r"message\.body +<- text\n", told)


def test_a_made_up_message_says_that_it_was_generated_and_an_unknown_id_is_named(tmp_path, cbc):
    simulate(tmp_path / "corpus", brands=3, videos=1, posts=1, emails=1)
    assert "raw payload: none: it was generated" in explain(tmp_path / "corpus", "sim-v-alvora-0")
    with pytest.raises(UnknownId, match="no message, communicator or comment nope"):
        explain(tmp_path / "corpus", "nope")
    assert cbc("corpus", "explain", "nope", "--corpus", tmp_path / "corpus").returncode == 2


@pytest.mark.parametrize("name", [*SOURCES, *shipped_mappings()])
def test_every_source_says_where_its_cells_come_from(name):
    cells = source_named(name).cells
    assert any(cell.endswith("_id") for cell in cells)
    for cell, field in cells.items():
        table, _, column = cell.partition(".")
        assert field and (column in METRICS if table == "effect" else column in (*TABLES[table].names, "")), cell
