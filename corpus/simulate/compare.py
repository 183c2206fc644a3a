"""`cbc corpus simulate --compare DIR`: what decides the tasks, in one corpus beside another.

A simulated world is of use for what it shares with real files: how long videos are, how smooth their curves, how far
their counts spread, how many videos a channel has.
"""

from __future__ import annotations

from pathlib import Path

import duckdb
import numpy as np
import numpy.typing as npt

from corpus.printing import table_text
from corpus.store import Corpus

Array = npt.NDArray[np.float64]
Fact = tuple[str, float | None]
LONG = 100
"""Scenes of videos from 100 seconds on; curves are compared where they have as many."""
RUNS = (5, 7)
RUN_SHARE = 0.1
FIRST_TENTH = LONG // 10

VIDEOS = """
CREATE OR REPLACE TEMP TABLE _video AS
WITH total AS (
    SELECT message_id, observed_at, max(value) FILTER (metric = 'views') AS views,
        max(value) FILTER (metric = 'likes') AS likes
    FROM effect WHERE scene IS NULL AND receiver IS NULL GROUP BY message_id, observed_at
    QUALIFY row_number() OVER (PARTITION BY message_id ORDER BY observed_at DESC NULLS LAST) = 1
)
SELECT m.*, total.observed_at, views, likes, date_diff('second', published_at, observed_at) / 86400.0 AS age_days
FROM message m LEFT JOIN total USING (message_id) WHERE kind = 'video'
"""
CURVES = """
SELECT list(value ORDER BY scene) FROM effect WHERE metric = 'replay' AND receiver IS NULL
GROUP BY message_id, observed_at
QUALIFY row_number() OVER (PARTITION BY message_id ORDER BY observed_at DESC NULLS LAST) = 1
ORDER BY message_id
"""
COUNTED = "FROM _video WHERE views >= 100"
LIKED = f"{COUNTED} AND likes > 0 AND likes <= views"
FACTS = {
    "videos": "SELECT count(*) FROM _video",
    "videos a channel, mean": "SELECT count(*) / count(DISTINCT communicator_id) FROM _video",
    "channels with one video, %": """SELECT 100 * avg((n = 1)::INT) FROM
        (SELECT count(*) AS n FROM _video WHERE communicator_id IS NOT NULL GROUP BY communicator_id)""",
    "titles that another video has, %": """SELECT 100 * avg((n > 1)::INT) FROM
        (SELECT count(*) OVER (PARTITION BY lower(title)) AS n FROM _video WHERE title IS NOT NULL)""",
    "characters of a title, median": "SELECT median(length(title)) FROM _video",
    "videos under 100 s, %": "SELECT 100 * avg((duration_s < 100)::INT) FROM _video WHERE duration_s > 0",
    "age in days, median": "SELECT median(age_days) FROM _video",
    "age in days, 90 %": "SELECT quantile_cont(age_days, 0.9) FROM _video",
    "views, median": f"SELECT median(views) {COUNTED}",
    "views, standard deviation in decades": f"SELECT stddev_samp(log10(views)) {COUNTED}",
    "views, share of the first hundredth, %": f"""SELECT 100 * sum(views) FILTER (place <= 0.01) / sum(views)
        FROM (SELECT views, percent_rank() OVER (ORDER BY views DESC) AS place {COUNTED})""",
    "likes per view, median %": f"SELECT 100 * median(likes / views) {LIKED}",
    "likes per view, standard deviation in points": f"SELECT 100 * stddev_samp(likes / views) {LIKED}",
    "likes per view, standard deviation of its logarithm": f"SELECT stddev_samp(ln(likes / views)) {LIKED}",
    "likes per view, correlation of two of a channel": f"""
        SELECT corr(a, b) FROM (
            SELECT list(ln(likes / views) ORDER BY md5(message_id))[1] AS a,
                list(ln(likes / views) ORDER BY md5(message_id))[2] AS b
            {LIKED} GROUP BY communicator_id HAVING count(*) > 1)""",
}


def facts(connection: duckdb.DuckDBPyConnection) -> list[Fact]:
    """The facts of a corpus: name and value; None where it has nothing to measure."""
    connection.execute(VIDEOS)
    totals = [(name, connection.execute(sql).fetchall()[0][0]) for name, sql in FACTS.items()]
    return [*totals, *curve_facts([curve for (curve,) in connection.execute(CURVES).fetchall()])]


def curve_facts(curves: list[list[float]]) -> list[Fact]:
    """The facts of replay curves (0 to 1), each a list of the values of its scenes."""
    long = np.array([curve for curve in curves if len(curve) == LONG], dtype=np.float64).reshape(-1, LONG)
    names_only: list[Fact] = [("replay curves", float(len(curves))), ("of 100 scenes", float(len(long)))]
    if len(long) < 2:
        return names_only
    mean = long.mean(axis=0)
    later = long[:, FIRST_TENTH:]
    figures: dict[str, float] = {
        "most replayed in the first scene, %": 100 * float((long.argmax(axis=1) == 0).mean()),
        "correlation of neighbours": correlation(long),
        "correlation of neighbours after the first tenth": correlation(later),
        "mean of the first scene": 100 * float(mean[0]),
        "mean at a fifth": 100 * float(mean[LONG // 5]),
        "mean of the last scene": 100 * float(mean[-1]),
        "RMSE of the others' mean curve": rmse((len(long) * mean - long) / (len(long) - 1), long),
    }
    rng = np.random.default_rng(0)
    for length in RUNS:
        figures[f"RMSE of interpolation, runs of {length}"] = interpolation_rmse(long, length, rng)
    return [*names_only, *figures.items()]


def correlation(curves: Array) -> float:
    """Correlation of a scene's value with the next one's, over all curves."""
    return float(np.corrcoef(curves[:, :-1].ravel(), curves[:, 1:].ravel())[0, 1])


def rmse(predicted: Array, curves: Array) -> float:
    """Mean over curves of the root mean squared error within each, in points of 100."""
    return 100 * float(np.sqrt(((predicted - curves) ** 2).mean(axis=1)).mean())


def interpolation_rmse(curves: Array, length: int, rng: np.random.Generator) -> float:
    """Mean RMSE of linear interpolation where a tenth of each curve is masked in runs of `length` scenes."""
    errors, scenes = [], curves.shape[1]
    count = max(1, int(RUN_SHARE * scenes / length))
    for curve in curves:
        gaps = rng.multinomial(scenes - count * length - count, np.full(count + 1, 1 / (count + 1)))
        starts = np.cumsum(gaps[:-1] + length + 1) - length
        masked = (starts[:, None] + np.arange(length)).ravel()
        shown = np.setdiff1d(np.arange(scenes), masked)
        errors.append(rmse(np.interp(masked, shown, curve[shown])[None], curve[masked][None]))
    return float(np.mean(errors))


def compare(world: Path, other: Path) -> list[tuple[str, float | None, float | None]]:
    """The facts of two corpora side by side. Raises NoSuchPath, WrongVersion."""
    columns = []
    for root in (world, other):
        connection = Corpus.open(root).connect()
        columns.append(dict(facts(connection)))
    names = list(dict.fromkeys([*columns[0], *columns[1]]))
    return [(name, columns[0].get(name), columns[1].get(name)) for name in names]


def compared_text(rows: list[tuple[str, float | None, float | None]], world: Path, other: Path) -> str:
    """Both columns of facts as a table."""
    return table_text(["", str(world), str(other)], [[name, *map(shown_number, values)] for name, *values in rows])


def shown_number(value: float | None) -> str:
    """A number in three digits, or whole."""
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
