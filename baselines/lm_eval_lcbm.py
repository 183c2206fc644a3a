r"""lm-eval with one more model, `lcbm`: a model that sees, in whose prompts stands what each message shows.

    CBC_BENCH=bench python -m baselines.lm_eval_lcbm --model lcbm --model_args pretrained=models/m,seen=frames \
        --include_path "$(cbc benchmark lm-eval-path)" --tasks cbc_views

All else is lm-eval's own; decoded greedily, the figures are those of `cbc baselines predict` and `cbc benchmark score`.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from lm_eval.__main__ import cli_evaluate
from lm_eval.api.registry import register_model

from baselines.base import Settings, WrongSettings
from baselines.prompted import load_reader
from baselines.reader import Reader
from baselines.seeing_reader import SeeingReader
from corpus.errors import CbcError
from corpus.seen_store import open_seen

SETTINGS = Settings(decode="greedy")


@register_model("lcbm")
class Lcbm(SeeingReader):
    """A model that sees, made from lm-eval's --model_args: pretrained (a folder), seen (a store), batch_size."""

    @classmethod
    def create_from_arg_obj(cls, arguments: dict[str, Any], others: dict[str, Any] | None = None) -> Reader:
        """Load model and store. Raises WrongSettings, NoModel, NothingSeen."""
        unknown = sorted(set(arguments) - {"pretrained", "seen", "batch_size"})
        if unknown or "pretrained" not in arguments:
            wrong = f"lcbm does not know {', '.join(unknown)}" if unknown else "lcbm needs a model"
            raise WrongSettings(wrong, "--model_args pretrained=FOLDER,seen=STORE[,batch_size=N]")
        folder, seen = str(arguments["pretrained"]), arguments.get("seen")
        size = arguments.get("batch_size") or (others or {}).get("batch_size") or SETTINGS.batch_size
        if not str(size).isdecimal():
            raise WrongSettings(f"batch size {size}", "give a whole number")
        store = open_seen(None if seen is None else Path(seen), folder)
        return load_reader(folder, True, replace(SETTINGS, batch_size=int(size)), store)


def main() -> None:
    """lm-eval's command; wrong input is one line."""
    try:
        cli_evaluate()
    except CbcError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(2) from None


if __name__ == "__main__":
    main()
