"""The page in a real browser: what it shows, sorts and refuses to fetch."""

from __future__ import annotations

import functools
import json
import shutil
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

from leaderboard.words import number
from tests.leaderboard.small import HOSTILE, HOSTILE_TITLE, RUNS

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture(scope="module")
def address(folder):
    """The site served on this machine alone."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder / "site"))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def browser():
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("needs chromium, which is not installed (Debian: apt install chromium)")
    api = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    with api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        yield started
        started.close()


def opened(browser, address, width=1280):
    """The page, with all that was asked for and every complaint noted."""
    page = browser.new_page(viewport={"width": width, "height": 900})
    page.asked, page.complaints = [], []
    page.on("request", lambda request: page.asked.append(request.url))
    page.on("console", lambda message: page.complaints.append(message.text))
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.goto(address)
    page.wait_for_load_state("load")
    return page


@pytest.fixture
def page(browser, address):
    page = opened(browser, address)
    yield page
    page.close()


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


def header(page, name, column):
    return page.locator(f"#{name} .board thead button").nth(column)


def test_nothing_is_fetched_from_elsewhere_and_nothing_complains(page, address):
    assert page.complaints == []
    assert len(page.asked) > 10
    assert all(url.startswith((address, "data:")) for url in page.asked)


def test_it_works_from_a_file_too(browser, folder):
    page = opened(browser, (folder / "site" / "index.html").as_uri())
    assert page.complaints == [] and all(url.startswith(("file:", "data:")) for url in page.asked)
    assert page.evaluate("[...document.images].every(image => image.naturalWidth > 0)")
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


def test_all_charts_are_loaded(page, folder):
    images = page.evaluate(
        "[...document.images].map(i => [i.currentSrc.split('/').pop(), i.naturalWidth, i.alt.length])"
    )
    assert all(width > 0 and alt > 20 for _, width, alt in images)
    charts = {path.name for path in (folder / "site" / "charts").iterdir()}
    assert {name for name, *_ in images} == {name for name in charts if "narrow" not in name}
    assert sum("video" in name for name in charts) == 12


@pytest.mark.parametrize("name", ["replay_values", "like_view_ratio", "twitter_likes"])
def test_cells_show_the_numbers_of_the_json(page, folder, name):
    for row in table(folder, name)["rows"]:
        cell = page.locator(
            f"#{name} tr[data-run={json.dumps(row['run'])}] "
            f'td[data-condition="{row["condition"]}"][data-metric="{row["metric"]}"]'
        )
        value, metric = row["value"], row["metric"]
        assert float(cell.get_attribute("data-score")) == value
        bounds = f"[{number(row['low'], metric)}, {number(row['high'], metric)}]"
        shown = cell.inner_text().replace("†", "").split("\n")
        assert shown[:2] == [number(value, metric), bounds]
        assert ("unparsed" in shown[-1]) == (row["unparsed"] > 0)


def test_headings_sort_and_sort_back(page, folder):
    column = ("replay_values", "all_masked", "rmse", "value")
    button = header(page, "replay_values", 3)
    before = names(page, "replay_values")
    button.click()
    best_first = names(page, "replay_values")
    assert in_order(best_first, folder, *column) and best_first != before
    assert button.locator("..").get_attribute("aria-sort") == "ascending"
    button.press("Enter")
    worst_first = names(page, "replay_values")
    assert in_order(worst_first, folder, *column, reverse=True)
    assert button.locator("..").get_attribute("aria-sort") == "descending"
    assert worst_first[-1] == "interpolate" == best_first[-1], "a run without a score stays last"
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
    choice = page.locator("#like_view_ratio .view input")
    assert cell.inner_text().startswith(number(row["value"]))
    choice.nth(1).check()
    assert f"+{100 * row['skill']:.1f} %" in cell.inner_text()
    assert number(row["value"]) not in cell.inner_text()
    assert in_order(names(page, "like_view_ratio"), folder, "like_view_ratio", "test", "rmse", "skill", reverse=True)
    choice.nth(2).check()
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
            marked = page.locator(f'#replay_values td[data-condition="{condition}"][data-metric="{metric}"]:has(.mark)')
            assert marked.locator("..").evaluate_all("rows => rows.map(row => row.dataset.run)") == [run]
    oracle = page.locator('#replay_values tr[data-run="oracle"]')
    assert "best possible (simulated world)" in oracle.inner_text() and oracle.locator("td.top").count() == 0
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
    assert "interpolate" in page.locator("#curves-replay_future .legend").inner_text()
    page.close()


def test_a_narrow_screen_scrolls_tables_and_not_the_page(browser, address):
    page = opened(browser, address, width=400)
    assert page.evaluate("document.documentElement.scrollWidth") == 400
    assert page.evaluate("[...document.querySelectorAll('picture img')].every(i => i.currentSrc.includes('-narrow'))")
    assert page.locator("#replay_values .scroll").first.evaluate("part => part.scrollWidth > part.clientWidth")
    page.close()


def test_without_scripts_the_scores_are_there(browser, address):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address)
    assert page.locator("#replay_values tbody tr").first.inner_text().startswith("oracle")
    assert not page.locator("#replay_values .view").is_visible()
    context.close()
