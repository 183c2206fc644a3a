"""A model that sees, on rendered clips whose behavior follows from what they show and from none of their words.

    python -m studies.vision vision [--layouts scene,video] [--seeds 3]      # docs/results/vision.md

Writes OUT/corpus bench shards captions frames models runs tables. After an interrupt the same command continues.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import polars as pl
import typer

from baselines.base import Settings
from baselines.lcbm.recipe import Recipe, load_recipe
from baselines.lcbm.train import fit, train
from baselines.lcbm.vision.caption_shards import CAPTION_TASK, CaptionSource, prepare_shards
from baselines.lcbm.vision.features import store_features
from baselines.lcbm.vision.frames import store_frames
from baselines.predict import predict_run
from baselines.seen_numbers import store_look, store_mean_colours
from benchmark.bench import Bench
from benchmark.build import build_bench
from benchmark.run import Run
from benchmark.score import write_scores
from benchmark.tables import make_tables
from corpus.annotate.choose import choose_annotators
from corpus.annotate.media_run import annotate_media
from corpus.errors import CbcError
from corpus.seen_store import Store, write_store
from corpus.simulate.clips.law import COLOURS, LOGOS, MOTIONS
from corpus.simulate.clips.shards import write_caption_shards
from corpus.simulate.clips.specification import SHAPES
from corpus.simulate.clips.world import SHOWN, render_media
from corpus.simulate.world import simulate
from corpus.store import Corpus
from studies.results import FOLDER, Part, write_result

SIZE = 64  # pixels of a frame, those of the recipes
TASKS = ("replay_all_masked", "like_view_ratio")
CAPTION_TOKENS = 220
ATTRIBUTES = {"colour": COLOURS, "shape": SHAPES, "motion": MOTIONS}
CAPTION = re.compile(r"scene (\d+):  = (\w+) (\w+) ([a-z ]+?)(?:, \"(\w+)\")?, logo (\w+)$", re.MULTILINE)


@dataclass(frozen=True)
class Study:
    """Where everything lies, and how large it is; `overrides` change all recipes."""

    out: Path
    brands: int = 120
    videos: int = 15
    captioned: int = 16_000
    overrides: Mapping[str, object] = field(default_factory=dict)

    @property
    def bench(self) -> Path:
        """The bench of the clips."""
        return self.out / "bench"

    @property
    def frames(self) -> Path:
        """Frames of the corpus."""
        return self.out / "frames"

    def prepare(self) -> None:
        """Make corpus, bench, frames and captions."""
        corpus = self.out / "corpus"
        simulate(corpus, world="clips", brands=self.brands, videos=self.videos)
        render_media(corpus)
        _, annotators = choose_annotators("frames,look", [f"frames.size={SIZE}"])
        annotate_media(corpus, annotators)
        if not self.bench.is_dir():
            build_bench(corpus, self.bench)
        shards = write_caption_shards(self.out / "shards", self.captioned, seed=1)
        captions = prepare_shards(shards, self.out / "captions", SIZE)
        stores: dict[Path, Callable[[Path], object]] = {
            self.frames: partial(store_frames, corpus),
            self.out / "look": partial(store_look, corpus),
            self.out / "colours": partial(store_mean_colours, self.frames),
            self.out / "shuffled": partial(shuffle_store, self.frames),
            captions / "shuffled": partial(shuffle_store, captions / "frames"),
        }
        for folder, store in stores.items():
            if not folder.is_dir():
                store(folder)

    def captioner(self, name: str, changes: Mapping[str, object]) -> Path:
        """Train tower, Q-Former and language model on captions: stage 0."""
        recipe = load_recipe("nano-vision-captions", {**self.overrides, **changes})
        return self.captioned_model(recipe, f"{name}-captions")

    def aligned(self, name: str, base: Path) -> Path:
        """Train what joins tower and language model on captions: stage 1."""
        recipe = load_recipe("nano-vision-aligned", {**self.overrides, "base": str(base)})
        return self.captioned_model(recipe, f"{name}-aligned")

    def captioned_model(self, recipe: Recipe, name: str) -> Path:
        """The model of a recipe that trains on captions."""
        source, seen = CaptionSource(self.out / "captions"), self.out / "captions" / "frames"
        return fit(recipe, source, self.out / "models" / f"{name}-seed0", seen=seen)

    def encoder(self, layout: str) -> Path:
        """Train what sees on captions: stage 0, then stage 1."""
        return self.aligned(layout, self.captioner(layout, {"vision.layout": layout}))

    def features(self, model: Path, frames: Path) -> Path:
        """Features that a model makes of frames."""
        folder = self.out / "features" / f"{model.name}-{frames.name}"
        return folder if folder.is_dir() else store_features(model, frames, folder)

    def nothing(self, features: Path) -> Path:
        """Features of zeros, in the shape of others: what a model gets that does not see."""
        folder = features.with_name(f"{features.name}-nothing")
        store = Store.open(features)
        pieces = (store.piece(message_id) for message_id in store.index)
        blank = (replace(piece, seen=np.zeros_like(piece.seen)) for piece in pieces)
        return folder if folder.is_dir() else write_store(folder, blank, {"seen": "features"})

    def answer(self, name: str, predictor: str, seen: Path | None = None) -> Path:
        """The run of a predictor."""
        run = self.out / "runs" / name
        print(predict_run(predictor, self.bench, run, Settings(tasks=TASKS, seen=seen)), flush=True)
        write_scores(run, self.bench)
        return run

    def seeing(self, layout: str, seed: int) -> Iterator[Path]:
        """Runs of a model that sees, of its control with shuffled behavior, and of it with other clips' frames or none.

        All begin with the same model and have the same steps; the last two in the layout `scene` alone.
        """
        aligned = self.encoder(layout)
        own = self.features(aligned, self.frames)
        kinds = {"lcbm": ("lcbm", own), "control": ("control", own)}
        if layout == "scene":
            others = self.features(aligned, self.out / "shuffled")
            kinds |= {"shuffled-frames": ("lcbm", others), "blind": ("lcbm", self.nothing(own))}
        overrides = {**self.overrides, "base": str(aligned)}
        for kind, (recipe, seen) in kinds.items():
            name = f"vision-{layout}-{kind}-seed{seed}"
            folder = self.out / "models" / name
            model = train(f"nano-vision-{recipe}", self.bench, folder, seed, overrides, seen=seen)
            yield self.answer(name, str(model), seen)

    def text_only(self, seed: int) -> Path:
        """The run of nano-lcbm by its own recipe on the same questions: without visual tokens, or captions before."""
        name = f"text-lcbm-seed{seed}"
        overrides = {**self.overrides, "tasks": list(TASKS), "tasks_left_out": [], "weights": {}, "context_tokens": 384}
        model = train("nano-lcbm", self.bench, self.out / "models" / name, seed, overrides)
        return self.answer(name, str(model))


def shuffle_store(frames: Path, root: Path) -> Path:
    """The same frames under the names of other messages with as many scenes, for a study of drawn clips alone."""
    store = Store.open(frames)
    staged = root.with_name(f"{root.name}.part")
    shutil.rmtree(staged, ignore_errors=True)
    shutil.copytree(store.root, staged)
    counts = store.rows.group_by("message_id", maintain_order=True).len()
    names: dict[str, str] = {}
    for _, alike in counts.group_by("len", maintain_order=True):
        ids = alike["message_id"].to_list()
        names |= dict(zip(ids, np.roll(ids, 1).tolist(), strict=True))
    rows = store.rows.with_columns(pl.col("message_id").replace_strict(names))
    rows.write_parquet(staged / "index.parquet")
    staged.replace(root)
    return root


def shown_by(corpus: Path) -> pl.DataFrame:
    """What each clip shows: message_id, colours, motions, logo."""
    with Corpus.open(corpus).connect() as connection:
        rows = connection.sql(f'SELECT message_id, colours, motions, logo FROM "{SHOWN}" ORDER BY message_id')
        return pl.DataFrame(rows.pl())


def probe(study: Study, runs: Sequence[Path]) -> Part:
    """How much of each planted effect a run's answers have: the slope on it, and the correlation of group means."""
    bench, shown = Bench.open(study.bench), shown_by(study.out / "corpus")
    rows = []
    for path in runs:
        run = Run.open(path, bench)
        cells: list[Any] = [path.name]
        likes = answers(bench, run, "like_view_ratio").join(shown, "message_id")
        cells += recovered(
            np.log([values[0] for values in likes["values"].to_list()]), [[logo] for logo in likes["logo"]], LOGOS
        )
        curves = answers(bench, run, "replay_all_masked").join(shown, "message_id")
        centred = np.concatenate([[], *(np.array(values) - np.mean(values) for values in curves["values"].to_list())])
        for name, law in (("colours", COLOURS), ("motions", MOTIONS)):
            cells += recovered(centred / 100, curves[name].to_list(), law)
        rows.append(cells)
    heads = [f"{name}: {what}" for name in ("logo", "colour", "motion") for what in ("size", "order")]
    return Part(
        "Planted effects in the answers: size of each against its law, and order of the level means",
        ["run", *heads],
        rows,
    )


