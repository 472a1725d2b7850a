"""Price alerts: what people ask to be told about prices.

`rules`, `sights` and `decisions` decide (pure), `evaluation` decides once at the end of a tick, `delivery` tells.
"""

from tickettape.price_alerts.between_ticks import fill_price_hours, refresh_references, withdraw_corrected
from tickettape.price_alerts.delivery import deliver_due, retry_dead, send_test
from tickettape.price_alerts.destinations import (
    add_destination,
    list_destinations,
    remove_destination,
    verify_destination,
)
from tickettape.price_alerts.evaluation import evaluate_alerts
from tickettape.price_alerts.links import feed_address, name_of_rule, read_feed, stop_rule
from tickettape.price_alerts.past_events import (
    PAST_EVENTS_QUERY,
    PLACES_QUERY,
    TERMS_QUERY,
    PastEvent,
    Previewed,
    history_values,
    preview_events,
    preview_of_tenant,
    preview_values,
)
from tickettape.price_alerts.rule_form import RULE_FIELDS, RuleForm
from tickettape.price_alerts.rule_log import (
    add_rule,
    list_occasions,
    list_rules,
    remove_rules,
    set_paused,
    tenant_named,
)
from tickettape.price_alerts.sealing import AlertError, new_key
from tickettape.price_alerts.senders import EXAMPLES as DESTINATION_KINDS

__all__ = [
    "DESTINATION_KINDS",
    "PAST_EVENTS_QUERY",
    "PLACES_QUERY",
    "RULE_FIELDS",
    "TERMS_QUERY",
    "AlertError",
    "PastEvent",
    "Previewed",
    "RuleForm",
    "add_destination",
    "add_rule",
    "deliver_due",
    "evaluate_alerts",
    "feed_address",
    "fill_price_hours",
    "history_values",
    "list_destinations",
    "list_occasions",
    "list_rules",
    "name_of_rule",
    "new_key",
    "preview_events",
    "preview_of_tenant",
    "preview_values",
    "read_feed",
    "refresh_references",
    "remove_destination",
    "remove_rules",
    "retry_dead",
    "send_test",
    "set_paused",
    "stop_rule",
    "tenant_named",
    "verify_destination",
    "withdraw_corrected",
]
