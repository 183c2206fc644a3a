"""A release is written once: what is there is neither overwritten nor made a second time under its name."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from corpus.errors import NoSuchPath
from corpus.release.write import ReleaseExists, release
from corpus.simulate.world import simulate
from tests.corpus.sources.mapped import tree


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("once") / "corpus"
    simulate(root, seed=1, brands=6, videos=2, posts=2, emails=1)
    return root


@pytest.fixture
def released(corpus, tmp_path) -> Path:
    release(corpus, tmp_path / "rel")
    return tmp_path / "rel"


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"version": "1.0.1"}, "version 1.0.0 (asked for: 1.0.1)"),
        ({"content": "full"}, "content ids (asked for: full)"),
        ({"seed": 7}, "seed 0 (asked for: 7)"),
        ({"licence": "cc0-1.0"}, "licence other (asked for: cc0-1.0)"),
        ({"name": "mine", "seed": 1}, "name content-behavior-corpus (asked for: mine), seed 0 (asked for: 1)"),
    ],
)
def test_other_settings_are_refused_in_one_line_that_says_what_is_there(corpus, released, cbc, settings, told):
    before = tree(released)
    with pytest.raises(ReleaseExists, match="give another --out") as raised:
        release(corpus, released, **settings)
    assert told in str(raised.value) and "content-behavior-corpus 1.0.0 (ids)" in str(raised.value)
    options = [part for key, value in settings.items() for part in (f"--{key}", value)]
    done = cbc("corpus", "release", "--corpus", corpus, "--out", released, *options)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1) and told in done.stderr
    assert tree(released) == before and [path.name for path in released.parent.iterdir()] == ["rel"]


def test_another_corpus_under_the_same_name_is_refused(corpus, released, tmp_path):
    simulate(tmp_path / "other", seed=2, brands=6, videos=2, posts=3, emails=1)
    before = tree(released)
    with pytest.raises(ReleaseExists, match="made of another corpus or state of it"):
        release(tmp_path / "other", released)
    assert tree(released) == before


def test_the_same_again_says_that_it_is_there(corpus, released, cbc):
    changed = {path: path.stat().st_mtime_ns for path in released.rglob("*")}
    assert release(corpus, released).written is False
    done = cbc("corpus", "release", "--corpus", corpus, "--out", released)
    assert done.returncode == 0 and done.stdout.splitlines() == [
        f"content-behavior-corpus 1.0.0 (ids) is in {released} already, with equal bytes: nothing was written"
    ]
    assert {path: path.stat().st_mtime_ns for path in released.rglob("*")} == changed
    assert [path.name for path in released.parent.iterdir()] == ["rel"]


def test_a_release_of_that_name_and_version_beside_it_counts_too(corpus, released, tmp_path):
    again = release(corpus, tmp_path / "copy")
    assert (again.written, again.place.resolve()) == (False, released.resolve()) and not (tmp_path / "copy").exists()
    with pytest.raises(ReleaseExists, match="seed 0"):
        release(corpus, tmp_path / "copy", seed=3)
    simulate(tmp_path / "other", seed=2, brands=6, videos=2, posts=3, emails=1)
    with pytest.raises(ReleaseExists, match="another corpus"):
        release(tmp_path / "other", tmp_path / "copy")
    assert not (tmp_path / "copy").exists()
    assert release(tmp_path / "other", tmp_path / "copy", version="1.1.0").written
    assert release(corpus, tmp_path / "full", "full").written  # the same version's other content
    assert release(corpus, tmp_path / "elsewhere" / "rel").written


def test_a_file_that_was_changed_by_hand_is_no_equal_release(corpus, released):
    (released / "ids.txt").write_text("dQw4w9WgXcQ\n")
    with pytest.raises(ReleaseExists, match=r"differs in ids\.txt"):
        release(corpus, released)
    assert (released / "ids.txt").read_text() == "dQw4w9WgXcQ\n"


@pytest.mark.parametrize("manifest", ['{"format": "cbc-bench", "version": 1}', "[]", "{", "", '"cbc-release"'])
def test_a_folder_of_another_kind_is_left_alone(corpus, tmp_path, manifest):
    (tmp_path / "bench").mkdir()
    (tmp_path / "bench" / "manifest.json").write_text(manifest)
    with pytest.raises(NoSuchPath, match="exists and is no release"):
        release(corpus, tmp_path / "bench")
    assert (tmp_path / "bench" / "manifest.json").read_text() == manifest
    assert release(corpus, tmp_path / "rel").written  # nor is it taken for a release beside the new one


def test_what_a_killed_run_left_beside_is_no_release(corpus, released, tmp_path):
    shutil.copytree(released, tmp_path / ".new.part")
    shutil.rmtree(released)
    assert release(corpus, tmp_path / "new").written
    assert json.loads((tmp_path / "new" / "manifest.json").read_text())["version"] == "1.0.0"
    assert [path.name for path in tmp_path.iterdir()] == ["new"]
