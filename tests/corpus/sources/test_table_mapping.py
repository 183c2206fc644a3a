"""The mapping language: what fills a field, and errors that name what is wrong."""

from __future__ import annotations

import pytest
import yaml

from corpus.sources.mapping import BadMapping, load_mapping
from corpus.sources.registry import MAPPINGS, UnknownSource, shipped_mappings, source_named
from tests.corpus.sources.mapped import POSTS, rows, run

HEADER = "id,url,text,user,likes,seen,later,later_likes,flag\n"


def ingest(folder, mapping, *lines):
    file = folder / "posts.csv"
    file.write_text(HEADER + "".join(line + "\n" for line in lines), encoding="utf-8")
    report, corpus = run(folder, {"channel": "web", "kind": "post"} | mapping, file)
    return report, corpus


@pytest.mark.parametrize(
    ("field", "filled"),
    [
        ("text", "RT @a: hi"),
        ({"const": "it's {text}"}, "it's {text}"),
        ({"template": "{user}-{id}!"}, "u-1!"),
        ({"template": "{user}-{later}"}, None),
        ({"column": "url", "pattern": r"/status/(\d+)"}, "77"),
        ({"column": "url", "pattern": r"/video/(\d+)"}, None),
        ({"column": "text", "matches": "^RT @"}, "true"),
        ({"file": r"(\w+)\.csv"}, "posts"),
        (["later", {"column": "url", "pattern": r"/video/(\d+)"}, "user"], "u"),
        ([{"column": "absent", "optional": True}, "user"], "u"),
        ({"column": "absent", "optional": True}, None),
    ],
)
def test_a_field_is_filled(tmp_path, field, filled):
    line = "1,https://x/status/77,RT @a: hi,u,5,2020-01-01,,,yes"
    _, corpus = ingest(tmp_path, {"message": {"message_id": "id", "title": field}}, line)
    assert rows(corpus, "SELECT title FROM message") == [(filled,)]


def test_words_for_missing_are_missing(tmp_path):
    mapping = {"missing": ["NA", "-"], "message": {"message_id": "id", "title": "text"}}
    mapping["effects"] = [{"metric": "likes", "value": "likes"}]
    report, corpus = ingest(tmp_path, mapping, "1,,NA,u,NA,,,,", "NA,,x,u,5,,,,", "3,, - ,u,5,,,,")
    assert report.rejected == {"missing id": 1}
    assert rows(corpus, "SELECT message_id, title FROM message ORDER BY 1") == [("web:1", None), ("web:3", None)]
    assert rows(corpus, "SELECT message_id, value FROM effect") == [("web:3", 5.0)]


SEEN_TWICE = {
    "message": {"message_id": "id"},
    "effects": [
        {"metric": "likes", "value": "likes", "at": "seen", "zero_is_missing": True},
        {"metric": "likes", "value": "later_likes", "at": "later", "zero_is_missing": True},
    ],
}


def test_a_row_may_hold_several_observations(tmp_path):
    _, corpus = ingest(tmp_path, SEEN_TWICE, "1,,,u,5,2020-01-01,2020-01-02,7,")
    assert rows(corpus, "SELECT observed_at::DATE::VARCHAR, value FROM effect ORDER BY 1") == [
        ("2020-01-01", 5.0),
        ("2020-01-02", 7.0),
    ]
    assert rows(corpus, "SELECT count(*) FROM provenance") == [(2,)]


def test_the_same_observation_told_twice_is_one_and_hidden_likes_are_none(tmp_path):
    lines = ["1,,,u,5,2020-01-01,2020-01-01,5,", "2,,,u,0,2020-01-01,2020-01-02,3,", "3,,,u,0,2020-01-01,,,"]
    report, corpus = ingest(tmp_path, SEEN_TWICE, *lines)
    assert report.rows_kept == 3
    assert rows(corpus, "SELECT message_id, value FROM effect ORDER BY 1") == [("web:1", 5.0), ("web:2", 3.0)]


def test_exposure_and_segment_stand_beside_the_value(tmp_path):
    effect = {"metric": "likes", "value": "likes", "exposure": "later_likes", "receiver": "user", "at": "seen"}
    _, corpus = ingest(
        tmp_path, {"message": {"message_id": "id"}, "effects": [effect]}, "1,,,u,5,,,10,", "2,,,u,5,,,0,"
    )
    assert rows(corpus, "SELECT exposure, receiver FROM effect ORDER BY message_id") == [(10.0, "u"), (None, "u")]


def test_a_communicator_has_one_row_unless_its_time_is_mapped(tmp_path):
    lines = ["1,,,u,,2020-01-01,,,", "2,,,u,,2020-01-02,,,", "3,,,w,,2020-01-01,,,"]
    speaker = {"communicator_id": "user", "name": "user"}
    _, corpus = ingest(tmp_path, {"message": {"message_id": "id"}, "communicator": speaker}, *lines)
    assert rows(corpus, "SELECT communicator_id FROM communicator_observation ORDER BY 1") == [("web:u",), ("web:w",)]
    timed = {"message": {"message_id": "id"}, "communicator": speaker | {"as_of": "seen"}}
    (tmp_path / "timed").mkdir()
    _, corpus = ingest(tmp_path / "timed", timed, *lines)
    assert rows(corpus, "SELECT count(*) FROM communicator_observation") == [(3,)]


