"""A release: what it holds and holds back, that others can load it, that it is the same twice; what a diff tells."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from corpus.errors import BrokenTable, NoSuchPath
from corpus.ids import public_id
from corpus.ingest.run import ingest
from corpus.published_shape import PUBLISHED
from corpus.release.diff import diff, diff_text
from corpus.release.export import export_published
from corpus.release.splits import SPLITS, split_sql
from corpus.release.write import BadRelease, release
from corpus.simulate.world import simulate
from corpus.sources.registry import source_named
from corpus.store import Corpus
from corpus.takedown.takedown import takedown
from tests.corpus.sources.infos import comment, rolled_up, video, write
from tests.corpus.sources.mapped import rows, tree

OWN = "REMARK-OF-A-VIEWER"


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> Path:
    """A simulated world and two videos with comments."""
    folder = tmp_path_factory.mktemp("release")
    root = folder / "corpus"
    simulate(root, seed=2, brands=24, videos=4, posts=6, emails=1)
    for n in (1, 2):
        write(folder / "videos", video(f"realvideo{n:02}", channel_id=f"UC{n}", comments=[comment(n, text=OWN)]))
    ingest(source_named("ytdlp"), [folder / "videos"], root)
    return root


@pytest.fixture(scope="module")
def released(corpus, tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("releases")
    for content in ("ids", "full"):
        release(corpus, folder / content, content, licence="cc0-1.0")
    return {content: folder / content for content in ("ids", "full")}


def held(root: Path, table: str) -> pl.DataFrame:
    return pl.concat(
        pl.read_parquet(root / table / f"{split}.parquet").with_columns(split=pl.lit(split)) for split in SPLITS
    )


def test_a_full_release_holds_every_row_of_the_corpus_once(corpus, released):
    for table in ("message", "scene", "effect", "provenance"):
        frame = held(released["full"], table)
        assert frame.height == rows(corpus, f"SELECT count(*) FROM {table}")[0][0] and frame.height
    speakers = rows(corpus, "SELECT count(*) FROM communicator_observation")[0][0]
    assert held(released["full"], "communicator").height == speakers


def test_nobody_is_in_two_splits(corpus, released):
    messages = held(released["full"], "message").select("message_id", "communicator_id", "split")
    companies = dict(rows(corpus, "SELECT communicator_id, company FROM communicator"))
    told = messages.with_columns(
        company=pl.col("communicator_id").replace_strict(companies, default=None, return_dtype=pl.String)
    )
    assert told.drop_nulls("company").group_by("company").agg(pl.col("split").n_unique())["split"].max() == 1
    assert told.group_by("communicator_id").agg(pl.col("split").n_unique())["split"].max() == 1
    assert told["split"].n_unique() == 3
    speakers = held(released["full"], "communicator").select("communicator_id", other="split").unique()
    joined = messages.join(speakers, on="communicator_id")
    assert joined.height and (joined["split"] == joined["other"]).all()


def test_the_published_shape_is_the_export_of_the_same_corpus(corpus, released, tmp_path):
    export_published(corpus, tmp_path / "export.parquet")
    exported = pl.read_parquet(tmp_path / "export.parquet").sort("video_id")
    assert held(released["full"], "published").drop("split").sort("video_id").equals(exported)


def test_what_was_said_is_scrubbed_on_its_way_out_and_the_corpus_keeps_it(tmp_path):
    said = "call +49 30 901820 or write to team.mail@example.org, says @synthetic_handle"
    spoken = [(0.0, 4.0, "write to team.mail@example.org")]
    row = {
        "video_id": "publishedvideo",
        "asr_raw": [{"start": 0.0, "end": 1.0, "text": said, "words": [{"text": "team.mail@example.org"}]}],
        "asr_grouped": [[said]],
        "ocr": [["plain", said]],
        "metadata": {"title": said, "description": "see https://example.org/shop", "length": 5.0, "date": "2024-01-02"},
    }
    schema = (
        duckdb.sql("SELECT " + ", ".join(f"NULL::{t} AS {n}" for n, t in PUBLISHED.items())).to_arrow_table().schema
    )
    pq.write_table(pa.Table.from_pylist([row], schema=schema), tmp_path / "given.parquet")
    write(tmp_path / "videos", video("spokenvideo", title=said), en_vtt=rolled_up(spoken))
    root = tmp_path / "corpus"
    ingest(source_named("ytdlp"), [tmp_path / "videos"], root)
    ingest(source_named("published"), [tmp_path / "given.parquet"], root)
    release(root, tmp_path / "out", "full")
    for path in (tmp_path / "out").rglob("*"):
        if path.suffix == ".parquet":
            text = repr(duckdb.sql(f"FROM read_parquet('{path}')").fetchall())
            assert "team.mail" not in text and "901820" not in text and "synthetic_handle" not in text, path
    published = held(tmp_path / "out", "published").filter(pl.col("video_id") == "publishedvideo").row(0, named=True)
    assert published["metadata"]["title"] == "call (phone) or write to (email), says (mention)"
    assert published["metadata"] | {"title": ""} == row["metadata"] | {"title": ""}
    assert published["asr_raw"][0]["words"] is None and published["ocr"] == [["plain", published["metadata"]["title"]]]
    export_published(root, tmp_path / "export.parquet")
    assert said in repr(pl.read_parquet(tmp_path / "export.parquet").rows())


def test_ids_are_all_that_a_release_of_ids_says(released, corpus):
    root = released["ids"]
    tables = ["communicator", "message", "provenance", "published"]
    assert sorted(path.name for path in root.iterdir() if path.is_dir()) == tables
    known = {value for row in rows(corpus, "SELECT message_id, communicator_id FROM message") for value in row}
    known |= {row[0] for row in rows(corpus, "SELECT communicator_id FROM communicator")}
    allowed = known | {public_id(name) for name in known}
    allowed |= {"youtube", "twitter", "email", "video", "post", "message", "communicator"}
    allowed |= {value for row in rows(corpus, "SELECT source, licence FROM provenance") for value in row}
    for path in root.rglob("*.parquet"):
        for row in duckdb.sql(f"FROM read_parquet('{path}')").fetchall():
            said = [value for one in row for value in (one.values() if isinstance(one, dict) else [one])]
            assert {value for value in said if value is not None} <= allowed
    text = "".join(path.read_text() for path in root.rglob("*") if path.is_file() and path.suffix != ".parquet")
    titles = [title for (title,) in rows(corpus, "SELECT title FROM message WHERE len(title) > 12")]
    assert titles and not [title for title in titles if title in text]
    assert (root / "ids.txt").read_text().split() == sorted(
        public_id(name)
        for (name,) in rows(corpus, "SELECT message_id FROM message WHERE message_id LIKE 'youtube:realvideo%'")
    )


def test_the_recipe_given_away_names_nobody(tmp_path):
    write(tmp_path / "videos", video("somevideo01", comments=[]))
    root = tmp_path / "corpus"
    ingest(source_named("ytdlp"), [tmp_path / "videos"], root)
    told = {
        "youtube": {"names": ["A Private List"], "videos_per_channel": 7},
        "ytdlp": {"videos": ["https://x.example/?k=1"]},
    }
    (root / "recipe.yaml").write_text(yaml.safe_dump(told))
    release(root, tmp_path / "ids")
    said = (tmp_path / "ids" / "recipe.yaml").read_text()
    assert "videos_per_channel: 7" in said and "Private" not in said and "x.example" not in said


def test_no_comment_is_given_away(released):
    assert OWN not in "".join(
        repr(duckdb.sql(f"FROM read_parquet('{path}')").fetchall()) for path in released["full"].rglob("*.parquet")
    )


def test_checksums_are_those_of_sha256sum(released):
    for root in released.values():
        done = subprocess.run(["sha256sum", "-c", "SHA256SUMS"], cwd=root, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout
        assert len(done.stdout.splitlines()) == len([p for p in root.rglob("*") if p.is_file()]) - 2


def test_datasets_and_duckdb_load_it(released, tmp_path):
    datasets = pytest.importorskip("datasets")
    for root in released.values():
        manifest = json.loads((root / "manifest.json").read_text())
        assert datasets.get_dataset_config_names(str(root)) == list(manifest["rows"])
        for table, counts in manifest["rows"].items():
            loaded = datasets.load_dataset(str(root), table, cache_dir=str(tmp_path / "cache"))
            assert {split: len(part) for split, part in loaded.items()} == counts
            counted = duckdb.execute(f"SELECT count(*) FROM '{root}/{table}/*.parquet'").fetchall()
            assert counted == [(sum(counts.values()),)]


@pytest.mark.parametrize("content", ["ids", "full"])
def test_mlcroissant_validates_it_and_reads_its_records(released, content):
    import mlcroissant

    root = released[content]
    dataset = mlcroissant.Dataset(root / "croissant.json")
    assert not dataset.metadata.issues.errors and not dataset.metadata.issues.warnings
    for table in json.loads((root / "manifest.json").read_text())["rows"]:
        first = pl.read_parquet(root / table / "train.parquet").row(0, named=True)
        record = next(iter(dataset.records(f"{table}-train")))
        key = "video_id" if table == "published" else next(iter(first))
        assert record[f"{table}-train/{key}"].decode() == first[key]


def test_the_same_corpus_gives_the_same_bytes_and_leaves_nothing_beside(corpus, released, tmp_path):
    release(corpus, tmp_path / "again", "full", licence="cc0-1.0")
    assert tree(tmp_path / "again") == tree(released["full"])
    assert [path.name for path in tmp_path.iterdir()] == ["again"]


def test_a_diff_tells_what_went_what_came_and_what_changed(corpus, released, tmp_path):
    other = tmp_path / "corpus"
    shutil.copytree(corpus, other)
    (other / "derived.txt").unlink()  # else the takedown would reach the releases of the other tests
    takedown(other, ["realvideo01"])
    write(tmp_path / "videos", video("realvideo03", channel_id="UC3"))
    ingest(source_named("ytdlp"), [tmp_path / "videos"], other)
    release(other, tmp_path / "b", "full", version="1.1.0")
    found = {one.table: one for one in diff(released["full"], tmp_path / "b")}
    assert (found["message"].only_a, found["message"].only_b, found["message"].moved) == (1, 1, 0)
    assert found["message"].examples == ("youtube:realvideo01",) and not found["message"].changed
    assert found["scene"].only_a > 1 and found["effect"].only_b > 1
    same = diff(released["full"], released["full"])
    assert not any(one.only_a or one.only_b or one.changed or one.moved for one in same)
    against = {one.table: one for one in diff(released["full"], released["ids"])}
    assert against["message"].changed["title"] and against["scene"].only_b == 0 < against["scene"].only_a
    assert "messages only in A: youtube:realvideo01" in diff_text(list(found.values()), Path("a"), Path("b"))


def test_tables_and_splits_without_rows_are_no_hindrance(tmp_path):
    datasets = pytest.importorskip("datasets")
    write(tmp_path / "videos", video("onlyonevideo", heatmap=None, duration=None, comments=[]))
    ingest(source_named("ytdlp"), [tmp_path / "videos"], tmp_path / "corpus")
    manifest = release(tmp_path / "corpus", tmp_path / "out", "full").manifest
    for table, counts in manifest["rows"].items():
        loaded = datasets.load_dataset(str(tmp_path / "out"), table, cache_dir=str(tmp_path / "cache"))
        assert {split: len(part) for split, part in loaded.items()} == {k: n for k, n in counts.items() if n}
    assert sum(manifest["rows"]["message"].values()) == 1


def test_a_takedown_reaches_the_releases_made_before(tmp_path):
    root = tmp_path / "corpus"
    write(tmp_path / "videos", video("goneforever", title="Nobody shall see this film again"))
    write(tmp_path / "videos", video("stayinghere", title="Everybody may see this one"))
    ingest(source_named("ytdlp"), [tmp_path / "videos"], root)
    before = release(root, tmp_path / "full", "full").manifest
    release(root, tmp_path / "ids", "ids")
    takedown(root, ["goneforever"])
    assert "goneforever" not in held(tmp_path / "full", "message")["message_id"]
    assert (tmp_path / "ids" / "ids.txt").read_text().split() == ["stayinghere"]
    after = json.loads((tmp_path / "full" / "manifest.json").read_text())
    assert after["fingerprint"] != before["fingerprint"]
    for name in ("full", "ids"):
        done = subprocess.run(["sha256sum", "-c", "SHA256SUMS"], cwd=tmp_path / name, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout
        manifest = json.loads((tmp_path / name / "manifest.json").read_text())
        assert sum(manifest["rows"]["message"].values()) == 1


def test_a_release_that_cannot_be_is_told(corpus, released, tmp_path, cbc):
    with pytest.raises(BadRelease, match="three numbers"):
        release(corpus, tmp_path / "r", version="one")
    with pytest.raises(BadRelease, match=r"^the version '' is not of the form 1\.0\.0; give three numbers"):
        release(corpus, tmp_path / "r", version="")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    with pytest.raises(NoSuchPath, match="no release"):
        release(corpus, tmp_path / "mine")
    Corpus.create(tmp_path / "empty")
    with pytest.raises(BadRelease, match="no message"):
        release(tmp_path / "empty", tmp_path / "r")
    assert not (tmp_path / "r").exists() and not (tmp_path / ".r.part").exists()
    done = cbc("corpus", "diff", released["full"], tmp_path / "mine")
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1
    shutil.copytree(released["ids"], tmp_path / "cut")
    (tmp_path / "cut" / "message" / "train.parquet").unlink()
    with pytest.raises(BrokenTable, match="SHA256SUMS"):
        diff(tmp_path / "cut", released["ids"])


@given(st.text(min_size=1, max_size=30), st.integers(0, 5))
def test_a_split_follows_from_the_name_and_the_seed_as_sha256_says(name, seed):
    import hashlib

    found = duckdb.execute(f"SELECT {split_sql('$1', seed)}", [name]).fetchall()
    share = int(hashlib.sha256(f"{seed}:{name}".encode()).hexdigest()[:8], 16) / 2**32
    assert found == [("train" if share < 0.7 else "validation" if share < 0.8 else "test",)]
