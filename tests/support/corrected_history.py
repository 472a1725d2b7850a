"""A history that is corrected by command."""

from dataclasses import dataclass
from datetime import datetime

from tests.support.commands import run
from tickettape.database import Connection

SHOWN = "%Y-%m-%dT%H:%M:%SZ"


def succeeds(*arguments: str) -> str:
    code, output = run(*arguments)
    assert code == 0, output
    return output


def moments(start: datetime, end: datetime) -> list[str]:
    return ["--from", start.strftime(SHOWN), "--to", end.strftime(SHOWN)]


@dataclass(frozen=True)
class History:
    """Two events over three hours at three ticks an hour, read and rolled up."""

    connection: Connection
    ids: list[str]
    keys: list[int]
    ticks: list[datetime]

    def facts(self) -> list[tuple[object, ...]]:
        return self.connection.execute(
            """select c.event_key, c.tick, c.status, c.note, s.* from market.captures c
               left join market.section_snapshots s using (event_key, tick) order by 1, 2, s.section_key"""
        ).fetchall()

    def status(self, event_key: int, tick: datetime) -> str:
        row = self.connection.execute(
            "select status from market.captures where event_key = %s and tick = %s", [event_key, tick]
        ).fetchone()
        assert row
        return str(row[0])

    def hour(self, event_key: int, tick: datetime) -> tuple[int, int, int]:
        """(ok captures, voided captures, zone rows) of the hour that a tick is in."""
        row = self.connection.execute(
            """select h.ok_captures, h.voided_captures,
                   (select count(*) from analytics.aggregated_analytics a
                    where a.event_id = h.event_id and a.hour = h.hour)
               from analytics.event_hours h join market.events e on e.id = h.event_id
               where e.event_key = %s and h.hour = date_trunc('hour', %s, 'UTC')""",
            [event_key, tick],
        ).fetchone()
        assert row
        return row
