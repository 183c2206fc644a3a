"""The shipped mappings on the real files they are for, against what is known of those files."""

from __future__ import annotations

from pathlib import Path

import pytest

from corpus.files import side_by_side
from corpus.ingest.run import Report, ingest
from corpus.sources.registry import source_named
from tests.corpus.sources.mapped import rejects, rows, tree

pytestmark = pytest.mark.slow


def run(folder: Path, name: str, *paths: Path) -> tuple[Report, Path]:
    report = ingest(source_named(name), paths, folder / "corpus")
    assert report.rows_read == report.rows_counted
    return report, folder / "corpus"


@pytest.fixture(scope="module")
def trending(shared_data, tmp_path_factory):
    """The latest table, then the daily files."""
    folder = tmp_path_factory.mktemp("trending")
    data = shared_data / "youtube_trending"
    latest, _ = run(folder, "youtube_trending", data / "videos_latest.csv.gz")
    daily, corpus = run(folder, "youtube_trending", data)
    return latest, daily, corpus


def test_every_trending_video_is_kept(trending):
    latest, daily, corpus = trending
    assert (latest.rows_read, latest.rows_kept, latest.rejected) == (218_863, 218_863, {})
    assert latest.tables["communicator"] == 44_175
    assert (daily.skipped, daily.files, daily.rejected) == (1, 1, {})
    assert rows(corpus, "SELECT count(*) FROM message") == [(218_863,)]


def test_the_number_of_cores_shows_in_no_byte(trending, shared_data, tmp_path, monkeypatch):
    latest, _, corpus = trending
    monkeypatch.setattr(side_by_side, "CORES", 1 if side_by_side.CORES > 1 else 3)
    _, other = run(tmp_path, "youtube_trending", shared_data / "youtube_trending" / "videos_latest.csv.gz")
    tables = tree(other / "tables" / latest.ingest)
    assert len(tables) > 4 and tables == tree(corpus / "tables" / latest.ingest)


def test_counts_not_shown_are_missing(trending):
    _, _, corpus = trending
    seen = "SELECT metric, count(DISTINCT message_id), min(value) FROM effect GROUP BY metric"
    found = {metric: (videos, lowest) for metric, videos, lowest in rows(corpus, seen)}
    assert found["views"][0] <= 218_863 - 1_000
    assert found["views"][1] > 0
    assert found["likes"][1] > 0
    assert found["comments"] == (218_863, 0)


def test_many_numbers_are_written_with_a_fraction_and_all_are_read(trending):
    _, _, corpus = trending
    assert rows(corpus, "SELECT count(*) FROM effect WHERE value <> floor(value)") == [(0,)]
    assert rows(corpus, "SELECT count(*) FROM effect WHERE metric = 'views'")[0][0] > 350_000


def test_lengths_over_a_day_are_read(trending):
    _, _, corpus = trending
    (longest,) = rows(corpus, "SELECT max(duration_s) FROM message")[0]
    assert longest > 86_400
    assert rows(corpus, "SELECT count(*) FROM message WHERE duration_s = 0") == [(0,)]


def test_a_video_is_observed_many_times(trending):
    _, daily, corpus = trending
    assert daily.rows_read == daily.rows_counted == 63_637
    seen = "SELECT count(*) AS n FROM effect WHERE metric = 'views' GROUP BY message_id"
    assert rows(corpus, f"SELECT max(n) FROM ({seen})")[0][0] > 20
    twice = "SELECT 1 FROM effect GROUP BY message_id, metric, observed_at HAVING count(*) > 1"
    assert rows(corpus, twice) == []


def test_ads_with_and_without_counts_are_one_set(shared_data, tmp_path):
    report, corpus = run(tmp_path, "superbowl_ads", shared_data / "superbowl_ads")
    assert report.rows_read == 247 + 244
    assert set(report.rejected) == {"missing id"}  # ads without a video
    assert all(line > 1 for _, line, _ in rejects(corpus))
    assert rows(corpus, "SELECT count(*) FROM message WHERE title IS NOT NULL")[0][0] > 220
    assert rows(corpus, "SELECT count(DISTINCT company) FROM communicator") == [(10,)]
    assert rows(corpus, 'SELECT count(*) FROM "superbowl_ads@1" WHERE funny IS NULL') == [(0,)]


