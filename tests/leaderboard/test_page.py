"""The page in a real browser: what it shows, sorts and refuses to fetch."""

from __future__ import annotations

import json
import re
import shutil

import pytest

from leaderboard.site import build_site
from leaderboard.words import interval, number
from tests.leaderboard.browser import opened
from tests.leaderboard.small import HOSTILE, HOSTILE_TITLE, LONG, RUNS


def table(folder, name):
    return json.loads((folder / "site" / "data" / f"{name}.json").read_text())


def names(page, table):
    return page.locator(f"#{table} .board tbody tr").evaluate_all("rows => rows.map(row => row.dataset.run)")


def in_order(shown, folder, name, condition, metric, field, reverse=False):
    """Whether runs stand in the order of a field of the JSON; those without one last."""
    rows = [row for row in table(folder, name)["rows"] if (row["condition"], row["metric"]) == (condition, metric)]
    values = {row["run"]: row[field] for row in rows}
    found = [values.get(run) for run in shown]
    known = [value for value in found if value is not None]
    return set(values) <= set(shown) and found[: len(known)] == known == sorted(known, reverse=reverse)


def show(page, name, view):
    page.locator(f'#{name} .view input[value="{view}"]').check()


def header(page, name, column):
    return page.locator(f"#{name} .board thead button").nth(column)


def test_nothing_is_fetched_from_elsewhere_and_nothing_complains(page, address):
    assert page.complaints == []
    assert [url for url in page.asked if not url.startswith("data:")] == [address]


def test_it_works_from_a_file_too(browser, folder):
    page = opened(browser, (folder / "site" / "index.html").as_uri())
    assert page.complaints == [] and all(url.startswith(("file:", "data:")) for url in page.asked)
    assert page.locator("figure svg").first.bounding_box()["height"] > 100
    before = names(page, "replay_values")
    header(page, "replay_values", 0).click()
    assert names(page, "replay_values") != before
    page.close()


def test_a_remote_request_is_forbidden_by_the_page_itself(page):
    refused = page.evaluate(
        """() => new Promise(resolve => {
            document.addEventListener("securitypolicyviolation", event => resolve(event.effectiveDirective));
            const image = new Image(); image.src = "http://192.0.2.1/x.png"; document.body.append(image);
        })"""
    )
    assert refused == "img-src"


def test_every_chart_is_drawn_and_described(page):
    charts = page.locator("figure svg:visible").evaluate_all(
        "charts => charts.map(c => [c.getBoundingClientRect().height, c.getAttribute('aria-label').length])"
    )
    assert all(height > 100 and text > 20 for height, text in charts)
    assert page.locator(".pictures svg:visible").count() == 4 and page.locator(".curves svg").count() == 12
    assert page.evaluate("document.querySelectorAll('[style], svg style, svg script').length") == 0
    ids = page.evaluate("[...document.querySelectorAll('[id]')].map(element => element.id)")
    assert len(ids) == len(set(ids))
    targets = page.evaluate("[...document.querySelectorAll('svg use')].map(use => use.getAttribute('href').slice(1))")
    assert targets and set(targets) <= set(ids)


def details(content):
    return {metric["name"] for metric in content["metrics"] if metric["detail"]}


def shown_rows(content):
    return [row for row in content["rows"] if row["metric"] not in details(content)]


@pytest.mark.parametrize("name", ["replay_values", "like_view_ratio", "twitter_likes"])
def test_cells_show_the_numbers_of_the_json(page, folder, name):
    show(page, name, "score")
    for row in shown_rows(table(folder, name)):
        cell = page.locator(
            f"#{name} tr[data-run={json.dumps(row['run'])}] "
            f'td[data-condition="{row["condition"]}"][data-metric="{row["metric"]}"]'
        )
        value, metric = row["value"], row["metric"]
        assert float(cell.get_attribute("data-score")) == value
        bounds = interval(row["low"], row["high"], metric) or "no interval"
        shown = cell.inner_text().replace("†", "").split("\n")
        assert shown[:2] == [number(value, metric), bounds]
        assert ("unreadable" in shown[-1]) == (row["unparsed"] > 0)


WITHOUT_SCORE = ("interpolate", "interpolate_residual", "gaussian_process")  # where all scenes are masked


