"""The command: what it prints and puts down, what benches and texts are made of afterwards, how it fails."""

from __future__ import annotations

import hashlib
import json
import shlex
from pathlib import Path

import duckdb
import polars as pl
import pytest

from benchmark.build import build_bench
from corpus.filters.outcome import newer_note
from corpus.filters.recipe import BadFilterRecipe, load_filter_recipe
from corpus.filters.run import NothingToFilter, run_filters
from corpus.inspect.status import sql_table, status_text
from corpus.registry import UnknownName
from corpus.release.export import export_published
from corpus.simulate.world import simulate
from corpus.store import Corpus
from corpus.verbalize.verbalize import verbalize
from tests.corpus.filters.made import corpus_of, posts, recipe, removed

EXACT, SHORT = {"exact_duplicates": {}}, {"length": {"min_words": 2}}


def digest(root: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in (root / "filtered").iterdir()}


def test_the_command_says_what_each_filter_removed_and_where_to_look(tmp_path, cbc):
    root = corpus_of(tmp_path / "c", message=posts("Hello", "hello", "two words", "Two words"))
    done = cbc("corpus", "filter", recipe(tmp_path, SHORT, EXACT), "--corpus", root)
    assert done.returncode == 0
    lines = [" ".join(line.split()) for line in done.stdout.splitlines()]
    assert lines[0] == "filter reason looked at removed kept"
    assert lines[2:6] == [
        "length (min_words 2) 4 2 2",
        "shorter than 2 words 2",
        "exact_duplicates 2 1 1",
        "the same text as an earlier one 1",
    ]
    assert lines[7:10] == ["kind before length exact_duplicates kept share kept", lines[8], "post 4 2 1 1 25.0%"]
    assert lines[11].startswith("1 of 4 messages are kept")
    assert lines[12] == f"cbc corpus sql 'FROM removed JOIN message USING (message_id)' --corpus {root}"
    query = shlex.split(lines[12])[3]
    assert sql_table(root, query, 40).count("\n") == 1 + 3


def test_each_step_of_a_recipe_is_labelled_in_its_order_and_idle_ones_are_named(tmp_path, cbc_here):
    videos = [{"message_id": f"v{n}", "kind": "video", "title": "a film", "duration_s": 9.0} for n in range(2)]
    root = corpus_of(tmp_path / "c", message=posts("Hello", "hello", "other words") + videos)
    done = cbc_here("corpus", "filter", "default", "--corpus", root)
    table = done.stdout.split("\n\n")[0].splitlines()
    steps = [" ".join(line.split()) for line in table[2:] if line[0].isalpha()]
    assert steps == [
        "exact_duplicates (post, email) 3 1 2",
        "exact_duplicates (video; same_duration) 2 1 1",
        "length (video; min_duration_s 1; max_duration_s 21600) 1 0 1",
        "length (post, email; min_characters 3) 2 0 2",
        "interactions (least video, email) 3 0 3",
        "near_duplicates (post) 2 0 2",
        "near_duplicates (video, email; shingle word; same_duration) 1 0 1",
    ]
    assert "was left to look at" not in done.stdout
    only_posts = corpus_of(tmp_path / "d", message=posts("Hello", "hello"))
    told = cbc_here("corpus", "filter", "default", "--corpus", only_posts).stdout
    names = "exact_duplicates (video; same_duration), length (video; min_duration_s 1; max_duration_s 21600), "
    assert f"no message of their kinds was left to look at for: {names}near_duplicates (video, email;" in told
    status = [" ".join(line.split()) for line in status_text(root).splitlines()]
    assert "exact_duplicates (video; same_duration) the same text as an earlier one 1" in status


def test_what_one_filter_removed_is_neither_seen_nor_kept_by_the_next(tmp_path):
    rows = posts("hello", "hello", "hello you")
    rows[0]["duration_s"], rows[1]["duration_s"] = 1.0, 5.0
    root = corpus_of(tmp_path / "c", message=rows)
    gone = removed(root, {"length": {"min_duration_s": 2}}, EXACT)
    assert gone == {"p000": ("shorter than 2 s", "1", None)}


