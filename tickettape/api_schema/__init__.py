"""Schema `api`: what people and programs ask, who may see which row, and what the service did."""

from tickettape.api_schema.apply import (
    SERVED_RELATIONS,
    ApiNotReadyError,
    api_schema_exists,
    apply_api_schema,
    ensure_reader_role,
)
from tickettape.api_schema.readers import CONNECTIONS as READER_CONNECTIONS
from tickettape.api_schema.readers import STATEMENT_SECONDS as READER_STATEMENT_SECONDS
from tickettape.api_schema.readers import add_reader, connection_string, list_readers, remove_reader
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
from tickettape.api_schema.slow_statements import (
    ADD_SLOW_STATEMENT,
    MOST_CHARACTERS,
    delete_slow_statements_before,
    slowest_statements,
)
from tickettape.api_schema.tenants import (
    KEY_PREFIX_LENGTH,
    AccessError,
    create_demo_key,
    create_key,
    create_tenant,
    list_keys,
    list_tenants,
    remove_tenant,
    revoke_demo_keys,
    revoke_key,
    unwatch_events,
    watch_events,
)

__all__ = [
    "ADD_SERVICE_MINUTES",
    "ADD_SLOW_STATEMENT",
    "DATABASE_ROUTE",
    "KEY_PREFIX_LENGTH",
    "LATENCY_BOUNDS",
    "MOST_CHARACTERS",
    "READER_CONNECTIONS",
    "READER_STATEMENT_SECONDS",
    "SERVED_RELATIONS",
    "SERVICE_MINUTES_KEPT",
    "SERVICE_TOTALS",
    "SLOW_SECONDS",
    "AccessError",
    "ApiNotReadyError",
    "RouteTotal",
    "add_reader",
    "api_schema_exists",
    "apply_api_schema",
    "connection_string",
    "create_demo_key",
    "create_key",
    "create_tenant",
    "delete_slow_statements_before",
    "ensure_reader_role",
    "fold_service_minutes",
    "latency_quantile",
    "list_keys",
    "list_readers",
    "list_tenants",
    "remove_reader",
    "remove_tenant",
    "revoke_demo_keys",
    "revoke_key",
    "service_totals",
    "slowest_statements",
    "unwatch_events",
    "watch_events",
]
