"""Crawl a local server of the real protocol: tables, ledger, and the outcome of failures."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest
import yaml

from corpus.crawl.causes import CAUSES, classify_response
from corpus.crawl.crawl import WrongClock, crawl, retry
from corpus.crawl.progress import crawled_text, progress_text
from corpus.crawl.recipe import BadCrawlRecipe, load_crawl_recipe
from corpus.crawl.scheduler import QuotaEnded
from corpus.crawl.youtube_api import ENDPOINT_VARIABLE, KEY_VARIABLE
from corpus.inspect.validate import validate
from corpus.store import Corpus
from tests.corpus.crawl.server import Fault, Server, Universe, random_faults

ROOT = Path(__file__).resolve().parents[3]
KEY = "test-key"


def full(names):
    """YouTube's ids as the tables have them."""
    return {f"youtube:{name}" for name in names}


@pytest.fixture(scope="module")
def universe() -> Universe:
    return Universe(channels=12, videos_per_channel=70, comments_per_video=3, seed=1)


@pytest.fixture
def place(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv(KEY_VARIABLE, KEY)
    monkeypatch.setenv("CBC_HASH_KEY", "salt")
    return tmp_path


def recipe_file(folder: Path, universe: Universe, comments: int = 0, **more: object) -> Path:
    """A recipe for all channels, two of them by handle."""
    names = [*universe.channel_ids[2:], *universe.handles[:2]]
    path = folder / "recipe.yaml"
    content = {"youtube": {"channels": names, "comment_pages": comments}, "wait_s": 0.01, **more}
    path.write_text(yaml.safe_dump(content))
    return path


@pytest.fixture
def serve(monkeypatch):
    """Function that starts a server and points the crawler's environment at it."""
    running: list[Server] = []

    def started(universe: Universe, **more: object) -> Server:
        server = Server(universe, key=KEY, **more)
        running.append(server.__enter__())
        monkeypatch.setenv(ENDPOINT_VARIABLE, running[-1].url)
        return running[-1]

    yield started
    for server in running:
        server.__exit__(None, None, None)


def tables(root: Path) -> dict[str, pl.DataFrame]:
    """Tables of a corpus, without times and the order of fetching."""
    connection = Corpus.open(root).connect()
    queries = {
        "message": "FROM message",
        "communicator": "SELECT * EXCLUDE (as_of) FROM communicator_observation",
        "effect": "SELECT * EXCLUDE (observed_at) FROM effect",
        "comment": "FROM comment",
    }
    return {name: pl.DataFrame(connection.sql(sql).to_arrow_table()).sort(pl.all()) for name, sql in queries.items()}


def same(first: dict[str, pl.DataFrame], second: dict[str, pl.DataFrame]) -> bool:
    return all(first[name].equals(second[name]) for name in first)


def units(root: Path) -> int:
    """Units in the crawl's ledger."""
    with sqlite3.connect(root / "crawl.sqlite") as connection:
        return connection.execute("SELECT sum(units) FROM call").fetchone()[0]


@pytest.fixture(scope="module")
def clean(universe, tmp_path_factory) -> tuple[dict[str, pl.DataFrame], int]:
    """The tables of an undisturbed crawl with comments, and its number of calls."""
    folder = tmp_path_factory.mktemp("clean")
    with pytest.MonkeyPatch.context() as patch, Server(universe, key=KEY) as server:
        for name, value in {KEY_VARIABLE: KEY, ENDPOINT_VARIABLE: server.url, "CBC_HASH_KEY": "salt"}.items():
            patch.setenv(name, value)
        crawl(load_crawl_recipe(recipe_file(folder, universe, comments=1)), folder / "corpus")
        return tables(folder / "corpus"), len(server.calls)


def test_every_video_that_is_shown_lands_in_the_tables_with_its_counts(universe, serve, place):
    server = serve(universe)
    did = crawl(load_crawl_recipe(recipe_file(place, universe)), place / "corpus")
    frames = tables(place / "corpus")
    wanted = {video for channel in universe.channel_ids for video in universe.videos_of(channel)} - universe.missing
    assert set(frames["message"]["message_id"]) == full(wanted)
    assert set(frames["communicator"]["communicator_id"]) == full(universe.channel_ids)
    assert frames["effect"].filter(metric="views").height == len(wanted)
    assert frames["message"]["published_at"].null_count() == frames["message"]["duration_s"].null_count() == 0
    assert did.calls == len(server.calls) == server.units == units(place / "corpus")
    assert not validate(place / "corpus")


def test_a_second_crawl_makes_no_call_and_a_new_round_adds_observations(universe, serve, place):
    server, recipe = serve(universe), load_crawl_recipe(recipe_file(place, universe))
    calls = crawl(recipe, place / "corpus").calls
    before = tables(place / "corpus")
    assert crawl(recipe, place / "corpus").calls == 0
    time.sleep(1.1)  # observations are told apart by the second
    assert crawl(recipe, place / "corpus", again=True).calls == calls == len(server.calls) // 2
    after = tables(place / "corpus")
    assert after["message"].equals(before["message"])
    assert after["effect"].height == 2 * before["effect"].height


def test_comments_keep_neither_text_nor_authors(clean, universe):
    comments = clean[0]["comment"]
    videos = set(clean[0]["message"]["message_id"])
    assert set(comments["message_id"]) == videos - full(universe.comments_disabled)
    assert comments["text"].null_count() == comments.height  # aggregates are the default
    assert comments["author"].str.len_chars().unique().to_list() == [32]


def test_faults_in_a_tenth_of_the_calls_change_no_table(clean, universe, serve, place):
    server = serve(universe, faults=random_faults(0.1, seed=2))
    did = crawl(load_crawl_recipe(recipe_file(place, universe, comments=1, tries=20)), place / "corpus")
    assert same(tables(place / "corpus"), clean[0])
    assert {"rate limit", "server", "network", "malformed"} <= set(did.failures)
    assert len(server.calls) == units(place / "corpus") == clean[1] + sum(did.failures.values())


def start(place: Path, recipe: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "cbc", "corpus", "crawl", str(recipe), "--corpus", str(place / "corpus")]
    quiet = subprocess.DEVNULL
    return subprocess.Popen(command, cwd=ROOT, stdout=quiet, stderr=quiet, env=dict(os.environ))


def test_kills_at_random_instants_lose_nothing_and_repeat_only_calls_in_flight(clean, universe, serve, place):
    server = serve(universe, latency_s=0.02)
    recipe, rng, kills = recipe_file(place, universe, comments=1, concurrency=4), random.Random(5), 0
    while kills < 6:
        process, seen = start(place, recipe), len(server.calls)
        wanted = seen + rng.randint(1, clean[1] // 8)
        while len(server.calls) < wanted and process.poll() is None:
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
        process.wait()
        kills += 1
    assert start(place, recipe).wait() == 0
    assert same(tables(place / "corpus"), clean[0])
    assert clean[1] <= len(server.calls) <= clean[1] + 4 * kills
    assert server.units <= units(place / "corpus") <= server.units + 4 * kills
    assert not list((place / "corpus" / "crawl").iterdir())


def test_the_recipes_quota_is_never_exceeded_and_its_end_has_an_exit_code(universe, serve, place, cbc):
    server = serve(universe)
    recipe = recipe_file(place, universe, quota={"units_per_day": 9})
    ended = cbc("corpus", "crawl", recipe, "--corpus", place / "corpus")
    assert ended.returncode == 75
    assert re.fullmatch(
        r"error: the quota of the day is spent; it is reset at \d{4}-\d\d-\d\d 0[78]:00 UTC; .*", ended.stderr.strip()
    )
    assert server.units == units(place / "corpus") == 9
    status = cbc("corpus", "status", "--corpus", place / "corpus").stdout
    assert "units booked today" in status and re.search(r"^playlistItems +\d", status, re.MULTILINE)
    recipe_file(place, universe)
    assert cbc("corpus", "crawl", recipe, "--corpus", place / "corpus").returncode == 0


def test_the_apis_quota_ends_the_crawl_and_costs_no_try(universe, serve, place):
    server, recipe = serve(universe, quota_units=7), load_crawl_recipe(recipe_file(place, universe, tries=1))
    with pytest.raises(QuotaEnded):
        crawl(recipe, place / "corpus")
    calls = len(server.calls)
    with pytest.raises(QuotaEnded):
        crawl(recipe, place / "corpus")
    assert len(server.calls) == calls
    assert retry(place / "corpus", "quota") == 0


def test_tasks_given_up_are_reported_and_retried_on_request(universe, serve, place, cbc):
    closed = universe.channel_ids[5].replace("UC", "UU", 1)

    def faults(endpoint: str, params: dict[str, str], number: int) -> Fault | None:
        return Fault.BACKEND if params.get("playlistId") == closed and faults.on else None

    faults.on = True
    serve(universe, faults=faults)
    recipe = recipe_file(place, universe, tries=2)
    did = crawl(load_crawl_recipe(recipe), place / "corpus")
    assert did.failures == {"server": 2} and did.given_up == 1
    told = crawled_text(did, place / "corpus")
    assert f"1 task given up; `cbc corpus status --corpus {place / 'corpus'}` names the causes" in told
    status = cbc("corpus", "status", "--corpus", place / "corpus").stdout
    assert f"playlistItems: 1 given up for server, e.g. {closed}" in status
    assert re.search(r"gone: \d+ (deleted|private)", status)
    faults.on = False
    assert crawl(load_crawl_recipe(recipe), place / "corpus").calls == 0
    none = cbc("corpus", "retry", "--cause", "quota", "--corpus", place / "corpus", "--json").stdout
    assert json.loads(none) == {"cause": "quota", "waiting": 0}
    retried = cbc("corpus", "retry", "--cause", "server", "--corpus", place / "corpus").stdout
    assert retried.startswith("1 task waits again\nnext: cbc corpus crawl ")
    assert crawl(load_crawl_recipe(recipe), place / "corpus").calls > 1
    assert set(tables(place / "corpus")["communicator"]["communicator_id"]) == full(universe.channel_ids)


def test_a_wrong_key_stops_the_crawl_and_is_written_nowhere(universe, serve, place, cbc):
    serve(universe)
    secret = "not-the-right-key-9f3"
    ended = cbc("corpus", "crawl", recipe_file(place, universe), "--corpus", place / "corpus", **{KEY_VARIABLE: secret})
    assert ended.returncode == 2 and ended.stderr.strip().splitlines()[-1].startswith("error: the API refuses the key")
    written = b"".join(path.read_bytes() for path in place.rglob("*") if path.is_file())
    assert secret.encode() not in written + ended.stderr.encode() + ended.stdout.encode()
    missing = cbc("corpus", "crawl", recipe_file(place, universe), "--corpus", place / "corpus", **{KEY_VARIABLE: ""})
    assert missing.returncode == 2 and KEY_VARIABLE in missing.stderr


def test_verbose_logs_each_call_without_the_key_and_without_authors_of_comments(universe, serve, place, cbc):
    server = serve(universe)
    path = place / "recipe.yaml"
    youtube = {"channels": universe.channel_ids[:1], "videos_per_channel": 3, "comment_pages": 1}
    path.write_text(yaml.safe_dump({"youtube": youtube, "wait_s": 0}))
    done = cbc("corpus", "crawl", path, "--corpus", place / "corpus", "-v", **{KEY_VARIABLE: server.key})
    assert done.returncode == 0, done.stderr
    calls = [line for line in done.stderr.splitlines() if line.startswith("debug: corpus.crawl.youtube_api: GET ")]
    assert {line.split()[3] for line in calls} == {"channels", "playlistItems", "videos", "commentThreads"}
    assert all(line.endswith(" key=REDACTED") for line in calls)
    assert server.key not in done.stderr + done.stdout
    assert "ingesting the segment" in done.stderr and "author" not in done.stderr.lower()


def test_a_channel_that_is_gone_and_one_added_later(universe, serve, place):
    serve(universe)
    path = place / "recipe.yaml"
    names = [universe.channel_ids[0], "UC" + "x" * 22, "@nobodyatall"]
    path.write_text(yaml.safe_dump({"youtube": {"channels": names, "videos_per_channel": 5}, "wait_s": 0}))
    crawl(load_crawl_recipe(path), place / "corpus")
    assert 0 < tables(place / "corpus")["message"].height <= 5
    path.write_text(
        yaml.safe_dump({"youtube": {"channels": [*names, universe.channel_ids[1]], "videos_per_channel": 5}})
    )
    crawl(load_crawl_recipe(path), place / "corpus")
    assert set(tables(place / "corpus")["message"]["communicator_id"]) == full(universe.channel_ids[:2])


def test_the_plan_bounds_what_the_crawl_then_costs(universe, serve, place, cbc):
    server = serve(universe)
    recipe = recipe_file(place, universe, quota={"units_per_day": 30})
    content = yaml.safe_load(recipe.read_text())
    content["youtube"]["videos_per_channel"] = 70
    recipe.write_text(yaml.safe_dump(content))
    plan = cbc("corpus", "crawl", recipe, "--corpus", place / "corpus", "--plan").stdout
    planned = int(re.search(r"in all +(\d+)", plan)[1])
    assert not (place / "corpus").exists() and not server.calls
    assert "at 30 units a day: 2 days at most" in plan
    content["quota"]["units_per_day"] = 1000
    recipe.write_text(yaml.safe_dump(content))
    crawl(load_crawl_recipe(recipe), place / "corpus")
    assert planned - 2 <= len(server.calls) <= planned


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("youtube: {channels: [UCx]}", "'UCx' is no channel: give an id"),
        ("youtube: {channels: ['@Some'], depth: 3}", "unknown key youtube.depth"),
        (
            "youtube: {channels: []}",
            "youtube: name channels, names to search for, a file of companies",
        ),
        ("youtube: {companies: none.csv}", "cannot read the companies"),
        ("quota: {units_per_day: 5}", "name what to fetch: youtube.channels, or ytdlp.videos"),
        ("ytdlp: {subtitles: [en]}", "name what to fetch: youtube.channels, or ytdlp.videos"),
        ("ytdlp: {videos: [some video]}", "'some video' is no video: give an id"),
        ("ytdlp: {videos: ['https://me:secret@example.org/v']}", "is no video"),
        ("ytdlp: {videos: ['file:///etc/hosts']}", "is no video"),
        ("ytdlp: {videos: [aaaaaaaaaaa], cookies: x}", "unknown key ytdlp.cookies"),
        ("ytdlp: {videos: [aaaaaaaaaaa], sleep_s: [9, 3]}", "sleep_s gives the shortest time first"),
        ("ytdlp: {videos: [aaaaaaaaaaa], subtitles: ['.*']}", "'.*' is no language"),
        ("- a", "holds no keys"),
        ("youtube: [", "cannot read the recipe"),
    ],
)
def test_a_fault_of_a_recipe_is_named(tmp_path, text, fault):
    path = tmp_path / "own.yaml"
    path.write_text(text)
    with pytest.raises(BadCrawlRecipe, match=re.escape(fault)):
        load_crawl_recipe(path)


