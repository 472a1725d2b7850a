"""The tests mirror the core: a module's tests are found by its name."""

from pathlib import Path

from tickettape.settings import ROOT

CORE = ROOT / "tickettape"
TESTS = ROOT / "tests" / "tickettape"

SHOWN_ELSEWHERE = {
    "archive/month_operations": "calls other modules, one after another: cli/test_archive types what calls it",
    "box_office/providers": "declarations",
    "cli/access": "the connection of commands that cli/test_tenants and cli/test_readers type",
    "cli/backtest": "one command: forecasts/test_backtest types it",
    "cli/hourly_cold_storage": "one command: archive/test_hourly_cold_storage types it",
    "cli/import_report": "sentences of what was counted: cli/test_imports and imports/ read them",
    "cli/refresh": "calls refresh_rollups with dbt: cli/test_corrections and imports/test_range_import do",
    "database/migrations/env": "what Alembic runs: database/test_migrations runs it",
    "database/time_outs": "constants: database/test_connections asks a server for them",
    "imports/import_tables": "SQL that imports/test_writer and imports/test_range_import run",
    "imports/staging_tables": "SQL that imports/test_staging and imports/test_range_staging run",
    "forecasts/method": "constants and SQL of bins: forecasts/test_inputs and test_quantile_table look at what they do",
    "forecasts/nightly": "calls the other modules, one after another: forecasts/test_making does",
    "forecasts/skill": "the record of forecasts that were made: forecasts/test_making and test_backtest read it",
    "forecasts/plots": "forecasts/test_report reads the plots",
    "marketplaces/gametime/wire_format": "declarations, read through gametime/test_read_listings",
    "marketplaces/http_marketplace": "what vividseats/test_client asks through",
    "marketplaces/protocol": "declarations",
    "marketplaces/simulator/__main__": "starts a server with the application that simulator/test_app asks",
    "marketplaces/simulator/gametime": "what simulator/test_formats compares with the market",
    "marketplaces/simulator/worlds/offers": "what sellers put up: worlds/test_agents and test_agents_market look at it",
    "marketplaces/simulator/worlds/plans": "when agents come: worlds/test_agents looks at what they do then",
    "marketplaces/simulator/ticketevolution": "what simulator/test_formats compares with the market",
    "marketplaces/simulator/ticketmaster": "what ticketmaster/test_client and test_read_catalogue ask",
    "marketplaces/ticketevolution/wire_format": "declarations, read through ticketevolution/test_read_listings",
    "marketplaces/ticketmaster/wire_format": "declarations, read through ticketmaster/test_read_catalogue",
    "marketplaces/vividseats/wire_format": "declarations, read through vividseats/test_read_listings",
    "price_alerts/alert_rows": "what price_alerts/test_delivery reads in messages",
    "price_alerts/event_sights": "what price_alerts/test_preview and test_evaluation look at",
    "price_alerts/feed": "what serving/test_alerts reads as a feed reader",
    "price_alerts/links": "what serving/test_alerts follows",
    "price_alerts/occasion_log": "what price_alerts/test_evaluation reads",
    "price_alerts/rule_log": "what cli/test_price_alerts types",
    "price_alerts/rule_store": "what price_alerts/test_preview reads",
    "price_alerts/rules": "what price_alerts/test_decisions decides by",
    "price_alerts/sights": "what price_alerts/test_decisions decides on",
    "rollups/registry": "declarations",
    "settings/base": "what settings/test_marketplaces and settings/test_history read through",
    "settings/price_alerts": "fields: price_alerts/test_senders and test_sealing read them",
    "settings/box_office": "fields: box_office/test_configured_providers reads them",
    "settings/service": "fields: settings/test_marketplaces compares them with .env.example",
}
"""Modules without a test file of their own, and why."""


def modules(core: Path = CORE) -> set[str]:
    """Every module of the core but rooms' faces and applied migrations."""
    return {
        path.relative_to(core).with_suffix("").as_posix()
        for path in core.rglob("*.py")
        if path.name != "__init__.py" and path.parent.name != "versions"
    }


def file_of(module: str, tests: Path = TESTS) -> Path:
    """Where a module's tests are."""
    room, _, name = module.rpartition("/")
    return tests / room / f"test_{name}.py"


def without_tests(found: set[str]) -> set[str]:
    """The modules that have no test file of their own."""
    return {module for module in found if not file_of(module).is_file()}


def test_every_module_has_its_tests_under_its_own_name_or_a_reason() -> None:
    assert without_tests(modules()) == SHOWN_ELSEWHERE.keys()


def test_control_a_new_module_without_tests_is_found() -> None:
    assert without_tests({"rollups/marks", "rollups/a_new_one"}) == {"rollups/a_new_one"}
