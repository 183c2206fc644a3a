"""Forecasts of one message: what is read of it, what is asked, which scenes matter, and what is refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("av")
pytest.importorskip("cv2")

from baselines.forecast import ask as asking
from baselines.forecast import run
from baselines.forecast.ask import Answer, prompts, with_forecast
from baselines.forecast.corpus_of_one import BadMessageFile, make_corpus, read_frame_of_one
from baselines.forecast.matter import GREY, empty_scenes, losses, open_without_scenes, without_each_scene
from baselines.forecast.message import BadDescription, Description, describe
from baselines.forecast.run import NothingToForecast, make_forecast
from baselines.lcbm.train import train
from benchmark.build import build_bench
from benchmark.tasks.registry import task_named
from corpus.errors import NoSuchPath
from corpus.seen_store import Piece, write_store
from corpus.simulate.clips.render import write_clip
from corpus.simulate.clips.specification import draw_clip
from corpus.simulate.world import simulate

SETTINGS = {
    "scratch": {"vocab_size": 1300, "hidden_size": 32, "intermediate_size": 64, "layers": 2, "heads": 2},
    **{"tasks": ["like_view_ratio", "views"], "tasks_left_out": [], "weights": {}},
    **{"steps": 200, "eval_every_steps": 200, "save_every_steps": 200, "context_tokens": 384, "micro_batch": 6},
}
DESCRIBED = {
    "title": "A dog learns to swim | for free",
    "company": "Alvo",
    "audience": 20_000,
    "published_at": "2026-03-01T12:00:00+02:00",
    "duration_s": 10,
    "scenes": [
        {"start_s": n, "end_s": n + 1, "captions": [f"a dog {n}"], "speech": ["well done"] if n == 3 else []}
        for n in range(10)
    ],
}


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    """A small model that answers likes per view and views with numbers of its own."""
    root = tmp_path_factory.mktemp("forecast")
    simulate(root / "corpus", seed=4, world="clips", brands=12, videos=6)
    bench = build_bench(root / "corpus", root / "bench", mask_draws=1)
    return train("real-lcbm", bench.root, root / "model", overrides=SETTINGS)


@pytest.fixture(scope="module")
def clip(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    write_clip(path, next(clip for n in range(99) if (clip := draw_clip(n, "forecast", 9, 9)).scenes[0].text))
    return path


def described(folder: Path, **changed: object) -> Path:
    path = folder / "message.json"
    path.write_text(json.dumps({**DESCRIBED, **changed}))
    return path


def test_a_described_message_is_asked_as_one_of_a_corpus(model, tmp_path):
    made = make_forecast(described(tmp_path), str(model), {"audience": 30_000})
    assert made["title"].startswith("A dog learns to swim")
    assert [scene["seen"] for scene in made["scenes"]] == [f"a dog {n}" for n in range(10)]
    assert [scene["speech"] for scene in made["scenes"]] == [None] * 3 + ["well done"] + [None] * 6
    assert made["not_asked"] == ["replay values"], "the model was not tuned for it"
    assert made["media"] is None and {scene["thumbnail"] for scene in made["scenes"]} == {None}
    assert [answer["title"] for answer in made["forecasts"]] == ["views", "likes per view"]
    for answer in made["forecasts"]:
        task = answer["task"]
        assert answer["low"][0] <= answer["values"][0] <= answer["high"][0]
        assert {loss["scene"] for loss in made["matter"] if loss["task"] == task} == set(range(10))
        assert {loss["whole"] for loss in made["matter"] if loss["task"] == task} == {answer["values"][0]}
    sizes = [abs(loss["decades"]) for loss in made["matter"]]
    assert sizes == sorted(sizes, reverse=True)
    assert made == make_forecast(described(tmp_path), str(model), {"audience": 30_000})
    assert made["forecasts"] != make_forecast(described(tmp_path), str(model), {"audience": 9})["forecasts"]


def test_the_prompt_holds_what_is_known_and_masks_what_is_asked(tmp_path):
    make_corpus(tmp_path / "corpus", describe(described(tmp_path), {}), {})
    frame = read_frame_of_one(tmp_path / "corpus", 30)
    (likes,) = prompts(task_named("like_view_ratio"), frame)
    for line in (
        "channel: Alvo",
        "subscribers: 20",
        "length: 10 s",
        "age: 30 days",
        "scene 4: a dog 3 | says: well done",
    ):
        assert line in likes, likes
    assert "published: 2026-03-01 10h" in likes, "times are UTC"
    (replay,) = prompts(task_named("replay_all_masked"), frame)
    assert all(f"<mask {scene}>" in replay for scene in range(1, 11))


def test_a_question_shows_the_forecasts_before_it(tmp_path):
    make_corpus(tmp_path / "corpus", describe(described(tmp_path), {}), {})
    frame = with_forecast(read_frame_of_one(tmp_path / "corpus", 30), "views", Answer((12_345.0,), (1.0,), (2.0,)))
    assert "views: 12.3 thousand" in prompts(task_named("like_view_ratio"), frame)[0]
    assert "views: 12.3" not in prompts(task_named("views"), frame)[0]
    frame = with_forecast(frame, "like_view_ratio", Answer((3.21,)))
    assert "likes: 3.21 % of views" in prompts(task_named("replay_all_masked"), frame)[0]
    assert with_forecast(frame, "views", Answer()).equals(frame)


def test_an_emptied_scene_changes_its_line_alone(tmp_path):
    make_corpus(tmp_path / "corpus", describe(described(tmp_path), {}), {})
    frame = read_frame_of_one(tmp_path / "corpus", 30)
    (whole,) = prompts(task_named("views"), frame)
    emptied = prompts(task_named("views"), without_each_scene(frame))
    assert len(emptied) == 10
    for scene, prompt in enumerate(emptied):
        pairs = zip(whole.split("\n"), prompt.split("\n"), strict=True)
        changed = [(one.strip(), other.strip()) for one, other in pairs if one != other]
        assert [other for _, other in changed] == [f"scene {scene + 1}:"]


def test_what_was_not_read_whole_is_not_compared():
    whole, cut = Answer((10.0,), (1.0,), (20.0,)), Answer((9.0,), (1.0,), (20.0,), cut=True)
    assert losses("views", whole, [cut, Answer((9.0,))]) == []
    assert losses("views", cut, [whole]) == []


def test_what_is_remembered_of_prompts_changes_no_figure(model, tmp_path, monkeypatch):
    made = make_forecast(described(tmp_path), str(model), {})
    monkeypatch.setattr(run, "PromptMemory", lambda: None)
    forgetful = make_forecast(described(tmp_path), str(model), {})
    assert {name for name in made if made[name] != forgetful[name]} <= {"forecasts", "matter"}
    for one, other in zip(made["forecasts"], forgetful["forecasts"], strict=True):
        for name in ("values", "low", "high"):
            assert one[name] == pytest.approx(other[name], rel=1e-4)
    lost, again = (
        {(row["task"], row["scene"]): row["without"] for row in kept["matter"]} for kept in (made, forgetful)
    )
    assert len(lost) == 20 and lost == pytest.approx(again, rel=1e-4)


def test_scenes_that_are_empty_are_not_asked_and_change_nothing(model, tmp_path, monkeypatch):
    asked: list[str] = []

    def answered(reader, task, prompt, raw, count):
        asked.append(str(prompt))
        return Answer((float(len(asked)),))

    monkeypatch.setattr(asking, "read", answered)
    scenes = [{**scene, "captions": scene["captions"] if n < 4 else []} for n, scene in enumerate(DESCRIBED["scenes"])]
    made = make_forecast(described(tmp_path, scenes=scenes), str(model), {})
    assert made["empty_scenes"] == [4, 5, 6, 7, 8, 9]
    assert len(asked) == len(set(asked)) == 2 * (1 + 4)
    assert len(made["matter"]) == 2 * 10
    for loss in made["matter"]:
        is_empty = loss["scene"] >= 4
        assert (loss["decades"] == 0) == (loss["without"] == loss["whole"]) == is_empty


def test_a_silent_scene_is_not_empty_where_a_model_sees_it(tmp_path):
    make_corpus(tmp_path / "corpus", describe(described(tmp_path), {}), {})
    frame = read_frame_of_one(tmp_path / "corpus", 30)
    emptied = without_each_scene(frame)
    for scene in range(10):
        assert empty_scenes(emptied[scene]) == [scene]
        assert empty_scenes(emptied[scene], shown=[scene]) == []
        (same,) = prompts(task_named("views"), without_each_scene(emptied[scene])[scene])
        assert same == prompts(task_named("views"), emptied[scene])[0], "so it need not be asked"


def test_what_is_lost_is_the_difference_of_logarithms():
    lost = losses("views", Answer((1000.0,)), [Answer((100.0,)), Answer(), Answer((2000.0,))])
    assert [loss.scene for loss in lost] == [0, 2]
    assert [loss.decades for loss in lost] == pytest.approx([1.0, -0.30103], abs=1e-4)


def test_a_store_shows_a_scene_grey_and_all_others_as_they_are(tmp_path):
    seen = np.random.default_rng(0).integers(0, 255, (6, 4, 4, 3)).astype(np.uint8)
    piece = Piece("m", seen, np.repeat([0, 1, 2], 2), np.linspace(0, 1, 6))
    store = open_without_scenes(write_store(tmp_path / "s", [piece], {"seen": "frames"}))
    without = store.piece("m#without-1")
    assert "m#without-1" in store and store.scenes("m#without-1") == [0, 1, 2]
    assert (without.seen[2:4] == GREY).all()
    assert (without.seen[[0, 1, 4, 5]] == seen[[0, 1, 4, 5]]).all()
    assert (store.piece("m").seen == seen).all()


def test_a_clip_is_read_and_shown(model, clip, cbc_here, tmp_path):
    pytest.importorskip("rapidocr")
    arguments = ["forecast", clip, "--model", model, "--title", "A dog", "--with", "text", "--out", tmp_path / "f.html"]
    ended = cbc_here(*arguments, "--json")
    assert ended.returncode == 0, ended.stderr
    made = json.loads(ended.stdout)
    specification = next(found for n in range(99) if (found := draw_clip(n, "forecast", 9, 9)).scenes[0].text)
    assert len(made["scenes"]) == len(specification.scenes)
    assert made["duration_s"] == pytest.approx(specification.duration_s, abs=0.3)
    assert specification.scenes[0].text in made["scenes"][0]["seen"].lower()
    assert all(scene["thumbnail"] for scene in made["scenes"])
    page = (tmp_path / "f.html").read_text()
    assert f"{float(format(made['forecasts'][0]['values'][0], '.3g')):,.0f}" in page
    assert cbc_here(*arguments, "--json").stdout == ended.stdout


def test_a_model_that_sees_is_asked_with_grey_scenes(clip, tmp_path, monkeypatch):
    """A model of large random weights: its answers are no numbers, but they follow what it is shown."""
    import torch

    from baselines.lcbm.recipe import load_recipe
    from baselines.lcbm.train import fit
    from baselines.lcbm.vision.caption_shards import CaptionSource, prepare_shards
    from baselines.lcbm.vision.model import LcbmVision
    from corpus.simulate.clips.shards import write_caption_shards

    tiny = {
        **{"vision.image_size": 32, "vision.width": 32, "vision.layers": 2, "vision.heads": 2},
        **{"scratch.hidden_size": 32, "scratch.intermediate_size": 32, "scratch.heads": 2, "scratch.vocab_size": 1200},
        **{"steps": 2, "eval_every_steps": 2, "save_every_steps": 2, "micro_batch": 2, "repetition": 0.0},
    }
    captions = prepare_shards(write_caption_shards(tmp_path / "shards", 8, seed=9), tmp_path / "captions", 32)
    recipe = load_recipe("nano-vision-captions", tiny)
    seeing = fit(recipe, CaptionSource(captions), tmp_path / "seeing", seen=captions / "frames")
    trained = LcbmVision.from_pretrained(seeing)
    torch.manual_seed(7)
    for parameter in trained.parameters():
        if parameter.ndim > 1:
            torch.nn.init.normal_(parameter, std=0.2)
    trained.save_pretrained(seeing)
    training = json.loads((seeing / "training.json").read_text())
    (seeing / "training.json").write_text(json.dumps({**training, "tasks": {"like_view_ratio": {}}}))
    shown: list[tuple[str, bool, int]] = []
    texts: dict[str, str] = {}

    def answered(reader, task, prompt, raw, count):
        texts[prompt.message_id] = raw
        grey = (reader.eyes.store.piece(prompt.message_id).seen == GREY).all((1, 2, 3))
        shown.append((prompt.message_id, bool(prompt.blind), int(grey.sum())))
        return Answer((float(len(shown)),))

    monkeypatch.setattr(asking, "read", answered)
    made = make_forecast(clip, str(seeing), {}, "frames")
    assert made["not_asked"] == ["views", "replay values"]
    scenes = len(made["scenes"])
    assert len(made["matter"]) == scenes >= 8
    assert [blind for _, blind, _ in shown] == [False] * (1 + scenes)
    assert [grey for _, _, grey in shown] == [0, *[2] * scenes], "two frames a scene"
    remembered = dict(texts)
    assert len(set(remembered.values())) > 1, "answers follow what is shown"
    monkeypatch.setattr(run, "PromptMemory", lambda: None)
    make_forecast(clip, str(seeing), {}, "frames")
    assert texts == remembered


def test_wrong_input_is_one_line(model, clip, cbc_here, tmp_path):
    (tmp_path / "text.mp4").write_text("no video")
    (tmp_path / "list.json").write_text("[1]")
    (tmp_path / "torn.json").write_text("{")
    (tmp_path / "empty.json").write_text("{}")
    other = shutil.copytree(model, tmp_path / "other")
    training = json.loads((other / "training.json").read_text())
    (other / "training.json").write_text(json.dumps({**training, "tasks": {"tweet_likes_brand": {}}}))
    for path, used, why in (
        (tmp_path / "none.mp4", model, "no file at"),
        (tmp_path / "text.mp4", model, "cannot be read"),
        (tmp_path / "list.json", model, "holds no JSON object"),
        (tmp_path / "torn.json", model, "is no JSON"),
        (tmp_path / "empty.json", model, "says nothing"),
        (described(tmp_path, views=3), model, "unknown key views"),
        (clip, tmp_path / "nowhere", "is no model folder"),
        (clip, other, "answers none of"),
    ):
        ended = cbc_here("forecast", path, "--model", used, "--with", "look", "--out", tmp_path / "f.html")
        assert ended.returncode == 2 and why in ended.stderr, ended.stderr
        assert len(ended.stderr.strip().splitlines()[-1]) < 300 and "Traceback" not in ended.stderr
        assert not (tmp_path / "f.html").exists()


def test_errors_have_names_of_their_own(tmp_path, model):
    with pytest.raises(NoSuchPath, match="absent"):
        describe(described(tmp_path, media="none.mp4"), {})
    scene = {"start_s": 1, "end_s": 2}
    for wrong, why in (
        ({"audience": -1}, "audience"),
        ({"audience": 10**20}, "audience"),
        ({"duration_s": float("inf")}, "duration_s"),
        ({"duration_s": 3}, "end within"),
        ({"published_at": "9999-12-31T00:00:00"}, "the year must be"),
        ({"scenes": [scene, scene]}, "follow each other"),
        ({"scenes": [{"start_s": 2, "end_s": 1}]}, "follow each other"),
        ({"scenes": [{"start_s": n, "end_s": n + 1} for n in range(201)], "duration_s": 300}, "scenes"),
        ({"media": "/etc/hosts"}, "beside"),
        ({"media": "../x.mp4"}, "beside"),
        ({"media": ["x"]}, "beside"),
    ):
        with pytest.raises(BadDescription, match=why):
            describe(described(tmp_path, **wrong), {})
    (tmp_path / "text.mp4").write_text("no video")
    with pytest.raises(BadMessageFile):
        make_corpus(tmp_path / "corpus", Description(media=tmp_path / "text.mp4"), {})
    short = described(tmp_path, duration_s=None, scenes=[])
    made = make_forecast(short, str(model), {})
    assert made["not_asked"] == ["replay values"] and made["scenes"] == [] and made["matter"] == []
    assert NothingToForecast.__mro__[1].__name__ == "CbcError"
