"""Sections of RESULTS.md that a command writes: each stands between two marks with the command that made it.

python -m studies.results SECTION "COMMAND" TABLES_DIR    # tables of a demo or a real run
python -m studies.results SECTION "COMMAND" OUTPUT.txt    # what a command printed; .md is taken as it is
"""

from __future__ import annotations

import re
import sys
from pathlib import Path


def write_section(report: Path, section: str, command: str, text: str, tables: Path | None = None) -> None:
    """Replace a marked section of the report, or add it at the end; tables are put behind the text."""
    begin, end = f"<!-- {section}: begin -->", f"<!-- {section}: end -->"
    parts = [begin, f"From `{command}`:", "", text.strip()]
    for table in sorted(tables.glob("*.md")) if tables else []:
        parts += ["", table.read_text(encoding="utf-8").strip()]
    body = "\n".join([*parts, end])
    old = report.read_text(encoding="utf-8") if report.exists() else "# Results\n"
    pattern = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
    new = pattern.sub(lambda _: body, old) if pattern.search(old) else f"{old.rstrip()}\n\n{body}\n"
    report.write_text(new, encoding="utf-8")


def main(section: str, command: str, source: str) -> None:
    """Write one section from a folder of tables or a file of output."""
    path = Path(source)
    if path.is_dir():
        write_section(Path("RESULTS.md"), section, command, "", path)
    else:
        printed = path.read_text(encoding="utf-8").strip()
        text = printed if path.suffix == ".md" else f"```\n{printed}\n```"
        write_section(Path("RESULTS.md"), section, command, text)


if __name__ == "__main__":
    main(*sys.argv[1:])