def test_headings_sort_and_sort_back(page, folder):
    column = ("replay_values", "all_masked", "rmse", "value")
    button = header(page, "replay_values", 3)
    show(page, "replay_values", "score")
    before = names(page, "replay_values")
    button.click()
    best_first = names(page, "replay_values")
    assert in_order(best_first, folder, *column) and best_first != before
    assert button.locator("..").get_attribute("aria-sort") == "ascending"
    button.press("Enter")
    worst_first = names(page, "replay_values")
    assert in_order(worst_first, folder, *column, reverse=True)
    assert button.locator("..").get_attribute("aria-sort") == "descending"
    assert worst_first[-1] == best_first[-1] in WITHOUT_SCORE, "a run without a score stays last"
    assert (
        page.locator('#replay_values th[aria-sort="ascending"], #replay_values th[aria-sort="descending"]').count() == 1
    )


def test_accuracies_sort_with_the_high_end_first_and_names_by_letters(page, folder):
    header(page, "like_view_ratio", 3).click()
    assert in_order(
        names(page, "like_view_ratio"), folder, "like_view_ratio", "test", "accuracy_rel10", "value", reverse=True
    )
    header(page, "like_view_ratio", 0).click()
    shown = names(page, "like_view_ratio")
    assert shown == sorted(shown, key=str.lower)
    assert names(page, "replay_values")[0] == "oracle", "other tables stay as they are"


def test_the_view_switches_between_score_skill_and_rank(page, folder):
    cell = page.locator('#like_view_ratio tr[data-run="boosted"] td[data-metric="rmse"]')
    row = next(
        row for row in table(folder, "like_view_ratio")["rows"] if (row["run"], row["metric"]) == ("boosted", "rmse")
    )
    assert f"+{100 * row['skill']:.1f} %" in cell.inner_text(), "skill comes first"
    assert number(row["value"]) not in cell.inner_text()
    header(page, "like_view_ratio", 2).click()
    header(page, "like_view_ratio", 1).click()
    assert in_order(names(page, "like_view_ratio"), folder, "like_view_ratio", "test", "rmse", "skill", reverse=True)
    show(page, "like_view_ratio", "score")
    assert cell.inner_text().startswith(number(row["value"]))
    assert in_order(names(page, "like_view_ratio"), folder, "like_view_ratio", "test", "rmse", "value")
    show(page, "like_view_ratio", "rank")
    assert cell.inner_text().split() == [str(row["rank"])]
    assert in_order(names(page, "like_view_ratio"), folder, "like_view_ratio", "test", "rmse", "rank")


def test_hostile_names_and_titles_are_text(page):
    assert page.title() == "Content Behavior Corpus: leaderboard"
    assert page.locator("script").count() == 1 and page.locator("img[src='x']").count() == 0
    assert page.locator("#replay_values tbody th", has_text=HOSTILE).first.inner_text().startswith(HOSTILE)
    assert page.get_by_text(HOSTILE_TITLE).count() > 0


def test_marks_stand_where_the_table_says(page, folder):
    content = table(folder, "replay_values")
    for condition, metrics in content["best_trivial"].items():
        for metric, run in metrics.items():
            if metric in details(content):
                continue
            marked = page.locator(f'#replay_values td[data-condition="{condition}"][data-metric="{metric}"]:has(.mark)')
            assert marked.locator("..").evaluate_all("rows => rows.map(row => row.dataset.run)") == [run]
    oracle = page.locator('#replay_values tr[data-run="oracle"]')
    assert "best possible score" in oracle.inner_text() and oracle.locator("td.top").count() == 0
    ranks = content["rank"]["all_masked"]["rmse"]
    top = min(rank for run, rank in ranks.items() if run != "oracle")
    shaded = page.locator('#replay_values td.top[data-condition="all_masked"][data-metric="rmse"]').locator("..")
    found = shaded.evaluate_all("rows => rows.map(row => row.dataset.run)")
    assert set(found) == {run for run, rank in ranks.items() if rank == top and run != "oracle"}


def test_reported_figures_stand_apart_and_cannot_be_sorted(page, folder):
    block = page.locator("#replay_values .reported")
    assert "Reported elsewhere, on other data" in block.inner_text() and block.locator("button").count() == 0
    assert "LCBM 13B BFT 5-masked" in block.inner_text()
    assert page.locator("#replay_values .board", has_text="LCBM 13B").count() == 0


def test_the_tables_can_be_downloaded(page, folder):
    links = page.locator("#replay_values .downloads a")
    assert links.evaluate_all("links => links.map(link => link.getAttribute('href'))") == [
        f"data/replay_values.{suffix}" for suffix in ("csv", "json", "md")
    ]
    with page.expect_download() as started:
        links.nth(1).click()
    given = json.loads(started.value.path().read_text())
    assert {row["run"] for row in given["rows"]} >= set(RUNS)


