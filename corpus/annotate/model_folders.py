"""Models that annotators load: a folder, one that `make weights` wrote from what comes inside a package, or a name at
the hub, which is fetched before a child process needs it.
"""

from __future__ import annotations

import os
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from corpus.errors import CbcError, first_line
from corpus.files.hashes import model_sha256

WANTED = ("*.json", "*.safetensors", "*.model", "*.txt")
"""Files of a model that are fetched: no pickled weights, no code."""
CODE = Path(__file__).resolve().parents[2]
FOLDER = "CBC_WEIGHTS"
"""The environment variable that names the folder of `make weights`; by default `weights` here or beside the code."""


class NoModelFolder(CbcError):
    """A model is neither a folder with safetensors weights nor at the hub."""


def weights_folder(name: str, file: str) -> Path | None:
    """The folder of that name which `make weights` wrote, if the file is in it."""
    places = [Path(os.environ[FOLDER])] if FOLDER in os.environ else [Path("weights"), CODE / "weights"]
    return next(((place / name).resolve() for place in places if (place / name / file).is_file()), None)


def package_folders(package: str) -> list[Path]:
    """The folders of an installed package, which is not imported."""
    spec = find_spec(package)
    return [Path(place) for place in spec.submodule_search_locations or ()] if spec else []


@cache
def model_folder(model: str) -> str:
    """The folder of a model; one at the hub is fetched unless it is here already. Raises NoModelFolder."""
    from huggingface_hub import snapshot_download

    if Path(model).is_dir():
        folder = Path(model)
    else:
        try:
            folder = Path(snapshot_download(model, allow_patterns=list(WANTED)))
        except Exception as error:  # networks fail with exceptions of several libraries
            why = f"{type(error).__name__}: {first_line(error)[:120]}"
            what = f"{model} is no folder, and the hub does not give it ({why})"
            raise NoModelFolder(what, "give the folder of a model, or check name and network") from None
    if not any(folder.glob("*.safetensors")):
        raise NoModelFolder(f"{model} has no safetensors weights", "save it again; pickled weights are not loaded")
    return str(folder.resolve())


@cache
def model_hash(model: str) -> str:
    """SHA-256 over a model's configuration, tokenizer and weights. Raises NoModelFolder."""
    return model_sha256(Path(model_folder(model)))
