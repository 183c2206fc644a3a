"""The site on disk: whole or not at all, the same bytes each time, and refusals that name the mend."""

from __future__ import annotations

import json
import shutil

import pytest

import leaderboard.site
from benchmark.run import RunForOtherBench
from corpus.errors import NoSuchPath
from leaderboard.results import TablesOfOtherRuns, UnreadableTable
from leaderboard.site import NotASite, build_site
from tests.leaderboard.small import HOSTILE, write_bench


def files(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_command_builds_a_page_and_says_where(cbc, folder, runs, tmp_path):
    done = cbc("leaderboard", "build", *runs, "--out", tmp_path / "site", "--tables", folder / "site" / "data")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == f"open {tmp_path / 'site' / 'index.html'}"
    assert files(tmp_path / "site") == files(folder / "site")


def test_the_command_refuses_in_one_line(cbc, runs, tmp_path):
    shutil.copytree(runs[0], tmp_path / "run")
    done = cbc("leaderboard", "build", tmp_path / "run", "--out", tmp_path / "site")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert done.stderr.startswith("error: no bench that") and "--bench" in done.stderr
    assert not (tmp_path / "site").exists()


def test_a_page_is_replaced_whole(folder, runs, tmp_path):
    tables = folder / "site" / "data"
    site = tmp_path / "site"
    build_site(runs, site, tables=tables)
    (site / "data" / "of an older build.csv").write_text("")
    build_site(runs, site, tables=tables)
    assert files(site) == files(folder / "site")
    assert [path.name for path in tmp_path.iterdir()] == ["site"]


def test_a_build_that_fails_leaves_the_old_page(folder, runs, tmp_path, monkeypatch):
    site = shutil.copytree(folder / "site", tmp_path / "site")

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(leaderboard.site, "render", interrupted)
    with pytest.raises(KeyboardInterrupt):
        build_site(runs, site, tables=folder / "site" / "data")
    assert files(site) == files(folder / "site")
    assert [path.name for path in tmp_path.iterdir()] == ["site"]


def test_what_a_killed_build_left_does_not_hinder_the_next(folder, runs, tmp_path):
    for left in (".site.part", ".site.old"):
        (tmp_path / left / "data").mkdir(parents=True)
    build_site(runs, tmp_path / "site", tables=folder / "site" / "data")
    assert [path.name for path in tmp_path.iterdir()] == ["site"]


@pytest.mark.parametrize("kind", ["folder", "file", "run"])
def test_other_files_are_never_replaced(folder, runs, tmp_path, kind):
    out = tmp_path / "mine"
    if kind == "folder":
        out.mkdir()
        (out / "thesis.tex").write_text("years")
    elif kind == "file":
        out.write_text("years")
    else:
        shutil.copytree(runs[0], out)
    before = files(out) if out.is_dir() else out.read_bytes()
    with pytest.raises(NotASite, match="mine"):
        build_site(runs, out, folder / "bench")
    assert before == (files(out) if out.is_dir() else out.read_bytes())


def test_an_empty_folder_is_used(folder, runs, tmp_path):
    build_site(runs, tmp_path, tables=folder / "site" / "data")
    assert (tmp_path / "index.html").is_file()


def test_runs_of_another_bench_are_refused(runs, tmp_path):
    write_bench(tmp_path / "bench", seed=1)
    with pytest.raises(RunForOtherBench):
        build_site(runs, tmp_path / "site", tmp_path / "bench")


def test_tables_of_other_runs_or_another_bench_are_refused(folder, runs, tmp_path):
    tables = shutil.copytree(folder / "site" / "data", tmp_path / "tables")
    with pytest.raises(TablesOfOtherRuns, match="nano-lcbm"):
        build_site(runs[1:], tmp_path / "site", tables=tables)
    path = tables / "like_view_ratio.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"bench": "0"}))
    with pytest.raises(TablesOfOtherRuns, match="another bench"):
        build_site(runs, tmp_path / "site", tables=tables)
    assert not (tmp_path / "site").exists()


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"format": "cbc-table", "version": 1, "rows": []}', '{"version": 2}']
)
def test_a_damaged_table_is_named(folder, runs, tmp_path, text):
    tables = shutil.copytree(folder / "site" / "data", tmp_path / "tables")
    (tables / "twitter_likes.json").write_text(text)
    with pytest.raises(UnreadableTable, match=r"twitter_likes\.json"):
        build_site(runs, tmp_path / "site", tables=tables)


