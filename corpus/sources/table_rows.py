"""Convert the typed rows of a mapping's files (`_parsed`) to rows of the tables of the corpus, by INSERTs."""

from __future__ import annotations

from collections.abc import Sequence

from corpus.files.side_by_side import execute_chains
from corpus.files.sql import quote
from corpus.sources.base import Received, Staging
from corpus.sources.mapping import Effect
from corpus.sources.table_sql import Plan

ATTRIBUTES = "_attributes"
GRAPHS = """(SELECT *, merge_markers(g.shares, g.ends[-1]) AS merged,
    merge_multiplier(len(g.shares), g.ends[-1]) * g.ends[-1] / len(g.shares) AS scene_s
    FROM (SELECT *, unnest({graphs}) AS g FROM _parsed))"""


def statements(plan: Plan, label: str) -> list[list[str]]:
    """The INSERTs that stage what a mapping says, those for the same table in one chain."""
    return [
        [_message(plan)],
        [*_communicator(plan, label), *_provenance(plan, label)],
        [*_effects(plan), *_replays(plan)],
        _attributes(plan),
    ]


def stage(chains: Sequence[Sequence[str]], files: Sequence[Received], staging: Staging) -> None:
    """Move broken rows to the rejects, run the INSERTs, and drop the typed rows, which nothing reads any more."""
    connection = staging.connection
    connection.execute(
        f"INSERT INTO rejects BY NAME SELECT {quote(staging.source)} AS source, _name AS file, _line AS line, "
        "_bad[1] AS reason, left(_bad[2], 200) AS value, _record FROM _parsed WHERE _bad IS NOT NULL"
    )
    connection.execute("DELETE FROM _parsed WHERE _bad IS NOT NULL")
    connection.execute("CREATE TABLE _files (_file BIGINT, sha256 VARCHAR, modified_at TIMESTAMP)")
    rows = [(index, file.sha256, file.modified_at) for index, file in enumerate(files)]
    connection.executemany("INSERT INTO _files VALUES (?, ?, ?)", rows)
    execute_chains(connection, chains)
    connection.execute("DROP TABLE _parsed; DROP TABLE _files")


def _message(plan: Plan) -> str:
    fields, mapping = plan.mapping.message, plan.mapping
    speaker = plan.identify(mapping.communicator.communicator_id if mapping.communicator else None)
    return (
        f"INSERT INTO message BY NAME SELECT {plan.message_id} AS message_id, {speaker} AS communicator_id, "
        f"{quote(mapping.channel)} AS channel, {quote(mapping.kind)} AS kind, {plan.keep(fields.title)} AS title, "
        f"{plan.keep(fields.body)} AS body, {plan.time(fields.published_at)} AS published_at, "
        f"{_duration(plan)} AS duration_s, {plan.keep(fields.language)} AS language, "
        f"{plan.keep(fields.category)} AS category, {plan.keep(fields.country)} AS country, "
        f"{plan.keep(fields.licence)} AS licence, {plan.keep(fields.campaign)} AS campaign, _record FROM _parsed"
    )


def _duration(plan: Plan) -> str:
    """SQL of a message's duration, else of the end of the last marker of its replay graph."""
    ends = [f"{plan.graphs(replay)}[1].ends[-1]" for replay in plan.mapping.replay]
    return f"coalesce({', '.join([plan.seconds(plan.mapping.message.duration_s), *ends])})"


def _communicator(plan: Plan, label: str) -> list[str]:
    """A row per communicator and time; of several records that name one, the earliest with a value wins."""
    speaker = plan.mapping.communicator
    if speaker is None:
        return []
    name, as_of = plan.identify(speaker.communicator_id), plan.time(speaker.as_of)
    audience = plan.amount(speaker.audience, "audience") if speaker.audience else "NULL"
    rows = (
        f"INSERT INTO communicator BY NAME SELECT {name} AS communicator_id, {quote(plan.mapping.channel)} AS channel, "
        f"arg_min({plan.keep(speaker.name)}, _record) AS name, "
        f"arg_min({plan.keep(speaker.company)}, _record) AS company, "
        f"arg_min({audience}::BIGINT, _record) AS audience, {as_of} AS as_of, min(_record) AS _record "
        f"FROM _parsed WHERE {name} IS NOT NULL GROUP BY {name}, {as_of} ORDER BY min(_record)"
    )
    origin = (
        "INSERT INTO provenance BY NAME SELECT 'communicator' AS table_name, c.communicator_id AS row_key, "
        f"c.as_of AS observed_at, {_origin(plan, label)} FROM communicator c JOIN _parsed USING (_record) "
        "JOIN _files USING (_file)"
    )
    return [rows, origin]


def _origin(plan: Plan, label: str) -> str:
    """SQL of the provenance columns that say where a record came from."""
    fetched = plan.mapping.fetched_at
    when = f"coalesce({plan.time(fetched)}, modified_at)" if fetched else "modified_at"
    licence = quote(plan.mapping.licence) if plan.mapping.licence else "NULL"
    return (
        f"{quote(label)} AS source, sha256 AS raw_sha256, _n AS raw_line, {when} AS fetched_at, {licence} AS licence, "
        "_record"
    )


