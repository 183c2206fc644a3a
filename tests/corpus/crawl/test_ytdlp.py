"""Run yt-dlp's stage against a local site: tables, secrets that are never written, and the outcome of failures."""

from __future__ import annotations

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

from corpus.crawl.crawl import crawl, retry
from corpus.crawl.journal import WATCH
from corpus.crawl.media import file_stem
from corpus.crawl.progress import progress_text
from corpus.crawl.recipe import load_crawl_recipe
from corpus.crawl.scheduler import Crawled, NotYet, QuotaEnded, StagePaused
from corpus.crawl.youtube_api import ENDPOINT_VARIABLE, KEY_VARIABLE
from corpus.crawl.ytdlp import choose_captions
from corpus.inspect.explain import explain
from corpus.inspect.validate import validate
from corpus.store import Corpus
from tests.corpus.crawl import test_crawl
from tests.corpus.crawl.pages import MEDIA_BYTES, SECRETS, Pages, info, use
from tests.corpus.crawl.server import Server, Universe

ROOT = Path(__file__).resolve().parents[3]
IDS = [f"video-{n:05}" for n in range(12)]
QUICK = {"sleep_s": [0, 0], "pause_s": 0}


@pytest.fixture
def site(monkeypatch):
    """Function that starts a site which yt-dlp takes for YouTube."""
    running: list[Pages] = []

    def started(*args: object, **more: object) -> Pages:
        running.append(Pages(*args, **more).__enter__())
        monkeypatch.setattr("yt_dlp.YoutubeDL", use(running[-1].base))
        return running[-1]

    yield started
    for pages in running:
        pages.__exit__()


@pytest.fixture(scope="module")
def universe() -> Universe:
    return Universe(channels=3, videos_per_channel=8, seed=2)


@pytest.fixture
def api(universe, monkeypatch):
    """A server of the Data API."""
    with Server(universe, key="test-key") as server:
        monkeypatch.setenv(KEY_VARIABLE, "test-key")
        monkeypatch.setenv(ENDPOINT_VARIABLE, server.url)
        yield server


def recipe_file(folder: Path, ytdlp: dict[str, object] | None = None, **more: object) -> Path:
    """A recipe for videos, by default IDS; `more` adds keys, e.g. for a universe's channels."""
    path = folder / "recipe.yaml"
    path.write_text(
        yaml.safe_dump({"ytdlp": {**QUICK, **({"videos": IDS} if ytdlp is None else ytdlp)}, "wait_s": 0.01, **more})
    )
    return path


def run(folder: Path, ytdlp: dict[str, object] | None = None, again: bool = False, **more: object) -> Crawled:
    """Crawl into FOLDER/corpus."""
    return crawl(load_crawl_recipe(recipe_file(folder, ytdlp, **more)), folder / "corpus", again=again)


def tables(root: Path) -> dict[str, pl.DataFrame]:
    """Tables of a corpus with scenes and annotation, without times and the order of fetching."""
    connection = Corpus.open(root).connect()
    more = {name: f'FROM "{name}"' for name in ("scene", "ytdlp@1")}
    frames = {name: pl.DataFrame(connection.sql(sql).to_arrow_table()) for name, sql in more.items()}
    frames = {**test_crawl.tables(root), **{name: frame.sort(frame.columns[:2]) for name, frame in frames.items()}}
    return frames | {"communicator": frames["communicator"].unique(maintain_order=True)}  # seen once a second


def tasks(root: Path) -> dict[str, tuple[str, str | None]]:
    """State and cause of each task of the stage."""
    with sqlite3.connect(root / "crawl.sqlite") as connection:
        sql = "SELECT target, state, cause FROM task WHERE stage = ? ORDER BY round"
        return {target: (state, cause) for target, state, cause in connection.execute(sql, (WATCH,))}


def gone(root: Path) -> dict[str, str]:
    with sqlite3.connect(root / "crawl.sqlite") as connection:
        return dict(connection.execute("SELECT id, cause FROM gone"))


