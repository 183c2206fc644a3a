"""Models that see: stores, places in prompts, captions from shards, stages, and answers that follow frames."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

torch = pytest.importorskip("torch")
av = pytest.importorskip("av")
cv2 = pytest.importorskip("cv2")

from baselines.base import Settings, WrongSettings  # noqa: E402
from baselines.lcbm.data import BenchSource, Examples  # noqa: E402
from baselines.lcbm.model import NoSuchBase  # noqa: E402
from baselines.lcbm.packing import PackedRows  # noqa: E402
from baselines.lcbm.recipe import BadRecipe, load_recipe  # noqa: E402
from baselines.lcbm.tokenizer import SEEN, add_seen, load_tokenizer, train_tokenizer  # noqa: E402
from baselines.lcbm.train import fit, train  # noqa: E402
from baselines.lcbm.vision.caption_shards import BadShards, CaptionSource, prepare_shards  # noqa: E402
from baselines.lcbm.vision.eyes import StoreEyes  # noqa: E402
from baselines.lcbm.vision.features import store_features  # noqa: E402
from baselines.lcbm.vision.frames import store_frames  # noqa: E402
from baselines.lcbm.vision.model import STAGE_1  # noqa: E402
from baselines.lcbm.vision.rows import SeeingRows, collate_seeing  # noqa: E402
from baselines.lcbm.vision.seeing import Sight  # noqa: E402
from baselines.lcbm.vision.start import load_model, sight_of  # noqa: E402
from baselines.predict import predict_run  # noqa: E402
from benchmark.bench import Bench  # noqa: E402
from benchmark.build import build_bench  # noqa: E402
from corpus import seen_store  # noqa: E402
from corpus.annotate.choose import choose_annotators  # noqa: E402
from corpus.annotate.media_run import annotate_media  # noqa: E402
from corpus.files.parquet_frames import read_frame  # noqa: E402
from corpus.files.written_once import HoldsOther  # noqa: E402
from corpus.seen_store import NothingSeen, Piece, Store, write_store  # noqa: E402
from corpus.simulate.clips.shards import caption_clip, write_caption_shards  # noqa: E402
from corpus.simulate.clips.world import media_path, render_media  # noqa: E402
from corpus.simulate.world import simulate  # noqa: E402
from corpus.store import Corpus  # noqa: E402
from corpus.takedown.takedown import takedown  # noqa: E402

ROOT = Path(__file__).resolve().parents[3]
SIZE = 32
TINY = {
    **{"vision.image_size": SIZE, "vision.patch_size": 16, "vision.width": 32, "vision.layers": 2, "vision.heads": 2},
    **{"scratch.hidden_size": 32, "scratch.intermediate_size": 32, "scratch.heads": 2, "scratch.vocab_size": 1200},
    **{"steps": 4, "eval_every_steps": 4, "save_every_steps": 2, "micro_batch": 2},
}
SHORT = {name: TINY[name] for name in ("steps", "eval_every_steps", "save_every_steps", "micro_batch")}


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """A corpus of clips with frames, its bench, captions, and a model of stage 0."""
    root = tmp_path_factory.mktemp("clips")
    simulate(root / "corpus", seed=4, world="clips", brands=12, videos=3)
    render_media(root / "corpus")
    _, annotators = choose_annotators("frames", [f"frames.size={SIZE}"])
    annotate_media(root / "corpus", annotators, workers=1)
    store_frames(root / "corpus", root / "frames")
    build_bench(root / "corpus", root / "bench", mask_draws=1)
    captions = prepare_shards(write_caption_shards(root / "shards", 12, seed=9), root / "captions", SIZE)
    fit(load_recipe("nano-vision-captions", TINY), CaptionSource(captions), root / "model", seen=captions / "frames")
    return root


def decoded(path: Path) -> tuple[list[np.ndarray], list[float]]:
    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
    return [frame.to_ndarray(format="rgb24") for frame in frames], [frame.time for frame in frames]


def test_stored_frames_are_those_of_their_times(made):
    """Each equals the first decoded picture at or after its time, made small by another rule (area means)."""
    store = Store.open(made / "frames")
    with Corpus.open(made / "corpus").connect() as connection:
        durations = dict(connection.sql("SELECT message_id, duration_s FROM message").fetchall())
    assert len(store.index) == 36
    for message_id in list(store.index)[::9]:
        pictures, times = decoded(media_path(made / "corpus" / "media", message_id))
        piece = store.piece(message_id)
        assert piece.scenes.tolist() == sorted([*range(max(piece.scenes) + 1)] * 2)
        for seen, share in zip(piece.seen, piece.time_shares, strict=True):
            time_s = share * durations[message_id]
            place = next((i for i, time in enumerate(times) if time >= time_s - 1e-9), len(times) - 1)
            small = pictures[place].reshape(SIZE, 96 // SIZE, SIZE, 96 // SIZE, 3).mean((1, 3))
            assert np.abs(small - seen).max() <= 1


@given(st.lists(st.tuples(st.integers(1, 5), st.integers(0, 255)), min_size=1, max_size=12), st.integers(1, 400))
def test_a_store_gives_back_what_was_written(tmp_path_factory, messages, shard_bytes):
    root = tmp_path_factory.mktemp("store") / "s"
    pieces = [
        Piece(f"m:{n}", np.full((count, 2, 3), level, np.uint8), np.arange(count), np.linspace(0, 1, count))
        for n, (count, level) in enumerate(messages)
    ]
    before, seen_store.SHARD_BYTES = seen_store.SHARD_BYTES, shard_bytes
    try:
        store = Store.open(write_store(root, pieces, {"seen": "frames"}))
    finally:
        seen_store.SHARD_BYTES = before
    for piece in pieces:
        read = store.piece(piece.message_id)
        assert (read.seen == piece.seen).all()
        assert read.scenes.tolist() == piece.scenes.tolist() == store.scenes(piece.message_id)
        assert read.time_shares == pytest.approx(piece.time_shares)
    with pytest.raises(NothingSeen, match="nothing of m:x"):
        store.piece("m:x")


@given(st.lists(st.integers(1, 5), min_size=1, max_size=4), st.integers(1, 3))
def test_each_scene_gives_equally_many_of_its_own_frames(counts, frames):
    scenes = np.repeat(np.arange(len(counts)), counts)
    piece = Piece("m", np.arange(len(scenes)).reshape(-1, 1), scenes, np.arange(len(scenes)) / len(scenes))
    sets = Sight("scene", frames, 3, 9999, SIZE, 32).sets(piece)
    assert sets.seen.shape == (len(counts), frames, 1) and sets.scenes.tolist() == list(range(len(counts)))
    for number, of_scene in enumerate(sets.seen[..., 0]):
        own = np.flatnonzero(scenes == number)
        assert set(of_scene) <= set(own) and (np.diff(of_scene) >= 0).all()
        assert of_scene[0] == own[0] and (frames == 1 or of_scene[-1] == own[-1])
        assert len(set(of_scene)) == min(frames, len(own))
    assert (sets.time_shares == sets.seen[..., 0] / len(scenes)).all()


WORDS = st.lists(st.sampled_from(["a dog", "scene", "scene 3:", "red =", "<mask 1>", ""]), max_size=5).map(" ".join)


@given(st.lists(WORDS, min_size=1, max_size=6), WORDS, st.sampled_from(["video", "timed", "scene"]))
def test_visual_tokens_stand_where_the_layout_says_and_change_no_other(scenes, title, layout):
    prompt = f"title: {title}\n" + "".join(f"scene {n}: {text}\n" for n, text in enumerate(scenes, 1)) + "answer:"
    tokenizer = small_tokenizer()
    coded = tokenizer(prompt + " 7", return_offsets_mapping=True)
    sight = Sight(layout, 8, 3, 9999, SIZE, 32)
    places = sight.places(prompt, len(prompt), range(len(scenes)))
    ids = sight.tokens_of(sight.insert(coded["input_ids"], coded["offset_mapping"], places))
    assert [token for token in ids if token != 9999] == coded["input_ids"]
    assert ids.count(9999) == 3 * (len(scenes) if layout == "scene" else 1)
    if layout != "scene":
        assert ids[:3] == [9999] * 3
        return
    texts = tokenizer.decode([tokenizer.eos_token_id if token == 9999 else token for token in ids]).split("<|eos|>" * 3)
    lines = prompt.split("\n")
    assert [text.split("\n")[-1] for text in texts[:-1]] == [f"scene {n}:" for n in range(1, len(scenes) + 1)]
    assert texts[-1].startswith(lines[len(scenes)].removeprefix(f"scene {len(scenes)}:"))


def small_tokenizer():
    if not hasattr(small_tokenizer, "made"):
        heads = [f"scene {n}:" for n in range(1, 9)]
        small_tokenizer.made = train_tokenizer(["title: a dog\nscene 1: red = <mask 1>\nanswer:"], 700, heads)
    return small_tokenizer.made


def test_scenes_without_a_line_are_seen_before_the_prompt():
    sight = Sight("scene", 8, 2, 1, SIZE, 32)
    for prompt in ("text: hello\nlikes:", "scene 1: a\nlikes:"):
        assert sight.places(prompt, len(prompt), [0, 4]) == [(0, 0), (0, 1)]


def test_the_answer_restates_what_is_seen_behind_its_heads():
    prompt = "scene 1: a\nscene 3: <mask 3>\nscene 4: b\nanswer:"
    sight = Sight("scene", 8, 2, 1, SIZE, 32)
    text = f"{prompt} scene 3: = 7\nscene 9: = 1\nscene 1: x scene 4: = 4"
    places = sight.places(text, len(prompt), [0, 2, 3])
    assert [number for _, number in places] == [0, 1, 2, 1, 0]
    assert [text[:character].rpartition("\n")[2] for character, _ in places] == [
        *("scene 1:", "scene 3:", "scene 4:"),
        *("answer: scene 3:", "scene 1:"),
    ]


def test_no_text_becomes_the_visual_token():
    tokenizer = small_tokenizer()
    add_seen(tokenizer)
    assert tokenizer.convert_tokens_to_ids(SEEN) not in tokenizer(f"a {SEEN} dog")["input_ids"]


def test_captions_come_from_shards_and_say_what_is_drawn(made):
    frame = pl.concat(
        [CaptionSource(made / "captions").questions("caption", s, "", 0) for s in ("train", "validation")]
    )
    assert sorted(frame["message_id"]) == [f"00000/{n:07}" for n in range(12)]
    for message_id, prompt, answer in frame.iter_rows():
        clip = caption_clip(9, int(message_id.removeprefix("00000/")))
        assert answer == clip.caption
        heads = "".join(f"scene {n}: \n" for n in range(1, len(clip.scenes) + 1))
        assert prompt == f"{heads}what is to be seen?\nanswer:"


def test_shards_may_hold_images_and_what_cannot_be_used_is_left_out_and_counted(tmp_path, capsys):
    _, image = cv2.imencode(".jpg", np.full((40, 60, 3), (10, 20, 200), np.uint8))
    members = {"a.jpg": image.tobytes(), "a.txt": b"red \xff", "b.mp4": b"no video", "b.txt": b"x", "c.txt": b"alone"}
    with tarfile.open(tmp_path / "s.tar", "w") as shard:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            shard.addfile(member, io.BytesIO(content))
    source = CaptionSource(prepare_shards([tmp_path / "s.tar"], tmp_path / "captions", 16))
    rows = [row for split in ("train", "validation") for row in source.questions("caption", split, "", 0).rows()]
    assert rows == [("s/a", "scene 1: \nwhat is to be seen?\nanswer:", "red �")]
    assert "1 sample" in capsys.readouterr().err
    seen = Store.open(tmp_path / "captions" / "frames").piece("s/a").seen
    assert np.abs(seen.astype(int) - (200, 20, 10)).max() < 12
    with pytest.raises(HoldsOther, match="frames_px: 16 there, 24 asked"):
        prepare_shards([tmp_path / "s.tar"], tmp_path / "captions", 24)
    (tmp_path / "torn.tar").write_bytes((tmp_path / "s.tar").read_bytes()[:700])
    (tmp_path / "text.tar").write_text("no tar")
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "s.tar").write_bytes((tmp_path / "s.tar").read_bytes())
    for names, why in ((["none"], "no shards"), (["torn"], "torn"), (["text"], "text"), (["s", "more/s"], "one name")):
        with pytest.raises(BadShards, match=why):
            prepare_shards([tmp_path / f"{name}.tar" for name in names], tmp_path / "other", 16)
        assert not (tmp_path / "other" / "captions.parquet").exists()


@pytest.mark.parametrize("layout", ["video", "timed", "scene"])
def test_features_give_the_loss_of_the_frames_they_were_made_of(made, tmp_path, layout):
    """With weights so large that those of other messages give another loss, by a hundred times as much."""
    recipe = load_recipe("nano-vision-captions", {**TINY, "vision.layout": layout})
    captions = made / "captions"
    trained = fit(recipe, CaptionSource(captions), tmp_path / "trained", seen=captions / "frames")
    tokenizer = load_tokenizer(trained)
    folder = shaken(trained, tmp_path / "shaken")
    model = load_model(str(folder)).eval()
    features = Store.open(store_features(folder, made / "frames", tmp_path / "features"))
    losses = []
    for store in (Store.open(made / "frames"), features, swapped(features, tmp_path / "swapped")):
        eyes = StoreEyes(sight_of(recipe, tokenizer), store)
        rows = bench_rows(made, tokenizer, eyes, tmp_path / f"rows-{len(losses)}")
        with torch.no_grad():
            losses.append(float(model(**collate_seeing([rows[0], rows[1]])).loss))
    assert losses[1] == pytest.approx(losses[0], rel=1e-3)
    assert abs(losses[2] - losses[0]) > 100 * abs(losses[1] - losses[0])


def shaken(trained: Path, folder: Path) -> Path:
    """The model with large random weights."""
    model = load_model(str(trained))
    torch.manual_seed(7)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim > 1:
                parameter.normal_(std=0.2)
    model.save_pretrained(folder)
    return folder


def bench_rows(made: Path, tokenizer, eyes: StoreEyes, folder: Path) -> SeeingRows:
    from baselines.lcbm.data import write_examples

    source = BenchSource(Bench.open(made / "bench"))
    frame = source.questions("replay_all_masked", "train", "behavior", 0)
    write_examples(folder, [("replay_all_masked", frame)], tokenizer, 1024, eyes)
    examples = Examples.open(folder)
    assert examples.tasks["replay_all_masked"] == {
        "examples": len(frame),
        "tokens": int(examples.lengths.sum()),
        "answer_tokens": int(np.sum(examples.answers)),
        "truncated": 0,
        "unseen": 0,
    }
    return SeeingRows(PackedRows.of(examples, range(len(frame)), 2, 1024, tokenizer.pad_token_id, False), eyes)


def swapped(store: Store, root: Path) -> Store:
    """The same features under the names of other messages with as many scenes."""
    shutil.copytree(store.root, root)
    counts = store.rows.group_by("message_id", maintain_order=True).len()
    names = dict(zip(counts["message_id"], counts["message_id"], strict=True))
    for (_,), alike in counts.group_by("len"):
        names |= dict(zip(alike["message_id"], np.roll(alike["message_id"].to_list(), 1), strict=True))
    store.rows.with_columns(pl.col("message_id").replace_strict(names)).write_parquet(root / "index.parquet")
    return Store.open(root)


def parts_that_differ(one: Path, other: Path) -> set[str]:
    first, second = (load_model(str(path)).state_dict() for path in (one, other))
    return {
        name for name in first if first[name].shape != second[name].shape or not torch.equal(first[name], second[name])
    }


def test_stages_train_their_parts_and_answers_follow_what_is_seen(made, tmp_path):
    source = CaptionSource(made / "captions")
    recipe = load_recipe("nano-vision-aligned", {**SHORT, "base": str(made / "model")})
    aligned = fit(recipe, source, tmp_path / "aligned", seen=made / "captions" / "frames")
    differing = parts_that_differ(made / "model", aligned)
    assert differing
    assert all(name.startswith(STAGE_1) for name in differing)
    store_features(aligned, made / "frames", tmp_path / "features")
    overrides = {**SHORT, "base": str(aligned), "steps": 8}
    model = train("nano-vision-lcbm", made / "bench", tmp_path / "m", 0, overrides, seen=tmp_path / "features")
    assert {name.partition(".")[0] for name in parts_that_differ(aligned, model)} == {"llm", "project"}

    strong = shaken(model, tmp_path / "strong")
    load_tokenizer(model).save_pretrained(strong)
    store_features(strong, made / "frames", tmp_path / "strong-features")
    swapped(Store.open(tmp_path / "strong-features"), tmp_path / "other")

    def raw(name: str, seen: Path, batch_size: int = 64) -> list[str]:
        settings = Settings(tasks=("like_view_ratio",), seen=seen, batch_size=batch_size)
        predict_run(str(strong), made / "bench", tmp_path / name, settings)
        return read_frame(tmp_path / name / "predictions" / "like_view_ratio.parquet")["raw"].to_list()

    answers = raw("a", tmp_path / "strong-features")
    assert raw("b", tmp_path / "strong-features", batch_size=1) == raw("c", made / "frames") == answers
    assert raw("d", tmp_path / "other") != answers


def test_what_is_written_step_by_step_is_what_reading_the_whole_text_says(made, tmp_path):
    """Also the scenes' tokens within answers; of two texts at once, of which one has nothing to see."""
    folder = shaken(made / "model", tmp_path / "shaken")
    tokenizer, model = load_tokenizer(made / "model"), load_model(str(folder)).eval()
    eyes = StoreEyes(Sight.of(model.config), Store.open(made / "captions" / "frames"))
    seen, tokens = eyes.sight.token_id, eyes.sight.tokens
    frame = CaptionSource(made / "captions").questions("caption", "train", "behavior", 0)
    message_id, prompt, _ = next(row for row in frame.iter_rows() if row[2].count("\n") == 1)
    start = [*eyes.prompt_tokens(tokenizer, prompt + " ", message_id), *tokenizer("scene 2:")["input_ids"]]
    blind = [tokenizer.pad_token_id] * (2 * tokens)
    plain = tokenizer(prompt + " scene 2:")["input_ids"]
    ids = torch.tensor([start, [*blind, *plain]])
    mask = torch.tensor([[1] * len(start), [0] * len(blind) + [1] * len(plain)])
    assert len(start) == len(blind) + len(plain)
    given = eyes.to_write(model, tokenizer, [message_id, None], ids.shape[1] - len(tokenizer("scene 2:")["input_ids"]))
    with torch.no_grad():
        written = model.generate(ids, attention_mask=mask, max_new_tokens=20, do_sample=False, eos_token_id=-1, **given)
    assert (written[1] != seen).all()
    assert written[0, len(start) : len(start) + tokens].tolist() == [seen] * tokens
    answer = written[0, len(start) :].tolist()
    assert seen not in answer[tokens:], "these weights write no further head"
    with torch.no_grad():
        features = {"features": given["features"], "shown": torch.tensor([0, 1, 1])}
        logits = model(written[:1], **features).logits[0]
        logits[:, seen] = -torch.inf
        assert logits[len(start) + tokens - 1 : -1].argmax(1).tolist() == answer[tokens:]
        other = model(written[:1], **(features | {"shown": torch.tensor([0, 1, 0])})).logits[0]
    assert (other - logits)[len(start) + tokens :, :seen].abs().max() > 1e-3


