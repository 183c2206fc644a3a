"""Posts as the X API and twarc write them: each shape, what is not an account's own, and each kind of damage."""

from __future__ import annotations

import gzip
import json
import os
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from corpus.errors import NoSuchPath
from corpus.ingest.run import Report, ingest
from corpus.sources.base import RowError
from corpus.sources.registry import source_named
from corpus.sources.x_posts import posts_of
from corpus.store import Corpus

FETCHED = datetime(2023, 1, 2, 3, 4, 5)
CHANGED = datetime(2023, 11, 14, 22, 13, 20)
USER = {
    "id": "17",
    "username": "synthetic_handle",
    "name": "Brand 17",
    "public_metrics": {"followers_count": 1234, "tweet_count": 5},
}
PICTURE = {"media_key": "3_1", "type": "photo", "alt_text": "a red shoe"}


def tweet(number: int = 1, **more: Any) -> dict[str, Any]:
    """A post of API 2."""
    return {
        "id": f"1600000000000000{number:03}",
        "author_id": "17",
        "text": f"shoes {number} for @synthetic_friend https://t.co/x",
        "created_at": "2022-12-31T22:00:00.000Z",
        "lang": "en",
        "public_metrics": {
            "like_count": 7, "retweet_count": 2, "reply_count": 0, "quote_count": 3, "impression_count": 900,
        },
        "attachments": {"media_keys": ["3_1", "3_none"]},
        **more,
    }  # fmt: skip


def answer(*data: Any, **more: Any) -> dict[str, Any]:
    """An answer of API 2 as twarc2 writes it."""
    return {
        "data": list(data),
        "includes": {"users": [USER], "media": [PICTURE], "tweets": [tweet(999, author_id="18")]},
        "meta": {"result_count": len(data)},
        "__twarc": {"url": "https://api.example/2", "version": "2.14.0", "retrieved_at": "2023-01-02T03:04:05+00:00"},
        **more,
    }


def flat(number: int = 1, **more: Any) -> dict[str, Any]:
    """A post after `twarc2 flatten`."""
    found = {**tweet(number), "author": USER, "__twarc": answer()["__twarc"], **more}
    return {**found, "attachments": {"media_keys": ["3_1"], "media": [PICTURE]}}


def old(number: int = 1, **more: Any) -> dict[str, Any]:
    """A post of API 1.1 as twarc 1 writes it."""
    return {
        "id": 1600000000000000000 + number,
        "id_str": f"1600000000000000{number:03}",
        "full_text": f"shoes {number} for @synthetic_friend https://t.co/x",
        "created_at": "Sun Jan 01 00:00:00 +0200 2023",
        "lang": "en",
        "favorite_count": 7,
        "retweet_count": 2,
        "user": {"id_str": "17", "screen_name": "synthetic_handle", "name": "Brand 17", "followers_count": 1234},
        "extended_entities": {"media": [{"type": "photo", "ext_alt_text": "a red shoe"}]},
        **more,
    }


def write(path: Path, *payloads: Any) -> Path:
    """JSON lines; a text stands as it is."""
    lines = [one if isinstance(one, str) else json.dumps(one) for one in payloads]
    content = "".join(line + "\n" for line in lines).encode("utf-8", "surrogatepass")
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    os.utime(path, (1_700_000_000, 1_700_000_000))
    return path


def run(folder: Path, *paths: Path) -> tuple[Report, Path]:
    report = ingest(source_named("x_api"), paths, folder / "corpus")
    assert report.rows_read == report.rows_counted
    return report, folder / "corpus"


def rows(root: Path, sql: str) -> list[tuple]:
    with Corpus.open(root).connect() as connection:
        return connection.execute(sql).fetchall()


