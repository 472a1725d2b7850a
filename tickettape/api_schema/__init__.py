"""Schema `api`: what people and programs ask, who may see which row, and what the service did."""

from tickettape.api_schema.apply import SERVED_RELATIONS, ApiNotReadyError, apply_api_schema, ensure_reader_role
from tickettape.api_schema.service_minutes import (
    ADD_SERVICE_MINUTES,
    DATABASE_ROUTE,
    LATENCY_BOUNDS,
    SERVICE_MINUTES_KEPT,
    SERVICE_TOTALS,
    SLOW_SECONDS,
    RouteTotal,
    fold_service_minutes,
    latency_quantile,
    service_totals,
)
from tickettape.api_schema.tenants import (
    KEY_PREFIX_LENGTH,
    AccessError,
    create_key,
    create_tenant,
    list_keys,
    list_tenants,
    remove_tenant,
    revoke_key,
    unwatch_events,
    watch_events,
)

__all__ = [
    "ADD_SERVICE_MINUTES",
    "DATABASE_ROUTE",
    "KEY_PREFIX_LENGTH",
    "LATENCY_BOUNDS",
    "SERVED_RELATIONS",
    "SERVICE_MINUTES_KEPT",
    "SERVICE_TOTALS",
    "SLOW_SECONDS",
    "AccessError",
    "ApiNotReadyError",
    "RouteTotal",
    "apply_api_schema",
    "create_key",
    "create_tenant",
    "ensure_reader_role",
    "fold_service_minutes",
    "latency_quantile",
    "list_keys",
    "list_tenants",
    "remove_tenant",
    "revoke_key",
    "service_totals",
    "unwatch_events",
    "watch_events",
]