def test_a_list_of_videos_needs_no_key_and_brings_heatmap_chapters_and_captions(site, tmp_path, monkeypatch):
    pages = site()
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    named = [
        *IDS[:10],
        f"https://youtu.be/{IDS[10]}?t=3",
        f"https://www.youtube.com/watch?v={IDS[11]}&list=PLx",
        IDS[0],
    ]
    did = run(tmp_path, {"videos": named})
    frames = tables(tmp_path / "corpus")
    assert did.calls == did.payloads == len(IDS) and sorted(pages.names("info")) == IDS
    assert frames["message"]["message_id"].to_list() == [f"youtube:{name}" for name in IDS]
    replay = frames["effect"].filter(metric="replay")
    assert set(replay["message_id"]) == test_crawl.full(IDS) and replay["value"].max() <= 1
    assert frames["ytdlp@1"]["chapters"].list.len().to_list() == [2] * 12
    written = [bool(info(name, "")["subtitles"]) for name in IDS]
    assert frames["ytdlp@1"]["caption_language"].to_list() == [
        "en-GB" if has_captions else "en-orig" for has_captions in written
    ]
    assert frames["ytdlp@1"]["caption_automatic"].to_list() == [not has_captions for has_captions in written]
    assert len(set(written)) == 2
    spoken = frames["scene"].group_by("message_id").agg(pl.col("speech").explode().drop_nulls()).sort("message_id")
    assert spoken["speech"].to_list() == [[f"first of {name}", f"last of {name}"] for name in IDS]
    assert not validate(tmp_path / "corpus")
    with Corpus.open(tmp_path / "corpus").connect() as connection:
        sql = "SELECT count(DISTINCT row_key) FROM provenance WHERE tool LIKE 'yt-dlp 20%'"
        assert connection.execute(sql).fetchall() == [(13,)]
    assert len(Corpus.open(tmp_path / "corpus").ingests()) == 1
    assert f'"id":"{IDS[3]}"' in explain(tmp_path / "corpus", IDS[3])


def test_nothing_that_identifies_the_caller_is_written(site, tmp_path):
    pages = site(fault=lambda kind, name, number: 403 if kind == "captions" and number == 2 else None)
    run(tmp_path, {"videos": IDS, "media": "b"}, tries=3)
    assert len(pages.names("media")) == len(IDS)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    written = {path: path.read_bytes() for path in files}
    parquet = [pl.read_parquet(path).write_json().encode() for path in files if path.suffix == ".parquet"]
    assert any(b"first of" in content for content in parquet)
    for secret in SECRETS:
        assert not [path for path, body in written.items() if secret.encode() in body], secret
        assert not any(secret.encode() in content for content in parquet), secret
    assert {path.parent.name for path in files} >= {"media", "ytdlp"}
    assert not [path for path in files if "cookie" in path.name.lower()]


def test_videos_of_the_api_are_watched_and_cost_no_units(site, api, universe, tmp_path):
    site()
    did = run(tmp_path, {"videos": IDS[:1]}, youtube={"channels": universe.channel_ids})
    wanted = {video for channel in universe.channel_ids for video in universe.videos_of(channel)} - universe.missing
    assert set(tasks(tmp_path / "corpus")) == {*wanted, IDS[0]}
    frames = tables(tmp_path / "corpus")
    assert set(frames["effect"].filter(metric="replay")["message_id"]) == test_crawl.full([*wanted, IDS[0]])
    assert test_crawl.units(tmp_path / "corpus") == api.units == did.calls - len(wanted) - 1
    by_api = frames["message"].filter(pl.col("message_id").is_in(list(test_crawl.full(wanted))))
    assert all(name.startswith(("Video 0", "Video 1", "Video 2", "Video 3", "Video 4")) for name in by_api["title"][:3])
    status = progress_text(tmp_path / "corpus")
    assert re.search(r"^watch +\d+ +0 +0$", status, re.MULTILINE)
    assert re.search(r"^rate: .*time left for what is known: 0 s\nwatch: rate: ", status, re.MULTILINE)


