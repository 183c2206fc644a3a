"""The report of an ingest as lines, and the reason where it kept nothing."""

from __future__ import annotations

from corpus.ingest.run import Report
from corpus.printing import number_of


def report_text(report: Report) -> str:
    """Every record read is in one count; then the rows of each table and the name of the ingest."""
    counts = [("kept", report.rows_kept), ("repeated", report.rows_repeated)]
    counts += [("enriched", report.rows_enriched), ("contradicting", report.rows_contradicting)]
    counts = [(outcome, rows) for outcome, rows in counts if rows or outcome == "kept"]
    counts += [(f"rejected: {reason}", rows) for reason, rows in sorted(report.rejected.items())]
    files = f"{number_of(report.files, 'file')} read, {report.skipped:,} skipped (ingested before)"
    lines = [files] if report.files or report.skipped else []  # a source may read none
    lines.append(f"{number_of(report.rows_read, 'row')} read:")
    lines += [f"  {rows:>12,}  {outcome}" for outcome, rows in counts]
    lines += [f"  -> {number_of(rows, 'row')} in {table}" for table, rows in report.tables.items()]
    lines += [f"  -> {number_of(rows, 'row')} of {table} filled up" for table, rows in report.cells.items()]
    lines += [
        f"  {number_of(cells, 'contradiction')} of {column} (see rejects)"
        for column, cells in report.contradictions.items()
    ]
    return "\n".join([*lines, *([f"ingest {report.ingest}"] if report.ingest else [])])


def nothing_kept(report: Report) -> str | None:
    """Why files that were read left nothing in the corpus; None where the corpus holds their rows, now or before."""
    if report.files == 0 or report.rows_read > sum(report.rejected.values()):
        return None
    if not report.rejected:
        return "the file holds no rows" if report.files == 1 else "the files hold no rows"
    reason, rows = max(report.rejected.items(), key=lambda item: item[1])
    if report.rows_read == 1:
        return f"the only row was rejected for: {reason}"
    return f"all {report.rows_read:,} rows were rejected, {rows:,} of them for: {reason}"
