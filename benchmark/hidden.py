"""How the names of messages, groups and instances stand in a bench: in a hidden one keyed, and rows in keyed order.

In an open bench (`secret` is None) they stay as the corpus has them.
"""

from __future__ import annotations

import polars as pl

from benchmark.secret import Secret

NAMES = ("message_id", "group")
"""Columns whose names are keyed; equal ones stay equal in all files of a bench, so that it can be audited."""


def with_instances(questions: pl.DataFrame, task: str, secret: Secret | None) -> pl.DataFrame:
    """Add instance_id to the questions of a task: `TASK:MESSAGE`, of a further draw of masks `TASK#DRAW:MESSAGE`.

    With a secret the message's part is keyed, and rows are in the order of it; there each message has one draw.
    """
    if secret is None:
        asking = pl.lit(task)
        if "draw" in questions.columns:
            draw = pl.when(pl.col("draw") > 0).then(pl.concat_str(pl.lit("#"), "draw")).otherwise(pl.lit(""))
            asking = pl.concat_str(asking, draw)
        return questions.with_columns(instance_id=pl.concat_str(asking, pl.lit(":"), "message_id"))
    keyed = secret.keyed(f"instance:{task}", questions["message_id"])
    return questions.with_columns(instance_id=pl.lit(f"{task}:") + keyed).sort("instance_id")


def with_keyed_names(frame: pl.DataFrame, secret: Secret | None) -> pl.DataFrame:
    """A frame as the public part has it."""
    if secret is None:
        return frame
    return frame.with_columns(secret.keyed(name, frame[name]).alias(name) for name in NAMES if name in frame.columns)


def keyed_groups(groups: pl.DataFrame, secret: Secret | None) -> pl.DataFrame:
    """The groups of a bench as the public part has them, in the order of their names."""
    return with_keyed_names(groups, secret).sort("group")
