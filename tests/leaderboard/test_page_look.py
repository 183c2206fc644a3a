"""How the page looks in a real browser: widths, dark mode, contrast, headings and keys."""

from __future__ import annotations

from itertools import pairwise

import pytest

from tests.leaderboard.browser import opened


@pytest.mark.parametrize("view", ["score", "skill", "rank"])
@pytest.mark.parametrize("width", [1280, 390, 320])
def test_nothing_is_cut_sideways(browser, wide_site, width, view):
    page = opened(browser, (wide_site / "index.html").as_uri(), width=width)
    page.locator(f'#replay_values .view input[value="{view}"]').check()
    assert page.evaluate("document.documentElement.scrollWidth") == width
    outside = """[...document.querySelectorAll("body *")].filter(part => !part.closest(".scroll, .skip")
        && part.getBoundingClientRect().right > innerWidth + 0.5).map(part => part.outerHTML.slice(0, 80))"""
    assert page.evaluate(outside) == []
    boxes = page.locator(".scroll").evaluate_all("boxes => boxes.map(box => box.scrollWidth - box.clientWidth)")
    if width == 1280:
        assert max(boxes) == 0, "a table is wider than its box"
    else:
        assert max(boxes) > 0 and page.locator(".pictures .narrow svg").first.is_visible()
        assert not page.locator(".pictures .wide svg").first.is_visible()
    page.close()


CONTRASTS = """() => {
    const numbers = color => (color.match(/[\\d.]+/g) || [0, 0, 0, 0]).map(Number);
    const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
        .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
        .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
    const ground = part => {
        for (; part; part = part.parentElement) {
            const color = numbers(getComputedStyle(part).backgroundColor);
            if (color.length < 4 || color[3] > 0) return color;
        }
        return numbers(getComputedStyle(document.documentElement).backgroundColor);
    };
    const texts = [...document.querySelectorAll("body *")].filter(part =>
        [...part.childNodes].some(node => node.nodeType === 3 && node.data.trim()) && part.checkVisibility());
    return texts.filter(part => !["SCRIPT", "STYLE"].includes(part.tagName)).map(part => {
        const style = getComputedStyle(part);
        const ink = light(numbers(part.closest("svg") ? style.fill : style.color)), paper = light(ground(part));
        return [(Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05), part.outerHTML.slice(0, 80)];
    });
}"""


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("view", ["score", "skill"])
def test_every_text_has_contrast_in_both_modes(browser, address, mode, view):
    page = opened(browser, address, mode=mode)
    for choice in page.locator(f'.view input[value="{view}"]').all():
        choice.check()
    contrasts = page.evaluate(CONTRASTS)
    assert len(contrasts) > 300 and [found for found in contrasts if found[0] < 4.5] == []
    page.close()


def test_dark_mode_turns_page_and_charts(browser, address):
    brightness = {}
    for mode in ("light", "dark"):
        page = opened(browser, address, mode=mode)
        paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
        line = page.locator("#curves-replay_future .curves svg path[stroke='var(--ink)']").first
        ink = line.evaluate("path => getComputedStyle(path).stroke")
        brightness[mode] = [sum(map(int, color[4:-1].split(","))) for color in (paper, ink)]
        page.close()
    assert brightness["light"][0] > 700 > 150 > brightness["light"][1]
    assert brightness["dark"][0] < 150 < 600 < brightness["dark"][1]


def test_paper_is_light_in_dark_mode_too(browser, address):
    page = opened(browser, address, mode="dark")
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    page.close()


def test_headings_follow_each_other_and_header_cells_say_of_what(page):
    levels = page.evaluate("[...document.querySelectorAll('h1, h2, h3, h4')].map(h => Number(h.tagName[1]))")
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert page.locator("th:not([scope])").count() == 0


def test_the_keyboard_reaches_views_headings_and_boxes(page):
    reached = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("[document.activeElement.tagName, document.activeElement.className].join(' ')"))
    assert {"INPUT ", "BUTTON ", "DIV scroll"} <= reached


def test_what_colors_say_is_said_without_them_too(page):
    weights = page.locator("td.top .score .value").evaluate_all(
        "values => values.map(v => getComputedStyle(v).fontWeight)"
    )
    assert weights and set(weights) == {"700"}
    kinds = page.locator(".board tbody th small").all_inner_texts()
    assert all(kinds) and {"language model", "gradient boosting", "reference"} <= set(kinds)
