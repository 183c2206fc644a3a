"""The page of a forecast in a real browser: its figures, its player, and texts of strangers."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

from leaderboard.forecast_page import (
    BadPagePath,
    change_text,
    check_page,
    clock,
    forecast_text,
    matter,
    percent_text,
    write_forecast,
)

HOSTILE = "<script>document.title = 'taken'</script><img src=x onerror=\"document.title = 'taken'\">"
ONE_PIXEL = base64.b64encode(b"GIF89a\x01\x00\x01\x00\x00\x00\x00;").decode()


def asked(title: str, values=(), low=(), high=(), **flags: bool) -> dict[str, Any]:
    about = {"task": title, "title": title, "asks_curve": False, "spans_decades": False, "cut": False, **flags}
    return {**about, "values": values, "low": low, "high": high}


def forecast(media: Path | None = None, scenes: int = 9, **changed: Any) -> dict[str, Any]:
    return {
        "model": "m",
        "title": f"A dog {HOSTILE}",
        "age_days": 30.0,
        "duration_s": float(scenes),
        "media": str(media) if media else None,
        "band": [0.1, 0.9],
        "forecasts": [
            asked("views", (12_345.0,), (4_321.0,), (98_765.0,), spans_decades=True),
            asked("likes per view", (3.456,), (1.0,), (6.0,)),
            asked(
                "replay values",
                *(tuple(size * scene for scene in range(scenes)) for size in (10.0, 5.0, 11.0)),
                asks_curve=True,
            ),
        ],
        "not_asked": [],
        "empty_scenes": [],
        "matter": [
            {"scene": 4, "task": "views", "whole": 12_345.0, "without": 9_000.0, "decades": 0.137},
            {"scene": 4, "task": "likes per view", "whole": 3.456, "without": 3.2, "decades": 0.033},
            {"scene": 2, "task": "likes per view", "whole": 3.456, "without": 3.6, "decades": -0.0177},
            {"scene": 0, "task": "likes per view", "whole": 3.456, "without": 3.456, "decades": 0.0},
        ],
        "scenes": [
            {
                "start_s": float(scene),
                "end_s": scene + 1.0,
                "seen": f"text: {HOSTILE}" if scene == 4 else "",
                "speech": HOSTILE if scene == 4 else None,
                "thumbnail": ONE_PIXEL if media else None,
            }
            for scene in range(scenes)
        ],
        **changed,
    }


@pytest.fixture(scope="module")
def clip(tmp_path_factory) -> Path:
    pytest.importorskip("av")
    pytest.importorskip("cv2")
    from corpus.simulate.clips.render import write_clip
    from corpus.simulate.clips.specification import draw_clip

    path = tmp_path_factory.mktemp("clip") / "a clip's #1.mp4"
    write_clip(path, draw_clip(0, "forecast", 9, 9))
    return path


def open_page(browser, path: Path, width: int = 1200):
    page = browser.new_page(viewport={"width": width, "height": 900})
    page.faults = []
    page.on("pageerror", lambda error: page.faults.append(str(error)))
    page.on("console", lambda line: page.faults.append(line.text) if line.type == "error" else None)
    page.goto(path.as_uri())
    return page


def test_a_click_on_a_scene_moves_the_player_there(browser, clip, tmp_path):
    page = open_page(browser, write_forecast(forecast(clip), tmp_path / "site" / "forecast.html"))
    page.wait_for_function("document.getElementById('player').readyState >= 1")
    now = "document.getElementById('player').currentTime"
    for target, time_s in (
        (page.locator(".curve .place").nth(5), 5.0),
        (page.locator(".strip button").nth(2), 2.0),
        (page.locator(".matter .jump").first, 4.0),
    ):
        target.click()
        assert page.evaluate(now) == pytest.approx(time_s)
    assert page.faults == []
    page.close()


def test_figures_scenes_and_words_are_those_of_the_forecast(browser, clip, tmp_path):
    page = open_page(browser, write_forecast(forecast(clip), tmp_path / "forecast.html"))
    facts = page.locator(".facts").inner_text().replace("\n", " ")
    for figure in ("12,300", "4,320 to 98,800", "3.46 %", "1 % to 6 %", "scenes 9", "length 0:09"):
        assert figure in facts
    assert "the lowest and the highest 10 %" in page.locator(".lede").inner_text()
    matter = page.locator(".matter li").all_inner_texts()
    assert len(matter) == 2, "each scene once, and none that changes nothing"
    assert "scene 5, 0:04 views 9,000 without it instead of 12,300, 27 % lower" in matter[0].replace("\n", " ")
    assert "3.6 % without it instead of 3.46 %, 4.2 % higher" in matter[1].replace("\n", " ")
    assert page.locator(".scenes tbody tr").count() == 1, "scenes without a word are left out beside others"
    points = page.locator(".curve .mean").get_attribute("points").split()
    heights = [float(point.split(",")[1]) for point in points]
    assert len(points) == 9 and heights == sorted(heights, reverse=True) and heights[0] == 220.0
    assert page.locator(".curve .band").count() == 1
    page.close()


def test_texts_of_strangers_stay_texts(browser, clip, tmp_path):
    page = open_page(browser, write_forecast(forecast(clip), tmp_path / "forecast.html"))
    assert page.title() == f"Forecast: A dog {HOSTILE}"
    assert HOSTILE in page.locator("h1").inner_text()
    assert HOSTILE in page.locator(".matter .speech").inner_text()
    assert page.locator("img[src='x']").count() == 0
    page.close()


def test_a_message_without_media_or_curve_has_a_page_too(browser, tmp_path):
    answers = [asked("views", (7.0,), spans_decades=True), asked("likes per view", cut=True)]
    made = forecast(scenes=0, title=None, forecasts=answers, not_asked=["replay values"], matter=[])
    page = open_page(browser, write_forecast(made, tmp_path / "forecast.html"), width=390)
    assert page.locator("video, .curve, .strip, .scenes").count() == 0
    notes = page.locator(".notes").all_inner_texts()
    assert "could not be read: likes per view" in notes[0]
    assert "lost its beginning: likes per view" in notes[1] and "replay values" in notes[2]
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.faults == []
    page.close()
    assert forecast_text(made, Path("f.html")) == "f.html: views 7, likes per view could not be read; 0 scenes"


@pytest.mark.parametrize(
    ("answers", "why"),
    [
        ([asked("views", (9.0,)), asked("likes per view", (1.0,), cut=True)], "not all of the question"),
        ([asked("views"), asked("replay values", cut=True, asks_curve=True)], "answers could not be read"),
        ([asked("replay values", tuple(range(9)), asks_curve=True)], "neither views nor likes per view"),
    ],
)
def test_scenes_that_were_not_compared_are_not_said_to_change_nothing(browser, tmp_path, answers, why):
    page = open_page(browser, write_forecast(forecast(forecasts=answers, matter=[]), tmp_path / "forecast.html"))
    text = page.locator("section[aria-labelledby=matter]").inner_text()
    assert why in text and "No scene changes" not in text
    assert "band" not in page.locator(".lede").inner_text(), "no answer has one"
    page.close()


def test_scenes_that_change_nothing_are_said_to(browser, tmp_path):
    unchanged = [{"scene": 0, "task": "views", "whole": 9.0, "without": 9.0, "decades": 0.0}]
    page = open_page(browser, write_forecast(forecast(matter=unchanged), tmp_path / "forecast.html"))
    assert "No scene changes the forecast" in page.locator("section[aria-labelledby=matter]").inner_text()
    page.close()


def test_empty_scenes_are_said_to_change_nothing(browser, tmp_path):
    page = open_page(browser, write_forecast(forecast(empty_scenes=[0, 1, 3]), tmp_path / "forecast.html"))
    text = page.locator("section[aria-labelledby=matter]").inner_text()
    assert "3 of 9 scenes hold nothing that the model reads" in text
    page.close()


def test_scenes_with_the_same_words_are_listed_once():
    lost = [
        {"scene": scene, "task": "views", "whole": 9_000.0, "without": 9_000.0 - step, "decades": step / 9_000}
        for scene, step in ((3, 900.0), (4, 800.0), (0, 700.0), (8, 600.0), (7, 500.0))
    ]
    made = forecast(matter=lost)
    for scene in (2, 3, 4):
        made["scenes"][scene] |= {"seen": "text: a slide", "speech": None}
    rows = matter(made, made["scenes"])
    assert [(row["number"], row["alike"]) for row in rows] == [(4, 2), (1, 0), (9, 0), (8, 0)]


def test_thumbnails_have_the_shape_of_the_clip(browser, clip, tmp_path):
    page = open_page(browser, write_forecast(forecast(clip), tmp_path / "forecast.html"))
    page.wait_for_function("document.getElementById('player').readyState >= 1")
    for image in (page.locator(".strip img").first, page.locator(".matter img").first):
        box = image.bounding_box()
        assert box["width"] == pytest.approx(box["height"], rel=0.02), "these clips are square"
    page.close()


def test_words_of_a_scene_have_the_width_of_a_telephone(browser, tmp_path):
    page = open_page(browser, write_forecast(forecast(), tmp_path / "forecast.html"), width=390)
    said = page.locator(".scenes tbody td").last
    assert said.inner_text() == HOSTILE
    assert said.bounding_box()["width"] > 300
    page.close()


@pytest.mark.parametrize("scenes", [9, 100])
def test_the_page_fits_a_telephone(browser, clip, tmp_path, scenes):
    made = forecast(clip, scenes) | {"matter": forecast(clip)["matter"]}
    for answer in made["forecasts"]:
        answer["values"] = tuple(min(value, 100.0) for value in answer["values"])
    page = open_page(browser, write_forecast(made, tmp_path / "forecast.html"), width=390)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.locator(".strip img").count() == min(scenes, 20)
    page.close()


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (1.0, "100 % higher"),
        (-1.0, "100 % lower"),
        (0.004, "0.4 % higher"),
        (3.21, "321 % higher"),
        (50, "more than 10 times as high"),
    ],
)
def test_changes_are_written_in_plain_figures(share, text):
    assert change_text(share) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(100, "100 %"), (99.96, "100 %"), (3.456, "3.46 %"), (0.5, "0.5 %"), (0.00001, "0 %"), (0, "0 %")],
)
def test_percentages_are_written_in_plain_figures(value, text):
    assert percent_text(value) == text


def test_a_page_takes_no_other_files_place(tmp_path):
    (tmp_path / "clip.mp4").write_bytes(b"x")
    (tmp_path / "link.html").symlink_to(tmp_path / "clip.mp4")
    for out in (tmp_path, tmp_path / "clip.mp4", tmp_path / "link.html", tmp_path / "clip.mp4" / "f.html", Path("/")):
        with pytest.raises(BadPagePath):
            check_page(out, tmp_path / "clip.mp4")
    check_page(tmp_path / "new" / "f.html", tmp_path / "clip.mp4")


def test_times_are_minutes_and_seconds():
    assert [clock(seconds) for seconds in (0, 59.9, 60, 3_725)] == ["0:00", "0:59", "1:00", "62:05"]
