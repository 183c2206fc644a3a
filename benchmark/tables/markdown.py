"""Write a table as Markdown: who is best where, a block for each metric with conditions as columns, and their basis."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from itertools import combinations
from typing import Any

from benchmark.apart import BLOCKS, RESAMPLES
from benchmark.intervals import FEWEST_GROUPS
from benchmark.score import asked_text, number_with_bounds, short_number
from benchmark.tables.standings import standings
from benchmark.tables.summary import summary

Row = dict[str, Any]


def grid(head: Sequence[str], body: Iterable[Sequence[str]]) -> str:
    """Write a Markdown table with padded columns, which is readable in a terminal too."""
    lines = [[str(cell).replace("|", "\\|") for cell in line] for line in (head, *body)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    lines.insert(1, ["-" * width for width in widths])
    return "\n".join("| " + " | ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)) + " |" for line in lines)


def pivot(
    rows: Sequence[Row], conditions: Sequence[str], names: Sequence[str], cell: Callable[[Row], str]
) -> list[list[str]]:
    """Arrange rows by run, with a column for each condition; a dash where a run has no answers."""
    cells = {(row["run"], row["condition"]): cell(row) for row in rows}
    return [[cells.get((name, condition), "-") for condition in conditions] for name in names]


def best_first(rows: Sequence[Row]) -> list[str]:
    """Sort runs by their mean place over the conditions that they answer."""
    places: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        places[row["run"]].append(row["place"])
    return sorted(places, key=lambda run: (sum(places[run]) / len(places[run]), run))


def metric_block(table: dict[str, Any], metric: dict[str, Any]) -> str:
    """Skills, values, ranks and the paper's figures for one metric."""
    rows = [row for row in table["rows"] if row["metric"] == metric["name"]]
    conditions = conditions_of(table, rows)
    best = {condition: table["best_trivial"][condition].get(metric["name"]) for condition in conditions}
    names = best_first(with_places(rows, metric["lower_is_better"]))
    kinds = {row["run"]: row["kind"] for row in rows}

    def value(row: Row) -> str:
        mark = " ‡" if row["partial"] else " †" if best[row["condition"]] == row["run"] else ""
        return number_with_bounds(row["value"], row["low"], row["high"]) + mark

    def skill(row: Row) -> str:
        return number_with_bounds(row["skill"], row["skill_low"], row["skill_high"])

    values = pivot(rows, conditions, names, value)
    skills = pivot(rows, conditions, names, skill)
    better = "lower" if metric["lower_is_better"] else "higher"
    over = "1 - error / its error" if metric["skill"] == "share" else "difference to it"
    parts = [
        f"## {metric['name']}: {metric['meaning']} ({better} is better)",
        f"### {metric['name']}: skill over the best reference ({over}, paired; above zero is better)",
        grid(["run", "kind", *conditions], [[n, kinds[n], *s] for n, s in zip(names, skills, strict=True)]),
        f"### {metric['name']}: scores",
        grid(["run", *conditions], [[n, *v] for n, v in zip(names, values, strict=True)]),
        "† the best reference of the column." + partial_note(rows),
        f"### {metric['name']}: who is apart from whom",
        "\n".join(f"- {condition}: {ranking(table, condition, metric['name'])}" for condition in conditions),
        everything_block(table, metric["name"]),
        reported_block(table, metric["name"]),
    ]
    return "\n\n".join(filter(None, parts))


def conditions_of(table: dict[str, Any], rows: Sequence[Row]) -> list[str]:
    """The conditions of a table that have any of the rows."""
    present = {row["condition"] for row in rows}
    return [condition for condition in table["conditions"] if condition in present]


