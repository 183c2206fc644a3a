"""Table "behavior simulation, replay values": five ways to mask the replay values of a video's scenes."""

from benchmark.tables.base import Table

TABLE = Table(
    name="replay_values",
    title="Behavior simulation: replay values of scenes (0 to 100)",
    tasks={
        "past": "replay_past",
        "future": "replay_future",
        "random_5": "replay_random_5",
        "random_7": "replay_random_7",
        "all_masked": "replay_all_masked",
    },
    metrics=("rmse", "accuracy_abs5"),
    note=(
        "Where only some scenes are masked, linear interpolation from the visible values is the predictor to beat; "
        "where all are, the mean curve of other videos. The paper shows neither, and does not say how its random "
        "row was drawn."
    ),
    unit="points of 100",
)