def test_the_shipped_recipes_load():
    for path in (ROOT / "corpus" / "crawl" / "recipes").glob("*.yaml"):
        assert load_crawl_recipe(path)


def test_two_crawls_do_not_share_a_corpus(universe, serve, place, cbc):
    serve(universe, latency_s=0.1)
    recipe = recipe_file(place, universe)
    process = start(place, recipe)
    while not (place / "corpus" / "crawl.sqlite").exists():
        time.sleep(0.01)
    ended = cbc("corpus", "crawl", recipe, "--corpus", place / "corpus")
    process.kill()
    process.wait()
    assert ended.returncode == 2 and "another process" in ended.stderr


def test_a_clock_that_was_set_back_is_refused_before_anything_is_booked(universe, serve, place, monkeypatch):
    serve(universe, quota_units=3)
    recipe = load_crawl_recipe(recipe_file(place, universe))
    with pytest.raises(QuotaEnded):
        crawl(recipe, place / "corpus")
    before, now = units(place / "corpus"), time.time()
    monkeypatch.setattr("corpus.crawl.crawl.time.time", lambda: now - 86_400)
    with pytest.raises(WrongClock, match="set the clock right"):
        crawl(recipe, place / "corpus")
    assert units(place / "corpus") == before


def test_opted_out_channels_and_videos_are_never_requested(universe, serve, place):
    server = serve(universe)
    out = [universe.channel_ids[3], universe.handles[0], universe.videos_of(universe.channel_ids[4])[7]]
    (place / "opt_out.txt").write_text("# asked by mail\n" + "\n".join(f"{name}  # since May" for name in out))
    crawl(load_crawl_recipe(recipe_file(place, universe, comments=1, opt_out="opt_out.txt")), place / "corpus")
    requested = {name for call in server.calls for value in call.params.values() for name in value.split(",")}
    assert not requested & {*out, out[0].replace("UC", "UU", 1)}
    messages = tables(place / "corpus")["message"]
    assert set(messages["communicator_id"]) == full(universe.channel_ids) - full([out[0], universe.channel_ids[0]])
    assert messages.height and f"youtube:{out[2]}" not in set(messages["message_id"])
    (place / "opt_out.txt").unlink()
    with pytest.raises(BadCrawlRecipe, match="cannot read the opt-out list"):
        crawl(load_crawl_recipe(recipe_file(place, universe, opt_out="opt_out.txt")), place / "corpus")


