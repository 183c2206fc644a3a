"""yt-dlp info files: what becomes of each field, each kind of captions, and each kind of damage."""

from __future__ import annotations

import json
import os
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yt_dlp import YoutubeDL

from corpus.errors import NoSuchPath
from corpus.ingest.run import Report, ingest
from corpus.privacy.scrub import author_hash, scrub
from corpus.replay_curve import merge_markers
from corpus.sources.base import RowError
from corpus.sources.captions import Utterance, list_captions, parse_captions
from corpus.sources.registry import source_named
from corpus.store import Corpus
from tests.corpus.sources.infos import EPOCH, comment, heatmap, rolled_up, stamp, video, write

OBSERVED = datetime(2023, 11, 14, 22, 13, 20)


def built(tmp_path: Path, *infos: dict, **captions: str):
    """A corpus out of info dicts, and its report."""
    for n, info in enumerate(infos):
        write(tmp_path / "videos", info, name=f"video {n}", **captions)
    report = ingest(source_named("ytdlp"), [tmp_path / "videos"], tmp_path / "corpus")
    return Corpus.open(tmp_path / "corpus").connect(), report


def rejects(report: Report) -> dict[str, int]:
    assert report.rows_read == report.rows_counted
    return report.rejected


def test_a_whole_video(tmp_path):
    corpus, report = built(tmp_path, video(comments=[comment(1, text="call me +49 170 1234567"), comment(2)]))
    assert (report.rows_read, report.rows_kept, rejects(report)) == (1, 1, {})
    message = corpus.execute("SELECT * EXCLUDE body FROM message").fetchone()
    assert message == (
        "youtube:aaaaaaaaaaa", "youtube:UCalvora", "youtube", "video", "New shoes for the spring",
        datetime(2023, 10, 1, 8, 46, 40), 40.0, "en", "Sports", None, None, None, "source", "source", None,
    )  # fmt: skip
    assert corpus.execute("FROM communicator").fetchone() == (
        "youtube:UCalvora", "youtube", "Alvora", None, 12_300, OBSERVED,
    )  # fmt: skip
    effects = corpus.execute("SELECT metric, value, observed_at FROM effect WHERE scene IS NULL ORDER BY 1").fetchall()
    assert effects == [
        (metric, value, OBSERVED)
        for metric, value in [("audience", 12_300), ("comments", 2), ("likes", 50), ("views", 1000)]
    ]
    comments = corpus.execute("SELECT text, likes, author FROM comment ORDER BY comment_id").fetchall()
    assert comments == [(None, 1, None), (None, 2, None)]
    provenance = corpus.execute("SELECT table_name, row_key, source, fetched_at FROM provenance ORDER BY 1").fetchall()
    assert provenance == [
        ("communicator", "youtube:UCalvora", "ytdlp@1", OBSERVED),
        ("message", "youtube:aaaaaaaaaaa", "ytdlp@1", OBSERVED),
    ]
    assert corpus.execute('SELECT tags, categories FROM "ytdlp@1"').fetchone() == (["shoes"], ["Sports"])


@pytest.mark.parametrize("duration_s", [1, 7, 40, 99, 100, 101, 3600])
def test_heatmaps_are_merged_as_the_paper_says(tmp_path, duration_s):
    corpus, _ = built(tmp_path, video(duration=duration_s, heatmap=heatmap(duration_s)))
    found = corpus.execute(
        "SELECT value, start_s, end_s FROM effect JOIN scene USING (message_id, scene) "
        "WHERE metric = 'replay' ORDER BY scene"
    ).fetchall()
    assert [row[0] for row in found] == merge_markers([m["value"] for m in heatmap(duration_s)], duration_s)
    assert found[0][1] == 0
    assert all(end - start >= 1 - 1e-9 for _, start, end in found)
    assert all(abs(after[1] - before[2]) < 1e-9 for before, after in pairwise(found))


def test_missing_is_missing_and_never_zero(tmp_path):
    bare = dict.fromkeys(video()) | {"id": "bbbbbbbbbbb"}
    corpus, report = built(tmp_path, bare, {"id": "ccccccccccc"})
    assert (report.rows_kept, rejects(report)) == (2, {})
    assert corpus.execute("SELECT count(*) FROM effect").fetchone() == (0,)
    assert corpus.execute("SELECT count(*) FROM communicator").fetchone() == (0,)
    assert corpus.execute("SELECT scene, start_s, end_s, speech FROM scene").fetchall() == [(0, 0.0, None, None)] * 2