def _effects(plan: Plan) -> list[str]:
    """INSERT all effects at once: keeping those of a record together halves the file."""
    effects = plan.mapping.effects
    if not effects:
        return []
    structs = ", ".join(_effect(plan, effect, effects[:i]) for i, effect in enumerate(effects))
    return [
        "INSERT INTO effect BY NAME SELECT message_id, e.metric, e.value, e.exposure, e.receiver, e.observed_at, "
        f"_record FROM (SELECT {plan.message_id} AS message_id, _record, unnest([{structs}]) AS e FROM _parsed) "
        "WHERE e.value IS NOT NULL"
    ]


def _effect(plan: Plan, effect: Effect, earlier: Sequence[Effect]) -> str:
    """SQL of an effect as a struct; its value is null where there is none."""
    value, at = _value(plan, effect), plan.time(effect.at)
    exposure = f"nullif({plan.amount(effect.exposure, 'views')}, 0)" if effect.exposure else "NULL::DOUBLE"
    # A second observation with the time of the first repeats it.
    not_repeated = [
        f"AND ({_value(plan, previous)} IS NULL OR {plan.time(previous.at)} IS DISTINCT FROM {at})"
        for previous in earlier
        if (previous.metric, previous.receiver) == (effect.metric, effect.receiver)
    ]
    if not_repeated:
        value = f"CASE WHEN true {' '.join(not_repeated)} THEN {value} END"
    return (
        f"{{'metric': {quote(effect.metric)}, 'value': {value}, 'exposure': {exposure}, "
        f"'receiver': {plan.keep(effect.receiver)}, 'observed_at': {at}}}"
    )


def _value(plan: Plan, effect: Effect) -> str:
    value = plan.amount(effect.value, effect.metric)
    return f"nullif({value}, 0)" if effect.zero_is_missing else value


def _replays(plan: Plan) -> list[str]:
    """INSERTs for the scenes of each graph (the first one counts), and for its replay value in each scene."""
    inserts = []
    for replay in plan.mapping.replay:
        graphs = GRAPHS.format(graphs=plan.graphs(replay))
        scenes_sql = f"(SELECT *, unnest(range(len(merged))) AS i FROM {graphs})"
        inserts += [
            f"INSERT INTO scene BY NAME SELECT {plan.message_id} AS message_id, i::INTEGER AS scene, "
            f"i * scene_s AS start_s, (i + 1) * scene_s AS end_s, _record FROM {scenes_sql}",
            f"INSERT INTO effect BY NAME SELECT {plan.message_id} AS message_id, 'replay' AS metric, "
            f"merged[i + 1] AS value, i::INTEGER AS scene, g.at AS observed_at, _record FROM {scenes_sql}",
        ]
    return inserts


def _provenance(plan: Plan, label: str) -> list[str]:
    """INSERT a row for each message and time of observation."""
    times = list(dict.fromkeys(plan.time(effect.at) for effect in plan.mapping.effects)) or ["NULL::TIMESTAMP"]
    observations = [f"{{'at': {times[0]}, 'new': true}}"]
    for i, time in enumerate(times[1:], 1):
        new = " AND ".join(f"{time} IS DISTINCT FROM {earlier}" for earlier in times[:i])
        observations.append(f"{{'at': {time}, 'new': {time} IS NOT NULL AND {new}}}")
    lists = [f"[{', '.join(observations)}]"]
    for replay in plan.mapping.replay:
        new = " AND ".join(f"g.at IS DISTINCT FROM {time}" for time in times)
        to_observation = f"lambda g: {{'at': g.at, 'new': g.at IS NOT NULL AND {new}}}"
        lists.append(f"coalesce(list_transform({plan.graphs(replay)}, {to_observation}), [])")
    return [
        f"INSERT INTO provenance BY NAME SELECT 'message' AS table_name, {plan.message_id} AS row_key, "
        f"{_origin(plan, label)}, o.at AS observed_at FROM (SELECT *, unnest({' || '.join(lists)}) AS o FROM _parsed) "
        "JOIN _files USING (_file) WHERE o.new"
    ]


def _attributes(plan: Plan) -> list[str]:
    attributes = plan.mapping.attributes
    if attributes is None:
        return []
    columns = {name: plan.keep(field) for name, field in attributes.text.items()}
    columns |= {name: plan.number(field) for name, field in attributes.number.items()}
    columns |= {name: plan.truth(field) for name, field in attributes.truth.items()}
    columns_sql = ", ".join(f'{column} AS "{name}"' for name, column in columns.items())
    any_value = " OR ".join(f"{column} IS NOT NULL" for column in columns.values())
    rows = f"SELECT {plan.message_id} AS message_id, {columns_sql}, _record FROM _parsed WHERE {any_value}"
    return [f"CREATE TABLE {ATTRIBUTES} AS {rows}"]