@pytest.mark.parametrize(
    ("payload", "observed_at", "impressions"),
    [(answer(tweet()), FETCHED, 900), (flat(), FETCHED, 900), (old(), CHANGED, None)],
)
def test_each_shape_is_a_post_of_its_account(tmp_path, payload, observed_at, impressions):
    report, root = run(tmp_path, write(tmp_path / "a.jsonl", payload))
    assert (report.rows_read, report.rows_kept, report.rejected) == (1, 1, {})
    told = rows(root, "SELECT message_id, communicator_id, channel, kind, body, published_at, language FROM message")
    assert told == [
        (
            "twitter:1600000000000000001", "twitter:synthetic_handle", "twitter", "post",
            "shoes 1 for @synthetic_friend https://t.co/x", datetime(2022, 12, 31, 22), "en",
        )
    ]  # fmt: skip
    seen = ("twitter:synthetic_handle", "twitter", "Brand 17", None, 1234, observed_at)
    assert rows(root, "FROM communicator") == [seen]
    effects = {("likes", 7.0, impressions, observed_at), ("shares", 2.0, impressions, observed_at)}
    if impressions:
        effects |= {("replies", 0.0, impressions, observed_at), ("impressions", impressions, None, observed_at)}
    assert set(rows(root, "SELECT metric, value, exposure, observed_at FROM effect")) == effects
    quotes = 3 if impressions else None
    assert rows(root, 'FROM "x_api@1"') == [("twitter:1600000000000000001", ["photo"], ["a red shoe"], quotes, False)]
    origins = rows(root, "SELECT table_name, source, raw_line, observed_at, fetched_at FROM provenance ORDER BY 1")
    assert origins == [(table, "x_api@1", 1, observed_at, observed_at) for table in ("communicator", "message")]


def test_ids_and_accounts_are_those_of_the_mapping_tweets(tmp_path):
    _, root = run(tmp_path, write(tmp_path / "a.jsonl", answer(tweet())))
    table = tmp_path / "a.csv"
    table.write_text(
        "created_at,text,url,replies,retweets,favorites,user\n"
        "12/31/22 22:00,shoes,https://twitter.com/synthetic_handle/status/1600000000000000001,0,2,9,synthetic_handle\n"
    )
    report = ingest(source_named("tweets"), [table], root)
    assert report.tables["effect"] == 3 and "message" not in report.tables


def test_a_file_may_be_one_document_a_list_or_zipped(tmp_path):
    paths = [
        write(tmp_path / "pretty.json", json.dumps(answer(tweet(1), tweet(2)), indent=2)),
        write(tmp_path / "list.json", [flat(3), flat(4)]),
        write(tmp_path / "single.json", answer(tweet(5)) | {"data": tweet(5)}),
        write(tmp_path / "zipped.jsonl.gz", "", answer(tweet(6)), old(7)),
    ]
    (tmp_path / "notes.txt").write_text("none")
    report, root = run(tmp_path, tmp_path)
    assert (report.files, report.rows_kept, report.rejected) == (len(paths), 7, {})
    assert rows(root, "SELECT max(raw_line) FROM provenance") == [(2,)]


def test_observations_add_up_and_a_second_run_changes_nothing(tmp_path):
    later = answer(tweet(public_metrics={"like_count": 9}), __twarc={"retrieved_at": "2023-02-01T00:00:00+00:00"})
    path = write(tmp_path / "a.jsonl", answer(tweet()), answer(tweet()), later)
    report, root = run(tmp_path, path)
    assert (report.rows_kept, report.rows_repeated, report.rows_enriched) == (1, 1, 1)
    assert rows(root, "SELECT value FROM effect WHERE metric = 'likes' ORDER BY observed_at") == [(7,), (9,)]
    assert rows(root, "SELECT count(*) FROM message") == [(1,)]
    again, _ = run(tmp_path, path)
    assert (again.files, again.skipped) == (0, 1)


@pytest.mark.parametrize(
    "payload",
    [
        answer(tweet(referenced_tweets=[{"type": "retweeted", "id": "1"}])),
        answer(tweet(text="RT @synthetic_friend: shoes")),
        flat(referenced_tweets=[{"type": "retweeted", "id": "1", "text": "shoes"}]),
        old(retweeted_status=old(2)),
        old(full_text="RT @synthetic_friend: shoes"),
    ],
)
def test_retweets_are_rejected_since_their_likes_are_anothers(tmp_path, payload):
    report, root = run(tmp_path, write(tmp_path / "a.jsonl", payload))
    assert (report.rows_kept, report.rejected) == (0, {"retweet": 1})
    assert rows(root, "SELECT file, line, value FROM rejects") == [("a.jsonl", 1, "1600000000000000001")]