def test_attributes_lie_apart(tmp_path):
    kept = {"name": "extra", "text": {"who": "user"}, "number": ["likes"], "truth": {"is_retweet": "flag"}}
    mapping = {"version": 3, "message": {"message_id": "id"}, "attributes": kept}
    report, corpus = ingest(tmp_path, mapping, "1,,,u,1.5,,,,TRUE", "2,,,,,,,,", "3,,,u,,,,,maybe")
    assert report.rejected == {"not true or false": 1}
    assert rows(corpus, 'SELECT * FROM "extra@3"') == [("web:1", "u", 1.5, True)]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"colour": "red"}, "unknown key colour"),
        ({"message": {"message_id": "id", "titel": "t"}}, "unknown key message.titel"),
        ({"message": {"title": "t"}}, "message.message_id: Field required"),
        ({"effects": [{"metric": "claps", "value": "v"}]}, "effects.0.metric: no metric is called claps"),
        ({"message": {"message_id": {"column": "id", "const": "x"}}}, "give one of column, const, template, file"),
        ({"message": {"message_id": {"column": "id", "pattern": "("}}}, "regular expression"),
        ({"message": {"message_id": {"column": "id", "pattern": "no group"}}}, "exactly one group"),
        ({"message": {"message_id": []}}, "an empty list fills nothing"),
        ({"separator": "::"}, "separator"),
        ({"encoding": "utf-99"}, "no encoding is called utf-99"),
        ({"name": "../up"}, "name"),
        ({"kind": "tweet"}, "kind: no kind is called tweet; use one of video, post, email, headline, image, sound"),
        ({"dates": ["%Y", "garbage"]}, "dates: 'garbage' is no format of times: it has no directive such as %Y; write"),
        ({"dates": ["100%% off"]}, "dates: '100%% off' is no format"),
        ({"dates": ["%Y %Q"]}, "dates: '%Y %Q' is no format"),
        ({"attributes": {"name": "x", "text": {"message_id": "id"}}}, "message_id"),
    ],
)
def test_a_wrong_mapping_is_named(tmp_path, change, told):
    path = tmp_path / "posts.yaml"
    path.write_text(yaml.safe_dump(POSTS | change), encoding="utf-8")
    with pytest.raises(BadMapping, match=r"posts\.yaml") as error:
        load_mapping(path)
    assert told in str(error.value)


@pytest.mark.parametrize("name", ["ytdlp", "published", "simulate", "table"])
def test_a_mapping_cannot_be_called_like_a_source(tmp_path, cbc_here, name):
    (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump(POSTS), encoding="utf-8")
    (tmp_path / "a.csv").write_text(HEADER)
    mapping = tmp_path / f"{name}.yaml"
    done = cbc_here("corpus", "ingest", "table", tmp_path / "a.csv", "--mapping", mapping, "--corpus", tmp_path / "c")
    assert (done.returncode, done.stdout) == (2, "")
    assert f"{name}.yaml: name: {name} is the name of a source; use none of ytdlp, published, " in done.stderr
    assert not (tmp_path / "c").exists()


def test_a_mapping_bears_the_name_of_a_shipped_one_only_as_its_copy(tmp_path):
    copy = tmp_path / "tweets.yaml"
    copy.write_text((MAPPINGS / "tweets.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    assert source_named("table", copy).name == "tweets"
    copy.write_text(yaml.safe_dump(POSTS), encoding="utf-8")
    with pytest.raises(BadMapping, match="name: tweets is the name of a shipped mapping with other content"):
        source_named("table", copy)


def test_a_mapping_without_formats_of_times_is_read(tmp_path):
    (tmp_path / "posts.yaml").write_text(yaml.safe_dump({**POSTS, "dates": []}), encoding="utf-8")
    assert load_mapping(tmp_path / "posts.yaml").dates == []


@pytest.mark.parametrize("text", ["a: [", "", "just text", "\xff"])
def test_what_is_no_mapping_is_named(tmp_path, text):
    path = tmp_path / "posts.yaml"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(BadMapping, match=r"posts\.yaml"):
        load_mapping(path)


@pytest.mark.parametrize("name", shipped_mappings())
def test_shipped_mappings_load_under_their_own_names(name):
    assert source_named(name).name == name
    assert source_named("table", name).label == f"{name}@{source_named(name).version}"
    assert (MAPPINGS / f"{name}.yaml").read_text(encoding="utf-8").startswith("# ")


def test_an_unknown_source_is_named_with_the_known_ones():
    with pytest.raises(UnknownSource, match=r"no source or mapping is called toutube; use one of .*youtube_trending"):
        source_named("toutube")
    with pytest.raises(UnknownSource, match="needs a mapping"):
        source_named("table")
    with pytest.raises(UnknownSource, match="takes no mapping"):
        source_named("tweets", "headlines")


def test_a_changed_mapping_is_another_source_and_its_layout_is_not(tmp_path):
    one, two, three = (tmp_path / f"{n}.yaml" for n in ("posts", "other", "third"))
    one.write_text("name: p\nchannel: web\nkind: post\nmessage: {message_id: id}\n")
    two.write_text("# said otherwise\nname: p\nkind: post\nchannel: web\nmessage:\n  message_id: [{column: id}]\n")
    three.write_text("name: p\nchannel: web\nkind: post\nmessage: {message_id: key}\n")
    assert load_mapping(one).digest == load_mapping(two).digest != load_mapping(three).digest
