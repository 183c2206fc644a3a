"""What was taken down is never asked for again, and benches made of a corpus are known to it."""

from __future__ import annotations

import pytest

from benchmark.build import build_bench
from corpus.crawl.crawl import crawl
from corpus.crawl.recipe import load_crawl_recipe
from corpus.crawl.youtube_api import ENDPOINT_VARIABLE, KEY_VARIABLE
from corpus.derivatives import derived
from corpus.simulate.world import simulate
from corpus.takedown.takedown import takedown
from tests.corpus.crawl.server import Server, Universe
from tests.corpus.crawl.test_crawl import KEY, recipe_file
from tests.corpus.sources.mapped import rows
from tests.corpus.takedown.test_takedown import words_in


def test_a_channel_taken_down_is_not_crawled_again(tmp_path, monkeypatch):
    universe = Universe(channels=4, videos_per_channel=8, comments_per_video=2, seed=3)
    monkeypatch.setenv(KEY_VARIABLE, KEY)
    recipe, root = load_crawl_recipe(recipe_file(tmp_path, universe, comments=1)), tmp_path / "corpus"
    with Server(universe, key=KEY) as server:
        monkeypatch.setenv(ENDPOINT_VARIABLE, server.url)
        crawl(recipe, root)
        by_id, by_handle = (f"youtube:{universe.channel_ids[n]}" for n in (2, 0))
        gone = rows(root, f"SELECT message_id, title FROM message WHERE communicator_id IN ('{by_id}', '{by_handle}')")
        stay = rows(root, f"SELECT count(*) FROM message WHERE communicator_id NOT IN ('{by_id}', '{by_handle}')")
        other = f"youtube:{universe.channel_ids[3]}"
        some = rows(root, f"SELECT min(message_id) FROM message WHERE communicator_id = '{other}'")
        takedown(root, [by_id, by_handle, some[0][0]])
        crawl(recipe, root, again=True)
    assert gone and rows(root, "SELECT count(*) FROM message") == [(stay[0][0] - 1,)]
    said = words_in(root / "raw") + words_in(root / "tables")
    assert not [name for name, _ in gone if name in said] and some[0][0] not in said


def test_a_bench_is_known_to_its_corpus_and_loses_what_is_taken_down(tmp_path):
    root, bench = tmp_path / "corpus", tmp_path / "bench"
    simulate(root, seed=1, brands=12, videos=6, posts=12, emails=1)
    before = build_bench(root, bench, mask_draws=1)
    assert derived(root) == [str(bench)]
    build_bench(root, bench, mask_draws=1)
    assert derived(root) == [str(bench)]
    name = before.public("replay_future", "test")["message_id"][0]
    taken = takedown(root, [name])
    after = type(before).open(bench)
    assert taken.folders[str(bench)] > 0 and after.fingerprint != before.fingerprint
    for task, entry in after.tasks.items():
        asked, answers = after.public(task, "test"), after.answers(task)
        assert name not in asked["message_id"] and asked["instance_id"].equals(answers["instance_id"])
        assert entry["test"] == asked.height and entry["train"] == after.public(task, "train").height


@pytest.fixture(autouse=True)
def salted(monkeypatch):
    monkeypatch.setenv("CBC_HASH_KEY", "salt")