def test_a_text_that_ends_at_a_head_shows_nothing_further():
    """In a batch a text that has ended is filled up with other tokens; heads are found behind visual tokens too."""
    from baselines.lcbm.vision.restating import Restating

    tokenizer, sight = small_tokenizer(), Sight("scene", 8, 2, 699, SIZE, 32)
    features = torch.arange(8.0).reshape(4, 2, 1)
    restating = Restating(sight, tokenizer, features, [{0: 0, 1: 1}, {0: 2, 1: 3}], 0)
    head = tokenizer("scene 1:")["input_ids"]
    ids = torch.tensor([head, head])
    scores = restating(ids, torch.zeros(2, 700))
    assert scores.argmax(1).tolist() == [699, 699]
    ended = torch.tensor([699, tokenizer.eos_token_id])
    assert restating.written(ended).tolist() == [[[0.0]]]
    next_head = [*head, 699, 699, *tokenizer(" = 7\nscene 2:")["input_ids"]]
    restating.next = [None, None]
    scores = restating(torch.tensor([next_head, next_head]), torch.zeros(2, 700))
    assert restating.next == [(1, 0), (3, 0)] and scores.argmax(1).tolist() == [699, 699]
    assert restating.written(torch.tensor([699, 699])).tolist() == [[[2.0]], [[6.0]]]


