"""The simulated world follows its law and is equal for equal seeds."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from corpus.files.written_once import HoldsOther
from corpus.ingest.run import ingest
from corpus.simulate.compare import curve_facts, facts
from corpus.simulate.curves import covariance, draw_curves, draw_scenes, expected_attention
from corpus.simulate.law import LAW, LIFELIKE, WORLDS
from corpus.simulate.world import BadSize, UnknownWorld, simulate
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


@pytest.mark.parametrize("other", [{"seed": 1}, {"world": "clear"}, {"brands": 4}, {"videos": 3}, {"emails": 0}])
def test_another_world_is_not_merged_into_the_first(other, tmp_path):
    sizes = {"brands": 3, "videos": 2, "posts": 2, "emails": 1}
    simulate(tmp_path / "c", **sizes)
    before = digests(tmp_path / "c")
    with pytest.raises(
        HoldsOther, match=r"simulate@2:lifelike,seed=0,3x2-2-1 there, simulate@2:\w+,seed=\d,\dx\d-2-\d asked"
    ):
        simulate(tmp_path / "c", **{**sizes, **other})
    assert digests(tmp_path / "c") == before


def test_a_corpus_of_real_files_takes_no_simulated_world(tmp_path):
    (tmp_path / "letters.mbox").write_text("From a@example.org Mon Jan  2 03:04:05 2023\nSubject: shoes\n\nred shoes\n")
    ingest(source_named("mbox"), [tmp_path / "letters.mbox"], tmp_path / "c")
    before = digests(tmp_path / "c")
    with pytest.raises(HoldsOther, match="mbox@"):
        simulate(tmp_path / "c", brands=3, videos=2, posts=2, emails=1)
    assert digests(tmp_path / "c") == before


def test_a_world_of_posts_alone_has_no_brand_that_says_nothing(tmp_path):
    simulate(tmp_path / "c", brands=12, videos=0, posts=5, emails=0)
    connection = Corpus.open(tmp_path / "c").connect()
    speaking = "SELECT company FROM communicator JOIN message USING (communicator_id)"
    silent = f"FROM communicator WHERE company NOT IN ({speaking})"
    assert connection.sql("SELECT count(*) FROM message WHERE kind = 'post'").fetchall() == [(60,)]
    assert connection.sql(f"SELECT count(*) {silent}").fetchall() == [(0,)]


def test_the_command_says_what_is_there(cbc, tmp_path):
    command = ("corpus", "simulate", "--corpus", tmp_path / "c", "--brands", "3", "--videos", "2", "--posts", "2")
    assert cbc(*command).returncode == 0
    again = cbc(*command)
    first = again.stdout.splitlines()[0]
    assert (again.returncode, first) == (0, f"{tmp_path / 'c'}: this world is already there, nothing to do")
    other = cbc(*command, "--seed", "5")
    assert (other.returncode, other.stdout) == (2, "")
    assert "seed=0" in other.stderr and "seed=5" in other.stderr and other.stderr.count("\n") == 1


@pytest.mark.parametrize("world", WORLDS)
def test_ratios_views_and_posts_follow_the_law(world, tmp_path):
    """What the annotation says of a message is what its behavior is drawn from."""
    simulate(tmp_path / "c", world=world, brands=200, videos=5, posts=8, emails=0)
    connection = Corpus.open(tmp_path / "c").connect()
    for sql in (
        """SELECT (ln(100 * likes.value / views.value) - like_view_ln) / like_view_sd, communicator_id
        FROM effect likes JOIN effect views USING (message_id) JOIN law USING (message_id)
        JOIN message USING (message_id)
        WHERE likes.metric = 'likes' AND views.metric = 'views' AND likes.value > 300""",
        """SELECT (ln(value) - views_ln) / views_sd, communicator_id FROM effect JOIN law USING (message_id)
        JOIN message USING (message_id) WHERE metric = 'views' AND value > 0""",
        """SELECT (ln(value) - post_ln) / post_sd, communicator_id FROM effect JOIN law USING (message_id)
        JOIN message USING (message_id) WHERE metric = 'likes' AND kind = 'post' AND value > 0""",
    ):
        rows = connection.sql(f'WITH law AS (FROM "{LAW}") {sql}').fetchall()
        one_a_channel = np.array(list({channel: scaled for scaled, channel in rows}.values()))
        assert len(one_a_channel) >= 50
        assert abs(one_a_channel.mean()) < 4 / np.sqrt(len(one_a_channel))
        assert one_a_channel.std() == pytest.approx(1, abs=3 / np.sqrt(2 * len(one_a_channel)))


@pytest.mark.parametrize("world", WORLDS)
def test_curves_run_from_their_lowest_to_their_highest_scene(world, tmp_path):
    simulate(tmp_path / "c", world=world, brands=10, videos=10, posts=0, emails=0)
    connection = Corpus.open(tmp_path / "c").connect()
    extremes = """SELECT DISTINCT min(value), max(value) FROM effect WHERE metric = 'replay' GROUP BY message_id"""
    assert connection.sql(extremes).fetchall() == [(0.0, 1.0)]
    lengths = f"""SELECT count(*) FROM effect JOIN "{LAW}" USING (message_id) WHERE metric = 'replay'
    GROUP BY message_id HAVING count(*) <> any_value(len(replay_mean))"""
    assert connection.sql(lengths).fetchall() == []


def test_curves_are_spread_around_the_law_as_it_says():
    """Attention less its mean, through the covariance's root, is white noise: seen in what a curve keeps of it."""
    law = LIFELIKE.curve
    rng = np.random.default_rng(1)
    noise = covariance(20, law.slow_sd, law.slow_markers, law.fast_sd, law.fast_markers, law.opening_sd)
    mean = expected_attention(draw_scenes(rng, 20, law.shot_markers), "funny", law)
    drawn = rng.multivariate_normal(mean, noise, 20_000)
    direct = (drawn - drawn.min(1, keepdims=True)) / np.ptp(drawn, axis=1)[:, None]
    curves = draw_curves(rng, mean, noise, 20_000)
    assert np.allclose(curves.mean(0), direct.mean(0), atol=0.01)
    assert np.allclose(np.cov(curves.T), np.cov(direct.T), atol=0.004)