def test_chapters_are_the_scenes_where_no_heatmap_is(tmp_path):
    chapters = [
        {"start_time": 0, "end_time": 10, "title": "Start"},
        {"start_time": 10, "end_time": 30, "title": "Run"},
        {"start_time": 30, "title": "End"},
    ]
    corpus, _ = built(tmp_path, video(heatmap=None, chapters=chapters), video("bbbbbbbbbbb", chapters=chapters))
    assert corpus.execute("SELECT start_s, end_s FROM scene WHERE message_id[9] = 'a' ORDER BY scene").fetchall() == [
        (0, 10),
        (10, 30),
        (30, 40),
    ]
    assert corpus.execute("SELECT count(*) FROM scene WHERE message_id[9] = 'b'").fetchone() == (33,)
    assert corpus.execute("SELECT chapters[3].title FROM \"ytdlp@1\" WHERE message_id[9] = 'b'").fetchone() == ("End",)


def test_other_sites_have_ids_of_their_own(tmp_path):
    corpus, _ = built(tmp_path, video("123", extractor_key="Vimeo"))
    assert corpus.execute("SELECT message_id, channel FROM message").fetchone() == ("vimeo:123", "vimeo")


# Captions

SPOKEN = [(0.5, 2.0, "welcome to the shop"), (10.2, 12.0, "these are shoes"), (39.9, 41.0, "buy them now")]
MANUAL = "WEBVTT\n\nNOTE made by hand\n\n" + "\n".join(f"{stamp(s)} --> {stamp(e)}\n<v Ann>{t}\n" for s, e, t in SPOKEN)
SUBRIP = "\n".join(
    f"{n}\n{stamp(s)} --> {stamp(e)}\n<i>{t}</i>\n".replace(".", ",") for n, (s, e, t) in enumerate(SPOKEN)
)
JSON3 = json.dumps(
    {
        "wireMagic": "pb3",
        "events": [
            {"tStartMs": 0, "dDurationMs": 50_000, "id": 1},
            *(
                {
                    "tStartMs": int(s * 1000),
                    "dDurationMs": int((e - s) * 1000),
                    "segs": [{"utf8": word + " "} for word in t.split(" ")],
                }
                for s, e, t in SPOKEN
            ),
            {"tStartMs": 2000, "dDurationMs": 10, "aAppend": 1, "segs": [{"utf8": "\n"}]},
        ],
    }
)


@pytest.mark.parametrize(
    "captions", [{"en_vtt": MANUAL}, {"en_srt": SUBRIP}, {"en_json3": JSON3}, {"en_vtt": rolled_up(SPOKEN)}]
)
def test_captions_are_the_speech_of_the_scene_in_which_they_begin(tmp_path, captions):
    corpus, report = built(tmp_path, video(), **captions)
    assert rejects(report) == {}
    heard = corpus.execute("SELECT scene, speech FROM scene WHERE len(speech) > 0 ORDER BY scene").fetchall()
    # 33 scenes of 1.2 s; what is said after the last one belongs to it
    assert heard == [(0, ["welcome to the shop"]), (8, ["these are shoes"]), (32, ["buy them now"])]
    assert corpus.execute("SELECT count(*) FROM scene WHERE speech IS NULL").fetchone() == (0,)


def test_captions_inside_the_info_file(tmp_path):
    requested = {"en": {"ext": "vtt", "data": MANUAL}, "de": {"ext": "ttml", "data": "<tt/>"}}
    folder = tmp_path / "videos"
    folder.mkdir()
    (folder / "a.info.json").write_text(json.dumps(video(requested_subtitles=requested)))
    corpus, _ = built(tmp_path)
    assert corpus.execute("SELECT sum(len(speech)) FROM scene").fetchone() == (3,)


