"""Instances to look through: which are chosen, what is shown of them, and that a hidden truth stays hidden."""

from __future__ import annotations

import json
import shutil

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.bench import Bench
from benchmark.run import write_run
from benchmark.tasks.registry import all_tasks
from leaderboard.instances import (
    DIFFERING,
    FIRST,
    PROMPT_CHARACTERS,
    Answer,
    answer_text,
    cut,
    disagreement,
    instance_pages,
)
from leaderboard.site import build_site
from tests.leaderboard.browser import opened
from tests.leaderboard.small import HOSTILE, TASKS, guesses
from tests.leaderboard.test_site import files

BY_KIND = {
    kind: next(task for task in all_tasks() if task.answer.name == kind and not task.spans_decades)
    for kind in ("values", "choice")
}


@pytest.fixture(scope="module")
def bench(folder):
    return Bench.open(folder / "bench")


@pytest.fixture(scope="module")
def opened_runs(folder, runs, bench):
    from benchmark.open_runs import open_runs

    return open_runs(runs, bench)


def test_the_first_of_the_panel_and_the_most_differing_are_shown_with_truth_and_answers(bench, opened_runs):
    pages = {page.task: page for page in instance_pages(bench, opened_runs)}
    assert list(pages) == list(TASKS)
    page = pages["like_view_ratio"]
    expected = bench.public("like_view_ratio", "test").sort("panel_rank")["instance_id"].to_list()
    assert [one.instance_id for one in page.instances[:FIRST]] == expected[:FIRST]
    assert [one.differing for one in page.instances] == [False] * FIRST + [True] * DIFFERING
    truth = dict(bench.answers("like_view_ratio").select("instance_id", "target").iter_rows())
    values = {
        run.name: dict(run.predictions("like_view_ratio").select("instance_id", "values").iter_rows())
        for run in opened_runs
    }

    def spread(key):
        read = [told[key][0] for told in values.values() if told[key] is not None]
        return float(np.std(read))

    rest = sorted(expected[FIRST:], key=spread, reverse=True)
    assert [one.instance_id for one in page.instances[FIRST:]] == rest[:DIFFERING]
    for one in page.instances:
        assert one.truth == f"{truth[one.instance_id][0]:.4g}"
        assert [shown.name for shown in one.answers[:-1]] == [run.name for run in opened_runs]
        for shown in one.answers[:-1]:
            told = values[shown.name][one.instance_id]
            assert shown.answer == ("unread" if told is None else f"{told[0]:.4g}")
        assert one.answers[-1].name.endswith("(best reference)")


def test_options_are_shown_by_their_text(bench, opened_runs):
    page = next(page for page in instance_pages(bench, opened_runs, 3) if page.task == "tweet_likes_brand")
    assert {one.truth for one in page.instances} <= {"high", "low"}
    assert {shown.answer for one in page.instances for shown in one.answers} <= {"high", "low", "unread"}


@given(st.lists(st.lists(st.floats(0, 100), min_size=3, max_size=3), min_size=2, max_size=6))
def test_disagreement_is_the_mean_spread_of_a_value(answers):
    found = disagreement(BY_KIND["values"], [*answers, None, [1.0]])
    assert found == pytest.approx(np.mean(np.std(answers, axis=0)))


@given(st.lists(st.integers(0, 1), min_size=2, max_size=9))
def test_disagreement_of_choices_is_the_share_of_the_minority(options):
    found = disagreement(BY_KIND["choice"], [[float(option)] for option in options])
    assert found == pytest.approx(min(options.count(0), options.count(1)) / len(options))


@pytest.mark.parametrize("answers", [[], [None], [[1.0]], [[1.0], None], [[float("nan")], [2.0]]])
def test_fewer_than_two_readable_answers_do_not_differ(answers):
    assert disagreement(BY_KIND["values"], answers) == 0


