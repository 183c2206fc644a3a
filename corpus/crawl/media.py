"""Video files, only where a recipe asks for them: CORPUS/media/ID.EXT, each once.

yt-dlp writes a file beside its place and renames it; CORPUS/media/archive.txt is its own download archive. A file's
name comes from the id alone, never from a title.
"""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

from corpus.crawl.causes import CAUSES, CallFailed
from corpus.crawl.recipe import Ytdlp
from corpus.crawl.ytdlp_errors import failure
from corpus.media_names import stem_of
from corpus.sources.ytdlp_media import medium_of, native_id

Info = dict[str, Any]


def file_stem(info: Info) -> str:
    """A video's id as a file name."""
    return stem_of(medium_of(info), native_id(info, str(info["id"])))


def download(info: Info, wanted: Ytdlp, root: Path, options: dict[str, Any], last: bool) -> dict[str, str]:
    """Fetch the file of an info dict; gives its id with the cause where it cannot be had. Raises CallFailed."""
    folder, name = root / "media", file_stem(info)
    folder.mkdir(exist_ok=True)
    try:
        try:
            fetch(info, wanted, folder, name, options)
            return {}
        except Exception as error:
            raise (error if isinstance(error, CallFailed) else failure(error)) from None
    except CallFailed as failed:
        if CAUSES[failed.cause].policy != "never" and not last:
            raise
        for left in folder.glob(f"{name}.*"):
            left.unlink()
        return {f"{info['id']} media": failed.cause}


def fetch(info: Info, wanted: Ytdlp, folder: Path, name: str, options: dict[str, Any]) -> None:
    """One download by yt-dlp. Raises CallFailed, and whatever yt-dlp does."""
    from yt_dlp import YoutubeDL
    from yt_dlp.utils import DownloadCancelled

    def watch_size(progress: dict[str, Any]) -> None:
        size = max(progress.get("downloaded_bytes") or 0, progress.get("total_bytes") or 0)
        if wanted.max_bytes is not None and size > wanted.max_bytes:
            raise DownloadCancelled("too large")

    more = {
        "format": wanted.media,
        "outtmpl": {"default": f"{folder / name}".replace("%", "%%") + ".%(ext)s"},
        "download_archive": str(folder / "archive.txt"),
        "overwrites": False,
        "writesubtitles": False,
        "writeautomaticsub": False,
        "progress_hooks": [watch_size],
    }
    try:
        with YoutubeDL({**options, **more}) as client:
            client.process_ie_result(deepcopy(info), download=True)
    except DownloadCancelled:
        raise CallFailed("too large", f"more than {wanted.max_bytes:,} bytes") from None