def test_a_channel_opted_out_by_handle_is_dropped_although_the_recipe_holds_its_id(universe, serve, place):
    server, (channel, handle) = serve(universe), (universe.channel_ids[6], universe.handles[6])
    (place / "opt_out.txt").write_text(handle)
    crawl(load_crawl_recipe(recipe_file(place, universe, opt_out="opt_out.txt")), place / "corpus")
    assert channel.replace("UC", "UU", 1) not in {call.params.get("playlistId") for call in server.calls}
    frames = tables(place / "corpus")
    speakers = set(frames["communicator"]["communicator_id"]) | set(frames["message"]["communicator_id"])
    assert speakers and f"youtube:{channel}" not in speakers
    assert f"gone: 1 opted out, e.g. {channel}" in progress_text(place / "corpus")


def test_a_channel_that_opts_out_while_a_crawl_waits_is_not_requested(universe, serve, place, cbc):
    server, later = serve(universe, quota_units=4), universe.channel_ids[5]
    with pytest.raises(QuotaEnded):
        crawl(load_crawl_recipe(recipe_file(place, universe)), place / "corpus")
    (place / "opt_out.txt").write_text("\n".join([later, *universe.videos_of(universe.channel_ids[2])[:3]]))
    server.quota_units, calls = None, len(server.calls)
    with sqlite3.connect(place / "corpus" / "crawl.sqlite") as connection:
        connection.execute("DELETE FROM spent")  # as if the next day had come
    crawl(load_crawl_recipe(recipe_file(place, universe, opt_out="opt_out.txt")), place / "corpus")
    requested = {name for call in server.calls[calls:] for value in call.params.values() for name in value.split(",")}
    assert len(server.calls) > calls and later.replace("UC", "UU", 1) not in requested
    status = cbc("corpus", "status", "--corpus", place / "corpus").stdout
    assert "1 given up for opted out" in status


@pytest.mark.parametrize(
    ("status", "reasons", "cause"),
    [
        (403, ["quotaExceeded"], "quota"),
        (403, ["rateLimitExceeded"], "rate limit"),
        (403, ["commentsDisabled"], "comments disabled"),
        (403, ["somethingNew"], "private"),
        (403, [], "malformed"),
        (404, [], "malformed"),
        (404, ["somethingNew"], "deleted"),
        (400, ["API_KEY_INVALID", "badRequest"], "key"),
        (400, ["invalidParameter"], "request"),
        (429, [], "rate limit"),
        (503, [], "server"),
    ],
)
def test_a_refusal_is_classified_by_the_apis_reason_and_retried_without_a_reason(status, reasons, cause):
    assert classify_response(status, reasons) == cause
    assert CAUSES["malformed"].policy == "back off"
