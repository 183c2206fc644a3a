"""What an ingest did, as lines, and why it kept nothing where it did not."""

from __future__ import annotations

from corpus.ingest.run import Report


def report_text(report: Report) -> str:
    """Every row read is kept, known or rejected; then the rows of each table and the name of the ingest."""
    counts = [("kept", report.rows_kept), ("known", report.rows_known)]
    counts += [(f"rejected: {reason}", rows) for reason, rows in sorted(report.rejected.items())]
    lines = [f"{report.files} files, {report.skipped} more ingested before", f"{report.rows_read:,} rows read:"]
    lines += [f"  {rows:>12,}  {what}" for what, rows in counts]
    lines += [f"  -> {rows:,} rows in {table}" for table, rows in report.tables.items()]
    return "\n".join([*lines, *([f"ingest {report.ingest}"] if report.ingest else [])])


def nothing_kept(report: Report) -> str | None:
    """Why files that were read left nothing in the corpus; None where the corpus holds their rows, now or before."""
    if report.files == 0 or report.rows_read > sum(report.rejected.values()):
        return None
    if not report.rejected:
        return "the files hold no rows"
    reason, rows = max(report.rejected.items(), key=lambda item: item[1])
    return f"all {report.rows_read:,} rows were rejected, {rows:,} of them for: {reason}"
