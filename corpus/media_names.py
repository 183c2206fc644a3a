"""Names of media files: an id as a file name."""

from __future__ import annotations

import re
import zlib


def stem_of(medium: str, video_id: str) -> str:
    """An id of a medium as a file name: YouTube's as they are, others with their medium and only safe characters."""
    name = video_id if medium == "youtube" else f"{medium}_{video_id}"
    safe = re.sub(r"[^A-Za-z0-9_-]", "_", name)[:100]
    return safe if safe == name else f"{safe}-{zlib.crc32(name.encode('utf-8', 'replace')):08x}"
