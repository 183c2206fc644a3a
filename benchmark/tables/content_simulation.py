"""Table "content simulation": which of 25 speeches belongs to the masked scenes."""

from benchmark.tables.base import Table

TABLE = Table(
    name="content_simulation",
    title="Content simulation: the masked speech, one of 25",
    tasks={"25-way": "speech_choice"},
    metrics=("accuracy",),
    note="Chance is 4 percent; the overlap row takes the option that shares most of its words with the visible text.",
)
