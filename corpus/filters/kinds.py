"""How many messages of each kind a run of filters found, removed and kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from corpus.filters.base import FilterCounts
from corpus.printing import table_text

Kinds = dict[str, dict[str, Any]]


def kind_counts(before: Mapping[str, int], steps: Sequence[FilterCounts]) -> Kinds:
    """For each kind the messages before, those each filter removed, those kept, and their share."""
    names = list(dict.fromkeys(step.filter for step in steps))
    counted: Kinds = {}
    for kind, messages in before.items():
        removed = {name: sum(step.kinds.get(kind, 0) for step in steps if step.filter == name) for name in names}
        kept = messages - sum(removed.values())
        counted[kind] = {"messages": messages, "removed": removed, "kept": kept, "share_kept": kept / messages}
    return counted


def kinds_text(kinds: Kinds) -> str:
    """A table with a row a kind: messages before, removed by each filter, kept."""
    names = list(next(iter(kinds.values()))["removed"])
    rows = [
        (kind, counts["messages"], *counts["removed"].values(), counts["kept"], f"{counts['share_kept']:.1%}")
        for kind, counts in kinds.items()
    ]
    return table_text(["kind", "before", *names, "kept", "share kept"], rows)


def emptied_text(kinds: Kinds) -> str:
    """A warning for each kind of which nothing is kept; empty where there is none."""
    lines = []
    for kind, counts in kinds.items():
        if not counts["kept"]:
            blame = ", ".join(f"{name} removed {count:,}" for name, count in counts["removed"].items() if count)
            lines.append(f"WARNING: NO {kind.upper()} IS KEPT of {counts['messages']:,} ({blame})")
    mend = "what is made of this corpus will hold none of them; give that filter other settings, or other `kinds`"
    return "\n".join([*lines, mend] if lines else [])
