"""The command `cbc`: joins the four parts and turns errors into one line. It holds no logic."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from baselines.cli import app as baselines_app
from benchmark.cli import app as benchmark_app
from corpus.cli import app as corpus_app
from corpus.errors import CbcError
from leaderboard.cli import app as leaderboard_app

INTERRUPTED = 130
UsageError = typer.BadParameter.__mro__[2]  # click's ClickException, wherever typer keeps click

app = typer.Typer(
    help="Content Behavior Corpus: build the corpus, train and score models on it.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.add_typer(corpus_app, name="corpus")
app.add_typer(benchmark_app, name="benchmark")
app.add_typer(baselines_app, name="baselines")
app.add_typer(leaderboard_app, name="leaderboard")


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="folder for corpus, bench, models, runs, tables and site")] = Path("demo"),
    seeds: Annotated[int, typer.Option(min=1, help="how many training seeds")] = 1,
) -> None:
    """Run the main job end to end on the simulated world."""
    from studies.demo import run_demo

    run_demo(out, seeds)


def full_disk(error: BaseException) -> bool:
    """Whether an error says that the disk is full, in any library's words."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return True
    return any(words in str(error).lower() for words in ("no space left on device", "disk is full"))  # SQLite's last


def main() -> None:
    """Run the command; a mendable error is one line and exit code 2, an interrupt 130."""
    try:
        code = app(prog_name="cbc", standalone_mode=False)
        if code == INTERRUPTED:  # what typer makes of an interrupt
            raise KeyboardInterrupt
        sys.exit(code if isinstance(code, int) else 0)
    except UsageError as error:
        error.show()
        sys.exit(error.exit_code)
    except CbcError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    except (KeyboardInterrupt, typer.Abort):
        print("interrupted; run the same command again to go on", file=sys.stderr)
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Exception as error:
        if not full_disk(error):
            raise
        print("error: the disk is full; free some space and run the same command again", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