def test_a_link_opens_the_curves_it_leads_to(browser, address):
    from playwright.sync_api import expect

    page = opened(browser, f"{address}#curves-replay_all_masked")
    page.locator("#curves-replay_future").evaluate("part => { part.open = false; }")
    page.locator('nav a[href="#curves-replay_future"]').click()
    expect(page.locator("#curves-replay_future")).to_have_attribute("open", "")
    assert "true" in page.locator("#curves-replay_future .legend").inner_text()
    assert "interpolate_residual" in page.locator("#curves-replay_future .legend").inner_text()
    page.close()


def test_a_long_name_is_whole_in_the_tables_and_cut_in_charts(page):
    assert page.locator("#replay_values tbody th bdi", has_text=LONG).first.inner_text() == LONG
    drawn = page.locator("#chart-replay_future svg:visible text").all_text_contents()
    assert any(LONG.startswith(text[:-1]) and text.endswith("…") for text in drawn)
    assert any(HOSTILE.startswith(text[:-1]) and text.endswith("…") for text in drawn)


def test_runs_say_what_was_trained_and_no_hashes(page):
    run = page.locator("#runs tbody tr", has_text="small Llama from scratch").inner_text()
    for value in ("nano-lcbm", "1.05 million", "2.05 million", "10.2 minutes", "3", "0.1.0"):
        assert value in run.replace("\n", " ")
    hostile = page.locator("#runs tbody tr").nth(4).locator("td.fact").all_inner_texts()
    assert hostile == ["–"] * 6
    assert not re.search(r"[0-9a-f]{16}", page.locator("body").inner_text())


def test_every_column_says_its_unit_and_direction(page):
    for view, ends in (("score", ("lower", "higher")), ("skill", ("higher",)), ("rank", ("1 is best",))):
        for choice in page.locator(f'.view input[value="{view}"]').all():
            choice.check()
        units = page.locator(".board thead th.num").all_inner_texts()
        assert len(units) == 10 and all(any(end in unit for end in ends) for unit in units)
        if view == "score":
            assert all(re.search(r"\n(points|%|percentage|1 is)", unit) for unit in units)


def test_without_an_oracle_nothing_is_said_of_one(browser, site_without_oracle):
    page = opened(browser, (site_without_oracle / "index.html").as_uri())
    labels = page.evaluate("[...document.querySelectorAll('[aria-label], [title]')].map(e => e.ariaLabel + e.title)")
    texts = " ".join([page.locator("body").evaluate("body => body.textContent.replace(/<style.*/s, '')"), *labels])
    for script in page.locator("script").all():
        texts = texts.replace(script.text_content(), "")
    assert "nano-lcbm" in texts
    assert "oracle" not in texts.lower() and "best possible" not in texts.lower()
    page.close()


def test_partial_runs_are_marked(browser, folder, runs, tmp_path):
    tables = shutil.copytree(folder / "site" / "data", tmp_path / "tables")
    for path in tables.glob("*.json"):
        content = json.loads(path.read_text())
        for row in content["rows"]:
            row |= {"partial": True, "n": 25, "rank": None} if row["run"] == "nano-control" else {"partial": False}
        path.write_text(json.dumps(content))
    site = build_site(runs, tmp_path / "site", folder / "bench", tables)
    page = opened(browser, site.as_uri())
    row = page.locator('#replay_values tr[data-run="nano-control"]')
    assert "partial" in row.locator("th").inner_text() and "25 of 60 questions" in row.locator("td").first.inner_text()
    assert "60 questions" in page.locator("#replay_values th.group").first.inner_text()
    assert "partial" in page.locator(".reading").inner_text()
    assert page.locator("#replay_values tbody th", has_text="partial").count() == 1
    assert "nano-control (partial)" in page.locator("#chart-replay_future svg:visible text").all_text_contents()
    page.close()


def test_without_scripts_the_scores_are_there(browser, address):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address)
    assert page.locator("#replay_values tbody tr").first.inner_text().startswith("oracle")
    page.locator('#replay_values .view input[value="skill"]').check()
    assert "%" in page.locator('#replay_values tr[data-run="boosted"] td').first.inner_text()
    assert page.locator("#replay_values .board .score:visible").count() == 0
    context.close()