def details_block(table: dict[str, Any]) -> str:
    """The metrics that stand beside others, in short: runs by metrics, for each condition that has them."""
    meanings = {metric["name"]: metric["meaning"] for metric in table["metrics"] if metric["detail"]}
    rows = [row for row in table["rows"] if row["metric"] in meanings and not row["partial"]]
    parts = []
    for condition in conditions_of(table, rows):
        cells = [row for row in rows if row["condition"] == condition]
        metrics = list(dict.fromkeys(row["metric"] for row in cells))
        names = list(dict.fromkeys(row["run"] for row in cells))
        turned = [{**row, "condition": row["metric"]} for row in cells]
        values = pivot(turned, metrics, names, lambda row: number_with_bounds(row["value"], row["low"], row["high"]))
        body = grid(["run", *metrics], [[name, *line] for name, line in zip(names, values, strict=True)])
        explained = "\n".join(f"- {name}: {meanings[name]}" for name in metrics)
        parts.append(f"## Further metrics: {condition}\n\n{body}\n\n{explained}")
    return "\n\n".join(parts)


def spread_block(table: dict[str, Any]) -> str:
    """How much the answers of each run vary beside the truth, and how often distributions hold it; numbers alone."""
    headline = table["metrics"][0]["name"]
    rows = [row for row in table["rows"] if row["metric"] == headline and not row["partial"]]
    rows = [row for row in rows if row["spread_true"] is not None]
    if not rows:
        return ""
    conditions = conditions_of(table, rows)
    names = list(dict.fromkeys(row["run"] for row in rows))

    def cell(row: Row) -> str:
        covered = "" if row["coverage_80"] is None else f"; {row['coverage_80']:.0f} % within"
        return f"{short_number(row['spread_predicted'])} of {short_number(row['spread_true'])}{covered}"

    values = pivot(rows, conditions, names, cell)
    body = grid(["run", *conditions], [[name, *line] for name, line in zip(names, values, strict=True)])
    note = (
        "Standard deviation of the answers that were read, of that of the truth (counts: of base-10 logarithms). Of "
        "runs that give a distribution, the percentage of truths between its quantiles of 10 and 90 %: 80 is right."
    )
    return f"## Spread: do the answers vary as the truth does?\n\n{body}\n\n{note}"


def partial_note(rows: Sequence[Row]) -> str:
    """Name the runs that were asked only some of the questions, and how many."""
    partial = [f"{row['run']} on {row['condition']} {row['n']} of {row['questions']}" for row in rows if row["partial"]]
    return f" ‡ on some of the questions only, and so without a rank: {', '.join(partial)}." if partial else ""


def with_places(rows: Sequence[Row], lower_is_better: bool) -> list[Row]:
    """Add the place among the runs of a condition; partial runs and those without a value come last."""
    sign = 1 if lower_is_better else -1

    def order(row: Row) -> tuple[bool, float]:
        return row["partial"], float("inf") if row["value"] is None else sign * row["value"]

    by_condition: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_condition[row["condition"]].append(row)
    ordered = [sorted(group, key=order) for group in by_condition.values()]
    return [{**row, "place": place} for group in ordered for place, row in enumerate(group)]


def ranking(table: dict[str, Any], condition: str, metric: str) -> str:
    """Ranks in a line, with the separable pairs that share a rank."""
    ranks: dict[str, int] = table["rank"][condition].get(metric, {})
    apart = [
        (pair["better"], pair["worse"])
        for pair in table["separable"]
        if (pair["condition"], pair["metric"]) == (condition, metric)
    ]
    by_rank: dict[int, list[str]] = defaultdict(list)
    for run, rank in ranks.items():
        by_rank[rank].append(run)
    line = "; ".join(f"**{rank}.** {', '.join(runs)}" for rank, runs in sorted(by_rank.items()))
    line += partial_ranking(table, condition, metric)
    same_rank = [pair for runs in by_rank.values() for pair in combinations(runs, 2) if pair in apart]
    if not same_rank:
        return line
    worse_runs: dict[str, list[str]] = defaultdict(list)
    for better, worse in same_rank:
        worse_runs[better].append(worse)
    pairs = "; ".join(f"{better} over {', '.join(worse)}" for better, worse in worse_runs.items())
    return f"{line} (of a shared rank yet apart: {pairs})"


def partial_ranking(table: dict[str, Any], condition: str, metric: str) -> str:
    """Ranks of partial runs among those that were asked the same questions, with the references."""
    text = ""
    for entry in table["partial"]:
        if (entry["condition"], entry["metric"]) == (condition, metric):
            order = ", ".join(f"{rank}. {run}" for run, rank in entry["rank"].items())
            text += f"; on {entry['n']} questions alone: {order}"
    return text


