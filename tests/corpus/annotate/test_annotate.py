"""Annotators: what is missing is said, part by part, and the views show it behind what the source says."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pyarrow as pa
import pytest

from corpus.annotate.base import MessageAnnotator, Row
from corpus.annotate.run import BadAnnotator, annotate
from corpus.ingest.run import ingest
from corpus.inspect.validate import validate
from corpus.sources.registry import source_named
from corpus.takedown.forget import forget
from corpus.takedown.takedown import takedown
from tests.corpus.sources.infos import heatmap, video, write
from tests.corpus.sources.mapped import rows, tree

GERMAN = "Neue Schuhe für den Frühling, jetzt in allen Geschäften"


class Heard(MessageAnnotator):
    """What is said and seen in stretches of time, one of which has no message's whole for a bound."""

    name, version = "heard", 1
    columns = {"speech": pa.string(), "captions": pa.list_(pa.string())}
    fills = ("scene.speech", "scene.captions")
    messages = "SELECT message_id FROM message_source WHERE kind = 'video'"
    at_once = 1
    stretches = [
        {"start_s": -1.0, "end_s": 0.5, "speech": "before"},
        {"start_s": 9.0, "end_s": 31.0, "speech": "begins in the first", "captions": ["all the while"]},
        {"start_s": 25.0, "end_s": 25.0, "captions": ["a frame"]},
        {"start_s": 99.0, "end_s": 99.5, "speech": "after"},
        {"captions": ["of the whole"]},
    ]

    def annotate(self, messages: list[Row]) -> Iterator[Row]:
        for message in messages:
            yield from ({"message_id": message["message_id"], **one} for one in self.stretches)


def built(tmp_path, *infos: dict):
    for n, info in enumerate(infos):
        write(tmp_path / "videos", info, name=f"video {n}")
    ingest(source_named("ytdlp"), [tmp_path / "videos"], tmp_path / "corpus")
    return tmp_path / "corpus"


def quarters(**more):
    return video(heatmap=heatmap(40, markers=4), **more)


def test_a_stretch_goes_to_the_scenes_of_its_time(tmp_path):
    corpus = built(tmp_path, quarters())
    done = annotate(corpus, Heard())
    assert (done.messages, done.rows) == (1, 5)
    shown = rows(corpus, "SELECT speech, speech_from, captions, captions_from FROM scene ORDER BY scene")
    assert [(speech, origin) for speech, origin, *_ in shown] == [
        (["before", "begins in the first"], "heard@1"),
        (None, None),
        (None, None),
        (["after"], "heard@1"),
    ]
    assert [sorted(captions) for *_, captions, _ in shown] == [
        ["all the while", "of the whole"],
        ["all the while", "of the whole"],
        ["a frame", "all the while", "of the whole"],
        ["all the while", "of the whole"],
    ]
    assert rows(corpus, "SELECT DISTINCT speech FROM scene_source") == [(None,)]
    assert rows(corpus, 'SELECT count(*) FROM "heard@1"') == [(5,)]
    assert not validate(corpus).counts


def test_which_goes_first_stands_in_corpus_json(tmp_path):
    write(tmp_path / "videos", quarters(), name="video", en_vtt="WEBVTT\n\n00:01.000 --> 00:02.000\nFrom the source\n")
    ingest(source_named("ytdlp"), [tmp_path / "videos"], tmp_path / "corpus")
    corpus = tmp_path / "corpus"
    annotate(corpus, Heard())
    first = "SELECT speech, speech_from FROM scene WHERE scene = 0"
    assert rows(corpus, first) == [(["From the source"], "source")]
    marker = json.loads((corpus / "corpus.json").read_text())
    assert marker["overlay"]["scene.speech"] == ["source", "heard@1"]
    marker["overlay"]["scene.speech"] = ["absent@1", "heard@1", "source"]
    (corpus / "corpus.json").write_text(json.dumps(marker))
    assert rows(corpus, first) == [(["before", "begins in the first"], "heard@1")]
    annotate(corpus, Heard())  # changes nothing of what was chosen
    assert json.loads((corpus / "corpus.json").read_text()) == marker