def test_posts_in_three_encodings_are_read(shared_data, tmp_path):
    report, corpus = run(tmp_path, "tweets", shared_data / "tweets")
    assert (report.rows_read, report.rows_kept) == (3_207 + 3_232 + 2_614, 9_053)
    odd = "body LIKE '%‰Û%' OR body LIKE '%â€%' OR body LIKE '%' || chr(65533) || '%'"
    assert rows(corpus, f"SELECT count(*) FROM message WHERE {odd}")[0][0] < 20
    for mark in ("’", "…", "“", "🇺🇸"):
        assert rows(corpus, f"SELECT count(*) FROM message WHERE body LIKE '%{mark}%'")[0][0] > 20, mark
    assert rows(corpus, "SELECT count(*) FROM message WHERE body LIKE '%' || chr(13) || '%'")[0][0] > 100
    others = 'SELECT count(*) FROM "tweets@1" WHERE is_retweet AND is_quoted IS NOT NULL'
    assert rows(corpus, others) == [(617,)]


def test_variants_of_headlines_keep_apart(shared_data, tmp_path):
    report, corpus = run(tmp_path, "headlines", shared_data / "headlines")
    assert report.rows_kept == 22_666
    assert rows(corpus, "SELECT count(*), count(DISTINCT campaign) FROM message") == [(22_666, 4_873)]
    varied = "SELECT count(*) FROM (SELECT 1 FROM message GROUP BY campaign HAVING count(DISTINCT title) > 1)"
    assert rows(corpus, varied) == [(2_607,)]
    assert rows(corpus, "SELECT count(*) FROM effect WHERE metric = 'clicks' AND value > exposure") == [(0,)]


def test_film_clips_are_read_from_one_folder(shared_data, tmp_path):
    report, corpus = run(tmp_path, "lvu", shared_data / "lvu")
    in_both = 13  # clips of which one table brings the likes, the other the views
    assert (report.rows_read, report.rows_kept, report.rows_enriched) == (940 + 827, 940 + 827 - in_both, in_both)
    assert rows(corpus, "SELECT count(*) FROM message") == [(940 + 827 - in_both,)]
    splits = 'SELECT count(like_ratio_split), count(view_count_split) FROM "lvu@1"'
    assert rows(corpus, splits) == [(940, 827)]
    query = "SELECT metric, count(*) FROM effect GROUP BY metric ORDER BY 1"
    assert rows(corpus, query) == [("dislikes", 940), ("likes", 940), ("views", 827)]


def test_recorded_pages_give_curves_and_counts(shared_data, tmp_path):
    report, corpus = run(tmp_path, "heatmaps", shared_data / "youtube_heatmaps")
    assert (report.rows_read, report.rows_kept) == (120, 120)
    assert rows(corpus, "SELECT count(*) FROM message WHERE published_at IS NULL OR duration_s IS NULL") == [(0,)]
    assert rows(corpus, "SELECT count(DISTINCT message_id) FROM effect WHERE metric = 'replay'") == [(120,)]
    captures = "SELECT count(*) FROM (SELECT DISTINCT message_id, observed_at FROM effect WHERE metric = 'replay')"
    assert rows(corpus, captures) == [(120 + 147 - 1,)]  # one video was captured twice in the same second
    assert rows(corpus, "SELECT count(DISTINCT message_id) FROM effect WHERE metric = 'views'") == [(120,)]
    assert rows(corpus, "SELECT count(*) FROM effect WHERE metric = 'audience'") == [(118,)]
    german = "SELECT audience FROM communicator WHERE audience = 25300000"
    assert len(rows(corpus, german)) == 1
