"""The report of an ingest as lines, and the reason where it kept nothing."""

from __future__ import annotations

from corpus.ingest.run import Report


def report_text(report: Report) -> str:
    """Every record read is in one count; then the rows of each table and the name of the ingest."""
    counts = [("kept", report.rows_kept), ("repeated", report.rows_repeated)]
    counts += [("enriched", report.rows_enriched), ("contradicting", report.rows_contradicting)]
    counts = [(outcome, rows) for outcome, rows in counts if rows or outcome == "kept"]
    counts += [(f"rejected: {reason}", rows) for reason, rows in sorted(report.rejected.items())]
    lines = [f"{report.files} files, {report.skipped} more ingested before", f"{report.rows_read:,} rows read:"]
    lines += [f"  {rows:>12,}  {outcome}" for outcome, rows in counts]
    lines += [f"  -> {rows:,} rows in {table}" for table, rows in report.tables.items()]
    lines += [f"  -> {rows:,} rows of {table} filled up" for table, rows in report.cells.items()]
    lines += [
        f"  {cells:,} contradictions of {column} (see rejects)" for column, cells in report.contradictions.items()
    ]
    return "\n".join([*lines, *([f"ingest {report.ingest}"] if report.ingest else [])])


def nothing_kept(report: Report) -> str | None:
    """Why files that were read left nothing in the corpus; None where the corpus holds their rows, now or before."""
    if report.files == 0 or report.rows_read > sum(report.rejected.values()):
        return None
    if not report.rejected:
        return "the files hold no rows"
    reason, rows = max(report.rejected.items(), key=lambda item: item[1])
    return f"all {report.rows_read:,} rows were rejected, {rows:,} of them for: {reason}"