def test_a_run_that_was_stopped_goes_on_with_what_is_missing(tmp_path):
    corpus = built(tmp_path, *(quarters(video_id=f"video00000{n}") for n in range(4)))

    class Stopped(Heard):
        left = 2

        def annotate(self, messages):
            if self.left == 0:
                raise KeyboardInterrupt
            self.left -= 1
            yield from super().annotate(messages)

    with pytest.raises(KeyboardInterrupt):
        annotate(corpus, Stopped())
    assert annotate(corpus, Heard()).messages == 2
    assert annotate(corpus, Heard()).messages == 0
    whole = built(tmp_path / "whole", *(quarters(video_id=f"video00000{n}") for n in range(4)))
    annotate(whole, Heard())
    parts = {name: digest for name, digest in tree(corpus).items() if name.startswith("annotations/heard@1")}
    assert parts.items() <= tree(whole).items() and len(parts) == 4


def test_the_language_is_detected_where_the_source_says_none(tmp_path, cbc):
    infos = [
        video("video000001", language=None, title=GERMAN, description=None),
        video("video000002", language="fr", title=GERMAN),
        video("video000003", language=None, title="ok", description="https://example.com"),
    ]
    corpus = built(tmp_path, *infos)
    done = cbc("corpus", "annotate", "--with", "language", "--corpus", corpus)
    assert (done.returncode, done.stdout) == (0, "language@1: 2 messages read, 1 row written\n")
    found = rows(corpus, "SELECT message_id, language, language_from FROM message ORDER BY 1")
    assert found == [
        ("youtube:video000001", "de", "language@1"),
        ("youtube:video000002", "fr", "source"),
        ("youtube:video000003", None, None),
    ]
    again = cbc("corpus", "annotate", "--with", "language", "--corpus", corpus)
    assert again.stdout == "language@1: 0 messages read, 0 rows written\n"
    unknown = cbc("corpus", "annotate", "--with", "lnguage", "--corpus", corpus)
    assert unknown.returncode == 2 and "no annotator is called lnguage; use one of language" in unknown.stderr


def test_annotations_survive_an_ingest_and_leave_with_a_takedown(tmp_path):
    corpus = built(tmp_path, video("video000001", language=None, title=GERMAN), quarters(video_id="video000002"))
    annotate(corpus, Heard())
    write(tmp_path / "more", video("video000003"), name="video")
    ingest(source_named("ytdlp"), [tmp_path / "more"], corpus)
    assert rows(corpus, 'SELECT count(DISTINCT message_id) FROM "heard@1"') == [(2,)]
    takedown(corpus, ["video000002"])
    assert rows(corpus, 'SELECT DISTINCT message_id FROM "heard@1"') == [("youtube:video000001",)]
    assert annotate(corpus, Heard()).messages == 1


@pytest.mark.parametrize("fills", ["message.title", "scene.language", "speech", "scene.objects"])
def test_what_no_view_shows_cannot_be_filled(tmp_path, fills):
    class Wrong(Heard):
        pass

    Wrong.fills = (fills,)
    with pytest.raises(BadAnnotator, match="heard@1 fills"):
        annotate(built(tmp_path, quarters()), Wrong())


def test_an_ingest_that_was_annotated_can_be_forgotten(tmp_path):
    kept, forgotten = quarters(video_id="keptkept000"), quarters(video_id="gonegone000", title=GERMAN)
    corpus = built(tmp_path, kept)
    write(tmp_path / "more", forgotten, name="another")
    name = ingest(source_named("ytdlp"), [tmp_path / "more"], corpus).ingest
    annotate(corpus, Heard())
    forget(corpus, name)
    assert rows(corpus, "SELECT message_id FROM message") == [("youtube:keptkept000",)]
    assert rows(corpus, 'SELECT DISTINCT message_id FROM "heard@1"') == [("youtube:keptkept000",)]
    assert not validate(corpus)
