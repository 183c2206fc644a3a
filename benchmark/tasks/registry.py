"""Tasks by name, in the order of the paper's tables, followed by those of other packages."""

from __future__ import annotations

from benchmark.references.base import Reference
from benchmark.tasks.base import Task
from corpus.registry import NameClash, Registry

TASKS: Registry[Task] = Registry(
    "task",
    "cbc.tasks",
    {
        "replay_past": "benchmark.tasks.replay:ReplayPast",
        "replay_future": "benchmark.tasks.replay:ReplayFuture",
        "replay_random_5": "benchmark.tasks.replay:ReplayRandom5",
        "replay_random_7": "benchmark.tasks.replay:ReplayRandom7",
        "replay_all_masked": "benchmark.tasks.replay:ReplayAllMasked",
        "like_view_ratio": "benchmark.tasks.like_view_ratio:LikeViewRatio",
        "views": "benchmark.tasks.views:Views",
        "tweet_likes_brand": "benchmark.tasks.tweet_likes:TweetLikesBrand",
        "tweet_likes_time": "benchmark.tasks.tweet_likes:TweetLikesTime",
        "speech_choice": "benchmark.tasks.speech_choice:SpeechChoice",
    },
    Task,
)


def task_named(name: str) -> Task:
    """The task of that name. Raises UnknownName, NameClash, BrokenEntryPoint."""
    return TASKS.make(name)


def all_tasks() -> list[Task]:
    """Every task, in the order of the registry. Raises NameClash, BrokenEntryPoint."""
    return [task_named(name) for name in TASKS]


def references() -> dict[str, Reference]:
    """Every reference that a task names, by its name. Raises NameClash, BrokenEntryPoint."""
    known: dict[str, Reference] = {}
    for task in all_tasks():
        for reference in task.references:
            if known.setdefault(reference.name, reference) != reference:
                raise NameClash(
                    f"the task {task.name} has another reference called {reference.name}", "give it another name"
                )
    return known
