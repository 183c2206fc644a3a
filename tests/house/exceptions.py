"""What the lint of names lets pass, each with its reason; one that is needed no more fails the lint."""

WORDS = {
    "test": "the split of a bench, long before it was a condition",
    "views": "a metric and a column of frames too",
}
"""Names that are common words of this project: they are looked for nowhere."""

FILES = {
    ("leaderboard/words.py", "past"): "wordings for the page: a condition without one is shown by its name",
    ("leaderboard/words.py", "future"): "as past",
    ("leaderboard/words.py", "random_5"): "as past",
    ("leaderboard/words.py", "random_7"): "as past",
    ("leaderboard/words.py", "all_masked"): "as past",
    ("leaderboard/words.py", "brand_separated"): "as past",
    ("leaderboard/words.py", "time_separated"): "as past",
    ("leaderboard/words.py", "25-way"): "as past",
    ("corpus/release/published.py", "published"): "a release's own table in the published shape, not the source",
    ("corpus/schema.py", "ytdlp"): "an example in a column's description",
    ("corpus/ingest/rebuild.py", "simulate"): "reads the label of a world in a manifest of the first format",
    ("corpus/published_shape.py", "published"): "the annotation that both its reader and its writer name",
}
"""(file, name) -> why the name may be decided by there."""