@pytest.mark.parametrize(
    ("language", "manual", "automatic", "best"),
    [
        ("de", ["en", "de", "fr"], ["de"], "de"),
        ("de", ["en"], ["de"], "en"),
        ("de", ["fr"], ["de", "en"], "de"),
        ("de", ["fr"], ["pl"], "fr"),
        (None, [], ["pl", "en", "en-orig"], "en-orig"),
        (None, [], ["pl", "de-orig", "en"], "de-orig"),
        ("en", [], ["pl"], None),
    ],
)
def test_which_captions_are_read(language, manual, automatic, best):
    info = video(language=language, subtitles={k: [] for k in manual}, automatic_captions={k: [] for k in automatic})
    beside = [Path(f"v.{name}.vtt") for name in dict.fromkeys([*automatic, *manual])]
    found = list_captions(info, beside)
    assert (found[0].language if found else None) == best


def test_unreadable_captions_are_rejected_and_the_next_best_read(tmp_path):
    corpus, report = built(tmp_path, video(), en_vtt="no captions", en_json3='{"events": 3}', en_srt=SUBRIP)
    assert rejects(report) == {"captions without their header": 1, "captions of unexpected shape": 1}
    assert corpus.execute("SELECT file FROM rejects ORDER BY 1").fetchall() == [
        ("video 0.en.json3",),
        ("video 0.en.vtt",),
    ]
    assert corpus.execute("SELECT sum(len(speech)) FROM scene").fetchone() == (3,)


def test_captions_that_come_later_are_not_lost_silently(tmp_path):
    built(tmp_path, video())
    (tmp_path / "videos" / "video 0.en.vtt").write_text(MANUAL)
    report = ingest(source_named("ytdlp"), [tmp_path / "videos"], tmp_path / "corpus")
    assert rejects(report) == {} and report.rows_enriched == 1
    with Corpus.open(tmp_path / "corpus").connect() as connection:
        assert connection.execute("SELECT sum(len(speech)) FROM scene").fetchall()[0][0]


WORDS = st.text(st.sampled_from("abcdefghij'äéß"), min_size=1, max_size=8)
LINES = st.lists(st.lists(WORDS, min_size=2, max_size=6).map(" ".join), max_size=20)


@given(LINES)
def test_rolling_captions_say_each_line_once(lines):
    spoken = [(2.0 * n, 2.0 * n + 2, line) for n, line in enumerate(lines)]
    assert [one.text for one in parse_captions(rolled_up(spoken), "vtt")] == lines


@given(LINES)
def test_manual_captions_keep_repeated_lines(lines):
    cues = [f"{stamp(n)} --> {stamp(n + 1)}\n{line}\n" for n, line in enumerate(lines)]
    found = parse_captions("\ufeffWEBVTT\r\n\r\n" + "\r\n".join(cues).replace("\n", "\r\n"), "vtt")
    assert found == [Utterance(float(n), n + 1.0, line) for n, line in enumerate(lines)]


CUE, NEXT = "00:00:01,000 --> 00:00:02,000", "00:00:03,000 --> 00:00:04,000"


@pytest.mark.parametrize(
    ("content", "heard"),
    [
        (f"1\n{CUE}\nhello\n\nthere\n\n2\n{NEXT}\n42\n", ["hello there", "42"]),  # a blank line inside a cue
        (f"1\n{CUE}\n42\n\n2\n{NEXT}\nb", ["42", "b"]),  # a number that is said
        (f"{CUE}\n42\n\n{NEXT}\n43\n", ["42", "43"]),  # cues without numbers
        (f"\n\n1\n{CUE}\n\n\n2\n{NEXT}\nb\n\n\n", ["b"]),
        (f"1\n{CUE} X1:10 X2:20\n{{\\an8}}hello\\hyou\\Nthere, see C:\\home\n", ["hello you there, see C:\\home"]),
        (f"WEBVTT\n\n{CUE}\na\n\nNOTE\n5\n\nintro\n{NEXT}\nb\n", ["a", "b"]),
    ],
)
def test_where_a_cue_ends(content, heard):
    assert [one.text for one in parse_captions(content, "vtt" if content.startswith("WEBVTT") else "srt")] == heard


def test_fractions_of_a_second_may_be_short():
    assert parse_captions("1\n00:00:01,5 --> 0:00:02,25\nhello\n", "srt") == [Utterance(1.5, 2.25, "hello")]


@given(st.text(), st.sampled_from(["vtt", "srt", "json3"]), st.sampled_from(["", "WEBVTT\n\n", '{"events": [']))
def test_no_captions_break_the_parser(content, kind, start):
    try:
        assert all(one.text for one in parse_captions(start + content, kind))
    except RowError as error:
        assert error.reason.startswith("captions ")


