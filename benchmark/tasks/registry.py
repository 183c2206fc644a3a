"""The tasks by name, in the order of the paper's tables."""

from __future__ import annotations

from benchmark.tasks.base import Task
from benchmark.tasks.like_view_ratio import LikeViewRatio
from benchmark.tasks.replay import Replay
from benchmark.tasks.speech_choice import SpeechChoice
from benchmark.tasks.tweet_likes import TweetLikes
from benchmark.tasks.views import Views

TASKS: dict[str, Task] = {
    task.name: task
    for task in (
        Replay("past"),
        Replay("future"),
        Replay("random_5", 5),
        Replay("random_7", 7),
        Replay("all_masked"),
        LikeViewRatio(),
        Views(),
        TweetLikes("brand"),
        TweetLikes("time"),
        SpeechChoice(),
    )
}