def everything_block(table: dict[str, Any], metric: str) -> str:
    """Values on all questions, where the table is of the panel; empty elsewhere."""
    rows = [row for row in table["everything"] if row["metric"] == metric]
    if not rows:
        return ""
    conditions = [c for c in table["conditions"] if any(row["condition"] == c for row in rows)]
    names = list(dict.fromkeys(row["run"] for row in sorted(rows, key=lambda row: row["rank"] or len(rows))))
    values = pivot(rows, conditions, names, lambda row: number_with_bounds(row["value"], row["low"], row["high"]))
    sizes = {row["condition"]: asked_text(row) for row in rows}
    heads = [f"{condition} ({sizes[condition]})" for condition in conditions]
    body = grid(["run", *heads], [[name, *line] for name, line in zip(names, values, strict=True)])
    return f"### {metric}: on all questions, for the runs that answered them\n\n{body}"


def reported_block(table: dict[str, Any], metric: str) -> str:
    """The paper's figures as a quotation."""
    rows = [{**row, "run": row["model"]} for row in table["reported"] if row["metric"] == metric]
    if not rows:
        return f"> The paper reports no {metric} for this table."
    names = list(dict.fromkeys(row["run"] for row in rows))
    values = pivot(rows, table["conditions"], names, lambda row: f"{row['value']:g}")
    body = grid(["model", *table["conditions"]], [[name, *line] for name, line in zip(names, values, strict=True)])
    head = f"**{metric}, reported elsewhere (paper), other data: not comparable row by row**"
    return "\n".join(f"> {line}".rstrip() for line in (head, "", *body.splitlines()))


def seeds_block(table: dict[str, Any]) -> str:
    """Spread over training seeds; empty if no recipe has several."""
    rows = table["seeds"]
    if not rows:
        return ""
    keys = list(dict.fromkeys((row["recipe"], row["metric"]) for row in rows))
    cells = {
        (row["recipe"], row["metric"], row["condition"]): (
            f"{short_number(row['mean'])} ± {short_number(row['sd'])} "
            f"({short_number(row['lowest'])} to {short_number(row['highest'])}, {row['seeds']} seeds)"
        )
        for row in rows
    }
    body = [[*key, *(cells.get((*key, condition), "-") for condition in table["conditions"])] for key in keys]
    title = "## Over training seeds: mean ± standard deviation (range), apart from the sampling of instances"
    return f"{title}\n\n{grid(['recipe', 'metric', *table['conditions']], body)}"


def family_block(table: dict[str, Any]) -> str:
    """Each run against the best reference and its control on the headline metric, by condition; empty without any."""
    rows = [row for row in table["family"] if row["p"] is not None]
    if not rows:
        return ""
    body = [
        [
            row["condition"],
            row["metric"],
            row["run"],
            f"{row['rival']} ({row['role']})",
            number_with_bounds(row["skill"], row["low"], row["high"]),
            short_number(row["detectable"]),
            short_number(row["p"]),
            side(row),
        ]
        for row in rows
    ]
    head = ["condition", "metric", "run", "rival", "skill over it", "smallest it can tell", "adjusted p", "apart"]
    return f"## Apart from the best reference and from the control\n\n{grid(head, body)}\n\n{DETECTABLE_NOTE}"


DETECTABLE_NOTE = (
    "The smallest skill that these questions can tell: a run whose true skill over the rival is this large would "
    "be called apart in 80 of 100 samples of as many groups, one of smaller skill less often. So where a run is not "
    "apart, it may still be better or worse by less than this. From the jackknife's standard error of the skill, the "
    "critical value of the joint test, and Student's t with one degree of freedom less than there are effective groups."
)


def side(row: Row) -> str:
    """On which side of its rival a run is apart; empty if it is not."""
    return ("above" if row["skill"] > 0 else "below") if row["apart"] else ""


