"""The flat table: one row a message, whose cells are what the other tables say, worked out here by other means."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import duckdb
import polars as pl
import pytest

from corpus.release.flat import FLAT
from corpus.release.splits import SPLITS
from corpus.release.write import release
from corpus.schema import METRICS, TABLES
from corpus.simulate.world import simulate
from corpus.takedown.takedown import takedown
from tests.corpus.filters.made import corpus_of

EARLY, LATE = datetime(2024, 1, 2), datetime(2024, 2, 2)


def effect(message: str, metric: str, value: float, at: datetime | None = None, **more: object) -> dict[str, object]:
    return {"message_id": message, "metric": metric, "value": value, "observed_at": at, **more}


@pytest.fixture(scope="module")
def flat(tmp_path_factory) -> dict[str, dict[str, object]]:
    """Rows by id of a release made of awkward messages."""
    folder = tmp_path_factory.mktemp("flat")
    messages = [
        {"message_id": "film", "kind": "video", "channel": "youtube", "communicator_id": "UCa", "title": "A film"},
        {"message_id": "hidden", "kind": "video", "channel": "youtube", "communicator_id": "UCa"},
        {"message_id": "mail", "kind": "email", "channel": "email", "title": "Spring"},
        {"message_id": "variant", "kind": "headline", "channel": "web", "campaign": "t1"},
        {"message_id": "silent", "kind": "post", "channel": "twitter", "body": "write to a.b@example.org"},
    ]
    effects = [
        effect("film", "views", 100, EARLY),
        effect("film", "likes", 10, EARLY),
        effect("film", "views", 400, LATE),
        effect("film", "likes", 20, LATE),
        effect("film", "replay", 0.5, EARLY, scene=0),
        effect("film", "replay", 1.0, LATE, scene=3),
        effect("film", "replay", 0.25, LATE, scene=1),
        effect("hidden", "likes", 7, EARLY),
        effect("hidden", "views", 70, EARLY),
        effect("hidden", "views", 0, LATE),
        effect("mail", "sends", 300, receiver="all of them"),
        effect("mail", "sends", 100, receiver="customers"),
        effect("mail", "click_through_rate", 0.1, receiver="all of them", exposure=300),
        effect("mail", "click_through_rate", 0.3, receiver="customers", exposure=100),
        effect("variant", "impressions", 200),
        effect("variant", "clicks", 5, exposure=200),
    ]
    scenes = [
        {"message_id": "film", "scene": 1, "speech": ["third", "call +49 30 901820"], "screen_text": []},
        {"message_id": "film", "scene": 0, "speech": ["first", "second"], "screen_text": ["terms apply"]},
        {"message_id": "hidden", "scene": 0, "speech": [], "screen_text": None},
    ]
    speakers = [
        {"communicator_id": "UCa", "channel": "youtube", "name": "Old", "company": "Alvora", "as_of": EARLY},
        {"communicator_id": "UCa", "channel": "youtube", "name": "New", "as_of": LATE},
    ]
    root = corpus_of(folder / "c", message=messages, effect=effects, scene=scenes, communicator=speakers)
    release(root, folder / "rel", "full")
    rows = pl.read_parquet(folder / "rel" / "flat" / "*.parquet").to_dicts()
    assert len(rows) == len(messages)
    return {row["message_id"]: row for row in rows}


def test_behavior_is_that_of_the_newest_observation(flat):
    film = flat["film"]
    assert (film["views"], film["likes"], film["like_per_view"], film["observed_at"]) == (400, 20, 0.05, LATE)
    assert film["replay"] == [None, 0.25, None, 1.0]
    assert film["dislikes"] is None and film["click_through_rate"] is None


def test_a_ratio_is_of_one_observation_and_never_divides_by_zero(flat):
    assert (flat["hidden"]["views"], flat["hidden"]["likes"], flat["hidden"]["like_per_view"]) == (0, 7, 0.1)
    assert flat["variant"]["click_through_rate"] == 5 / 200


def test_segments_are_added_and_their_fractions_weighted(flat):
    assert flat["mail"]["sends"] == 400
    assert flat["mail"]["click_through_rate"] == pytest.approx((0.1 * 300 + 0.3 * 100) / 400)


def test_texts_are_joined_in_order_and_scrubbed(flat):
    film = flat["film"]
    assert (film["communicator"], film["company"]) == ("New", "Alvora")
    assert film["speech"] == "first\nsecond\nthird\ncall (phone)"
    assert film["screen_text"] == "terms apply"
    assert flat["hidden"]["speech"] is None and flat["hidden"]["screen_text"] is None
    assert flat["silent"]["body"] == "write to (email)"
    assert all(value is None for name, value in flat["silent"].items() if name in METRICS)


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> Path:
    """A simulated world and its full release."""
    folder = tmp_path_factory.mktemp("world")
    simulate(folder / "corpus", seed=4, brands=20, videos=5, posts=4, emails=2)
    release(folder / "corpus", folder / "rel", "full")
    return folder


def test_it_says_of_every_message_what_the_other_tables_say(world):
    root = world / "rel"
    for split in SPLITS:
        flat, message, effect_, scene = (
            pl.read_parquet(root / table / f"{split}.parquet") for table in ("flat", "message", "effect", "scene")
        )
        shared = [name for name in TABLES["message"].names if name in flat.columns]
        assert flat.select(shared).sort("message_id").equals(message.select(shared).sort("message_id"))
        said = scene.sort("scene").explode("speech").drop_nulls("speech").group_by("message_id", maintain_order=True)
        spoken = dict(said.agg(pl.col("speech").str.join("\n")).iter_rows())
        assert dict(flat.drop_nulls("speech").select("message_id", "speech").iter_rows()) == spoken
        everyone = effect_.filter(pl.col("receiver").is_null() & pl.col("scene").is_null())
        for metric in ("views", "likes", "audience"):
            values = dict(everyone.filter(metric=metric).select("message_id", "value").iter_rows())
            assert values and dict(flat.drop_nulls(metric).select("message_id", metric).iter_rows()) == values
        curves = effect_.filter(metric="replay").sort("scene").group_by("message_id", maintain_order=True)
        replay = dict(curves.agg("value").iter_rows())
        assert replay and dict(flat.drop_nulls("replay").select("message_id", "replay").iter_rows()) == replay


def test_datasets_duckdb_and_mlcroissant_read_it(world, tmp_path):
    datasets = pytest.importorskip("datasets")
    import mlcroissant

    root = world / "rel"
    loaded = datasets.load_dataset(str(root), cache_dir=str(tmp_path))  # without a name: the flat table
    named = datasets.load_dataset(str(root), "flat", cache_dir=str(tmp_path))
    for split in SPLITS:
        frame = pl.read_parquet(root / "flat" / f"{split}.parquet")
        assert loaded[split].column_names == named[split].column_names == list(FLAT.columns) == frame.columns
        assert loaded[split]["like_per_view"] == frame["like_per_view"].to_list()
        assert loaded[split]["replay"] == frame["replay"].to_list()
    types = {name: type_ for name, type_, *_ in duckdb.execute(f"DESCRIBE FROM '{root}/flat/*.parquet'").fetchall()}
    assert types == FLAT.columns
    croissant = mlcroissant.Dataset(root / "croissant.json")
    assert not croissant.metadata.issues.errors and not croissant.metadata.issues.warnings
    first = pl.read_parquet(root / "flat" / "test.parquet").filter(pl.col("replay").is_not_null())
    wanted = {row["message_id"]: row for row in first.to_dicts()}
    for record in croissant.records("flat-test"):
        name = record["flat-test/message_id"].decode()
        if name in wanted:
            assert list(record["flat-test/replay"]) == wanted[name]["replay"]
            assert record["flat-test/views"] == wanted[name]["views"]
    card = (root / "README.md").read_text()
    assert all(f"| `{name}` | {type_} |" in card for name, type_ in FLAT.columns.items())


def test_a_takedown_takes_its_rows(tmp_path):
    simulate(tmp_path / "corpus", seed=4, brands=4, videos=3, posts=3, emails=1)
    release(tmp_path / "corpus", tmp_path / "rel", "full")
    before = pl.read_parquet(tmp_path / "rel" / "flat" / "*.parquet")
    name = before.filter(kind="video")["message_id"][0]
    speaker = before.filter(kind="post")["communicator_id"][0]
    takedown(tmp_path / "corpus", [name, speaker])
    after = pl.read_parquet(tmp_path / "rel" / "flat" / "*.parquet")
    assert name not in after["message_id"] and speaker not in after["communicator_id"] and after.height
