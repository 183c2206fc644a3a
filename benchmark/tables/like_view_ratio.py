"""Table "behavior simulation, likes per view": the ratio in percent, from the content of a video."""

from benchmark.tables.base import Table

TABLE = Table(
    name="like_view_ratio",
    title="Behavior simulation: likes per view (percent)",
    tasks={"test": "like_view_ratio"},
    metrics=("rmse", "r2", "accuracy_rel10"),
    note="No constant has an R² above zero: the mean of the test videos has exactly zero, the training mean less.",
    unit="percentage points",
)