DAMAGES = {
    "kind a list": lambda content: content["rows"][0].update(kind=["lm"]),
    "kind a number": lambda content: content["rows"][0].update(kind=7),
    "value a text": lambda content: content["rows"][0].update(value="0.5"),
    "value a list": lambda content: content["rows"][0].update(value=[0.5]),
    "value not finite": lambda content: content["rows"][0].update(value=float("nan")),
    "bounds texts": lambda content: content["rows"][0].update(low="low", high="high"),
    "run null": lambda content: content["rows"][0].update(run=None),
    "rank a text": lambda content: content["rows"][0].update(rank="first"),
    "n a fraction": lambda content: content["rows"][0].update(n=1.5),
    "no value": lambda content: content["rows"][0].pop("value"),
    "rows an object": lambda content: content.update(rows={}),
    "row a text": lambda content: content["rows"].append("nano"),
    "no rows": lambda content: content.update(rows=[]),
    "condition unknown": lambda content: content["rows"][0].update(condition="smell"),
    "metric unknown": lambda content: content["rows"][0].update(metric="smell"),
    "reported a text": lambda content: content.update(reported=["LCBM"]),
    "reported value a text": lambda content: content["reported"].append(
        {"model": "m", "condition": "c", "metric": "m", "value": "1"}
    ),
    "best trivial a list": lambda content: content.update(best_trivial=[]),
    "best trivial without conditions": lambda content: content.update(best_trivial={}),
    "bench a number": lambda content: content.update(bench=1),
    "another table": lambda content: content.update(table="views"),
    "version a text": lambda content: content.update(version="1"),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_a_table_with_wrong_types_is_one_line(folder, runs, tmp_path, cbc_here, name):
    tables = shutil.copytree(folder / "site" / "data", tmp_path / "tables")
    path = tables / "twitter_likes.json"
    content = json.loads(path.read_text())
    DAMAGES[name](content)
    path.write_text(json.dumps(content))
    done = cbc_here("leaderboard", "build", *runs, "--out", tmp_path / "site", "--tables", tables)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1), done.stderr
    assert f"error: {path} is no table of this version of cbc (" in done.stderr
    assert done.stderr.endswith("make it again with `cbc benchmark tables`\n")
    assert not (tmp_path / "site").exists()


def test_a_folder_without_tables_is_named(runs, tmp_path):
    with pytest.raises(NoSuchPath, match="no tables at"):
        build_site(runs, tmp_path / "site", tables=tmp_path / "none")


def test_a_real_bench_without_its_answers_shows_tables_and_no_curves(folder, runs, tmp_path):
    bench = shutil.copytree(folder / "bench", tmp_path / "bench", ignore=shutil.ignore_patterns("private"))
    manifest = json.loads((bench / "manifest.json").read_text()) | {"simulated": False}
    (bench / "manifest.json").write_text(json.dumps(manifest))
    page = build_site(runs, tmp_path / "site", bench, folder / "site" / "data").read_text()
    assert "Replay curves" not in page and "nano-lcbm" in page
    assert "Real corpus" in page and "Simulated world" not in page
    assert "curve-replay" not in page


def test_nothing_from_outside_is_markup_and_no_path_is_told(folder):
    page = (folder / "site" / "index.html").read_text()
    assert HOSTILE not in page and "<img src=x" not in page and "&lt;img src=x" in page
    assert str(folder) not in page
