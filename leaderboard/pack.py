"""Pack a run into one file for submission: a zip of stored members, the same bytes for the same run.

    FILE.zip: manifest.json  predictions/TASK.parquet  SHA256SUMS

Nothing in it is compressed, since parquet is compressed already: a file unpacks to its own size. `read_pack` refuses
everything else that a zip can hold: other members, links, other sizes, other digests. `unpack` also checks what needs
no bench: the run's name, the columns and types of its predictions, and that no question is answered twice. `cbc
leaderboard verify`, the page and the project's CI open the run against its bench, which checks the questions.
"""

from __future__ import annotations

import hashlib
import io
import shutil
import stat
import tempfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmark.bench import Bench
from benchmark.predictions import check_without_bench
from benchmark.reference_rows import is_reference
from benchmark.run import Manifest, Run, is_written, parse_manifest, read_run_manifest
from corpus.errors import CbcError, NoSuchPath, printable
from corpus.files.atomic import part_path, replace_folder
from corpus.files.hashes import sums_text
from corpus.files.written_once import excerpt
from corpus.printing import number_of

SUFFIX = ".zip"
MANIFEST, SUMS = "manifest.json", "SHA256SUMS"
LARGEST_BYTES = 50 << 20
FIRST_DATE = (1980, 1, 1, 0, 0, 0)
REGULAR_FILE = (stat.S_IFREG | 0o644) << 16
UNREADABLE = (OSError, zipfile.BadZipFile, RuntimeError, ValueError, EOFError)
"""What zipfile raises on files that are cut, damaged, encrypted or packed in a way that it does not know."""
AGAIN = "make it with `cbc leaderboard pack RUN --bench BENCH --out FILE`"


class BadPack(CbcError):
    """A packed run is damaged, too large, or holds something other than one run."""


def pack(run: Path, bench: Path, out: Path) -> str:
    """Pack a run that answers a bench; returns a line about it. Raises BadPack and what opening a run raises."""
    opened_run = Run.open(run, Bench.open(bench))
    check_own_name(run, opened_run.manifest)
    check_answers(opened_run)
    if out.suffix != SUFFIX or out.is_dir():
        raise BadPack(f"{out} is no name for a packed run", f"give a file name that ends in {SUFFIX}")
    content = zip_bytes(run, opened_run.manifest)
    if len(content) > LARGEST_BYTES:
        raise BadPack(f"{run} packs to {len(content):,} bytes; at most {LARGEST_BYTES:,}", "leave out raw answers")
    if out.exists() and out.read_bytes() != content:
        raise BadPack(f"{out} exists and holds something else", "give another --out, or remove that file")
    out.parent.mkdir(parents=True, exist_ok=True)
    part_path(out).write_bytes(content)
    part_path(out).replace(out)
    counted = number_of(len(opened_run.tasks), "task")
    return f"{out}: run {opened_run.name}, {counted}, bench {opened_run.bench.fingerprint[:12]}"


def check_own_name(place: Path, manifest: Manifest) -> None:
    """Check that a run does not have the name of a row that the bench computes itself. Raises BadPack."""
    if is_reference(manifest.run):
        fault = f"{place} has the name of the bench's own {excerpt(manifest.run)}"
        raise BadPack(fault, "leave it out, since every bench computes that row itself, or give the run another name")


def zip_bytes(run: Path, manifest: Manifest) -> bytes:
    """Zip a run's files, in a fixed order with fixed times."""
    names = member_names(manifest)
    contents = {name: (run / name).read_bytes() for name in names}
    sums = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as file:
        for name, content in {**contents, SUMS: sums_text(sums).encode()}.items():
            entry = zipfile.ZipInfo(name, FIRST_DATE)
            entry.create_system, entry.external_attr = 3, REGULAR_FILE  # as on Linux, wherever it is packed
            file.writestr(entry, content)
    return buffer.getvalue()


def member_names(manifest: Manifest) -> list[str]:
    """The files of a run that are packed: all but its scores, which are computed again."""
    return [MANIFEST, *(f"predictions/{task}.parquet" for task in manifest.tasks)]


def check_answers(run: Run) -> None:
    """Read every answer of a run once. Raises NoSuchPath if it answers no task, and what reading raises."""
    if not run.tasks:
        raise NoSuchPath(f"{run.root} answers no task", "predict or submit again")
    for task in run.tasks:
        run.predictions(task)


