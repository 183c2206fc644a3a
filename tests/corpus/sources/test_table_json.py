"""JSON lines and parquet: nested fields, replay graphs, broken lines and files."""

from __future__ import annotations

import gzip
import io
import json
import tarfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from corpus.files import archives
from corpus.replay_curve import merge_markers
from corpus.sources import table_reader
from corpus.sources.table_reader import UnknownColumn
from tests.corpus.sources.mapped import POSTS, rejects, rows, run, tree

pytestmark = pytest.mark.usefixtures("either_reader")
PAGES = {
    "channel": "youtube",
    "kind": "video",
    "dates": ["%d %b %Y", "%a, %d %b %Y %H:%M:%S GMT"],
    "missing": ["Like"],
    "fetched_at": "page.captured",
    "message": {
        "message_id": "video",
        "title": "page.title",
        "published_at": {"column": "page.date", "pattern": r"(\d{1,2} [A-Za-z]+ \d{4})"},
    },
    "communicator": {
        "communicator_id": [{"column": "channel_id", "optional": True}, {"template": "youtube:{page.channel}"}],
        "name": "page.channel",
        "audience": "page.subscribers",
        "as_of": "page.captured",
    },
    "effects": [
        {"metric": "views", "value": "page.views", "at": "page.captured"},
        {"metric": "likes", "value": "page.likes", "at": "page.captured", "exposure": "page.views"},
    ],
    "replay": [
        {"markers": "heatmap", "at": "seen"},
        {"each": "others", "markers": "heatmap", "at": "captured"},
    ],
}


def graph(seconds, shares):
    step = seconds / len(shares)
    return [{"start_time": i * step, "end_time": (i + 1) * step, "value": share} for i, share in enumerate(shares)]


def page(**changes):
    told = {
        "title": "A film",
        "date": "Premiered on 25 Sept 2020",
        "channel": "Someone",
        "subscribers": "10,6 Mio. Abonnenten",
        "views": "249,469,194 views",
        "likes": "1,905",
        "captured": "Mon, 17 Mar 2025 12:40:17 GMT",
    }
    content = {"video": "v1", "page": told, "heatmap": None, "seen": None, "others": []}
    content.update(changes)
    content["page"] = told | changes.get("page", {})
    return content


def write(folder, *pages, name="pages.jsonl"):
    path = folder / name
    path.write_text("\n".join(one if isinstance(one, str) else json.dumps(one) for one in pages) + "\n", "utf-8")
    return path


def test_a_page_becomes_rows(tmp_path):
    report, corpus = run(tmp_path, PAGES, write(tmp_path, page()))
    assert report.rows_kept == 1
    assert rows(corpus, "SELECT communicator_id, title, published_at::VARCHAR FROM message") == [
        ("youtube:Someone", "A film", "2020-09-25 00:00:00")
    ]
    assert rows(corpus, "SELECT name, audience, as_of::VARCHAR FROM communicator") == [
        ("Someone", 10_600_000, "2025-03-17 12:40:17")
    ]
    assert rows(corpus, "SELECT metric, value, exposure FROM effect ORDER BY metric") == [
        ("likes", 1905, 249_469_194),
        ("views", 249_469_194, None),
    ]
    assert rows(corpus, "SELECT fetched_at::VARCHAR FROM provenance WHERE table_name = 'message'") == [
        ("2025-03-17 12:40:17",)
    ]


def test_markers_become_scenes_and_replay_values(tmp_path):
    first, later = [0.1 * (i % 10) for i in range(100)], [1.0] + [0.5] * 99
    content = page(
        heatmap=graph(45, first),
        seen="Sun, 06 Aug 2023 10:32:21 GMT",
        others=[{"captured": "Sun, 07 Jun 2026 21:12:42 GMT", "heatmap": graph(45, later), "blob": "x"}],
    )
    _, corpus = run(tmp_path, PAGES, write(tmp_path, content))
    query = "SELECT value FROM effect WHERE metric = 'replay' AND year(observed_at) = {} ORDER BY scene"
    assert [value for (value,) in rows(corpus, query.format(2023))] == pytest.approx(merge_markers(first, 45))
    assert [value for (value,) in rows(corpus, query.format(2026))] == pytest.approx(merge_markers(later, 45))
    scenes = rows(corpus, "SELECT scene, start_s, end_s FROM scene ORDER BY scene")
    assert len(scenes) == 33
    assert scenes[1] == pytest.approx((1, 1.35, 2.7))
    assert rows(corpus, "SELECT duration_s FROM message") == [(45.0,)]
    assert rows(corpus, "SELECT count(*) FROM provenance WHERE table_name = 'message'") == [(3,)]