def test_a_recipe_that_adds_yt_dlp_later_watches_the_videos_fetched_before(site, api, universe, tmp_path):
    pages = site()
    youtube = {"channels": universe.channel_ids}
    path = tmp_path / "recipe.yaml"
    path.write_text(yaml.safe_dump({"youtube": youtube}))
    crawl(load_crawl_recipe(path), tmp_path / "corpus")
    assert not pages.requests
    calls = len(api.calls)
    assert run(tmp_path, {}, youtube=youtube).payloads == len(pages.names("info")) == 24 - len(universe.missing)
    assert len(api.calls) == calls
    assert run(tmp_path, {}, youtube=youtube).calls == 0


def test_a_second_crawl_makes_no_call_and_a_new_round_adds_observations(site, tmp_path):
    pages = site()
    run(tmp_path)
    before = tables(tmp_path / "corpus")
    assert run(tmp_path).calls == 0 and len(pages.names("info")) == 12
    time.sleep(1.1)  # observations are told apart by the second
    assert run(tmp_path, again=True).payloads == 12
    after = tables(tmp_path / "corpus")
    assert after["message"].equals(before["message"]) and after["effect"].height == 2 * before["effect"].height


MESSAGES = [
    ("Private video. Sign in if you've been granted access to this video. Use --cookies-from-browser", "private"),
    ("Sign in to confirm your age. This video may be inappropriate for some users.", "age-gated"),
    ("Video unavailable. This video has been removed by the uploader", "deleted"),
    ("Video unavailable. The account associated with this video has been terminated", "deleted"),
    ("Video unavailable. It contains content from Someone, who has blocked it in your country", "region-blocked"),
    ("geo", "region-blocked"),
    ("Join this channel to get access to members-only content like this video", "members only"),
    ("This video is available to this channel's members on level: One", "members only"),
    ("This video requires payment to watch", "members only"),
]


@pytest.mark.parametrize(("message", "cause"), MESSAGES)
def test_closed_videos_are_given_up_by_cause_and_not_requested_again(site, tmp_path, message, cause):
    pages = site(fault=lambda kind, name, number: message if name == IDS[1] else None)
    did = run(tmp_path, {"videos": IDS[:3]})
    assert did.failures == {cause: 1} and did.given_up == 1
    assert tasks(tmp_path / "corpus")[IDS[1]] == ("given up", cause)
    assert run(tmp_path, {"videos": IDS[:3]}).calls == 0 and len(pages.names("info")) == 3
    assert tables(tmp_path / "corpus")["message"].height == 2


@pytest.mark.parametrize("message", ["Premieres in 5 hours", "This live event will begin in 3 days.", "offline"])
def test_videos_that_have_not_started_wait_for_a_day(site, tmp_path, cbc, message):
    pages = site(fault=lambda kind, name, number: message if name == IDS[1] else None)
    with pytest.raises(NotYet) as later:
        run(tmp_path, {"videos": IDS[:3]})
    assert 86_000 < later.value.until.timestamp() - time.time() <= 86_400
    assert tasks(tmp_path / "corpus")[IDS[1]] == ("waiting", "not yet begun")
    assert tables(tmp_path / "corpus")["message"].height == 2
    ended = cbc("corpus", "crawl", tmp_path / "recipe.yaml", "--corpus", tmp_path / "corpus")
    assert ended.returncode == 75 and "the remaining calls can be made from" in ended.stderr
    assert len(pages.names("info")) == 3


BOT = "Sign in to confirm you\u2019re not a bot. Use --cookies-from-browser or --cookies for the authentication."


