"""Incidents: pure rules find them, a log keeps them from being reported twice, and apprise sends the messages."""

from tickettape.incidents.detection import (
    FREQUENT_JOBS,
    EndedRun,
    FailedCheck,
    breaker_incidents,
    compose_message,
    database_size_incidents,
    failed_check_incidents,
    failed_run_incidents,
    stale_event_incidents,
)
from tickettape.incidents.incident_log import (
    Incident,
    newest_incidents,
    owned,
    record_incidents,
    record_told,
    reopen_untold,
)
from tickettape.incidents.notify import SendAttempts, send_message
from tickettape.incidents.signs_of_life import alive_is_due, missing_signs, record_alive, record_look

__all__ = [
    "FREQUENT_JOBS",
    "EndedRun",
    "FailedCheck",
    "Incident",
    "SendAttempts",
    "alive_is_due",
    "breaker_incidents",
    "compose_message",
    "database_size_incidents",
    "failed_check_incidents",
    "failed_run_incidents",
    "missing_signs",
    "newest_incidents",
    "owned",
    "record_alive",
    "record_incidents",
    "record_look",
    "record_told",
    "reopen_untold",
    "send_message",
    "stale_event_incidents",
]
