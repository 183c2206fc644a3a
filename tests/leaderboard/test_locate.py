"""Which bench a run answers is found beside it, and only there."""

from __future__ import annotations

import shutil

import pytest

from corpus.errors import NoSuchPath, WrongVersion
from leaderboard.locate import NoBenchFound, find_bench
from tests.leaderboard.small import write_bench


def test_a_bench_beside_the_runs_folder_is_found(folder, runs):
    assert find_bench(runs).root == (folder / "bench").resolve()


def test_the_bench_of_the_same_fingerprint_is_taken(tmp_path, folder, runs):
    shutil.copytree(runs[0], tmp_path / "runs" / "one")
    write_bench(tmp_path / "a_bench_of_another_seed", seed=1)
    with pytest.raises(NoBenchFound, match="--bench"):
        find_bench([tmp_path / "runs" / "one"])
    shutil.copytree(folder / "bench", tmp_path / "runs" / "its bench")
    assert find_bench([tmp_path / "runs" / "one"]).root.name == "its bench"


def test_an_unreadable_manifest_beside_a_run_is_passed_over(tmp_path, runs):
    shutil.copytree(runs[0], tmp_path / "one")
    for name, content in (("torn", "{"), ("list", "[]"), ("latin", "\udcff"), ("deep", "[" * 100_000)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "manifest.json").write_bytes(content.encode(errors="surrogateescape"))
    with pytest.raises(NoBenchFound):
        find_bench([tmp_path / "one"])


def test_a_folder_that_is_no_run_is_named(tmp_path, folder):
    for path in (tmp_path / "nothing", folder / "bench"):
        with pytest.raises((NoSuchPath, WrongVersion), match=path.name):
            find_bench([path])
