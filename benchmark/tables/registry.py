"""The tables of the paper that can be made here, in its order."""

from __future__ import annotations

from benchmark.tables import content_simulation, like_view_ratio, replay_values, twitter_likes, views
from benchmark.tables.base import Table

TABLES: dict[str, Table] = {
    module.TABLE.name: module.TABLE
    for module in (replay_values, like_view_ratio, views, twitter_likes, content_simulation)
}
