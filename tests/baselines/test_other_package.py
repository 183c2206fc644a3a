"""A package outside the tree adds a source, a task and a predictor, and every command knows them."""

from __future__ import annotations

import json
import os
import shutil
import tomllib
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from benchmark.bench import Bench
from corpus.simulate.world import simulate
from tests.several import run_several

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "tests" / "example_package"
FAILS = object()
"""At the end of a command that is to fail."""
WORLD = {"world": "clear", "brands": 10, "videos": 30, "posts": 0, "emails": 0}


def install(target: Path, package: Path = EXAMPLE) -> Path:
    """Lay a package and its entry points into a folder, as `pip install --target` does."""
    project = tomllib.loads((package / "pyproject.toml").read_text())["project"]
    for folder in package.glob("*/__init__.py"):
        shutil.copytree(folder.parent, target / folder.parent.name, ignore=shutil.ignore_patterns("__pycache__"))
    info = target / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    groups = [
        f"[{group}]\n" + "".join(f"{name} = {value}\n" for name, value in points.items())
        for group, points in project["entry-points"].items()
    ]
    (info / "entry_points.txt").write_text("\n".join(groups))
    return target


@pytest.fixture(scope="module")
def environment(tmp_path_factory) -> dict[str, str]:
    """An environment that has the package."""
    target, cache = install(tmp_path_factory.mktemp("site")), tmp_path_factory.mktemp("cache")
    known = os.pathsep.join(filter(None, [str(target), os.environ.get("PYTHONPATH")]))
    return {"PYTHONPATH": known, "XDG_CACHE_HOME": str(cache)}


@pytest.fixture(scope="module")
def with_example(environment) -> Callable[..., list[str]]:
    """Several commands in that environment and in one process, since each start takes seconds.

    Gives what each prints; one that ends with FAILS is to be refused, and gives its error.
    """

    def run(*commands: tuple[object, ...]) -> list[str]:
        done = run_several([[word for word in command if word != FAILS] for command in commands], environment)
        for command, each in zip(commands, done, strict=True):
            assert each.returncode == (2 if FAILS in command else 0), (command, each.stderr)
        return [each.stderr if each.returncode else each.stdout for each in done]

    return run


@pytest.fixture(scope="module")
def bench(with_example, tmp_path_factory) -> Path:
    """A bench of the simulated world, built with the package's task, and beside it the best answers to that task."""
    folder = tmp_path_factory.mktemp("world")
    simulate(folder / "corpus", **WORLD)
    built = folder / "bench"
    with_example(
        ("benchmark", "build", "--corpus", folder / "corpus", "--out", built),
        ("baselines", "predict", "oracle", "--bench", built, "--out", folder / "oracle", "--tasks", "video_likes"),
    )
    return built


def test_its_source_is_ingested_listed_and_explained(with_example, tmp_path):
    talk = {"speaker": "Brint", "title": "On bikes", "views": 900, "likes": 30, "seconds": 600}
    lines = [json.dumps({**talk, "id": number}) for number in range(3)] + ["{}"]
    (tmp_path / "a.talks.jsonl").write_text("\n".join(lines))
    on = ("--corpus", tmp_path / "corpus")
    _, counted, rejected, status, explained, refused, _, gone = with_example(
        ("corpus", "ingest", "talks", tmp_path, *on),
        ("corpus", "sql", "SELECT count(*) AS n FROM message", "--csv", *on),
        ("corpus", "sql", "SELECT reason FROM rejects", "--csv", *on),
        ("corpus", "status", *on),
        ("corpus", "explain", "talk:1", *on),
        ("corpus", "ingest", "lectures", tmp_path, *on, FAILS),
        ("corpus", "takedown", "talk:1", *on),
        ("corpus", "explain", "talk:1", *on, FAILS),
    )
    assert (counted.split(), rejected.splitlines()) == (["n", "3"], ["reason", "no talk"])
    assert "talks@1" in status
    assert "effect.likes                 <- likes" in explained
    assert "Recorded talks: one JSON object a line" in explained
    assert "no source or mapping is called lectures; use one of ytdlp, " in refused and "talks" in refused
    assert "no message" in gone


