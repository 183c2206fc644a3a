"""A simulated world as an ordinary ingest: brands and messages whose behavior follows corpus/simulate/law.py.

    cbc corpus simulate --corpus CORPUS [--world clear] [--secret-seed]

Everything follows from the seed, so whoever knows it, or finds it by trying, has all behavior. The expected behavior of
each message is stored as the annotation `law@2`, from which the bench computes the best possible answers.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from corpus.errors import CbcError
from corpus.files.written_once import refuse_other
from corpus.ingest.run import Report, ingest
from corpus.simulate import law as rules
from corpus.simulate.brands import Row, communicators, draw_brands
from corpus.simulate.clips.world import SHOWN, SHOWN_SCHEMA, ClipDrawing
from corpus.simulate.law import LIFELIKE, WORLDS, Sizes, World
from corpus.simulate.messages import LICENCE, Drawing, draw_email
from corpus.sources.base import BATCH_ROWS, Received, Source, Staging
from corpus.sources.registry import SIMULATED
from corpus.store import Corpus

NUMBERS = (
    "replay_slow_sd",
    "replay_slow_markers",
    "replay_fast_sd",
    "replay_fast_markers",
    "replay_opening_sd",
    "like_view_ln",
    "like_view_sd",
    "views_ln",
    "views_sd",
    "post_ln",
    "post_sd",
)
"""Columns of the law beside message_id and replay_mean (attention of each scene): expected logarithms (of 100
likes/views, of views, of likes), and standard deviations around what is expected."""


LAW_SCHEMA = pa.schema(
    {"message_id": pa.string(), "replay_mean": pa.list_(pa.float64()), **dict.fromkeys(NUMBERS, pa.float64())}
)
SECRET_BITS = 128
SEED = re.compile(r"\bseed=(\d+)")


class BadSize(CbcError):
    """The requested sizes give no world that can be split."""


class UnknownWorld(CbcError):
    """There is no world of that name."""


class SimulatedWorld(Source):
    """A simulated world as a source: it reads no files, and its label holds its name, seed and sizes."""

    name = SIMULATED
    version = 2
    generated = True

    def __init__(self, world: World, seed: int) -> None:
        self.world, self.seed = world, seed

    @property
    def label(self) -> str:
        sizes = self.world.sizes
        counts = f"{sizes.brands}x{sizes.videos}-{sizes.posts}-{sizes.emails}"
        return f"{self.name}@{self.version}:{self.world.name},seed={self.seed},{counts}"

    def files(self, paths: Sequence[Path]) -> list[Path]:
        return []

    def stage(self, files: Sequence[Received], staging: Staging) -> None:
        """Draw brand by brand, each with a generator of its own."""
        drawing, sizes = (ClipDrawing if self.world.rendered else Drawing)(self.world, self.seed), self.world.sizes
        annotations = [Annotation(staging, rules.LAW, "law", LAW_SCHEMA)]
        if self.world.rendered:
            annotations.append(Annotation(staging, SHOWN, "shown", SHOWN_SCHEMA))
        for i, brand in enumerate(draw_brands(np.random.default_rng([self.seed, 0]), self.world)):
            if not brand.videos + brand.posts + sizes.emails:
                continue  # no record would name its channel and account
            rng = np.random.default_rng([self.seed, 1, i])
            speakers = [{**row, "_record": staging.rows_read + 1} for row in communicators(brand)]
            staging.add("communicator", speakers)
            staging.add(
                "provenance",
                [{**self.provenance("communicator", r["communicator_id"]), "_record": r["_record"]} for r in speakers],
            )
            kinds = ((drawing.video, brand.videos), (drawing.post, brand.posts), (draw_email, sizes.emails))
            for draw, count in kinds:
                for number in range(count):
                    self.stage_message(staging, draw(rng, brand, number), annotations)
        for annotation in annotations:
            annotation.write()

    def stage_message(self, staging: Staging, rows: dict[str, list[Row]], annotations: Sequence[Annotation]) -> None:
        """Stage the rows of a message."""
        staging.rows_read += 1
        for annotation in annotations:
            annotation.add(rows.pop(annotation.table, []))
        for table, table_rows in rows.items():
            staging.add(table, table_rows)
        staging.add("provenance", [self.provenance("message", rows["message"][0]["message_id"])])

    def provenance(self, table: str, key: str) -> Row:
        """Provenance of a row: the world itself."""
        return {"table_name": table, "row_key": key, "source": self.label, "tool": self.label, "licence": LICENCE}


class Annotation:
    """Rows of an annotation that the world brings, staged in batches."""

    def __init__(self, staging: Staging, label: str, table: str, schema: pa.Schema) -> None:
        self.staging, self.table = staging, table
        self.schema = schema.append(pa.field("_record", pa.int64()))
        self.rows: list[Row] = []
        staging.connection.register("_empty", self.schema.empty_table())
        staging.connection.execute(f"CREATE TABLE {table} AS FROM _empty")
        staging.connection.unregister("_empty")
        staging.annotate(label, table)

    def add(self, rows: Sequence[Row]) -> None:
        """Add rows about the record that was read last."""
        self.rows += [{"_record": self.staging.rows_read, **row} for row in rows]
        if len(self.rows) >= BATCH_ROWS:
            self.write()

    def write(self) -> None:
        """Write what waits into its table."""
        if self.rows:
            self.staging.connection.register("_rows", pa.Table.from_pylist(self.rows, schema=self.schema))
            self.staging.connection.execute(f"INSERT INTO {self.table} FROM _rows")
            self.staging.connection.unregister("_rows")
        self.rows = []


def check_world(root: Path, world: SimulatedWorld) -> None:
    """Check that a corpus is empty or holds this world. Raises NoSuchPath, WrongVersion, HoldsOther."""
    labels = [str(ingest.get("source")) for ingest in Corpus.open(root).ingests()]
    if labels and world.label not in labels:
        refuse_other(root, "corpus", {"source": ", ".join(labels)}, {"source": world.label})


def secret_seed(root: Path) -> int:
    """The seed of the secret world at `root`, or a new one that nobody finds by trying. Raises WrongVersion."""
    ingests = Corpus.open(root).ingests() if (root / "corpus.json").is_file() else []
    kept = [int(match[1]) for ingest in ingests if (match := SEED.search(str(ingest.get("source"))))]
    secret = next((seed for seed in kept if seed >> SECRET_BITS), None)  # larger than what anybody chooses
    return secret or 1 << SECRET_BITS | secrets.randbits(SECRET_BITS)


def simulate(root: Path, seed: int = 0, world: str = LIFELIKE.name, **sizes: int | None) -> Report:
    """Write a simulated corpus at `root`; `sizes` (brands, and a brand's videos, posts, emails) change the world's own.

    A corpus of the same world is left as it is. Raises BadSize, UnknownWorld, NoSuchPath, WrongVersion, HoldsOther.
    """
    if world not in WORLDS:
        raise UnknownWorld(f"there is no world called {world!r}", f"name one of {', '.join(WORLDS)}")
    chosen = replace(WORLDS[world].sizes, **{name: size for name, size in sizes.items() if size is not None})
    check_sizes(chosen)
    source = SimulatedWorld(replace(WORLDS[world], sizes=chosen), seed)
    if (root / "corpus.json").is_file():
        check_world(root, source)
    return ingest(source, [], root)


def check_sizes(sizes: Sizes) -> None:
    """Raises BadSize."""
    videos, posts, emails = sizes.videos, sizes.posts, sizes.emails
    if sizes.brands < 3 or min(videos, posts, emails) < 0 or not videos + posts + emails:
        raise BadSize(
            f"{sizes.brands} brands with {videos} videos, {posts} posts and {emails} emails each make no world",
            "ask for at least 3 brands (a bench has three parts), no negative sizes, and some messages",
        )
