"""The schedules of the box office. Each asks first whether anything is due, so nothing runs where nothing is sold."""

from collections.abc import Callable
from datetime import datetime

import dagster as dg

from orchestration.schedules import on_time
from tickettape.archive import due_events
from tickettape.box_office import is_in_use, summary_is_due, upkeep_is_due
from tickettape.database import Connection, Warehouse
from tickettape.settings import Settings

Due = Callable[[Connection, datetime], bool]


def build_box_office_schedules(settings: Settings, warehouse: Warehouse) -> list[dg.ScheduleDefinition]:
    """Upkeep every five minutes, the summary every quarter of an hour or hourly, audit and archive at night."""

    def schedule(name: str, job_name: str, cron_schedule: str, due: Due) -> dg.ScheduleDefinition:
        def why_not(at: datetime) -> str | None:
            with warehouse.connection() as connection:
                return None if due(connection, at) else "The box office has nothing to do."

        return on_time(name, job_name, cron_schedule, why_not)

    mails = settings.box_office_smtp_url is not None and settings.box_office_mail_from is not None
    return [
        schedule(
            "tidy_box_office",
            "box_office_upkeep",
            "2-59/5 * * * *",
            lambda connection, _: upkeep_is_due(connection, mails=mails),
        ),
        # at quarters, but some minutes after the ticks that start there
        schedule(
            "summarize_sales",
            "box_office_summary",
            "6,21,36,51 * * * *",
            lambda connection, at: summary_is_due(connection, at.replace(minute=at.minute - 6)),
        ),
        schedule(
            "audit_box_office_nightly", "box_office_audit", "25 4 * * *", lambda connection, _: is_in_use(connection)
        ),
        schedule(
            "archive_events_nightly",
            "archive_events",
            "40 4 * * *",
            lambda connection, at: bool(due_events(connection, now=at, days=settings.event_archive_days)[0]),
        ),
    ]
