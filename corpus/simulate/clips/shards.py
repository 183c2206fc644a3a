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
    missing = [(start, path) for start, path in zip(starts, paths, strict=True) if not path.is_file()]
    with (
        progress("writing shards", "clips", clips) as shown,
        tempfile.TemporaryDirectory() as scratch,
        ThreadPoolExecutor(CORES) as pool,
    ):

        def render(number: int) -> tuple[bytes, str]:
            clip, path = caption_clip(seed, number), Path(scratch, f"{number}.mp4")
            write_clip(path, clip)
            content = path.read_bytes()
            path.unlink()
            return content, clip.caption

        for start, path in missing:
            numbers = range(start, min(start + CLIPS_A_SHARD, clips))
            with tarfile.open(part_path(path), "w") as shard:
                for number, (media, caption) in zip(numbers, pool.map(render, numbers), strict=True):
                    add(shard, f"{number:07}.mp4", media)
                    add(shard, f"{number:07}.txt", caption.encode())
                    shown.advance(1)
            part_path(path).replace(path)
    return paths


def add(shard: tarfile.TarFile, name: str, content: bytes) -> None:
    """Add a file to a shard; nothing but its name and content is kept, so that equal seeds give equal bytes."""
    member = tarfile.TarInfo(name)
    member.size = len(content)
    shard.addfile(member, io.BytesIO(content))
