"""What a forecast is made of: the value at each origin, its volatility and its deviation, as known at the origin.

The tables here are temporary, of one transaction. They are made from `get_in_days`: the mart, or, in a backtest, a
temporary table of that name.
"""

from datetime import date
from typing import LiteralString

from tickettape.database import Connection
from tickettape.forecasts.method import HORIZONS, Measure, days_bin, phase

LOOKBACK_DAYS = 14  # of the volatility, which looks back furthest

_VALUES: dict[Measure, LiteralString] = {"get_in": "price", "listings": "nullif(listings, 0)"}

# The windows reach back from their own row only: a value that comes later changes no earlier origin.
_INPUTS: LiteralString = """
    create temporary table forecast_inputs on commit drop as
    with observed as (
        select
            event_key, origin, (origin at time zone 'UTC')::date as day, observed_at, begins_at,
            {value}::float8 as value
        from get_in_days
        where {value} > 0
            and (%(events)s::int[] is null or event_key = any (%(events)s))
            and origin >= coalesce(%(since)s::date, '-infinity')::timestamp at time zone 'UTC'
            and origin <= coalesce(%(until)s::date, 'infinity')::timestamp at time zone 'UTC'
    ),
    moves as (
        select
            *,
            floor(extract(epoch from begins_at - origin) / 86400)::int as days_to_event,
            case when day - lag(day) over in_order <= 3
                then abs(ln(value / lag(value) over in_order)) / sqrt(day - lag(day) over in_order)
            end as move
        from observed
        window in_order as (partition by event_key order by day)
    )
    select
        event_key, origin, day, observed_at, begins_at, days_to_event, value,
        case when count(*) over week >= 3 then ln(value / avg(value) over week) end as deviation,
        case when count(move) over fortnight >= 3 then avg(move) over fortnight end as volatility
    from moves
    window
        week as (partition by event_key order by origin range between interval '6 days' preceding and current row),
        fortnight as (partition by event_key order by origin range between interval '13 days' preceding and current row)
"""

_PAIRS: LiteralString = f"""
    create temporary table forecast_pairs on commit drop as
    select
        origins.event_key,
        origins.day,
        horizons.days as horizon_days,
        origins.begins_at,
        origins.days_to_event,
        {days_bin("origins.days_to_event - horizons.days")} as days_bin,
        {phase("origins.days_to_event")} as phase,
        origins.volatility,
        origins.deviation,
        ln(targets.value / origins.value) as move
    from forecast_inputs as origins
    cross join unnest(%(horizons)s::smallint[]) as horizons (days)
    inner join forecast_inputs as targets
        on origins.event_key = targets.event_key and targets.day = origins.day + horizons.days
    where origins.days_to_event >= horizons.days
"""  # noqa: S608


def make_inputs(
    connection: Connection,
    measure: Measure,
    *,
    events: list[int] | None = None,
    since: date | None = None,
    until: date | None = None,
) -> None:
    """Make the temporary table `forecast_inputs`: one row per event and origin with a value. Within a transaction.

    `events`: their keys; None: all. `since`, `until`: the first and last origin. An observation more than a day before
    its origin, or none, leaves no row.
    """
    connection.execute("drop table if exists pg_temp.forecast_inputs")
    connection.execute(_INPUTS.replace("{value}", _VALUES[measure]), {"events": events, "since": since, "until": until})
    connection.execute("analyze forecast_inputs")


def make_pairs(connection: Connection) -> int:
    """Make the temporary table `forecast_pairs`, of origins and targets that were both observed; how many there are."""
    connection.execute("drop table if exists pg_temp.forecast_pairs")
    made = connection.execute(_PAIRS, {"horizons": list(HORIZONS)}).rowcount
    connection.execute("analyze forecast_pairs")
    return made