def test_posts_of_others_that_come_along_stay_out(tmp_path):
    quoting = tweet(referenced_tweets=[{"type": "quoted", "id": "1600000000000000999"}])
    report, root = run(tmp_path, write(tmp_path / "a.jsonl", answer(quoting), old(2, quoted_status=old(3))))
    assert report.rows_read == 2
    assert rows(root, "SELECT count(*) FROM message") == [(2,)]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        ({"parameter": "ids", "title": "Not Found Error", "detail": "Could not find tweet"}, "not found"),
        ({"parameter": "ids", "title": "Forbidden", "detail": "User has been suspended: [1]."}, "suspended"),
        ({"parameter": "id", "title": "Authorization Error", "detail": "Sorry"}, "not authorized"),
        ({"code": 144, "message": "No status found with that ID."}, "an error of the API"),
        ({"title": ["odd"], "detail": 5}, "an error of the API"),
    ],
)
def test_what_the_api_could_not_give_is_a_reject(tmp_path, error, reason):
    other = {"parameter": "entities.mentions.username", "title": "Not Found Error", "resource_id": "friend"}
    errors = [{"resource_id": "1600000000000000005", **error}, other]
    report, root = run(tmp_path, write(tmp_path / "a.jsonl", answer(tweet(), errors=errors), {"errors": errors}))
    assert (report.rows_kept, report.rejected) == (1, {reason: 2})
    assert rows(root, "SELECT line, value FROM rejects") == [(1, "1600000000000000005"), (2, "1600000000000000005")]


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        ("{", "cut or invalid JSON"),
        ('{"id": "1", "text": "a', "cut or invalid JSON"),
        ("[" * 100_000, "cut or invalid JSON"),
        ("5", "no post"),
        ("null", "no post"),
        ({}, "no id"),
        ({"delete": {"status": {"id": 1}}}, "no id"),
        ({"includes": {}}, "no post"),
        ({"title": "Unauthorized", "status": 401, "type": "about:blank"}, "an error instead of posts"),
        (answer("text"), "no post"),
        (answer(tweet(id=5)), "id is no text"),
        (answer(tweet(id="abc")), "no id"),
        (answer(tweet(text=None)), "no text"),
        (answer(tweet(text=5)), "text is no text"),
        (answer(tweet(created_at="yesterday")), "unparsable date"),
        (answer(tweet(created_at="\ud800")), "unparsable date"),
        (answer(tweet(public_metrics={"like_count": -1})), "like_count is no count"),
        (answer(tweet(public_metrics={"like_count": True})), "like_count is no count"),
        (answer(tweet(public_metrics={"like_count": "7"})), "like_count is no count"),
        (answer(tweet(public_metrics={"like_count": 2**53})), "like_count is no count"),
        (answer(tweet(public_metrics=[7])), "public_metrics of unexpected type"),
        (answer(tweet(), includes=[1]), "includes of unexpected type"),
        (answer(tweet(), __twarc={"retrieved_at": "soon"}), "unparsable date"),
        (old(user=[1]), "user of unexpected type"),
        (old(favorite_count=1.5), "favorite_count is no count"),
        (old(created_at="Sun Foo 01 00:00:00 +0200 2023"), "unparsable date"),
    ],
)
def test_what_makes_no_sense_is_rejected_with_its_line(tmp_path, payload, reason):
    report, root = run(tmp_path, write(tmp_path / "a.jsonl", answer(tweet(2)), payload))
    assert (report.rows_kept, report.rejected) == (1, {reason: 1})
    assert rows(root, "SELECT file, line FROM rejects") == [("a.jsonl", 2)]


def test_missing_is_missing_and_never_zero(tmp_path):
    bare = {"id": "1", "text": "shoes"}
    unseen = tweet(2, lang="zxx", public_metrics={"like_count": 0, "impression_count": 0})
    empty = {"meta": {"result_count": 0}}
    report, root = run(tmp_path, write(tmp_path / "a.jsonl", bare, empty, answer(unseen, includes={})))
    assert (report.rows_kept, report.rejected) == (2, {})
    told = rows(root, "SELECT message_id, communicator_id, published_at IS NULL, language FROM message ORDER BY 1")
    assert told == [("twitter:1", None, True, None), ("twitter:1600000000000000002", "twitter:id:17", False, None)]
    assert rows(root, "SELECT metric, value, exposure FROM effect") == [("likes", 0, None)]


def test_long_posts_are_kept_whole(tmp_path):
    long = "y" * 25_000
    payloads = [tweet(1, note_tweet={"text": long}), old(2, extended_tweet={"full_text": long}, truncated=True)]
    _, root = run(tmp_path, write(tmp_path / "a.jsonl", *payloads))
    assert rows(root, "SELECT DISTINCT body FROM message") == [(long,)]


