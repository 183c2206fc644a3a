"""The simulated world follows its law and is equal for equal seeds."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from corpus.files.written_once import HoldsOther
from corpus.ingest.run import ingest
from corpus.simulate import law
from corpus.simulate.world import BadSize, simulate
from corpus.sources.registry import source_named
from corpus.store import Corpus


def digests(root: Path) -> dict[str, str]:
    """Digest of each data file."""
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file() and path.suffix in (".parquet", ".json")
    }


def test_same_seed_same_bytes_other_seed_other_world(tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        simulate(tmp_path / name, seed=seed, brands=4, videos=3, posts=5, emails=1)
    assert digests(tmp_path / "a") == digests(tmp_path / "b")
    assert set(digests(tmp_path / "a").values()).isdisjoint(
        value for path, value in digests(tmp_path / "c").items() if path.endswith("effect.parquet")
    )


def test_a_second_run_changes_nothing(tmp_path):
    simulate(tmp_path / "c", brands=3, videos=2, posts=2, emails=1)
    before = digests(tmp_path / "c")
    report = simulate(tmp_path / "c", brands=3, videos=2, posts=2, emails=1)
    assert report.rows_read == 0
    assert digests(tmp_path / "c") == before


@pytest.mark.parametrize("other", [{"seed": 1}, {"brands": 4}, {"videos": 3}, {"emails": 0}])
def test_another_world_is_not_merged_into_the_first(other, tmp_path):
    sizes = {"brands": 3, "videos": 2, "posts": 2, "emails": 1}
    simulate(tmp_path / "c", **sizes)
    before = digests(tmp_path / "c")
    with pytest.raises(HoldsOther, match=r"simulate@1:seed=0,3x2-2-1 there, simulate@1:seed=\d,\dx\d-2-\d asked"):
        simulate(tmp_path / "c", **{**sizes, **other})
    assert digests(tmp_path / "c") == before


def test_a_corpus_of_real_files_takes_no_simulated_world(tmp_path):
    (tmp_path / "letters.mbox").write_text("From a@example.org Mon Jan  2 03:04:05 2023\nSubject: shoes\n\nred shoes\n")
    ingest(source_named("mbox"), [tmp_path / "letters.mbox"], tmp_path / "c")
    before = digests(tmp_path / "c")
    with pytest.raises(HoldsOther, match="mbox@"):
        simulate(tmp_path / "c", brands=3, videos=2, posts=2, emails=1)
    assert digests(tmp_path / "c") == before


def test_the_command_says_what_is_there(cbc, tmp_path):
    command = ("corpus", "simulate", "--corpus", tmp_path / "c", "--brands", "3", "--videos", "2", "--posts", "2")
    assert cbc(*command).returncode == 0
    again = cbc(*command)
    first = again.stdout.splitlines()[0]
    assert (again.returncode, first) == (0, f"{tmp_path / 'c'}: this world is already there, nothing to do")
    other = cbc(*command, "--seed", "5")
    assert (other.returncode, other.stdout) == (2, "")
    assert "seed=0" in other.stderr and "seed=5" in other.stderr and other.stderr.count("\n") == 1


def test_behavior_follows_the_law(tmp_path):
    simulate(tmp_path / "c", brands=30, videos=20, posts=30, emails=4)
    connection = Corpus.open(tmp_path / "c").connect()
    rows = connection.sql("""
        SELECT e.value, l.replay_mean[e.scene + 1] FROM effect e JOIN "law@1" l USING (message_id)
        WHERE e.metric = 'replay' AND e.scene > 0
    """).fetchall()
    value, mean = np.array(rows).T
    error = np.log(value / (1 - value)) - mean
    spread = np.hypot(law.REPLAY_NOISE_SD, law.REPLAY_CHANNEL_SD)
    assert abs(error.mean()) < 0.1
    assert error.std() == pytest.approx(spread, rel=0.1)
    first = connection.sql("SELECT min(value) FROM effect WHERE metric = 'replay' AND scene = 0").fetchall()
    assert first == [(1.0,)]
    liked = connection.sql("""
        SELECT ln(100 * likes.value / views.value), like_view_ln FROM effect likes
        JOIN effect views ON views.message_id = likes.message_id AND views.metric = 'views'
        JOIN "law@1" l ON l.message_id = likes.message_id
        WHERE likes.metric = 'likes' AND like_view_ln IS NOT NULL AND views.value > 2000
    """).fetchall()
    ratio, expected = np.array(liked).T
    assert (ratio - expected).std() == pytest.approx(
        np.hypot(law.LIKE_VIEW_NOISE_SD, law.LIKE_VIEW_CHANNEL_SD), rel=0.15
    )


def test_every_kind_of_message_has_content_and_behavior(tmp_path):
    simulate(tmp_path / "c", brands=3, videos=2, posts=2, emails=1)
    connection = Corpus.open(tmp_path / "c").connect()
    kinds = connection.sql("""
        SELECT kind, count(DISTINCT message_id), count(DISTINCT metric) FROM message JOIN effect USING (message_id)
        GROUP BY kind ORDER BY kind
    """).fetchall()
    assert kinds == [("email", 3, 2), ("post", 6, 1), ("video", 6, 4)]


def test_too_few_brands_are_refused(tmp_path):
    with pytest.raises(BadSize, match="3 brands"):
        simulate(tmp_path / "c", brands=2)
    assert not (tmp_path / "c").exists()