@given(st.text(max_size=4000))
def test_a_cut_text_is_short_and_keeps_both_ends(text):
    shown = cut(text, 300)
    assert len(shown) <= 300 + 40
    assert len(text) > 300 or len(shown) == len(text)


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (None, "not asked"),
        (Answer(None, "no idea"), "unread"),
        (Answer([], None), "unread: no values"),
        (Answer([101.0], None), "unread: 101"),
        (Answer([1.0, 2.0], None), "unread: 1, 2"),
        (Answer([12.5], None), "12.5"),
    ],
)
def test_answers_that_count_as_unread_say_so(answer, text):
    replay = next(task for task in all_tasks() if task.asks_curve)
    assert answer_text(replay, answer, 1, None) == text


@pytest.fixture(scope="module")
def hostile_site(bench, tmp_path_factory):
    """The page of a run whose raw answers are long and hostile."""
    root = tmp_path_factory.mktemp("hostile")
    raw = pl.lit(f"</pre><script>document.title='owned'</script>{HOSTILE}" + "x" * 100_000).alias("raw")
    answers = {task: guesses(bench, task, 0.2, 0.3, 1).with_columns(raw) for task in bench.tasks}
    return build_site([write_run(root / "run", bench, HOSTILE, "lm", answers, {})], root / "site", bench.root)


def test_instances_are_text_small_and_fetch_nothing(browser, hostile_site):
    addresses = sorted((hostile_site.parent / "instances").iterdir())
    assert [path.stem for path in addresses] == sorted(TASKS)
    for path in addresses:
        assert path.stat().st_size < 400_000
        page = opened(browser, path.as_uri(), width=390)
        assert page.complaints == [] and page.title().startswith("Test instances")
        assert [url for url in page.asked if not url.startswith("data:")] == [path.as_uri()]
        assert page.locator("script, svg").count() == 0
        assert page.evaluate("document.documentElement.scrollWidth") == 390
        page.close()
    assert PROMPT_CHARACTERS < 2000


def test_the_page_leads_to_the_instances_and_back(browser, hostile_site):
    page = opened(browser, hostile_site.as_uri())
    page.locator("#instances a").first.click()
    assert page.locator("h1").inner_text().startswith("Test instances")
    assert page.locator("details").count() == FIRST  # one run does not differ from itself
    assert page.locator("tr.truth").count() == FIRST
    page.locator("header a").click()
    assert page.locator(".matrix").count() == 1
    page.close()


def hide(bench, root, change):
    """A copy of a bench that is hidden, its private answers changed."""
    shutil.copytree(bench, root)
    manifest = json.loads((root / "manifest.json").read_text())
    (root / "manifest.json").write_text(json.dumps(manifest | {"hidden": True}))
    for path in (root / "private").glob("*/*.parquet"):
        change(pl.read_parquet(path)).write_parquet(path)
    return root


def test_a_hidden_truth_has_no_influence_on_the_page(folder, runs, tmp_path):
    tables = folder / "site" / "data"
    reverse = [pl.col(name).reverse() for name in ("target", "values", "answer")]
    true = hide(folder / "bench", tmp_path / "true", lambda frame: frame)
    other = hide(
        folder / "bench",
        tmp_path / "other",
        lambda frame: frame.with_columns(part for part in reverse if part.meta.output_name() in frame.columns),
    )
    sites = [build_site(runs, tmp_path / f"site {place}", root, tables) for place, root in enumerate((true, other))]
    first, second = (files(site.parent) for site in sites)
    assert first == second and any(name.startswith("instances") for name in first)
    text = sites[0].read_text()
    assert 'id="curves"' not in text and "curve-replay" not in text
    for name, content in first.items():
        assert b'class="truth"' not in content, name


def test_with_zero_instances_none_are_written(cbc_here, folder, runs, tmp_path):
    tables = folder / "site" / "data"
    done = cbc_here("leaderboard", "build", *runs, "--out", tmp_path / "site", "--tables", tables, "--instances", 0)
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "site" / "instances").exists()
