"""What is watched: tracking rules, the events they find, zones and sections, which events of two sources are one, and
how often people view an event."""

from tickettape.catalogue.currencies import OtherCurrencyError, event_currencies, fix_currencies, other_currency
from tickettape.catalogue.discovery import Discovery, discover_events
from tickettape.catalogue.event_links import (
    LinkError,
    decide_link,
    decide_venues,
    event_links,
    link_known,
    match_sources,
    undo_decision,
)
from tickettape.catalogue.event_views import ADD_EVENT_VIEWS, delete_event_views_before
from tickettape.catalogue.events import Event, events_watched_at, find_event, retire_events, upsert_events
from tickettape.catalogue.place_aliases import place_aliases, undo_alias
from tickettape.catalogue.tracking import (
    RULE_KINDS,
    TrackingRule,
    due_tracking_rules,
    follow_linked_events,
    newest_discovery,
    record_discovery,
    record_discovery_outcome,
    track_rule,
    tracked_sources,
    tracking_rules,
    untrack_rule,
)
from tickettape.catalogue.zones_and_sections import (
    SeenZone,
    ZonesAndSections,
    ensure_sections,
    ensure_zones,
    lock_naming,
)

__all__ = [
    "ADD_EVENT_VIEWS",
    "RULE_KINDS",
    "Discovery",
    "Event",
    "LinkError",
    "OtherCurrencyError",
    "SeenZone",
    "TrackingRule",
    "ZonesAndSections",
    "decide_link",
    "decide_venues",
    "delete_event_views_before",
    "discover_events",
    "due_tracking_rules",
    "ensure_sections",
    "ensure_zones",
    "event_currencies",
    "event_links",
    "events_watched_at",
    "find_event",
    "fix_currencies",
    "follow_linked_events",
    "link_known",
    "lock_naming",
    "match_sources",
    "newest_discovery",
    "other_currency",
    "place_aliases",
    "record_discovery",
    "record_discovery_outcome",
    "retire_events",
    "track_rule",
    "tracked_sources",
    "tracking_rules",
    "undo_alias",
    "undo_decision",
    "untrack_rule",
    "upsert_events",
]