def basis_block(table: dict[str, Any]) -> str:
    """Basis of the figures: instances, groups, unread answers, and how intervals and ranks are computed."""
    sizes = {row["condition"]: row for row in table["rows"] if not row["partial"]}
    lines = [
        [c, asked_text(row), *(str(row[name]) for name in ("questions", "groups")), f"{row['effective_groups']:.1f}"]
        for c, row in ((c, sizes[c]) for c in table["conditions"])
    ]
    few = [condition for condition, row in sizes.items() if row["effective_groups"] < FEWEST_GROUPS]
    notes = [
        "Intervals: 95 %, from leaving out one group (channel or company) at a time; Student's t with one degree of "
        "freedom less than there are effective groups, (sum n)² / sum n² of the groups' sizes n. Bounds are taken on "
        "logits for percentages, 1/x² for errors, the logarithm of 1 - x for R², correlations and shares of an error, "
        "plainly for differences. Skills and differences are paired, from both runs on each group. Each interval "
        "stands alone: none is adjusted for their number. Training seeds do not enter them. docs/results/coverage.md "
        "has their coverage.",
        "Apart from the best reference and from the control: one joint test of all these comparisons of the table, on "
        "the first metric that has intervals. Groups exchange the answers of both runs, all comparisons at once, in "
        f"every way or in {RESAMPLES:,} random ones (above {BLOCKS:,} groups, random blocks of them); apart is who "
        "exceeds the largest statistic of the family in all but 5 % of these, and whose own interval excludes zero. "
        "So at most 5 % of tables call a run apart that differs from its rival by luck alone; more may where two runs "
        "are equally good on average, but one has rare large errors.",
        "Pairs and ranks: the same test over all pairs of one condition and metric; a table has several such families. "
        "A new rank begins only where every run above is apart from every run below.",
        "The best reference is the one that was best on validation, with training where that has few messages.",
        unparsed_note(table["rows"]),
        *cut_notes(table["cut_prompts"]),
    ]
    if few:
        notes.insert(
            1,
            f"Fewer than {FEWEST_GROUPS} effective groups ({', '.join(few)}): no intervals, and nobody is apart.",
        )
    if table["heavy_tailed"]:
        notes.insert(
            1, f"A few instances decide {', '.join(table['heavy_tailed'])}: no intervals, and nobody is apart."
        )
    basis = grid(["condition", "questions compared", "of", "groups", "effective groups"], lines)
    return "\n\n".join(["## What this rests on", basis, "\n".join(f"- {note}" for note in notes)])


def unparsed_note(rows: Sequence[Row]) -> str:
    """Count the answers that could not be read, by run and condition, and say how they are scored."""
    counts = {(row["run"], row["condition"]): row["unparsed"] for row in rows if row["unparsed"]}
    unparsed = ", ".join(f"{run} on {condition} {count}" for (run, condition), count in counts.items()) or "none"
    return (
        f"Unparsed answers (missing, unreadable or out of the legal range): {unparsed}. They are never dropped: wrong "
        "in every accuracy; in errors and r2 a random legal answer, the same for every run, stands in."
    )


def cut_notes(counts: Sequence[Row]) -> list[str]:
    """How many prompts of each run lost their beginning; empty if none did."""
    if not counts:
        return []
    cut = ", ".join(f"{entry['run']} on {entry['condition']} {entry['prompts']:,}" for entry in counts)
    return [f"Prompts longer than the model's context, which lost their beginning: {cut}."]


def markdown(table: dict[str, Any]) -> str:
    """Write the page of a table."""
    simulated_note = (
        "The bench is of the simulated world: its figures say nothing about real audiences."
        if table["simulated"]
        else ""
    )
    parts = [
        f"# {table['title']}",
        " ".join(summary({("", standing.condition): standing for standing in standings(table)})),
        " ".join(filter(None, [table["note"], simulated_note])),
        *(metric_block(table, metric) for metric in table["metrics"] if not metric["detail"]),
        details_block(table),
        spread_block(table),
        family_block(table),
        seeds_block(table),
        basis_block(table),
    ]
    return "\n\n".join(filter(None, parts)) + "\n"