def test_rows_are_ordered_and_the_manifest_says_by_what(tmp_path):
    root = corpus_of(tmp_path / "c", message=posts("b b", "B B", "x", "a"))
    removed(root, EXACT, SHORT)
    found = pl.read_parquet(root / "filtered" / "removed.parquet")
    assert found["message_id"].to_list() == ["p001", "p002", "p003"]
    assert found.columns == ["message_id", "filter", "reason", "value", "duplicate_of"]
    manifest = json.loads((root / "filtered" / "manifest.json").read_text())
    assert (manifest["messages"], manifest["kept"], manifest["ingests"]) == (4, 1, ["made-0000000000000000"])
    assert [(step["filter"], step["looked_at"], step["removed"]) for step in manifest["filters"]] == [
        ("exact_duplicates", 4, 1),
        ("length", 3, 2),
    ]
    assert manifest["digest"] == load_filter_recipe(tmp_path / "recipe.yaml").digest


def test_a_later_run_replaces_and_the_same_run_gives_the_same_bytes(tmp_path):
    root = corpus_of(tmp_path / "c", message=posts(*[f"text {n % 40} of many" for n in range(400)]))
    assert len(removed(root, EXACT)) == 360
    first = digest(root)
    assert removed(root, SHORT) == {}
    assert digest(root) != first
    removed(root, EXACT)
    assert digest(root) == first
    assert not (root / "tmp").exists()


def test_kept_views_leave_out_what_hangs_on_a_removed_message(tmp_path):
    effects = [{"message_id": name, "metric": "likes", "value": 1.0} for name in ("p000", "p001")]
    comments = [{"message_id": name, "comment_id": name, "text": "nice"} for name in ("p000", "p001")]
    scenes = [{"message_id": name, "scene": 0} for name in ("p000", "p001")]
    root = corpus_of(tmp_path / "c", message=posts("a", "a"), effect=effects, comment=comments, scene=scenes)
    corpus = Corpus.open(root)
    tables = ("message", "scene", "effect", "comment")

    def counts(kept: bool) -> list[int]:
        with corpus.connect(kept=kept) as connection:
            return [connection.execute(f"SELECT count(*) FROM {name}").fetchall()[0][0] for name in tables]

    assert counts(True) == counts(False) == [2, 2, 2, 2]
    assert list(removed(root, EXACT)) == ["p001"]
    assert counts(True) == [1, 1, 1, 1]
    assert counts(False) == [2, 2, 2, 2]
    with duckdb.connect(str(root / "corpus.duckdb"), read_only=True) as connection:
        connection.execute(f"SET file_search_path='{root}'")
        assert connection.execute("SELECT message_id, duplicate_of FROM removed").fetchall() == [("p001", "p000")]


def test_status_shows_what_was_removed_and_that_it_is_old(tmp_path, cbc):
    root = corpus_of(tmp_path / "c", message=posts("a", "a"))
    assert "REMOVED BY FILTERS" not in status_text(root)
    removed(root, EXACT)
    told = [" ".join(line.split()) for line in status_text(root).splitlines()]
    assert "exact_duplicates the same text as an earlier one 1" in told
    assert newer_note(Corpus.open(root)) is None
    corpus_of(root, ingest="made-1111111111111111", message=[{"message_id": "new", "body": "a"}])
    assert status_text(root).splitlines()[-1].startswith("note: 1 ingest is newer than the last `cbc corpus filter`")


