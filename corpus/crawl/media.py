"""Download video files, only if a recipe asks for them: CORPUS/media/ID.EXT, each once.

yt-dlp writes a file beside its place and renames it; CORPUS/media/archive.txt is yt-dlp's own download archive. The
name of a file follows from the id alone, never from a title.
"""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

from corpus.crawl.causes import CAUSES, CallFailed
from corpus.crawl.recipe import Ytdlp
from corpus.crawl.ytdlp_errors import classify_exception
from corpus.media_names import stem_of
from corpus.sources.ytdlp_media import medium_of, native_id

Info = dict[str, Any]


def file_stem(info: Info) -> str:
    """File name of a video without its extension, from medium and id."""
    return stem_of(medium_of(info), native_id(info, str(info["id"])))


def download(info: Info, settings: Ytdlp, root: Path, options: dict[str, Any], last: bool) -> dict[str, str]:
    """Download the file of an info dict; gives its id with the cause if it is unavailable. Raises CallFailed."""
    folder, name = root / "media", file_stem(info)
    folder.mkdir(exist_ok=True)
    try:
        try:
            download_file(info, settings, folder, name, options)
            return {}
        except Exception as error:
            raise (error if isinstance(error, CallFailed) else classify_exception(error)) from None
    except CallFailed as failed:
        if CAUSES[failed.cause].policy != "never" and not last:
            raise
        for left in folder.glob(f"{name}.*"):
            left.unlink()
        return {f"{info['id']} media": failed.cause}


def download_file(info: Info, settings: Ytdlp, folder: Path, name: str, options: dict[str, Any]) -> None:
    """Download a file by yt-dlp. Raises CallFailed, and the exceptions of yt-dlp."""
    from yt_dlp import YoutubeDL
    from yt_dlp.utils import DownloadCancelled

    def check_size(progress: dict[str, Any]) -> None:
        size = max(progress.get("downloaded_bytes") or 0, progress.get("total_bytes") or 0)
        if settings.max_bytes is not None and size > settings.max_bytes:
            raise DownloadCancelled("too large")

    more = {
        "format": settings.media,
        "outtmpl": {"default": f"{folder / name}".replace("%", "%%") + ".%(ext)s"},
        "download_archive": str(folder / "archive.txt"),
        "overwrites": False,
        "writesubtitles": False,
        "writeautomaticsub": False,
        "progress_hooks": [check_size],
    }
    try:
        with YoutubeDL({**options, **more}) as client:
            client.process_ie_result(deepcopy(info), download=True)
    except DownloadCancelled:
        raise CallFailed("too large", f"more than {settings.max_bytes:,} bytes") from None