# Damage

GOOD = json.dumps(video())
DAMAGED = {
    "cut or invalid JSON": [GOOD[: len(GOOD) // 2], "", "[" * 100_000],
    "not UTF-8": [GOOD.replace("spring", "Frühling").encode("cp1252")],
    "no info dict": ["[]", "3"],
    "not a video": [json.dumps({"_type": "playlist", "id": "PL1", "entries": []})],
    "no id": [json.dumps(video(id=None)), json.dumps(video(id=""))],
    "id is no text": [json.dumps(video(id=7))],
    "view_count is negative": [json.dumps(video(view_count=-1))],
    "like_count is no number": [
        json.dumps(video(like_count="50")),
        GOOD.replace('"like_count": 50', '"like_count": NaN'),
    ],
    "comment_count is impossibly large": [json.dumps(video(comment_count=10**30))],
    "duration is negative": [json.dumps(video(duration=-2))],
    "title is no text": [json.dumps(video(title=["a"]))],
    "unparsable date": [json.dumps(video(timestamp=None, upload_date="2023-13-45")), json.dumps(video(timestamp=1e30))],
    "heatmap of unexpected type": [json.dumps(video(heatmap={"a": 1})), json.dumps(video(heatmap=[1, 2]))],
    "heatmap marker with impossible values": [
        json.dumps(video(heatmap=[{"start_time": 0, "end_time": 1, "value": 1.5}])),
        json.dumps(video(heatmap=[{"start_time": 2, "end_time": 1, "value": 1}])),
        json.dumps(video(heatmap=[{"start_time": 0, "end_time": 1}])),
    ],
    "chapters of unexpected type": [json.dumps(video(chapters="none")), json.dumps(video(chapters=[None]))],
    "comments of unexpected type": [json.dumps(video(comments={}))],
    "tags of unexpected type": [json.dumps(video(tags=[1]))],
}


def test_each_damaged_file_is_rejected_and_the_run_goes_on(tmp_path):
    folder = tmp_path / "videos"
    folder.mkdir()
    expected = {}
    for reason, contents in DAMAGED.items():
        for n, content in enumerate(contents):
            name = f"{reason.replace(' ', '_')}-{n}.info.json"
            (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
            expected[name] = reason
    corpus, report = built(tmp_path, video("bbbbbbbbbbb"))
    assert (report.rows_read, report.rows_kept) == (len(expected) + 1, 1)
    assert rejects(report) == {reason: len(contents) for reason, contents in DAMAGED.items()}
    found = corpus.execute("SELECT file, reason FROM rejects WHERE source = 'ytdlp@1' AND line IS NULL").fetchall()
    assert dict(found) == expected
    assert corpus.execute("SELECT message_id FROM message").fetchall() == [("youtube:bbbbbbbbbbb",)]


def test_a_bad_comment_costs_only_itself(tmp_path):
    bad = [comment(1, like_count=-3), comment(2, id=None), "hello", comment(3)]
    corpus, report = built(tmp_path, video(comments=bad))
    assert rejects(report) == {
        "like_count is negative": 1,
        "comment without id": 1,
        "comment of unexpected type": 1,
    }
    assert corpus.execute("SELECT comment_id FROM comment").fetchall() == [("c3",)]


def test_half_characters_do_not_stop_a_run(tmp_path):
    folder = tmp_path / "videos"
    folder.mkdir()
    (folder / "a.info.json").write_text(GOOD.replace("spring", "spring\\ud83d"))
    corpus, _ = built(tmp_path)
    assert corpus.execute("SELECT title FROM message").fetchone() == ("New shoes for the spring\ufffd",)


def test_time_of_the_file_where_the_info_has_none(tmp_path):
    folder = tmp_path / "videos"
    folder.mkdir()
    (folder / "a.info.json").write_text(json.dumps(video(epoch=None)))
    os.utime(folder / "a.info.json", (EPOCH, EPOCH))
    corpus, _ = built(tmp_path)
    assert corpus.execute("SELECT DISTINCT observed_at FROM effect").fetchall() == [(OBSERVED,)]


def test_a_second_run_changes_nothing_and_a_later_crawl_adds_an_observation(tmp_path):
    built(tmp_path, video())
    report = ingest(source_named("ytdlp"), [tmp_path / "videos"], tmp_path / "corpus")
    assert (report.rows_read, report.tables) == (0, {})
    write(tmp_path / "videos", video(view_count=2000, epoch=EPOCH + 86_400), name="video 0")
    corpus, report = built(tmp_path)
    assert corpus.execute("SELECT value FROM effect WHERE metric = 'views' ORDER BY observed_at").fetchall() == [
        (1000,),
        (2000,),
    ]
    assert corpus.execute("SELECT count(*) FROM message").fetchone() == (1,)


def test_wrong_paths(tmp_path):
    with pytest.raises(NoSuchPath, match="no yt-dlp info file"):
        source_named("ytdlp").files([tmp_path / "absent.info.json"])
    with pytest.raises(NoSuchPath, match="no yt-dlp info file"):
        source_named("ytdlp").files([tmp_path])


# Privacy


def test_authors_are_hashed_only_with_a_key(tmp_path, monkeypatch):
    monkeypatch.setenv("CBC_HASH_KEY", "a secret")
    corpus, _ = built(tmp_path, video())
    authors = [row[0] for row in corpus.execute("SELECT author FROM comment ORDER BY comment_id").fetchall()]
    assert authors == [author_hash(f"UCauthor{n}", b"a secret") for n in (1, 2)]
    assert authors[0] != author_hash("UCauthor1", b"another secret")
    tables = b"".join(path.read_bytes() for path in (tmp_path / "corpus" / "tables").rglob("*") if path.is_file())
    assert b"a secret" not in tables
    assert b"UCauthor" not in tables


@pytest.mark.parametrize(
    ("text", "scrubbed"),
    [
        ("thanks @some.one!", "thanks (mention)!"),
        ("@a and @b", "(mention) and (mention)"),
        ("mail me: jo.doe+x@mail.example.org", "mail me: (email)"),
        ("see https://example.org/a?b=c now", "see (link) now"),
        ("call +1 (555) 010-9999 or 0170/1234567", "call (phone) or (phone)"),
        ("in 2023 it cost 1,299,000 and 12:30 was 99.5 %", "in 2023 it cost 1,299,000 and 12:30 was 99.5 %"),
        ("on 2023-10-01 I ran", "on 2023-10-01 I ran"),
    ],
)
def test_scrubbing(text, scrubbed):
    assert scrub(text) == scrubbed
    assert scrub(scrubbed) == scrubbed


# What yt-dlp itself writes


def test_files_written_by_ytdlp_itself(tmp_path):
    """yt-dlp lays out its own files: info file, subtitles by language; a chapter list is filled up by it."""
    options = {
        "skip_download": True,
        "ignore_no_formats_error": True,
        "writeinfojson": True,
        "writesubtitles": True,
        "subtitleslangs": ["en", "de"],
        "outtmpl": str(tmp_path / "videos" / "%(channel)s. %(title)s [%(id)s].%(ext)s"),
        "quiet": True,
        "no_warnings": True,
    }
    subtitles = {
        "en": [{"ext": "vtt", "data": MANUAL}],
        "de": [{"ext": "vtt", "data": "WEBVTT\n\n00:01.000 --> 00:02.000\nhallo\n"}],
    }
    chapters = [{"start_time": 10, "title": "Run"}, {"start_time": 30, "title": "End"}]
    crawled = video(heatmap=None, chapters=chapters, subtitles=subtitles, comments=[comment(1)])
    with YoutubeDL(options) as downloader:
        downloader.process_ie_result(crawled, download=True)
    assert len(list((tmp_path / "videos").iterdir())) == 3
    corpus, report = built(tmp_path)
    assert (report.files, report.rows_read, rejects(report)) == (3, 1, {})
    assert corpus.execute("SELECT start_s, end_s, speech FROM scene ORDER BY scene").fetchall() == [
        (0, 10, ["welcome to the shop"]),
        (10, 30, ["these are shoes"]),
        (30, 40, ["buy them now"]),
    ]
    assert corpus.execute(
        'SELECT chapters[1].title, caption_language, caption_automatic FROM "ytdlp@1"'
    ).fetchone() == (
        "<Untitled Chapter 1>",
        "en",
        False,
    )
    assert corpus.execute("SELECT tool LIKE 'yt-dlp 20%' FROM provenance WHERE table_name = 'message'").fetchone()[0]
