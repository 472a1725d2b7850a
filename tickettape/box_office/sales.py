"""What was sold, and whether the books agree."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from psycopg.rows import class_row

from tickettape.database import Connection


@dataclass(frozen=True)
class EventSales:
    """One event: what it sold, what came back, what is left. Amounts are in the event's currency."""

    event_id: int
    title: str
    start_time: datetime
    currency: str
    status: str
    tickets_sold: int
    tickets_available: int
    gross: Decimal
    refunds: Decimal
    net: Decimal


@dataclass(frozen=True)
class Discrepancy:
    """Two of our own records that contradict each other."""

    fault: str
    id: int
    found: Decimal | None
    expected: Decimal | None

    def __str__(self) -> str:
        return f"{self.fault}: {self.id} ({self.found} instead of {self.expected})"


def sales(connection: Connection, event_id: int | None = None) -> list[EventSales]:
    """The sales of every event, or of one, by start time."""
    with connection.cursor(row_factory=class_row(EventSales)) as cursor:
        return cursor.execute(
            """select summary.event_id, summary.title, summary.start_time, events.currency, events.status,
                   tickets_sold, tickets_available, gross, refunds, net
               from box_office.event_sales_summary as summary
               inner join box_office.stored_events as events on events.id = summary.event_id
               where summary.event_id = coalesce(%s, summary.event_id) order by summary.start_time, summary.event_id""",
            [event_id],
        ).fetchall()


def discrepancies(connection: Connection) -> list[Discrepancy]:
    """Every contradiction between stock, seats, tickets and money. There should be none. Reads every row."""
    with connection.cursor(row_factory=class_row(Discrepancy)) as cursor:
        return cursor.execute("select fault, id, found, expected from box_office.discrepancies()").fetchall()
