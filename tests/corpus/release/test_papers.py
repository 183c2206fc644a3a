"""What a release's papers count, what they say can be fetched again, and that a takedown rewrites them."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import duckdb
import pytest

from corpus.filters.recipe import load_filter_recipe
from corpus.filters.run import run_filters
from corpus.ingest.run import ingest
from corpus.release.targets import IDS, OWN_ID, PAGES, SITES, TARGET
from corpus.release.write import release
from corpus.simulate.world import simulate
from corpus.sources.registry import source_named
from corpus.store import Corpus
from corpus.takedown.takedown import takedown
from tests.corpus.filters.made import corpus_of, recipe
from tests.corpus.sources.infos import video, write


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> Path:
    """A simulated world, three videos, and an ingest of which a filter removes everything."""
    folder = tmp_path_factory.mktemp("papers")
    root = folder / "corpus"
    simulate(root, seed=1, brands=12, videos=2, posts=4, emails=2)
    for n in (1, 2, 3):
        write(folder / "videos", video(f"realvideo{n:02}", channel_id=f"UC{n}", title=f"Film number {n} of us"))
    ingest(source_named("ytdlp"), [folder / "videos"], root)
    lost = [{"message_id": f"lost{n}", "kind": "image", "channel": "web", "title": "x"} for n in range(50)]
    origin = [{"table_name": "message", "row_key": f"lost{n}", "source": "lostandgone@1"} for n in range(50)]
    corpus_of(root, "lost-0000000000000000", message=lost, provenance=origin)
    run_filters(load_filter_recipe(recipe(folder, {"length": {"kinds": ["image"], "min_characters": 5}})), root)
    return root


def cells(text: str) -> list[list[str]]:
    """The rows of all Markdown tables of a text."""
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:1] == "|"]


@pytest.mark.parametrize("content", ["ids", "full"])
def test_card_and_datasheet_count_what_the_release_holds(corpus, tmp_path, content):
    root = tmp_path / "rel"
    release(corpus, root, content)
    card, sheet = (root / "README.md").read_text(), (root / "DATASHEET.md").read_text()
    files = f"'{root}/message/*.parquet'"
    messages, speakers = duckdb.execute(
        f"SELECT (SELECT count(*) FROM {files}), (SELECT count(DISTINCT communicator_id) FROM "
        f"'{root}/communicator/*.parquet')"
    ).fetchall()[0]
    sentence = f"It holds {messages:,} messages of {speakers:,} communicators"
    assert sentence in card and sentence in sheet
    kinds = duckdb.execute(f"SELECT channel, kind, count(*) FROM {files} GROUP BY ALL").fetchall()
    for medium, kind, count in kinds:
        assert [medium, kind, f"{count:,}"] in [row[:3] for row in cells(card)]
        assert [kind, medium, f"{count:,}"] in [row[:3] for row in cells(sheet)]
    for text in (card, sheet):
        assert "lostandgone" not in text and "image" not in {row[0] for row in cells(text)}
        assert "ytdlp@1" in text and "simulate@2" in text
    assert ["ytdlp@1", "not stated", "3"] in cells(card)
    assert "published from 2019" in card if content == "full" else "published from" not in card


def test_the_card_says_which_kinds_cannot_be_fetched_again_and_why(corpus, tmp_path):
    release(corpus, tmp_path / "rel")
    table = {
        (row[0], row[1], row[3]): row for row in cells((tmp_path / "rel" / "README.md").read_text()) if len(row) == 5
    }
    assert table["youtube", "video", "yes"][2] == "3"
    assert "makes it again from its seed" in table["youtube", "video", "no"][4]
    assert {("email", "email", "no"), ("twitter", "post", "no")} <= set(table)
    assert (tmp_path / "rel" / IDS).read_text().split() == ["realvideo01", "realvideo02", "realvideo03"]
    assert not (tmp_path / "rel" / PAGES).exists()


FETCHED = [
    ("youtube", "dQw4w9WgXc-", "dQw4w9WgXc-"),
    ("youtube", "youtube:dQw4w9WgXcQ", "dQw4w9WgXcQ"),
    ("vimeo", "vimeo:76979871", "https://vimeo.com/76979871"),
    ("dailymotion", "dailymotion:x5kesuj", "https://www.dailymotion.com/video/x5kesuj"),
    ("tiktok", "tiktok:6748451240264420610", "https://www.tiktok.com/@_/video/6748451240264420610"),
    ("twitch", "twitch:v6528877", "https://www.twitch.tv/videos/6528877"),
    ("facebook", "facebook:647537299265662", "https://www.facebook.com/watch/?v=647537299265662"),
]
NEVER = [
    ("youtube", "video", "tooshort"),
    ("youtube", "video", "vimeo:123456"),
    ("youtube", "video", "abcdefghij\n"),
    ("youtube", "post", "UgkxSomepos"),
    ("vimeo", "video", "vimeo:12/../34"),
    ("vimeo", "video", "vimeo:12 34"),
    ("twitter", "post", "1234567890123456789"),
    ("email", "email", "email:abcdefghijk"),
    (None, "video", "abcdefghijk"),
]


def test_lists_hold_what_the_crawler_can_ask_for_and_nothing_else(tmp_path):
    some = [{"message_id": name, "kind": "video", "channel": medium} for medium, name, _ in FETCHED]
    rest = [{"message_id": f"{name}", "kind": kind, "channel": medium} for medium, kind, name in NEVER]
    root = corpus_of(tmp_path / "c", message=some + rest)
    release(root, tmp_path / "rel")
    lines = {name: (tmp_path / "rel" / name).read_text().splitlines() for name in (IDS, PAGES)}
    assert lines[IDS] == sorted(target for medium, _, target in FETCHED if medium == "youtube")
    assert lines[PAGES] == sorted(target for medium, _, target in FETCHED if medium != "youtube")
    card = cells((tmp_path / "rel" / "README.md").read_text())
    assert sum(int(row[2]) for row in card if row[3:4] == ["yes"]) == len(FETCHED)
    assert sum(int(row[2]) for row in card if row[3:4] == ["no"]) == len(NEVER)
    held = duckdb.execute(f"SELECT message_id FROM '{tmp_path}/rel/message/*.parquet'").fetchall()
    assert len(held) == len(FETCHED) + len(NEVER)  # ids of all, whether they can be fetched or not


def test_yt_dlp_takes_every_page_for_the_video_that_it_is():
    from yt_dlp.extractor import gen_extractor_classes

    extractors = [each for each in gen_extractor_classes() if each.IE_NAME != "generic"]
    for medium, name, target in FETCHED:
        if SITES[medium].list_file == PAGES:
            taker = next(each for each in extractors if each.suitable(target))
            assert taker.ie_key().lower().startswith(medium)
            assert taker._match_id(target) == name.partition(":")[2].lstrip("v")
    row = duckdb.execute(f"SELECT {OWN_ID}, {TARGET} FROM (SELECT 'a' AS message_id, 'x' AS channel, 'video' AS kind)")
    assert row.fetchall() == [("a", None)]


@pytest.mark.parametrize("content", ["ids", "full"])
def test_after_a_takedown_the_papers_are_those_of_a_release_made_then(corpus, tmp_path, content):
    root = tmp_path / "corpus"
    shutil.copytree(corpus, root)
    (root / "derived.txt").unlink(missing_ok=True)
    release(root, tmp_path / "before" / "rel", content)
    speaker = Corpus.open(root).connect().execute("SELECT communicator_id FROM message WHERE kind = 'email'").fetchone()
    takedown(root, ["realvideo02", speaker[0]])
    release(root, tmp_path / "after" / "rel", content)
    for name in ("README.md", "DATASHEET.md", IDS, "recipe.yaml"):
        renewed, fresh = ((tmp_path / when / "rel" / name).read_text() for when in ("before", "after"))
        assert renewed == fresh, name
    manifests = [json.loads((tmp_path / when / "rel" / "manifest.json").read_text()) for when in ("before", "after")]
    assert manifests[0]["rows"] == manifests[1]["rows"]


@pytest.mark.parametrize("content", ["ids", "full"])
def test_a_takedown_stopped_before_the_papers_is_completed_by_the_next(tmp_path, monkeypatch, content):
    for name, title in (("goneforever", "Nobody shall see this film again"), ("stayinghere", "Everybody may see this")):
        write(tmp_path / "videos", video(name, title=title))
    ingest(source_named("ytdlp"), [tmp_path / "videos"], tmp_path / "corpus")
    release(tmp_path / "corpus", tmp_path / "rel", content)

    def stopped(folder: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("corpus.takedown.derived.renew_release", stopped)
        with pytest.raises(KeyboardInterrupt):
            takedown(tmp_path / "corpus", ["goneforever"])
    assert "goneforever" in (tmp_path / "rel" / IDS).read_text()
    takedown(tmp_path / "corpus", ["goneforever"])
    assert (tmp_path / "rel" / IDS).read_text().split() == ["stayinghere"]
    assert "It holds 1 message " in (tmp_path / "rel" / "README.md").read_text()
    done = subprocess.run(["sha256sum", "-c", "SHA256SUMS"], cwd=tmp_path / "rel", capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_a_takedown_of_the_last_message_leaves_papers_of_nothing(tmp_path):
    import mlcroissant

    write(tmp_path / "videos", video("onlyonevideo", title="The only film that there ever was"))
    ingest(source_named("ytdlp"), [tmp_path / "videos"], tmp_path / "corpus")
    release(tmp_path / "corpus", tmp_path / "rel", "full")
    takedown(tmp_path / "corpus", ["onlyonevideo"])
    assert "It holds 0 messages" in (tmp_path / "rel" / "README.md").read_text()
    assert not mlcroissant.Dataset(tmp_path / "rel" / "croissant.json").metadata.issues.errors
