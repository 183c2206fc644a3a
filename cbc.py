"""The command `cbc`: combines the four parts and prints errors as one line. It holds no other logic.

Exit codes: 0 done, 1 done with findings or nothing kept, 2 wrong input (one line), 75 wait, 130 interrupted.
"""

from __future__ import annotations

import errno
import os
import re
import select
import signal
import sys
import threading
import traceback
from contextlib import suppress
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.main import get_command

from baselines.cli import app as baselines_app
from benchmark.cli import app as benchmark_app
from corpus.cli import app as corpus_app
from corpus.console import VERBOSITY, failed, log_steps, say, say_json
from corpus.errors import CbcError, first_line
from corpus.options import Json
from leaderboard.cli import app as leaderboard_app
from studies.cli import app as studies_app

try:
    __version__ = version("cbc")
except PackageNotFoundError:  # run from a checkout that is not installed
    __version__ = "unknown"

INTERRUPTED = 130
READERS = ("_duckdb", "duckdb", "sqlite3", "polars", "pyarrow")
FILE_ERRORS = ("IOException", "OperationalError", "DatabaseError", "ComputeError", "ArrowInvalid")
GRACE_S = 5.0  # for native code to notice an interrupt, and for a crawl to store the answers of open calls
DASHED_ID = re.compile(r"-[\w-]{10}", re.ASCII)  # a YouTube id of a video that begins with a dash
interrupt_seen = threading.Event()
UsageError = typer.BadParameter.__mro__[2]  # click's ClickException, wherever typer keeps click

app = typer.Typer(
    help="Content Behavior Corpus: build the corpus, train and score models on it.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(corpus_app, name="corpus")
app.add_typer(benchmark_app, name="benchmark")
app.add_typer(baselines_app, name="baselines")
app.add_typer(leaderboard_app, name="leaderboard")
app.add_typer(studies_app, name="study")


def show_version(value: bool) -> None:
    """Print the version and exit."""
    if value:
        print(f"cbc {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=show_version, is_eager=True, help="print the version and exit")
    ] = False,
) -> None:
    """Content Behavior Corpus: build the corpus, train and score models on it."""


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="folder for corpus, bench, models, runs, tables and site")] = Path("demo"),
    seeds: Annotated[int, typer.Option(min=1, help="number of training seeds")] = 1,
) -> None:
    """Run the whole pipeline on the simulated world."""
    from studies.demo import run_demo

    run_demo(out, seeds)


@app.command()
def forecast(
    message: Annotated[Path, typer.Argument(help="a video, or a JSON file that describes a message")],
    model: Annotated[str, typer.Option(help="folder of a trained model")],
    out: Annotated[Path, typer.Option(help="page to write")] = Path("forecast.html"),
    title: Annotated[str | None, typer.Option(help="title of the message")] = None,
    company: Annotated[str | None, typer.Option(help="who publishes it")] = None,
    audience: Annotated[int | None, typer.Option(min=0, help="their followers")] = None,
    published: Annotated[datetime | None, typer.Option(help="when it is published, UTC")] = None,
    days: Annotated[float, typer.Option(min=0, max=36_500, help="age in days at which it is asked about")] = 30.0,
    annotators: Annotated[
        str | None, typer.Option("--with", help="what is read in the media file (default: text,speech)")
    ] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME.KEY=VALUE", help="a setting of an annotator")
    ] = None,
    json: Json = False,
) -> None:
    """Forecast views, likes per view and the replay curve of one message, and which of its scenes matter."""
    from baselines.forecast.run import make_forecast
    from leaderboard.forecast_page import check_page, forecast_text, write_forecast

    check_page(out, message)
    known = {"title": title, "company": company, "audience": audience, "published_at": published}
    made = make_forecast(message, model, known, annotators, settings or [], days)
    write_forecast(made, out)
    say_json({**made, "page": str(out)}) if json else say(forecast_text(made, out))


def set_quiet(value: bool) -> None:
    """Hide notes and progress from now on."""
    VERBOSITY.quiet |= value


def set_verbose(value: bool) -> None:
    """Show tracebacks, and a line for each step, from now on."""
    if value:
        VERBOSITY.verbose = True
        log_steps(True)


shared_app = typer.Typer(add_completion=False)


@shared_app.command()
def options(
    quiet: Annotated[bool, typer.Option("-q", "--quiet", callback=set_quiet, help="hide notes and progress")] = False,
    verbose: Annotated[
        bool, typer.Option("-v", "--verbose", callback=set_verbose, help="show steps, and tracebacks of errors")
    ] = False,
) -> None:
    """Options that every command takes, before or after its name."""


def add_options(command: Any, shared: list[Any]) -> Any:
    """Add the shared options to a command and to all its subcommands."""
    for inner in getattr(command, "commands", {}).values():
        add_options(inner, shared)
    for option in shared:
        option.expose_value = False
    command.params.extend(shared)
    return command


def is_interrupt(error: BaseException) -> bool:
    """Whether an error is an interrupt, or an error that a library raised because of one."""
    return isinstance(error, KeyboardInterrupt | typer.Abort) or interrupt_seen.is_set()