def test_the_lifelike_world_is_like_real_files_in_what_decides_the_tasks(tmp_path):
    """The figures beside it are those of 218,983 real videos and 120 real curves (docs/results/world.md)."""
    simulate(tmp_path / "c", brands=400, videos=5, posts=0, emails=0)
    found = dict(facts(Corpus.open(tmp_path / "c").connect()))
    for name, real, tolerance in (
        ("videos a channel, mean", 4.95, 0.5),
        ("channels with one video, %", 53, 10),
        ("titles that another video has, %", 6.5, 3),
        ("age in days, median", 1.7, 0.3),
        ("views, standard deviation in decades", 0.63, 0.1),
        ("likes per view, median %", 2.9, 0.8),
        ("most replayed in the first scene, %", 47, 8),
        ("correlation of neighbours", 0.97, 0.01),
        ("mean of the first scene", 74, 6),
        ("mean of the last scene", 9.5, 4),
        ("RMSE of the others' mean curve", 23.1, 2),
        ("RMSE of interpolation, runs of 5", 3.0, 0.8),
    ):
        assert found[name] == pytest.approx(real, abs=tolerance), name


def test_compared_with_itself_a_world_shows_no_difference(cbc, tmp_path):
    simulate(tmp_path / "c", brands=12, videos=5, posts=2, emails=0)
    same = ("--brands", 12, "--videos", 5, "--posts", 2, "--emails", 0, "--compare", tmp_path / "c")
    rows = json.loads(cbc("corpus", "simulate", "--corpus", tmp_path / "c", *same, "--json").stdout)
    assert len(rows) > 15 and all(row["world"] == pytest.approx(row["other"]) for row in rows)
    text = cbc("corpus", "simulate", "--corpus", tmp_path / "c", *same).stdout
    assert "likes per view, median %" in text


def test_a_curve_for_which_the_figures_are_known_by_hand():
    """Two curves of 100 scenes, one rising and one falling."""
    rising = [i / 99 for i in range(100)]
    found = dict(curve_facts([rising, rising[::-1], [0.0, 1.0]]))
    assert (found["replay curves"], found["of 100 scenes"]) == (3, 2)
    assert found["most replayed in the first scene, %"] == 50
    assert found["mean of the first scene"] == pytest.approx(50)
    assert found["RMSE of interpolation, runs of 5"] == pytest.approx(0, abs=1e-9)
    position = np.arange(100) / 99
    assert found["RMSE of the others' mean curve"] == pytest.approx(100 * np.sqrt(((1 - 2 * position) ** 2).mean()))


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


def test_an_unknown_world_is_refused(tmp_path):
    with pytest.raises(UnknownWorld, match="'other'"):
        simulate(tmp_path / "c", world="other")
    assert not (tmp_path / "c").exists()