def test_a_bot_check_pauses_its_stage_for_a_day_and_delays_no_other(site, api, universe, tmp_path, cbc):
    pages = site(fault=lambda kind, name, number: BOT if number >= 2 and pages.bot else None)
    pages.bot = True
    youtube = {"channels": universe.channel_ids}
    with pytest.raises(StagePaused, match=r"stage watch is paused until .* UTC: bot check"):
        run(tmp_path, {}, youtube=youtube)
    assert len(pages.names("info")) == 3
    shown = 24 - len(universe.missing)
    assert tables(tmp_path / "corpus")["message"].height == shown
    with pytest.raises(StagePaused):
        run(tmp_path, {}, youtube=youtube)
    assert len(pages.names("info")) == 3
    assert re.search(r"watch rests until .* UTC for bot check", progress_text(tmp_path / "corpus"))
    ended = cbc("corpus", "crawl", tmp_path / "recipe.yaml", "--corpus", tmp_path / "corpus")
    assert ended.returncode == 75 and "bot check" in ended.stderr
    assert retry(tmp_path / "corpus", "bot check") == shown - 2
    pages.bot = False
    assert run(tmp_path, {}, youtube=youtube).payloads == shown - 2


def test_the_stage_continues_when_the_apis_quota_has_ended(site, api, universe, tmp_path):
    pages = site()
    with pytest.raises(QuotaEnded):
        run(tmp_path, {"videos": IDS}, youtube={"channels": universe.channel_ids}, quota={"units_per_day": 1})
    assert len(pages.names("info")) == 12 and len(api.calls) == 1
    assert tables(tmp_path / "corpus")["message"].height == 12


LIMITS = [429, "Video unavailable. This content isn't available, try again later. The current session is rate-limited"]


@pytest.mark.parametrize("limit", LIMITS)
def test_a_rate_limit_pauses_the_whole_stage(site, tmp_path, limit):
    pages = site(fault=lambda kind, name, number: limit if kind == "info" and number == 1 else None)
    did = run(tmp_path, {"videos": IDS[:4], "pause_s": 0.5})
    assert did.failures == {"rate limit": 1} and did.payloads == 4
    at = [when for when, kind, _ in pages.requests if kind == "info"]
    assert at[2] - at[1] >= 0.5


@pytest.mark.parametrize(
    ("fault", "cause"), [(500, "server"), (503, "server"), ("cut", "network"), (403, "refused"), ("", "malformed")]
)
def test_transient_failures_are_retried_and_given_up_at_the_last_try(site, tmp_path, fault, cause):
    pages = site(fault=lambda kind, name, number: pages.what if name == IDS[1] else None)
    pages.what = fault or "KeyError of an extractor"
    did = run(tmp_path, {"videos": IDS[:2]}, tries=3)
    assert did.failures == {cause: 3} and did.given_up == 1
    pages.what = None
    assert retry(tmp_path / "corpus", cause) == 1
    assert run(tmp_path, {"videos": IDS[:2]}).payloads == 1
    assert tables(tmp_path / "corpus")["message"].height == 2


def test_failed_captions_are_retried_and_missing_captions_cost_no_video(site, tmp_path):
    faults = {IDS[0]: 404, IDS[1]: 500, IDS[2]: 429}
    pages = site(fault=lambda kind, name, number: faults.get(name[:11]) if kind == "captions" else None)
    did = run(tmp_path, {"videos": IDS[:4]}, tries=2)
    assert did.failures == {"server": 1, "rate limit": 1} and did.payloads == 4
    assert sorted(gone(tmp_path / "corpus").values()) == ["deleted", "rate limit", "server"]
    assert len(pages.names("info")) == 6
    frames = tables(tmp_path / "corpus")
    assert frames["message"].height == 4 and frames["ytdlp@1"]["caption_language"].null_count() == 3


def test_media_are_fetched_only_on_request_once_and_within_the_limit(site, tmp_path):
    pages = site()
    run(tmp_path, {"videos": IDS[:2]})
    assert not pages.names("media") and not (tmp_path / "corpus" / "media").exists()
    wanted = {"videos": IDS[:2], "media": "b", "max_bytes": MEDIA_BYTES}
    for _ in range(2):
        time.sleep(1.1)
        run(tmp_path, wanted, again=True)
    folder = tmp_path / "corpus" / "media"
    assert {path.name for path in folder.iterdir()} == {f"{IDS[0]}.mp4", f"{IDS[1]}.mp4", "archive.txt"}
    assert (folder / f"{IDS[0]}.mp4").stat().st_size == MEDIA_BYTES and len(pages.names("media")) == 2
    run(tmp_path, {**wanted, "videos": IDS[2:3], "max_bytes": MEDIA_BYTES - 1})
    assert gone(tmp_path / "corpus") == {f"{IDS[2]} media": "too large"}
    assert not list(folder.glob(f"{IDS[2]}*"))


