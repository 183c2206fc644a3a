"""Captioned clips as WebDataset shards: tar files with KEY.mp4 and KEY.txt, to learn to see from.

write_caption_shards(Path("captions"), clips=2_000, seed=1)

Some clips are a scene or two long, others as long as those of the world. Their names differ from those of a world's
messages, so equal seeds draw other clips.
"""

from __future__ import annotations

import io
import tarfile
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from corpus.files.atomic import part_path
from corpus.files.side_by_side import CORES
from corpus.media_packages import need_packages
from corpus.progress import progress
from corpus.simulate.clips.render import write_clip
from corpus.simulate.clips.specification import LONGEST_S, SHORTEST_S, ClipSpecification, draw_clip

CLIPS_A_SHARD = 500
SHORT_S = (1, 2)
SHORT_OF = 8, 7  # of so many clips, so many are short: from them it is learned faster what a scene shows


def caption_clip(seed: int, number: int) -> ClipSpecification:
    """The clip of a number."""
    every, short = SHORT_OF
    shortest_s, longest_s = SHORT_S if number % every < short else (SHORTEST_S, LONGEST_S)
    return draw_clip(seed, f"caption:{number}", shortest_s, longest_s)


def write_caption_shards(folder: Path, clips: int, seed: int) -> list[Path]:
    """Write the shards that are not there yet; gives all. Raises NoMediaPackages."""
    need_packages("rendering clips", ("av", "cv2"))
    folder.mkdir(parents=True, exist_ok=True)
    starts = range(0, clips, CLIPS_A_SHARD)
    paths = [folder / f"{start // CLIPS_A_SHARD:05}.tar" for start in starts]

    def write(start: int, path: Path) -> None:
        numbers = range(start, min(start + CLIPS_A_SHARD, clips))
        with tarfile.open(part_path(path), "w") as shard, tempfile.TemporaryDirectory() as scratch:
            for number in numbers:
                clip = caption_clip(seed, number)
                write_clip(Path(scratch, "clip.mp4"), clip)
                add(shard, f"{number:07}.mp4", Path(scratch, "clip.mp4").read_bytes())
                add(shard, f"{number:07}.txt", clip.caption.encode())
        part_path(path).replace(path)

    missing = [(start, path) for start, path in zip(starts, paths, strict=True) if not path.is_file()]
    with (
        progress("writing", "shards", len(paths), len(paths) - len(missing)) as shown,
        ThreadPoolExecutor(CORES) as pool,
    ):
        for _ in pool.map(lambda shard: write(*shard), missing):
            shown.advance(1)
    return paths


def add(shard: tarfile.TarFile, name: str, content: bytes) -> None:
    """Add a file to a shard; nothing but its name and content is kept, so that equal seeds give equal bytes."""
    member = tarfile.TarInfo(name)
    member.size = len(content)
    shard.addfile(member, io.BytesIO(content))