def answers(bench: Bench, run: Run, task: str) -> pl.DataFrame:
    """Columns message_id and values of the questions that a run answered."""
    asked = bench.public(task, "test").select("instance_id", "message_id")
    return (
        run.predictions(task)
        .join(asked, "instance_id")
        .filter(pl.col("values").is_not_null())
        .select("message_id", "values")
    )


def recovered(values: Any, levels: Sequence[Sequence[str]], law: dict[str, float]) -> list[str]:
    """Slope of values on their planted effects, and Kendall's tau of the means of levels with the law."""
    from scipy.stats import kendalltau

    flat = np.array([level for of_message in levels for level in of_message])
    if set(flat) != set(law):
        return ["-", "-"]
    effects = np.array([law[level] for level in flat])
    slope = float(np.cov(values, effects)[0, 1] / effects.var(ddof=1))
    means = [float(np.mean(values[flat == level])) for level in law]
    tau = float(kendalltau(means, list(law.values())).statistic)
    return [f"{slope:.2f}", f"{tau:.2f}"]


def captions_right(study: Study, model: Path, store: Store) -> list[str]:
    """Percent of shapes, colours, motions and logos that held-out captions name rightly."""
    import torch

    from baselines.lcbm.tokenizer import load_tokenizer
    from baselines.lcbm.vision.eyes import StoreEyes
    from baselines.lcbm.vision.seeing import Sight
    from baselines.lcbm.vision.start import load_model

    loaded, tokenizer = load_model(str(model)).eval(), load_tokenizer(model)
    eyes = StoreEyes(Sight.of(loaded.config), store)
    right: dict[str, list[bool]] = {name: [] for name in (*ATTRIBUTES, "text", "logo")}
    held_out = CaptionSource(study.out / "captions").questions(CAPTION_TASK, "validation", "behavior", 0)
    for message_id, prompt, truth in held_out.iter_rows():
        ids = torch.tensor([eyes.prompt_tokens(tokenizer, prompt + " ", message_id)])
        seen = eyes.to_write(loaded, tokenizer, [message_id], ids.shape[1])
        with torch.no_grad():
            written = loaded.generate(input_ids=ids, **seen, max_new_tokens=CAPTION_TOKENS, do_sample=False)
        text = tokenizer.decode(written[0, ids.shape[1] :], skip_special_tokens=True)
        written_of, true_of = (
            {scene: attributes for scene, *attributes in CAPTION.findall(caption)} for caption in (text.strip(), truth)
        )
        for scene, attributes in true_of.items():
            named = written_of.get(scene, [None] * len(right))
            for name, named_attribute, attribute in zip(right, named, attributes, strict=True):
                right[name].append(named_attribute == attribute)
    return [f"{100 * np.mean(values):.0f}" for values in right.values()]