def test_no_graph_is_no_replay(tmp_path):
    report, corpus = run(tmp_path, PAGES, write(tmp_path, page(), page(video="v2", heatmap=[])))
    assert report.rows_kept == 2
    assert rows(corpus, "SELECT count(*) FROM scene") == [(0,)]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ('{"video": "v1", "page": {', "broken JSON"),
        ('"just text"', "broken JSON"),
        (page(video=None), "missing id"),
        (page(page={"views": "-5 views"}), "not a number"),
        (page(page={"views": -5}), "negative count"),
        (page(page={"captured": "some day"}), "unparsable date"),
        (page(heatmap=graph(45, [0.5, 1.5])), "broken markers"),
        (page(heatmap=[{"end_time": 3}]), "broken markers"),
        (page(heatmap="none"), "broken markers"),
        (page(heatmap=graph(45, [0.5, 1]), seen="some day"), "unparsable date"),
        (page(others=[{"captured": "some day", "heatmap": graph(45, [0.5, 1])}]), "unparsable date"),
    ],
)
def test_a_broken_line_is_rejected_with_its_number(tmp_path, content, reason):
    report, corpus = run(tmp_path, PAGES, write(tmp_path, page(video="v0"), "", content, page(video="v2")))
    assert (report.rows_read, report.rows_kept) == (3, 2)
    assert rejects(corpus) == [("pages.jsonl", 3, reason)]


def test_hidden_and_absent_counts_are_missing(tmp_path):
    pages = [page(page={"likes": "Like"}), page(video="v2", page={"likes": None})]
    report, corpus = run(tmp_path, PAGES, write(tmp_path, *pages))
    assert report.rows_kept == 2
    assert rows(corpus, "SELECT DISTINCT metric FROM effect") == [("views",)]


def test_zipped_lines_and_lines_in_no_encoding(tmp_path):
    path = tmp_path / "pages.jsonl.gz"
    path.write_bytes(gzip.compress(json.dumps(page()).encode() + b'\n{"video": "\xff"}\n'))
    report, corpus = run(tmp_path, PAGES, path)
    assert (report.rows_kept, report.rejected) == (1, {"wrong encoding": 1})
    assert rejects(corpus) == [("pages.jsonl.gz", 2, "wrong encoding")]


def test_a_field_no_line_has_is_an_error_that_names_it(tmp_path):
    with pytest.raises(UnknownColumn, match=r"has no column 'page\.date'"):
        run(tmp_path, PAGES, write(tmp_path, {"video": "v1", "page": {"title": "x"}}))


NESTED = {
    "channel": "web",
    "kind": "video",
    "message": {"message_id": "id", "title": "about.title", "published_at": "at"},
    "effects": [{"metric": "views", "value": "about.views"}],
    "replay": [{"markers": "graph"}],
    "attributes": {"name": "kinds", "truth": {"good": "good"}, "number": ["score"]},
}


def parquet(folder, name="films.parquet"):
    path = folder / name
    table = pa.table(
        {
            "id": ["a", "b", None],
            "about": [{"title": "A", "views": 3}, {"title": None, "views": None}, {"title": "C", "views": 1}],
            "at": pa.array([1_600_000_000_000_000, None, 0], pa.timestamp("us")),
            "graph": [graph(100, [0.0, 1.0]), None, []],
            "good": [True, False, None],
            "score": [0.5, None, 1.0],
        }
    )
    pq.write_table(table, path)
    return path


def test_parquet_is_read_with_its_nested_columns(tmp_path):
    report, corpus = run(tmp_path, NESTED, parquet(tmp_path))
    assert (report.rows_read, report.rows_kept, report.rejected) == (3, 2, {"missing id": 1})
    assert rejects(corpus) == [("films.parquet", 3, "missing id")]
    assert rows(corpus, "SELECT message_id, title, published_at::VARCHAR, duration_s FROM message ORDER BY 1") == [
        ("web:a", "A", "2020-09-13 12:26:40", 100.0),
        ("web:b", None, None, None),
    ]
    assert rows(corpus, "SELECT metric, scene, value FROM effect ORDER BY ALL") == [
        ("replay", 0, 0.0),
        ("replay", 1, 1.0),
        ("views", None, 3.0),
    ]
    assert rows(corpus, 'SELECT * FROM "kinds@1" ORDER BY 1') == [("web:a", 0.5, True), ("web:b", None, False)]


def test_parquet_cut_short_is_rejected_whole(tmp_path):
    (tmp_path / "in").mkdir()
    whole = parquet(tmp_path).read_bytes()
    (tmp_path / "in" / "cut.parquet").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "in" / "whole.parquet").write_bytes(whole)
    report, corpus = run(tmp_path, NESTED, tmp_path / "in")
    assert report.rows_kept == 2
    assert ("cut.parquet", None, "broken file") in rejects(corpus)