def test_benches_texts_and_exports_are_made_of_what_is_kept(tmp_path, cbc):
    root = tmp_path / "c"
    simulate(root, seed=3, brands=8, videos=30, posts=30, emails=1)
    run_filters(load_filter_recipe(recipe(tmp_path, {"length": {"kinds": ["video"], "max_duration_s": 10}})), root)
    with Corpus.open(root).connect() as connection:
        gone = {row[0] for row in connection.execute("SELECT message_id FROM removed").fetchall()}
        kept = {row[0] for row in connection.execute("SELECT message_id FROM message").fetchall()} - gone
        videos = connection.execute("SELECT count(*) FROM message WHERE kind = 'video'").fetchall()[0][0]
    assert 0 < len(gone) < videos
    verbalize(root, tmp_path / "texts.parquet")
    assert gone.isdisjoint(pl.read_parquet(tmp_path / "texts.parquet")["message_id"])
    assert export_published(root, tmp_path / "videos.parquet") == videos - len(gone)
    bench = build_bench(root, tmp_path / "bench", sizes={"train": 40, "validation": 10, "test": 20})
    files = [pl.read_parquet(path)["instance_id"] for path in bench.root.glob("public/*/*.parquet")]
    asked = set(pl.concat(files).str.splitn(":", 2).struct.field("field_1"))
    assert asked and asked <= kept and gone.isdisjoint(asked)
    assert bench.manifest["filtered"]["recipe"] == "recipe"
    corpus_of(root, ingest="made-1111111111111111", message=[{"message_id": "new", "body": "a"}])
    done = cbc("benchmark", "build", "--corpus", root, "--out", tmp_path / "other")
    assert "note: 1 ingest is newer" in done.stderr


def test_shipped_recipes_load(tmp_path):
    root = corpus_of(tmp_path / "c", message=posts("hello there", "Hello  there"))
    manifest = run_filters(load_filter_recipe("default"), root)
    assert (manifest["recipe"], manifest["kept"]) == ("default", 1)


LANGUAGES = {
    "en": "The weather will be fine on the whole coast tomorrow",
    "de": "Morgen wird das Wetter an der ganzen Küste schön",
    "fr": "Demain il fera beau sur toute la côte de la région",
    "ja": "明日は海岸全体で天気が良くなるでしょう、傘は要りません",
}


def kept_ids(root: Path) -> set[str]:
    with Corpus.open(root).connect(kept=True) as connection:
        return {name for (name,) in connection.execute("SELECT message_id FROM message").fetchall()}


def test_the_default_removes_no_language_and_the_option_keeps_those_it_names(tmp_path, cbc):
    detected = [{"message_id": name, "body": body} for name, body in LANGUAGES.items()]
    stated = [{"message_id": f"stated-{name}", "body": f"number {name} of 4", "language": name} for name in LANGUAGES]
    root = corpus_of(tmp_path / "c", message=detected + stated)
    run_filters(load_filter_recipe("default"), root)
    assert len(kept_ids(root)) == 8
    done = cbc("corpus", "filter", "default", "--language", "en, de", "--corpus", root)
    assert done.returncode == 0 and not done.stderr.count("WARNING")
    assert kept_ids(root) == {"en", "de", "stated-en", "stated-de"}
    manifest = json.loads((root / "filtered" / "manifest.json").read_text())
    assert manifest["recipe"] == "default --language en,de"
    assert manifest["filters"][0]["kinds"] == {"post": 4} and manifest["kinds"]["post"]["removed"]["language"] == 4
    own = recipe(tmp_path, {"language": {"languages": ["en"]}})
    for given, languages, told in (
        (own, "de", "names its languages itself"),
        ("default", "en-US", "language.languages.0"),
    ):
        wrong = cbc("corpus", "filter", given, "--language", languages, "--corpus", root)
        assert (wrong.returncode, wrong.stdout, wrong.stderr.count("\n")) == (2, "", 1) and told in wrong.stderr


