"""A corpus of the first version is refused, and rebuilt from its raw files."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import sqlite3
from pathlib import Path
from typing import Any

import pytest
import yaml

from corpus.errors import NoSuchPath, WrongVersion
from corpus.files.written_once import HoldsOther
from corpus.ingest.rebuild import rebuild, repeat
from corpus.inspect.validate import validate
from corpus.simulate.world import simulate
from corpus.store import Corpus
from corpus.withdrawn.tombstones import withdrawn
from tests.corpus.sources.infos import heatmap, video, write
from tests.corpus.sources.mapped import POSTS, rows, run, tree

VTT = "WEBVTT\n\n00:01.000 --> 00:02.000\nHello there\n"
MAPPING = {
    "name": "shop",
    "channel": "twitter",
    "kind": "post",
    "message": {"message_id": [{"column": "id"}], "body": [{"column": "text"}]},
    "communicator": {"communicator_id": [{"template": "twitter:{user}"}]},
}


def put_raw(old: Path, source: str, name: str, content: bytes) -> dict[str, str]:
    """A file as the first version kept it; gives its entry in a manifest."""
    digest = hashlib.sha256(content).hexdigest()
    place = old / "raw" / source / f"{digest[:16]}-{Path(name).name}"
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(content)
    os.utime(place, (1_600_000_000, 1_600_000_000))
    return {"name": name, "sha256": digest}


def put_manifest(old: Path, ingest: str, number: int, **manifest: Any) -> None:
    folder = old / "tables" / ingest
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text(json.dumps({"ingest": ingest, "rows_kept": 1, "rows_known": 0, **manifest}))
    os.utime(folder / "manifest.json", (1_700_000_000 + number, 1_700_000_000 + number))


@pytest.fixture
def old(tmp_path) -> Path:
    """A small corpus as the first version laid it out: its rows are of no use here, its manifests and raw files are."""
    root = tmp_path / "old corpus"
    root.mkdir()
    (root / "corpus.json").write_text('{"format": "cbc-corpus", "version": 1}')
    write(tmp_path / "videos", video(heatmap=heatmap(40, markers=2)), name="film", en_vtt=VTT)
    videos = [put_raw(root, "ytdlp", f"in/{p.name}", p.read_bytes()) for p in sorted((tmp_path / "videos").iterdir())]
    put_manifest(root, "ytdlp-2", 2, source="ytdlp@1", digest="", comments="aggregate", files=videos)
    posts = [put_raw(root, "shop", "posts.csv", b"id,text,user\n1,shoes,acme\n2,hats,acme\n")]
    put_manifest(root, "shop-1", 1, source="shop@1", digest="x", settings=yaml.safe_dump(MAPPING), files=posts)
    put_manifest(root, "simulate-3", 3, source="simulate@1:seed=7,3x2-1-0", digest="", files=[])
    gone = [{"name": "lost.csv", "sha256": "0" * 64}]
    put_manifest(root, "shop-4", 4, source="shop@1", digest="x", settings=yaml.safe_dump(MAPPING), files=gone)
    tombstones = [("message", "2"), ("communicator", "UCgone"), ("comment", "c1"), ("message", "twitchvod:v5")]
    lines = [json.dumps({"kind": kind, "id": name, "at": "2025-01-01T00:00:00Z"}) for kind, name in tombstones]
    (root / "withdrawn.jsonl").write_text("\n".join(lines) + "\n")
    (root / "recipe.yaml").write_text("youtube: {channels: ['@some']}\n")
    with sqlite3.connect(root / "crawl.sqlite") as journal:
        journal.execute("CREATE TABLE task (target VARCHAR)")
    return root


def test_the_first_version_is_refused_with_the_command_that_rebuilds_it(old, cbc):
    for opened in (Corpus.open, Corpus.create):
        with pytest.raises(WrongVersion, match=r"cbc corpus rebuild '.*old corpus' --corpus NEW"):
            opened(old)
    done = cbc("corpus", "status", "--corpus", old)
    assert (done.returncode, done.stdout) == (2, "") and done.stderr.count("\n") == 1
    assert "cbc-corpus 1; this is cbc-corpus 2" in done.stderr


def test_it_is_rebuilt_from_raw(old, tmp_path):
    new = tmp_path / "new"
    done = rebuild(old, new)
    assert [report.ingest.split("-")[0] for report in done.reports] == ["shop", "ytdlp"]
    messages = rows(new, "SELECT message_id, communicator_id FROM message ORDER BY 1")
    assert messages == [("twitter:1", "twitter:acme"), ("youtube:aaaaaaaaaaa", "youtube:UCalvora")]
    assert rows(new, "SELECT speech FROM scene ORDER BY scene") == [(["Hello there"],), ([],)]
    assert rows(new, "SELECT DISTINCT fetched_at::VARCHAR FROM provenance WHERE source = 'shop@1'") == [
        ("2020-09-13 12:26:40",)
    ]
    assert not validate(new).counts
    assert not (new / ".rebuild").exists() and (new / "crawl.sqlite").is_file() and (new / "recipe.yaml").is_file()
    assert done.steps_by_hand == [
        f"cbc corpus simulate --world clear --seed 7 --brands 3 --videos 2 --posts 1 --emails 0 --corpus {new}",
        "lost.csv of shop-4 is not in raw/ any more",
    ]


def test_what_was_taken_down_stays_out_under_its_new_id(old, tmp_path):
    rebuild(old, tmp_path / "new")
    gone = withdrawn(tmp_path / "new")
    assert {"twitter:2", "youtube:2"} <= gone["message"] and "twitch:v5" in gone["message"]
    assert "youtube:UCgone" in gone["communicator"] and gone["comment"] == {"c1"}
    rejects = rows(tmp_path / "new", "SELECT reason, value FROM rejects ORDER BY 2")
    assert rejects == [("withdrawn", "c1"), ("withdrawn", "twitter:2")]


def test_stopped_and_run_again_it_is_the_same(old, tmp_path, cbc):
    for _ in range(2):
        done = cbc("corpus", "rebuild", old, "--corpus", tmp_path / "new")
        assert done.returncode == 0, done.stderr
        assert "left to do: cbc corpus simulate" in done.stdout
    assert rows(tmp_path / "new", "SELECT count(*) FROM message") == [(2,)]


def test_annotations_and_the_filter_recipe_are_named(tmp_path, cbc_here):
    (tmp_path / "posts.csv").write_text("id,title,day,views\n1,The shop opens in the morning,2020-01-01,5\n")
    _, old = run(tmp_path, POSTS, tmp_path / "posts.csv")
    new = tmp_path / "the new"
    (tmp_path / "mine.yaml").write_text("filters: [exact_duplicates]\n")
    assert cbc_here("corpus", "annotate", "--with", "language", "--corpus", old).returncode == 0
    for arguments in (["default", "--language", "en,de"], [str(tmp_path / "mine.yaml")]):
        assert cbc_here("corpus", "filter", *arguments, "--corpus", old).returncode == 0
        done = cbc_here("corpus", "rebuild", old, "--corpus", new)
        assert (done.returncode, done.stderr) == (0, "")
        steps = [line.removeprefix("left to do: ") for line in done.stdout.splitlines() if "left to do" in line]
        assert steps == [
            f"cbc corpus annotate --with language --corpus '{new}'",
            f"cbc corpus filter {' '.join(arguments)} --corpus '{new}'",
        ]
        for step in steps:
            assert cbc_here(*shlex.split(step)[1:]).returncode == 0


def test_a_folder_with_another_corpus_is_refused(old, tmp_path, cbc_here):
    simulate(tmp_path / "mine", brands=3, videos=2, posts=2, emails=1)
    before = tree(tmp_path / "mine")
    done = cbc_here("corpus", "rebuild", old, "--corpus", tmp_path / "mine")
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)
    assert "holds another corpus, not one rebuilt from" in done.stderr
    assert tree(tmp_path / "mine") == before
    rebuild(old, tmp_path / "new")
    simulate(tmp_path / "third", brands=3, videos=2, posts=2, emails=1)
    with pytest.raises(HoldsOther, match=r"was rebuilt from .*old corpus, not from .*third"):
        rebuild(tmp_path / "third", tmp_path / "new")


def test_a_rebuild_that_was_stopped_goes_on(old, tmp_path, monkeypatch):
    repeated = []

    def stop_at_the_second(*arguments: Any) -> None:
        repeated.append(repeat(*arguments))
        if len(repeated) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr("corpus.ingest.rebuild.repeat", stop_at_the_second)
    with pytest.raises(KeyboardInterrupt):
        rebuild(old, tmp_path / "new")
    monkeypatch.undo()
    assert rows(tmp_path / "new", "SELECT count(*) FROM message") == [(2,)]
    rebuild(old, tmp_path / "new")
    rebuild(old, tmp_path / "whole")
    assert {name for name in tree(tmp_path / "new") if "tables" in name} == {
        name for name in tree(tmp_path / "whole") if "tables" in name
    }


def test_what_is_no_corpus_is_not_rebuilt(old, tmp_path):
    for wrong, new in ((tmp_path / "absent", tmp_path / "new"), (old, old)):
        with pytest.raises(NoSuchPath):
            rebuild(wrong, new)
    assert not (tmp_path / "new").exists()