def test_labels_are_text_and_sets_those_of_each_example(made, tmp_path):
    tokenizer = load_tokenizer(made / "model")
    eyes = StoreEyes(Sight.of(load_model(str(made / "model")).config), Store.open(made / "frames"))
    rows = bench_rows(made, tokenizer, eyes, tmp_path / "rows")
    row, tokens = rows[0], eyes.sight.tokens
    assert ((row["input_ids"] == eyes.sight.token_id) <= (row["labels"] == -100)).all()
    assert rows.counts()["learnt_tokens"] == sum(int((rows[n]["labels"] >= 0).sum()) for n in range(len(rows)))
    counts = [len(cells["frames"]) for cells in row["seen"]]
    expected, first = [], 0
    for count in counts:
        expected += 2 * list(range(first, first + count))
        first += count
    assert row["shown"].tolist() == expected, "all scenes are asked: each stands in the prompt and in the answer"
    assert (row["input_ids"] == eyes.sight.token_id).sum() == tokens * len(expected)
    batch = collate_seeing([rows[0], {name: row[name] for name in ("input_ids", "position_ids", "labels")}, rows[1]])
    assert batch["shown"].tolist() == [*expected, *(sum(counts) + rows[1]["shown"])]


def test_lm_eval_gives_the_answers_of_predict(made, tmp_path, monkeypatch, capsys):
    """As the command is typed, with its own samples and figures."""
    from baselines.lm_eval_lcbm import main
    from benchmark.lm_eval.task_files import task_folder
    from benchmark.score import write_scores

    model = shaken(made / "model", tmp_path / "model")
    load_tokenizer(made / "model").save_pretrained(model)
    settings = Settings(tasks=("like_view_ratio",), seen=made / "frames", decode="greedy")
    predict_run(str(model), made / "bench", tmp_path / "run", settings)
    raw = read_frame(tmp_path / "run" / "predictions" / "like_view_ratio.parquet")
    rows = write_scores(tmp_path / "run", made / "bench")
    scores = {row["metric"]: row["value"] for row in rows if row["task"] == "like_view_ratio"}

    arguments = ["--model", "lcbm", "--model_args", f"pretrained={model},seen={made / 'frames'},batch_size=2"]
    arguments += ["--include_path", str(task_folder()), "--tasks", "cbc_like_view_ratio"]
    with_samples = ["--log_samples", "--output_path", str(tmp_path / "out")]
    monkeypatch.setattr("sys.argv", ["lm_eval", *arguments, *with_samples])
    monkeypatch.setenv("CBC_BENCH", str(made / "bench"))
    main()
    (samples,) = (tmp_path / "out").rglob("samples_*.jsonl")
    lines = [json.loads(line) for line in samples.read_text().splitlines()]
    answers = {line["doc"]["instance_id"]: line["filtered_resps"][0] for line in lines}
    assert answers == dict(raw.select("instance_id", "raw").iter_rows())
    assert len(set(answers.values())) > 1
    (results,) = (tmp_path / "out").rglob("results_*.json")
    figures = json.loads(results.read_text())["results"]["cbc_like_view_ratio"]
    assert figures["rmse,none"] == pytest.approx(scores["rmse"])

    capsys.readouterr()
    for wrong, why in (("seen=x", "needs a model"), (f"pretrained={model}", "--seen"), ("dtype=bf16", "dtype")):
        monkeypatch.setattr("sys.argv", ["lm_eval", *arguments[:2], "--model_args", wrong, *arguments[4:]])
        with pytest.raises(SystemExit) as stopped:
            main()
        error = capsys.readouterr().err
        assert stopped.value.code == 2 and "Traceback" not in error
        assert why in error.splitlines()[-1]


