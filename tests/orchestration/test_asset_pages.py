"""What a newcomer reads on the assets page."""

import json
import re
from datetime import timedelta

import dagster as dg
import yaml

from orchestration.asset_pages import PAGES, freshness_of_ticks
from orchestration.dbt import manifest
from orchestration.definitions import defs
from tickettape.settings import ROOT, Settings

ASSETS = {spec.key.to_user_string(): spec for spec in defs.resolve_all_asset_specs()}


def test_every_asset_has_an_owner_a_kind_a_group_and_a_description_of_sentences() -> None:
    assert len(ASSETS) > 40
    for name, spec in ASSETS.items():
        assert spec.owners, name
        assert spec.kinds, name
        assert spec.group_name != "default", name
        assert re.match(r"\w[^\n]{20,}[.,]$", str(spec.description), re.M), (name, spec.description)


def test_every_asset_links_to_documentation_that_is_there() -> None:
    parsed = json.loads(manifest().read_text())
    documented = parsed["nodes"] | parsed["sources"]
    for name, spec in ASSETS.items():
        link = spec.metadata.get("documentation (while make serve runs)")
        if link is None:
            page, _, anchor = PAGES[name].partition("#")
            headings = re.findall(r"^#+ (.*)$", (ROOT / page).read_text(), re.M)
            anchors = {re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-") for heading in headings}
            assert not anchor or anchor in anchors, name
        else:
            assert isinstance(link, dg.UrlMetadataValue)
            site, _, where = str(link.url).partition("#!/")
            kind, _, unique_id = where.partition("/")
            assert site == "http://localhost:5000/docs/data"
            assert documented[unique_id]["resource_type"] == kind, name
            assert documented[unique_id]["description"], name


def test_a_table_is_named_as_people_query_it() -> None:
    named = {name: spec.metadata.get("dagster/table_name") for name, spec in ASSETS.items()}
    assert named["latest_prices"] == "analytics.latest_prices"
    assert named["captures"] == "market.captures"


def test_what_every_tick_makes_has_a_freshness_policy_and_nothing_else() -> None:
    live = {name for name, spec in ASSETS.items() if spec.freshness_policy is not None}
    assert {"events", "captures", "section_snapshots", "api", "latest_prices", "aggregated_analytics"} <= live
    assert not live & {"backups", "backlog", "archived_months", "documentation", "market/price_ranges"}
    expected = dg.FreshnessPolicy.time_window(warn_window=timedelta(minutes=20), fail_window=timedelta(minutes=30))
    assert ASSETS["captures"].freshness_policy == expected
    # Dagster evaluates policies only where dagster.yaml says so
    for file in ("dagster.yaml", "deploy/celery/dagster.yaml"):
        assert yaml.safe_load((ROOT / file).read_text())["freshness"] == {"enabled": True}


def test_the_shortest_interval_of_several_marketplaces_decides() -> None:
    two = Settings(marketplaces={"vividseats": {"url": "http://127.0.0.1:1"}, "simulator": {"interval_minutes": 20}})
    assert freshness_of_ticks(two) == freshness_of_ticks(Settings())
    slow = Settings(scraper_interval_minutes=20)
    assert freshness_of_ticks(slow) == dg.FreshnessPolicy.time_window(
        warn_window=timedelta(minutes=40), fail_window=timedelta(minutes=60)
    )