def test_counts_by_kind_add_up_and_a_kind_that_is_lost_is_cried_out(tmp_path, cbc):
    emails = [{"message_id": f"e{n}", "kind": "email", "body": "the same to everybody"} for n in range(3)]
    videos = [{"message_id": f"v{n}", "kind": "video", "body": f"film {n}", "duration_s": 9.0 * n} for n in range(4)]
    few = [{"message_id": f"e{n}", "metric": "sends", "value": 5.0} for n in range(3)]
    root = corpus_of(tmp_path / "c", message=posts("a", "a", "b") + emails + videos, effect=few)
    steps = [EXACT, {"length": {"kinds": ["video"], "min_duration_s": 10}}]
    steps += [{"interactions": {"least": {"email": {"sends": 100}}}}, {"length": {"kinds": ["video"], "min_words": 2}}]
    done = cbc("corpus", "filter", recipe(tmp_path, *steps), "--corpus", root)
    assert "WARNING: NO EMAIL IS KEPT of 3 (exact_duplicates removed 2, interactions removed 1)" in done.stderr
    assert "NO POST" not in done.stderr and "NO VIDEO" not in done.stderr
    kinds = json.loads((root / "filtered" / "manifest.json").read_text())["kinds"]
    assert kinds["video"] == {
        "messages": 4,
        "removed": {"exact_duplicates": 0, "length": 2, "interactions": 0},
        "kept": 2,
        "share_kept": 0.5,
    }
    with Corpus.open(root).connect(kept=True) as connection:
        left = dict(connection.execute("SELECT kind, count(*) FROM message GROUP BY kind").fetchall())
    assert {kind: counts["kept"] for kind, counts in kinds.items()} == {"email": 0, **left}


@pytest.mark.parametrize(
    ("text", "error", "told"),
    [
        ("filters: [{exact_duplicate: {}}]", UnknownName, "no filter is called exact_duplicate"),
        ("filters: [{length: {min_word: 3}}]", BadFilterRecipe, "unknown key length.min_word"),
        ("filters: [{length: {}}]", BadFilterRecipe, "give a bound"),
        ("filters: [{length: {min_words: 0}}]", BadFilterRecipe, "length.min_words"),
        ("filters: [{interactions: {least: {video: {view: 100}}}}]", BadFilterRecipe, "'view' is no metric"),
        ("filters: [{near_duplicates: {kinds: [tweet]}}]", BadFilterRecipe, "near_duplicates.kinds.0"),
        ("filters: [{near_duplicates: {threshold: 1.2}}]", BadFilterRecipe, "near_duplicates.threshold"),
        ("filters: [{language: {languages: [English]}}]", BadFilterRecipe, "language.languages.0"),
        ("filters: [{length: {min_words: 1}, exact_duplicates: {}}]", BadFilterRecipe, "is no filter"),
        ("filters: [3]", BadFilterRecipe, "is no filter"),
        ("filters: []\n", BadFilterRecipe, "holds no list"),
        ("filters: [exact_duplicates]\nother: 1", BadFilterRecipe, "unknown key other"),
        ("filters: [", BadFilterRecipe, "cannot read"),
        ("\x00", BadFilterRecipe, "cannot read"),
    ],
)
def test_a_wrong_recipe_is_named_in_one_line(tmp_path, text, error, told):
    path = tmp_path / "r.yaml"
    path.write_text(text)
    with pytest.raises(error) as raised:
        load_filter_recipe(path)
    assert told in str(raised.value) and "\n" not in str(raised.value)


def test_the_command_fails_with_one_line_and_leaves_the_last_result(tmp_path, cbc):
    root = corpus_of(tmp_path / "c", message=posts("a", "a"))
    removed(root, EXACT)
    before = digest(root)
    given = recipe(tmp_path, SHORT)
    with Corpus.open(root).lock():
        busy = cbc("corpus", "filter", given, "--corpus", root)
    unknown = cbc("corpus", "filter", "nothing", "--corpus", root)
    absent = cbc("corpus", "filter", "default", "--corpus", tmp_path / "none")
    for done, told in [(busy, "being written"), (unknown, "no recipe nothing"), (absent, "no corpus at")]:
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
        assert told in done.stderr
    assert digest(root) == before


def test_an_empty_corpus_has_nothing_to_filter(tmp_path):
    Corpus.create(tmp_path / "c")
    with pytest.raises(NothingToFilter):
        run_filters(load_filter_recipe("default"), tmp_path / "c")
    assert not (tmp_path / "c" / "filtered").exists()