def is_full_disk(error: BaseException) -> bool:
    """Whether an error says that the disk is full, in the wording of any library."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return True
    return any(
        words in str(error).lower() for words in ("no space left on device", "disk is full")
    )  # the second is SQLite's


def usage_line(error: Any) -> str:
    """Describe a wrong command line and name its help."""
    message = error.format_message().rstrip(".")
    where = error.ctx.command_path if getattr(error, "ctx", None) else "cbc"
    hint = dashed_id_hint(error) or f"see `{where} -h`"
    return f"{message[:1].lower()}{message[1:]}; {hint}"


def dashed_id_hint(error: Any) -> str | None:
    """How to write a YouTube id that begins with a dash, where a command that takes ids read it as an option."""
    option = getattr(error, "option_name", None)
    if not option or getattr(error, "possibilities", None) or not takes_ids(error.ctx.command):
        return None
    ids = [word for word in sys.argv[1:] if DASHED_ID.fullmatch(word) and option.lstrip("-") in word]
    return f"if {ids[0]} is a YouTube id, write `youtube:{ids[0]}`, or put `--` before it" if ids else None


def takes_ids(command: Any) -> bool:
    """Whether a command has an argument for ids."""
    return any((getattr(parameter, "metavar", None) or "").startswith("ID") for parameter in command.params)


def file_line(error: BaseException) -> str | None:
    """Describe an error of files or memory and its mend; None for other errors."""
    message = first_line(error)
    if isinstance(error, UnicodeEncodeError) and "surrogates" in error.reason:
        return f"a path or name is not UTF-8 ({error.object[:200]}); rename the file or folder"
    if isinstance(error, PermissionError) or getattr(error, "errno", None) == errno.EROFS:
        return f"no permission for {error.filename or message} ({error.strerror}); check its owner and mode"
    if isinstance(error, OSError):
        place = f"{error.filename} ({error.strerror})" if error.filename else message
        return f"cannot read or write {place}; check the path"
    if type(error).__name__ in FILE_ERRORS and type(error).__module__.split(".")[0] in READERS:
        return f"a file cannot be read or written ({message}); check the path, or make the file again"
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryException":
        return f"not enough memory ({message}); end other programs, or do less at once"
    return None


def check_utf8() -> None:
    """Check that arguments and paths are UTF-8, which DuckDB, Polars and JSON need. Raises UnicodeEncodeError."""
    for text in (*sys.argv[1:], str(Path.cwd()), os.environ.get("CBC_CORPUS", ""), os.environ.get("CBC_BENCH", "")):
        text.encode()


def report(error: BaseException) -> int:
    """Print an error as one line and return the exit code; errors that no user can mend are raised again."""
    if VERBOSITY.verbose:
        traceback.print_exception(error)
    if is_interrupt(error):
        return report_interrupt()
    if isinstance(error, BrokenPipeError) or isinstance(error.__context__, BrokenPipeError):  # typer handles it first
        return 0
    if isinstance(error, UsageError):
        if not error.format_message():  # a group without a command: its help was printed
            return int(error.exit_code)
        line, code = usage_line(error), error.exit_code
    elif isinstance(error, CbcError):
        line, code = str(error), 2
    elif is_full_disk(error):
        line, code = "the disk is full; free some space and run the same command again", 2
    else:
        line, code = file_line(error), 2
    if line is None:
        raise error
    with suppress(OSError):  # no room for it: the exit code says it all the same
        failed(line)
    return code


def discard_output() -> None:
    """Discard output that cannot be written: at its end Python would flush it again and print an error."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def report_interrupt() -> int:
    """Print the line of an interrupt; returns its exit code."""
    with suppress(OSError):
        print("interrupted; run the same command again to go on", file=sys.stderr, flush=True)
    return INTERRUPTED


def end_when_interrupted() -> None:
    """End the process at the second interrupt, or GRACE_S after the first if native code does not notice it.

    Every step may be killed at any instant, so nothing is left half-written.
    """
    read_end, write_end = os.pipe()
    os.set_blocking(write_end, False)
    signal.set_wakeup_fd(write_end, warn_on_full_buffer=False)

    def await_interrupt(timeout_s: float | None) -> None:
        while select.select([read_end], [], [], timeout_s)[0]:
            if signal.SIGINT in os.read(read_end, 1):
                return

    def watch() -> None:
        await_interrupt(None)
        interrupt_seen.set()
        await_interrupt(GRACE_S)
        os._exit(report_interrupt())

    threading.Thread(target=watch, daemon=True).start()


def prepare_streams() -> None:
    """Replace a closed stdout or stderr, and let both print any text in any encoding."""
    sys.stdout, sys.stderr = (stream or open(os.devnull, "w") for stream in (sys.stdout, sys.stderr))  # noqa: PTH123, SIM115
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]


def main() -> None:
    """Run the command; an error that the user can mend is one line and exit code 2, an interrupt 130."""
    prepare_streams()
    VERBOSITY.quiet = VERBOSITY.verbose = False
    log_steps(False)
    interrupt_seen.clear()
    end_when_interrupted()
    command = add_options(get_command(app), get_command(shared_app).params)
    try:
        check_utf8()
        code = command(prog_name="cbc", standalone_mode=False)
        if code == INTERRUPTED:  # typer turns an interrupt into this code
            raise KeyboardInterrupt
        sys.stdout.flush()
    except BaseException as error:
        code = report(error)
        discard_output()
    sys.exit(code if isinstance(code, int) else 0)


if __name__ == "__main__":
    main()