def test_its_task_is_built_answered_and_scored(with_example, bench, tmp_path):
    entry = Bench.open(bench).tasks["video_likes"]
    assert (entry["table"], entry["condition"]) == ("video_likes", "held_out")
    assert entry["metrics"] == ["decades_off", "rmse_log10"]
    runs = {name: tmp_path / name for name in ("nearest_title", "geometric_mean", "boosted")}
    on, tables = ("--bench", bench), tmp_path / "tables"
    predict = [
        ("baselines", "predict", name, *on, "--out", run, "--tasks", "video_likes") for name, run in runs.items()
    ]
    runs["oracle"] = shutil.copytree(bench.parent / "oracle", tmp_path / "oracle")
    printed = with_example(
        ("baselines", "list"),
        *predict,
        *(("benchmark", "score", run, *on) for run in runs.values()),
        ("benchmark", "tables", *runs.values(), *on, "--out", tables),
        ("leaderboard", "build", *runs.values(), *on, "--out", tmp_path / "site"),
    )
    assert "the value of the training message with the most similar title" in printed[0]
    assert "the geometric mean of training" in printed[0] and "# Likes of videos (counts)" in printed[-2]
    rows = json.loads((tables / "video_likes.json").read_text())["rows"]
    assert {row["run"] for row in rows} == {*runs, "random", "constant"}
    assert {row["kind"] for row in rows if row["run"] == "nearest_title"} == {"submitted"}  # it calls itself neighbour
    errors = {row["run"]: row["value"] for row in rows if row["metric"] == "decades_off"}
    assert errors["oracle"] < errors["boosted"] < errors["geometric_mean"]
    scored = json.loads((runs["oracle"] / "scores.json").read_text())["rows"]
    assert [row["value"] for row in scored if row["metric"] == "decades_off"] == [errors["oracle"]]
    assert "geometric_mean" in (tmp_path / "site" / "index.html").read_text()


def test_its_task_is_asked_through_lm_eval(with_example, bench, tiny_llama, tmp_path):
    options = ("--bench", bench, "--out", tmp_path / "run", "--tasks", "video_likes", "--limit", 4)
    names, folder, _ = with_example(
        ("benchmark", "lm-eval-tasks", "--out", tmp_path / "files"),
        ("benchmark", "lm-eval-path"),
        ("baselines", "predict", tiny_llama, *options),
    )
    assert names.split()[-1] == "cbc_video_likes" and "cbc_views" in names.split()
    text = (tmp_path / "files" / "video_likes.yaml").read_text()
    assert "!function benchmark.lm_eval.aggregate.decades_off" in text
    assert {path.name: path.read_text() for path in Path(folder.strip()).iterdir()} == {
        path.name: path.read_text() for path in (tmp_path / "files").iterdir()
    }
    assert pl.read_parquet(tmp_path / "run" / "predictions" / "video_likes.parquet").height == 4


def test_without_the_package_its_task_is_named_as_unknown(cbc, bench):
    refused = cbc("benchmark", "score", bench.parent / "oracle", "--bench", bench)
    assert refused.returncode == 2
    assert "no task is called video_likes; use one of replay_past" in refused.stderr and refused.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("group", "name", "value", "command"),
    [
        ("cbc.tasks", "views", "cbc_example.video_likes:VideoLikes", ("baselines", "list")),
        ("cbc.tasks", "likes", "cbc_example.video_likes:VideoLikes", ("baselines", "list")),
        ("cbc.tasks", "likes", "cbc_example.talks:Talks", ("baselines", "list")),
        ("cbc.predictors", "constant", "cbc_example.nearest_title:NearestTitle", ("baselines", "list")),
        ("cbc.sources", "tweets", "cbc_example.talks:Talks", ("corpus", "ingest", "tweets", "x", "--corpus", "c")),
    ],
)
def test_a_clash_or_a_wrong_class_is_one_line(group, name, value, command, cbc, tmp_path):
    package = tmp_path / "package"
    shutil.copytree(EXAMPLE, package)
    (package / "pyproject.toml").write_text(
        f'[project]\nname = "clash"\nversion = "1"\n[project.entry-points."{group}"]\n{name} = "{value}"\n'
    )
    done = cbc(*command, PYTHONPATH=str(install(tmp_path / "site", package)))
    assert done.returncode == 2 and done.stderr.startswith("error: ") and done.stderr.count("\n") == 1
    assert name in done.stderr