def test_odd_texts_come_through_and_half_characters_are_replaced(tmp_path):
    odd = "\u202eright to left\u202c zero\u200bwidth \x07bell \x00nul \U0001f600" + "x" * 10_000_000
    path = write(tmp_path / "a.jsonl", answer(tweet(1, text=odd), tweet(2, text="cut \ud83d here")))
    _, root = run(tmp_path, path)
    assert rows(root, "SELECT body FROM message ORDER BY message_id") == [(odd,), ("cut \ufffd here",)]


def test_damaged_files_lose_what_is_broken_alone(tmp_path):
    whole = gzip.compress(b"".join(json.dumps(flat(n)).encode() + b"\n" for n in range(900)), 1)
    (tmp_path / "cut.jsonl.gz").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "bytes.jsonl").write_bytes(b'{"id": "5", "text": "\xff"}\n' + json.dumps(flat(901)).encode())
    write(tmp_path / "pretty.json", json.dumps(answer(tweet(902)), indent=1)[:-40])
    report, root = run(tmp_path, tmp_path)
    assert report.rejected == {"broken file": 1, "wrong encoding": 1, "cut or invalid JSON": 1}
    assert rows(root, "SELECT count(*) FROM message WHERE body LIKE 'shoes 901 %'") == [(1,)]
    assert report.rows_kept > 100


def test_a_batch_that_is_full_is_as_good_as_one(tmp_path, monkeypatch):
    path = write(tmp_path / "a.jsonl", *(answer(*(tweet(10 * n + k) for k in range(5))) for n in range(20)))
    one, whole = run(tmp_path, path)
    monkeypatch.setattr("corpus.sources.x_api.BATCH_ROWS", 7)
    (tmp_path / "cut").mkdir()
    many, pieces = run(tmp_path / "cut", path)
    assert one == many
    for table in one.tables:
        assert rows(whole, f"FROM {table} ORDER BY ALL") == rows(pieces, f"FROM {table} ORDER BY ALL")


def test_no_posts_is_a_named_error(tmp_path):
    for path in (tmp_path, tmp_path / "none.jsonl"):
        with pytest.raises(NoSuchPath, match="no posts at"):
            run(tmp_path, path)


def test_the_command_ingests_posts(tmp_path, cbc):
    path = write(tmp_path / "a.jsonl", answer(tweet(1), tweet(2, text="RT @synthetic_friend: shoes")), old(3))
    done = cbc("corpus", "ingest", "x_api", path, "--corpus", tmp_path / "corpus")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[1:4] == [
        "3 rows read:",
        "             2  kept",
        "             1  rejected: retweet",
    ]
    bad = cbc("corpus", "ingest", "x_api", tmp_path / "none", "--corpus", tmp_path / "corpus")
    assert bad.returncode == 2 and len(bad.stderr.splitlines()) == 1


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def changed(payload: Any, path: list[int], value: Any) -> Any:
    """The same JSON with another value at a place, found by taking keys by number."""
    if not path or not isinstance(payload, dict | list) or not payload:
        return value
    keys = list(payload) if isinstance(payload, dict) else list(range(len(payload)))
    key = keys[path[0] % len(keys)]
    copy: Any = dict(payload) if isinstance(payload, dict) else list(payload)
    copy[key] = changed(payload[key], path[1:], value)
    return copy


shapes = st.sampled_from([answer(tweet(1), tweet(2)), flat(), old(), answer(tweet(), errors=[{"parameter": "id"}])])


@settings(max_examples=500, deadline=None)
@given(shapes, st.lists(st.integers(0, 30), min_size=1, max_size=5), anything)
def test_any_value_in_any_field_is_a_post_or_a_reason(payload, path, value):
    for post in posts_of(changed(payload, path, value), CHANGED):
        if isinstance(post, RowError):
            assert post.reason
        else:
            assert post.message_id.removeprefix("twitter:").isdigit() and post.body is not None
            str(post).encode()  # no half characters left


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    st.lists(st.tuples(shapes, st.lists(st.integers(0, 30), min_size=1, max_size=5), anything), min_size=1, max_size=20)
)
def test_an_ingest_accounts_for_each_of_them(tmp_path_factory, found):
    folder = tmp_path_factory.mktemp("any")
    report, corpus = run(folder, write(folder / "a.jsonl", *(json.dumps(changed(*one)) for one in found)))
    assert rows(corpus, "SELECT count(*) FROM message") == [(report.tables.get("message", 0),)]
