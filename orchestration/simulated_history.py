"""Plan the simulated market's history before the first tick, once per database, and start the run that fills it in.

A chart of one observation shows nothing. Only the simulator in this process gets such a history: it knows its past and
costs nobody anything. A real marketplace cannot be asked about its past, and nothing is ever invented for it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg

from orchestration import tell
from orchestration.partitions import HOUR, HOURLY
from orchestration.run_plan import HISTORY_TAG
from orchestration.runs import UNDER_WAY, runs_of_tick, runs_under_way
from orchestration.schedules import name_of
from orchestration.shared_tables import has_shared_table, make_shared_table, shared_table
from tickettape.database import Connection, Warehouse
from tickettape.marketplaces import WatchedMarketplace
from tickettape.observations import floor_to_grid, oldest_captured_tick, ticks_between
from tickettape.settings import Settings

JOB = "fill_simulated_history"
EVERY_TICK_FOR = timedelta(days=1)  # how far back there is every tick; before that one each hour, a sixth of the work
OWN_HISTORY = timedelta(days=1)  # a database that was used for so long has something to show
MOST_EVENTS = 100  # 24 take two minutes; with more of them nobody waits for the first chart
MOST_ATTEMPTS = 5  # each is one start of the program that ended before the history was filled in

_TABLE = shared_table("simulated_histories")
_COLUMNS = """
    source text primary key, start timestamptz not null, before timestamptz not null,
    planned_at timestamptz not null default now(), settled_at timestamptz, why text"""


@dataclass(frozen=True)
class History:
    """The hours from `start` up to `before`, which is the first tick that was captured live."""

    start: datetime
    before: datetime

    def ticks(self, interval: timedelta) -> Iterator[datetime]:
        """Its ticks, oldest first."""
        for tick in ticks_between(self.start, self.before, interval):
            if tick >= self.before - EVERY_TICK_FOR or tick == floor_to_grid(HOUR, tick):
                yield tick


def has_simulated_history(watched: WatchedMarketplace) -> bool:
    """Whether the marketplace's past is filled in: it is invented, in this process, and the setting says so."""
    marketplace = watched.marketplace
    return marketplace.knows_the_past and not marketplace.paced and watched.settings.simulator_history_hours > 0


def plan_history(oldest: datetime, hours: int) -> History:
    """The history before the first captured tick, as far as the partitions reach."""
    start = floor_to_grid(HOUR, oldest - timedelta(hours=hours))
    return History(max(start, HOURLY.start.astimezone(UTC)), oldest)


def why_no_history(oldest: datetime, now: datetime, events: int) -> str | None:
    """Why a database gets no history; None if it gets one. `oldest`: the first tick that was captured."""
    if now - oldest > OWN_HISTORY:
        return f"There are captures since {oldest:%Y-%m-%d %H:%M} UTC."
    if events > MOST_EVENTS:
        return f"With more than {MOST_EVENTS} events it would take too long. `tickettape backfill` does it."
    return None


def build_history_sensor(watched: WatchedMarketplace, warehouse: Warehouse) -> dg.SensorDefinition:
    """Start the run that fills in a marketplace's history after its first tick, and again if it was interrupted."""
    source, settings = watched.source, watched.settings

    @dg.sensor(
        name=name_of("fill_simulated_history", source),
        job_name=JOB,
        minimum_interval_seconds=10,
        default_status=dg.DefaultSensorStatus.RUNNING,
    )
    def fill_simulated_history(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        """Start one run at a time until the history is filled in. After that, never again on this database."""
        with warehouse.connection() as connection:
            history, settled = known_history(connection, source)
            if history is None:
                oldest = oldest_captured_tick(connection, source)
                first_runs = runs_of_tick(context.instance, source, oldest) if oldest else []
                if oldest is None or any(run.status in UNDER_WAY for run in first_runs):
                    return dg.SkipReason("The first tick comes first.")
                history, settled = _plan(connection, settings, oldest)
            if settled is not None:
                return dg.SkipReason(settled)
            under_way = runs_under_way(context.instance, JOB)
            if under_way:
                return dg.SkipReason(f"Run {under_way[0].run_id} fills in the history.")
            attempts = context.instance.get_runs_count(dg.RunsFilter(job_name=JOB))
            if attempts >= MOST_ATTEMPTS:
                why = f"{attempts} runs did not fill in the simulated history. It stays as it is."
                settle_history(connection, source, why)
                tell(f"warning: {why}")
                return dg.SkipReason(why)
        what = f"The simulated history of the {(history.before - history.start) // HOUR} hours before the first tick"
        tell(f"{what} {'goes on where it stopped' if attempts else 'is filled in, for the pages: about two minutes'}.")
        # Dagster never starts a run key twice, so each attempt has its own
        run_key = f"history {source} {history.before.isoformat()} attempt {attempts + 1}"
        return dg.RunRequest(run_key=run_key, tags={HISTORY_TAG: history.before.isoformat()})

    return fill_simulated_history


def known_history(connection: Connection, source: str) -> tuple[History | None, str | None]:
    """What is planned for a source, if anything; and, if nothing is left to do, why."""
    make_shared_table(connection, "simulated_histories", _COLUMNS)
    row: Any = connection.execute(
        f"select start, before, why from {_TABLE} where source = %s",  # noqa: S608
        [source],
    ).fetchone()
    return (History(row[0], row[1]), row[2]) if row else (None, None)


def history_to_fill(connection: Connection) -> bool:
    """Whether a planned history is not filled in yet. Its answers are no backlog: its next run reads them."""
    if not has_shared_table(connection, "simulated_histories"):
        return False
    row = connection.execute(f"select exists (select from {_TABLE} where settled_at is null)").fetchone()  # noqa: S608
    return bool(row and row[0])


def settle_history(connection: Connection, source: str, why: str) -> None:
    """Note that nothing is left to do for a source's history."""
    connection.execute(
        f"update {_TABLE} set settled_at = now(), why = %s where source = %s",  # noqa: S608
        [why, source],
    )


def _plan(connection: Connection, settings: Settings, oldest: datetime) -> tuple[History, str | None]:
    """Plan the history and store the plan, so that a later start goes on with the same hours."""
    history = plan_history(oldest, settings.simulator_history_hours)
    connection.execute(
        f"insert into {_TABLE} (source, start, before) values (%s, %s, %s)",  # noqa: S608
        [settings.source, history.start, history.before],
    )
    why_not = why_no_history(oldest, datetime.now(UTC), settings.simulator_events)
    if why_not is not None:
        settle_history(connection, settings.source, why_not)
    return history, why_not