def test_truncated_media_are_fetched_again_and_a_refused_file_costs_no_video(site, tmp_path):
    def fault(kind: str, name: str, number: int) -> int | str | None:
        return {0: "cut", 2: 404}.get(number) if kind == "media" else None

    site(fault=fault)
    did = run(tmp_path, {"videos": IDS[:2], "media": "b"})
    assert did.payloads == 2 and sum(did.failures.values()) == 1
    files = {path.name for path in (tmp_path / "corpus" / "media").glob("*.mp4")}
    assert len(files) == 1 and len(gone(tmp_path / "corpus")) == 1


@pytest.mark.parametrize("name", ["../../etc/passwd", "a\0b", ".hidden", "a/b%(title)s", "x" * 5000, "\u202e", "-rf"])
def test_a_hostile_id_stays_a_file_name(name):
    stem = file_stem({"id": name, "extractor_key": "Generic"})
    assert re.fullmatch(r"other_generic_[A-Za-z0-9_-]{1,120}", stem)
    assert stem != file_stem({"id": name + "!", "extractor_key": "Generic"})


def test_any_page_that_yt_dlp_reads_and_one_that_is_a_list_or_no_video(tmp_path, cbc):
    with Pages() as pages:
        named = [pages.url("plain", "one"), pages.url("two", "list"), pages.url("nothing", "here")]
        missing = pages.url("plain", "") + "?none"
        recipe = recipe_file(tmp_path, {"videos": [*named, missing], "media": "b"})
        (tmp_path / "yt_dlp_plugins" / "extractor").mkdir(parents=True)
        marker = tmp_path / "plugin-was-loaded"
        (tmp_path / "yt_dlp_plugins" / "extractor" / "own.py").write_text(f"open({str(marker)!r}, 'w').close()\n")
        ended = cbc("corpus", "crawl", recipe, "--corpus", tmp_path / "corpus", PYTHONPATH=str(tmp_path))
    assert ended.returncode == 0, ended.stderr
    assert not marker.exists()
    outcome = tasks(tmp_path / "corpus")
    assert outcome[named[0]] == ("done", None) and outcome[named[1]] == outcome[named[2]] == ("given up", "request")
    rows, media = tables(tmp_path / "corpus"), tmp_path / "corpus" / "media"
    assert "other:html5mediaembed:one-1" in rows["message"]["message_id"].to_list()
    assert "first of one" in rows["scene"]["speech"].explode().to_list()
    assert file_stem({"id": "one-1", "extractor_key": "HTML5MediaEmbed"}) in {path.stem for path in media.iterdir()}


def test_one_call_at_a_time_with_a_pause_between(site, tmp_path):
    pages = site()
    run(tmp_path, {"videos": IDS[:4], "sleep_s": [0.2, 0.3]})
    calls = [(when, kind) for when, kind, _ in pages.requests]
    assert [kind for _, kind in calls] == ["info", "captions"] * 4
    assert all(after[0] - before[0] >= 0.2 for before, after in zip(calls[1::2], calls[2::2], strict=False))


def test_a_video_whose_page_names_an_opted_out_channel_is_dropped(site, tmp_path):
    pages = site()
    (tmp_path / "out.txt").write_text(f"{IDS[0]}\n@channel\n")
    run(tmp_path, {"videos": IDS[:3]}, opt_out="out.txt")
    assert pages.names("info") == IDS[1:3] and not pages.names("captions")
    assert set(tasks(tmp_path / "corpus").values()) == {("given up", "opted out")}


