"""Write SITE/instances/TASK.html: the instances of each task that can be looked through."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from markupsafe import Markup

from benchmark.bench import Bench
from benchmark.run import Run
from leaderboard.instances import instance_pages
from leaderboard.results import Table
from leaderboard.templating import environment, page_style, policy


@dataclass(frozen=True)
class TaskLink:
    """A page of instances: its address from the site's folder, the name of its task, and how many it shows."""

    address: str
    label: str
    shown: int


def write_instances(
    folder: Path, bench: Bench, runs: Sequence[Run], tables: Sequence[Table], first: int
) -> list[TaskLink]:
    """Write a page for each task that a run answers, and return links to them."""
    labels = {
        columns[0].task: table.label(condition) for table in tables for condition, columns in table.conditions.items()
    }
    style, links = page_style(), []
    template = environment().get_template("instances.html")
    for page in instance_pages(bench, runs, first):
        link = TaskLink(f"instances/{page.task}.html", labels.get(page.task, page.task), len(page.instances))
        text = template.render(
            policy=policy(style, ""),
            style=Markup(style),  # our own file; its hash is in the policy
            bench=bench,
            label=link.label,
            page=page,
            version=version("cbc"),
        )
        (folder / "instances").mkdir(exist_ok=True)
        (folder / link.address).write_text(text, encoding="utf-8")
        links.append(link)
    return links