def run_study(study: Study, layouts: Sequence[str], seeds: int, folder: Path = FOLDER) -> Path:
    """Do all of it; gives the path of the result. Raises the errors of the steps."""
    out = study.out
    study.prepare()
    runs = [
        study.answer("oracle", "oracle"),
        study.answer("boosted", "boosted"),
        study.answer("boosted-look", "boosted", out / "look"),
        study.answer("boosted-mean-colour", "boosted", out / "colours"),
        *(study.text_only(seed) for seed in range(seeds)),
    ]
    captions = []
    for layout in layouts:
        aligned = study.encoder(layout)
        for name, folder_name in (("own frames", "frames"), ("those of other clips", "shuffled")):
            store = Store.open(out / "captions" / folder_name)
            captions.append([layout, name, *captions_right(study, aligned, store)])
        for seed in range(seeds):
            runs += study.seeing(layout, seed)
    make_tables(runs, study.bench, out / "tables")
    parts = [
        Part(
            "Held-out captions after stage 1: percent right", ["layout", "shown", *ATTRIBUTES, "text", "logo"], captions
        ),
        probe(study, runs),
    ]
    command = f"python -m studies.vision vision --layouts {','.join(layouts)} --seeds {seeds}"
    return write_result("vision", "A model that sees, on rendered clips", command, parts, out / "tables", folder=folder)


def main(
    out: Annotated[Path, typer.Argument(help="folder for corpus, bench, models and runs")],
    layouts: Annotated[str, typer.Option(help="comma-separated: scene, video, timed")] = "scene,video,timed",
    seeds: Annotated[int, typer.Option(min=1, help="training seeds of stage 2")] = 3,
) -> None:
    """Train what sees, tune it on behavior, compare, and write the result."""
    try:
        print(run_study(Study(out), layouts.split(","), seeds))
    except CbcError as error:
        print(f"error: {error}")
        raise typer.Exit(2) from None


if __name__ == "__main__":
    typer.run(main)