def test_parquet_without_a_column_is_an_error_that_names_it(tmp_path):
    mapping = NESTED | {"message": {"message_id": "id", "title": "about.headline"}}
    with pytest.raises(UnknownColumn, match=r"no column 'about\.headline' \(it has id, about, at"):
        run(tmp_path, mapping, parquet(tmp_path))


def test_a_return_within_a_long_first_line_is_no_line_end(tmp_path):
    long = json.dumps(page(page={"title": "x" * 20_000})).replace(", ", ",\r", 1)
    report, _ = run(tmp_path, PAGES, write(tmp_path, long, page(video="v2")))
    assert (report.rows_read, report.rows_kept) == (2, 2)


def test_an_object_too_deep_to_parse_is_no_object(tmp_path):
    deep = '{"video": "v1", "page": ' + "[" * 100_000 + "]" * 100_000 + "}"
    report, _ = run(tmp_path, PAGES, write(tmp_path, deep, page(video="v2")))
    assert report.rows_read == 2 and report.rows_kept >= 1


def test_records_are_numbered_across_the_members_of_an_archive(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "BIG_BYTES", table_reader.BIG_BYTES)
    path = tmp_path / "posts.tar"
    with tarfile.open(path, "w") as archive:
        for name, start in (("a.jsonl", 1), ("b.jsonl", 3), ("c.csv", 5)):
            posts = [{"id": n, "title": "t", "day": "2020-01-01", "views": n} for n in (start, start + 1)]
            if name.endswith("jsonl"):
                content = "\n".join(map(json.dumps, posts))
            else:
                content = "\n".join([",".join(posts[0]), *(",".join(map(str, post.values())) for post in posts)])
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content.encode()))
    report, corpus = run(tmp_path, POSTS, path)
    assert report.rows_kept == 6
    numbered = rows(corpus, "SELECT row_key, raw_line FROM provenance WHERE table_name = 'message' ORDER BY 2")
    assert numbered == [(f"web:{n}", n) for n in range(1, 7)]


def test_a_large_clean_file_is_left_to_duckdb_and_one_with_a_fault_is_not(tmp_path, monkeypatch):
    monkeypatch.setattr(table_reader, "BIG_BYTES", 0)
    alone, add = [], table_reader.Reader._add

    def counted(self, *record, **named):
        alone.append(record)
        add(self, *record, **named)

    monkeypatch.setattr(table_reader.Reader, "_add", counted)
    for corpus, views, expected in (("clean", 1, 0), ("faulty", -1, 2)):
        posts = [{"id": n, "title": "t", "day": "2020-01-01", "views": n * views} for n in (1, 2)]
        run(tmp_path, POSTS, write(tmp_path, *posts), corpus=corpus)
        assert len(alone) == expected


texts = st.text(st.sampled_from('ab"\\\n\r\x00\ud83d\u2028é🎉 '), max_size=8)
numbers = st.integers(0, 10**20) | st.floats(allow_nan=False, allow_infinity=False) | st.booleans() | st.none()
cells = st.recursive(
    texts | numbers, lambda cell: st.lists(cell, max_size=2) | st.dictionaries(texts, cell, max_size=2)
)
posts = st.fixed_dictionaries({"id": texts, "title": cells, "day": st.just("2020-01-01"), "views": cells | numbers})
lines = st.one_of(
    posts.map(json.dumps),
    posts.map(lambda post: json.dumps(post).replace(": ", ":\t")),
    st.sampled_from(
        ["", "  ", '{"id": 1,}', "[]", '"text"', '{"id": "b", "id": "c", "views": 2}', '{"id": NaN}', "{", "\ufeff{}"]
    ),
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(lines, min_size=1, max_size=5), st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_any_lines_are_read_alike_in_both_ways(tmp_path_factory, drawn, newline, zipped):
    folder = tmp_path_factory.mktemp("any")
    start = '{"id": "first", "title": "one", "day": "2020-01-02", "views": 1}'
    content = newline.join([start, *drawn]).encode("utf-8", "surrogatepass")
    file = folder / ("posts.jsonl.gz" if zipped else "posts.jsonl")
    file.write_bytes(gzip.compress(content) if zipped else content)
    for corpus, big_bytes in (("slow", 1 << 40), ("fast", 0)):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(table_reader, "BIG_BYTES", big_bytes)
            run(folder, POSTS, file, corpus=corpus)
    assert tree(folder / "slow") == tree(folder / "fast")