def read_pack(path: Path) -> tuple[Manifest, dict[str, bytes]]:
    """Read and check a packed run; gives its manifest and files. Raises BadPack, WrongVersion, BadRun."""
    try:
        if path.is_symlink() or not path.is_file():
            raise BadPack(f"{path} is no file", AGAIN)
        if path.stat().st_size > LARGEST_BYTES:
            raise BadPack(f"{path} is larger than {LARGEST_BYTES:,} bytes", AGAIN)
        with zipfile.ZipFile(path) as file:
            check_members(path, file.infolist())
            check_beginning(path, file.infolist())
            contents = {entry.filename: file.read(entry) for entry in file.infolist()}
    except UNREADABLE as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise BadPack(f"{path} is no packed run ({excerpt(reason)})", AGAIN) from None
    manifest = parse_manifest(contents.get(MANIFEST, b""), str(path))
    names = member_names(manifest)
    sums = {name: hashlib.sha256(contents.get(name, b"")).hexdigest() for name in names}
    if set(contents) != {*names, SUMS}:
        differing = sorted(set(contents) ^ {*names, SUMS})[0]
        raise BadPack(f"{path} holds other files than its manifest names ({excerpt(differing)})", AGAIN)
    if contents[SUMS] != sums_text(sums).encode():
        raise BadPack(f"{path} holds other files than its {SUMS} says", AGAIN)
    return manifest, contents


def check_members(path: Path, entries: Sequence[zipfile.ZipInfo]) -> None:
    """Check that a zip holds plain stored files, each once, together no larger than the zip. Raises BadPack."""
    names = [entry.filename for entry in entries]
    if len(set(names)) < len(names) or sum(entry.file_size for entry in entries) > path.stat().st_size:
        raise BadPack(f"{path} holds a file twice, or more than its own size", AGAIN)
    for entry in entries:
        kind = stat.S_IFMT(entry.external_attr >> 16)
        stored = entry.compress_type == zipfile.ZIP_STORED and entry.compress_size == entry.file_size
        if kind not in (0, stat.S_IFREG) or entry.is_dir() or not stored or entry.flag_bits & 1:
            raise BadPack(f"{path}: {excerpt(entry.filename)} is a link, folder, compressed or encrypted", AGAIN)


def check_beginning(path: Path, entries: Sequence[zipfile.ZipInfo]) -> None:
    """Check that a zip begins with its first member: programs can hide before it. Raises BadPack."""
    if entries and (before := min(entry.header_offset for entry in entries)):
        raise BadPack(f"{path} holds {before:,} bytes before its first file", AGAIN)


def unpack(path: Path, out: Path) -> str:
    """Unpack a run into a new folder; returns a line about it.

    Raises BadPack, BadPredictions, WrongInstances, and what `read_pack` and `is_written` raise.
    """
    manifest, contents = read_pack(path)
    check_pack_alone(path, manifest)
    if is_written(out, manifest):
        return f"{out}: already there, nothing to do"
    staged = part_path(out)
    shutil.rmtree(staged, ignore_errors=True)
    write_files(staged, contents)
    replace_folder(staged, out)
    about = f"{out}: run {manifest.run}, {number_of(len(manifest.tasks), 'task')}, bench {manifest.bench[:12]}"
    return f"{about} (whether it answers that bench's questions is checked by `cbc leaderboard verify`)"


def check_pack_alone(path: Path, manifest: Manifest) -> None:
    """Check what needs no bench: name and predictions. Raises BadPack, BadPredictions, WrongInstances."""
    check_own_name(path, manifest)
    with ExitStack() as stack:
        folder = unpack_for(path, stack)
        with naming_packs({folder: path}):
            for task in manifest.tasks:
                check_without_bench(folder / "predictions" / f"{task}.parquet")


def write_files(folder: Path, contents: dict[str, bytes]) -> None:
    """Write a packed run's files, whose names were checked against its manifest."""
    (folder / "predictions").mkdir(parents=True)
    for name, content in contents.items():
        if name != SUMS:
            (folder / name).write_bytes(content)


@contextmanager
def run_folders(paths: Sequence[Path]) -> Iterator[list[Path]]:
    """Give the folder of each run; packed runs are unpacked until the context ends. Raises what `read_pack` raises.

    Errors that are raised meanwhile name the packed run, not the folder it was unpacked into.
    """
    with ExitStack() as stack:
        folders = [unpack_for(path, stack) if is_packed(path) else path for path in paths]
        with naming_packs(dict(zip(folders, paths, strict=True))):
            yield folders


@contextmanager
def naming_packs(packs: Mapping[Path, Path]) -> Iterator[None]:
    """Replace unpacked folders by their packed runs in the text of any CbcError that is raised meanwhile."""
    try:
        yield
    except CbcError as error:
        what, mend = error.what, error.mend
        for folder, pack in packs.items():
            what, mend = (text.replace(printable(str(folder)), printable(str(pack))) for text in (what, mend))
        raise type(error)(what, mend) from None


def unpack_for(path: Path, stack: ExitStack) -> Path:
    """Unpack a run into a folder that is removed when the stack closes. Raises what `read_pack` raises."""
    _, contents = read_pack(path)
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cbc-run-"))) / path.name
    write_files(folder, contents)
    return folder


def manifest_of(path: Path) -> Manifest:
    """Read the manifest of a run, packed or not. Raises BadPack, NoSuchPath, WrongVersion, BadRun."""
    return read_pack(path)[0] if is_packed(path) else read_run_manifest(path)


def is_packed(path: Path) -> bool:
    """Whether a path names a packed run rather than a folder."""
    return path.suffix == SUFFIX and not path.is_dir()