def test_the_plan_shows_calls_hours_and_media(tmp_path, cbc):
    youtube = {"channels": ["@brand-17"], "videos_per_channel": 100}
    ytdlp = {"videos": IDS, "sleep_s": [5, 10], "media": "b", "max_bytes": 10**7}
    recipe = recipe_file(tmp_path, ytdlp, youtube=youtube)
    plan = cbc("corpus", "crawl", recipe, "--corpus", tmp_path / "corpus", "--plan").stdout
    assert re.search(r"^watch +112 +0 ", plan, re.MULTILINE)
    assert "yt-dlp, 5 to 10 s between calls: 112 calls in about 0.3 hours" in plan
    assert "media: at most 1.1 GB, 10.0 MB a file" in plan
    plan = cbc("corpus", "crawl", recipe_file(tmp_path), "--corpus", tmp_path / "corpus", "--plan").stdout
    assert "units a day" not in plan and "12 calls" in plan


def test_captions_are_chosen_written_before_automatic_and_never_translated():
    vtt = [{"ext": "vtt"}]
    written, automatic = {"en-GB": vtt, "fr": vtt}, {"en": vtt, "fr": vtt, "de": vtt, "de-orig": vtt}
    video = {"language": None, "subtitles": written, "automatic_captions": automatic}
    assert choose_captions(video, "en") == ("en-GB", vtt) and choose_captions(video, "fr") == ("fr", vtt)
    assert choose_captions(video, "de") == ("de-orig", vtt) and choose_captions(video, "it") is None
    assert choose_captions({"language": "de", "automatic_captions": {"en": vtt}}, "en") is None
    assert choose_captions({"language": "en-US", "subtitles": None, "automatic_captions": {"en": vtt}}, "en") == (
        "en",
        vtt,
    )


def start(place: Path, recipe: Path, base: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.corpus.crawl.pages", "corpus", "crawl", str(recipe)]
    quiet, env = subprocess.DEVNULL, {**os.environ, "CBC_TEST_PAGES": base}
    return subprocess.Popen(
        [*command, "--corpus", str(place / "corpus")], cwd=ROOT, stdout=quiet, stderr=quiet, env=env
    )


def pace_free_tables(root: Path) -> dict[str, pl.DataFrame]:
    """The tables without what depends on the pace of the crawl.

    If the API and yt-dlp observe a count or a channel within the same second, only the first observation stays.
    """
    frames = tables(root)
    replay = pl.col("metric") == "replay"
    frames["measured"] = frames["effect"].select("message_id", "metric").unique().sort(pl.all())
    frames["effect"] = frames["effect"].filter(replay).sort(pl.all())
    frames["communicator"] = frames["communicator"].select("communicator_id", "channel").unique().sort(pl.all())
    return frames


def test_kills_at_random_instants_change_no_table_and_repeat_only_calls_in_flight(site, api, universe, tmp_path):
    clean, disturbed, rng, kills = tmp_path / "clean", tmp_path / "disturbed", random.Random(3), 5
    for place in (clean, disturbed):
        place.mkdir()
    ytdlp, more = {"videos": IDS, "media": "b"}, {"youtube": {"channels": universe.channel_ids}}
    pages = site()
    assert start(clean, recipe_file(clean, ytdlp, **more), pages.base).wait() == 0
    needed = len(pages.names("info"))
    pages = site(latency_s=0.01)
    recipe = recipe_file(disturbed, ytdlp, **more)
    for _ in range(kills):
        process, wanted = (
            start(disturbed, recipe, pages.base),
            len(pages.names("info")) + rng.randint(1, needed // kills),
        )
        while len(pages.names("info")) < wanted and process.poll() is None:
            time.sleep(0.002)
        time.sleep(rng.random() * 0.1)
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert start(disturbed, recipe, pages.base).wait() == 0
    expected, actual = pace_free_tables(clean / "corpus"), pace_free_tables(disturbed / "corpus")
    assert expected["message"].height == needed
    assert [name for name in expected if not expected[name].equals(actual[name])] == []
    assert needed <= len(pages.names("info")) <= needed + kills
    assert not list((disturbed / "corpus" / "crawl").iterdir())
    names = [{path.name for path in (place / "corpus" / "media").glob("*.mp4")} for place in (clean, disturbed)]
    assert names[0] == names[1] and len(names[0]) == needed