def test_a_stopped_training_goes_on_to_the_same_weights(made, tmp_path):
    source, recipe = CaptionSource(made / "captions"), load_recipe("nano-vision-captions", TINY)
    seen = made / "captions" / "frames"

    class Stop(Exception):
        pass

    def stop(self, *args, **kwargs):
        if self.calls == 3:
            raise Stop
        self.calls += 1
        return training_step(self, *args, **kwargs)

    from baselines.lcbm.loop import PackedTrainer

    training_step, PackedTrainer.calls = PackedTrainer.training_step, 0
    try:
        PackedTrainer.training_step = stop
        with pytest.raises(Stop):
            fit(recipe, source, tmp_path / "m", seen=seen)
    finally:
        PackedTrainer.training_step = training_step
    assert not parts_that_differ(fit(recipe, source, tmp_path / "m", seen=seen), made / "model")


def test_two_processes_align_as_one_does(made, tmp_path):
    """Under torchrun with gloo, from the shards on; also in steps of repetition, which show nothing."""
    settings = {**TINY, "micro_batch": 1, "repetition": 0.5, "log_every_steps": 1}
    recipe = load_recipe("nano-vision-captions", {**settings, "accumulation": 2})
    shards = write_caption_shards(tmp_path / "shards", 40, seed=9)
    captions = prepare_shards(shards, tmp_path / "captions", SIZE)
    one = fit(recipe, CaptionSource(captions), tmp_path / "one", seen=captions / "frames")
    asked = load_recipe("nano-vision-captions", settings).model_dump(mode="json", exclude={"name"})
    (tmp_path / "captions.yaml").write_text(yaml.safe_dump(asked))
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "cbc"]
    named = [argument for path in shards for argument in ("--shards", str(path))]
    ended = subprocess.run(
        [*launcher, "baselines", "align", str(tmp_path / "captions.yaml"), *named, "--out", str(tmp_path / "two")],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert ended.returncode == 0, "\n".join(line for line in ended.stderr.splitlines() if "rror" in line)
    assert not (tmp_path / "two.part").exists() and (tmp_path / "two.captions" / "captions.json").is_file()
    facts = [json.loads((model / "training.json").read_text()) for model in (one, tmp_path / "two")]
    assert facts[1]["text_tokens"] == facts[0]["text_tokens"]
    assert facts[1]["held_out"]["held_out_loss"] == pytest.approx(facts[0]["held_out"]["held_out_loss"], rel=1e-4)
    lines = [(model / "log.jsonl").read_text().splitlines() for model in (one, tmp_path / "two")]
    losses = [[json.loads(line)["loss"] for line in of_model if '"loss"' in line] for of_model in lines]
    assert len(losses[0]) == TINY["steps"]
    assert losses[1] == pytest.approx(losses[0], rel=1e-3), "what is dropped at random differs between processes"


def test_a_takedown_leaves_nothing_of_a_clip_in_media_frames_and_features(tmp_path, made):
    """Also no byte of its frames in a shard; what is seen of others stays as it was."""
    root = tmp_path / "corpus"
    simulate(root, seed=4, world="clips", brands=3, videos=2)
    render_media(root)
    _, annotators = choose_annotators("frames", [f"frames.size={SIZE}"])
    annotate_media(root, annotators, workers=1)
    before = Store.open(store_frames(root, tmp_path / "frames"))
    Store.open(store_features(made / "model", tmp_path / "frames", tmp_path / "features"))
    gone, *others = list(before.index)
    kept = {message: before.piece(message).seen.copy() for message in others}
    pixels = before.piece(gone).seen.tobytes()
    shards = sorted((tmp_path / "frames").glob("*.safetensors"))
    assert any(pixels in shard.read_bytes() for shard in shards)
    (tmp_path / "study").mkdir()
    shutil.copytree(tmp_path / "frames", tmp_path / "study" / "frames")
    shutil.copytree(tmp_path / "frames", tmp_path / "frames.part")
    (tmp_path / "frames.part" / "store.json").unlink()
    takedown(root, [gone], [tmp_path / "study"])
    assert not (tmp_path / "frames.part").exists()
    shards += sorted((tmp_path / "study").rglob("*.safetensors"))
    assert not media_path(root / "media", gone).exists()
    assert not any(pixels[:SIZE] in shard.read_bytes() for shard in shards)
    for name in ("frames", "features"):
        after = Store.open(tmp_path / name)
        assert list(after.index) == others
    assert all((Store.open(tmp_path / "frames").piece(message).seen == kept[message]).all() for message in others)
    assert render_media(root) == 0


def test_errors_name_what_is_missing(made, tmp_path):
    with pytest.raises(NothingSeen, match="nano-vision-lcbm sees, and was given nothing"):
        train("nano-vision-lcbm", made / "bench", tmp_path / "m", overrides={"base": str(made / "model")})
    asked = ("like_view_ratio",)
    with pytest.raises(WrongSettings, match="give --seen"):
        predict_run(str(made / "model"), made / "bench", tmp_path / "r", Settings(tasks=asked))
    with pytest.raises(NothingSeen, match="holds no frames"):
        predict_run(str(made / "model"), made / "bench", tmp_path / "r", Settings(tasks=asked, seen=tmp_path))
    write_store(
        tmp_path / "wide",
        [Piece("m:1", np.zeros((1, 4, 8), np.float16), np.zeros(1, int), np.zeros(1))],
        {"seen": "features"},
    )
    with pytest.raises(NothingSeen, match=r"holds features of shape \(4, 8\)"):
        predict_run(str(made / "model"), made / "bench", tmp_path / "r", Settings(tasks=asked, seen=tmp_path / "wide"))
    with pytest.raises(BadRecipe, match="does not see"):
        train("nano-lcbm", made / "bench", tmp_path / "m", seen=made / "frames")
    with pytest.raises(NoSuchBase, match="no model of an earlier stage at models/nano"):
        train("nano-vision-lcbm", made / "bench", tmp_path / "m", seen=made / "frames")
    with pytest.raises(BadRecipe, match="vision needs a stage"):
        load_recipe("nano-lcbm", {"vision": {"layout": "scene"}})
    with pytest.raises(BadRecipe, match="leave repetition out"):
        load_recipe("nano-vision-aligned", {"repetition": 0.1})
    with pytest.raises(NothingSeen, match="0 annotations of frames"):
        simulate(tmp_path / "c", world="clips", brands=3, videos=1)
        store_frames(tmp_path / "c", tmp_path / "f")


def test_equal_prompts_about_different_clips_get_their_own_answers(made, tmp_path):
    """Title, time and counts of all test questions are made equal, so that only what is seen differs."""
    shutil.copytree(made / "bench", tmp_path / "bench")
    path = tmp_path / "bench" / "public" / "like_view_ratio" / "test.parquet"
    frame = pl.read_parquet(path)
    longest = frame.sort(pl.col("scene_seen").list.len())["prompt"][-1]
    frame.with_columns(prompt=pl.lit(longest)).write_parquet(path)
    recipe = {**SHORT, "base": str(made / "model")}
    store_features(made / "model", made / "frames", tmp_path / "features")
    model = train("nano-vision-lcbm", made / "bench", tmp_path / "m", 0, recipe, seen=tmp_path / "features")
    strong = shaken(model, tmp_path / "strong")
    load_tokenizer(model).save_pretrained(strong)
    shutil.copy(model / "numbers.json", strong)
    store_features(strong, made / "frames", tmp_path / "strong-features")
    answers = {}
    for size in (1, 64):
        settings = Settings(tasks=("like_view_ratio",), seen=tmp_path / "strong-features", batch_size=size)
        predict_run(str(strong), tmp_path / "bench", tmp_path / f"run{size}", settings)
        answers[size] = read_frame(tmp_path / f"run{size}" / "predictions" / "like_view_ratio.parquet")["raw"].to_list()
    assert answers[1] == answers[64]
    assert len(set(answers[1])) > 1


def test_messages_of_which_nothing_is_stored_are_left_out_of_training_and_asked_blind(made, tmp_path, capsys):
    store = Store.open(made / "frames")
    kept = list(store.index)[::2]
    some = write_store(tmp_path / "some", (store.piece(message) for message in kept), {"seen": "frames"})
    overrides = {**SHORT, "base": str(made / "model"), "tasks": ["like_view_ratio"]}
    model = train("nano-vision-lcbm", made / "bench", tmp_path / "m", 0, overrides, seen=some)
    asked = Bench.open(made / "bench").public("like_view_ratio", "train")
    absent = sum(message not in kept for message in asked["message_id"])
    assert f"{absent} of {len(asked)} questions of like_view_ratio have nothing to see" in capsys.readouterr().err
    settings = Settings(tasks=("like_view_ratio",), seen=some)
    assert "6 answers" in predict_run(str(model), made / "bench", tmp_path / "run", settings)
