"""Checks: each looks at the tables with SQL, never at the figures that a step reports.

After a tick they check the newest data. The nightly audit checks everything. dbt's own tests are in dbt_project. A
failed check names its tick. None has partitions: in Dagster 1.13.27 these are a preview, and in a run of several hours,
as our backfills are, the result is stored without a partition while the check of each hour stays planned for ever.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
from dagster_dbt import DbtCliResource

from orchestration import dbt_tests
from orchestration.assets.captures import captures
from orchestration.assets.events import events
from orchestration.assets.section_snapshots import section_snapshots
from orchestration.metadata_tables import as_table, by_source
from orchestration.schedule_lease import watched_sources
from tickettape.catalogue import newest_discovery, tracked_sources
from tickettape.database import Connection, Warehouse
from tickettape.listing_history import listings_shown_at
from tickettape.marketplaces import Marketplaces, storable_inventory
from tickettape.observations import (
    answered_at_newest_tick,
    not_understood_at_newest_tick,
    reconcile_newest_tick,
    reconciliation_totals,
    sample_answers,
    stale_events,
)
from tickettape.rollups import AuditFinding, export_dbt_environment, is_made, store_audit
from tickettape.settings import Settings

SAMPLED_ANSWERS = 3  # from each of two ticks: takes 30 ms per tick, and samples some 900 answers a day


@dg.asset_check(asset=events)
def discovery(
    warehouse: dg.ResourceParam[Warehouse], marketplaces: dg.ResourceParam[Marketplaces]
) -> dg.AssetCheckResult:
    """Each marketplace's newest discovery succeeded. Only warns, because known events are still captured."""

    def discovered(connection: Connection, source: str) -> SourceVerdict:
        discovered_at, failure = newest_discovery(connection, source)
        wrong = f"New events are not found, nor changed dates: {failure}" if failure else None
        what_next = "Rows: market.discoveries. The next tick asks again; `tickettape tracked` lists the rules."
        figures = {"newest discovery": str(discovered_at), "failure": failure or "none"}
        return SourceVerdict(wrong, figures, what_next)

    return _of_every_source(warehouse, marketplaces, discovered)


@dg.asset_check(asset=captures)
def captured_share(
    warehouse: dg.ResourceParam[Warehouse],
    marketplaces: dg.ResourceParam[Marketplaces],
    settings: dg.ResourceParam[Settings],
) -> dg.AssetCheckResult:
    """Enough of the due events of each marketplace's newest tick were captured. Only warns, because the captures that
    exist are right."""

    def share_of(connection: Connection, source: str) -> SourceVerdict:
        tick, due, answered = answered_at_newest_tick(connection, source)
        share = answered / due if due else 0.0
        least = marketplaces[source].settings.captured_share if source in marketplaces else settings.captured_share
        figures = {"tick": str(tick), "events due": due, "events answered": answered, "share": share}
        if not due:
            return SourceVerdict("No event was due. Track some with `tickettape track`.", figures)
        wrong = f"{answered} of {due} due events were answered." if share < least else None
        what_next = (
            f"Rows: market.captures at {tick}, their note says why. If the marketplace blocks us, lower "
            "REQUESTS_PER_MINUTE; `tickettape poll-schedule` shows when each is asked next."
        )
        return SourceVerdict(wrong, figures, what_next)

    return _of_every_source(warehouse, marketplaces, share_of)


@dg.asset_check(asset=section_snapshots)
def reconciliation(
    warehouse: dg.ResourceParam[Warehouse], marketplaces: dg.ResourceParam[Marketplaces]
) -> dg.AssetCheckResult:
    """The answers of the newest tick agree with their own totals (overall, by zone, by section), and the stored rows
    agree with the answers.

    If listings differ from the marketplace's totals, the answer is marked partial, and the check only warns.
    """

    def reconciled(connection: Connection, source: str) -> SourceVerdict:
        tick, events = reconcile_newest_tick(connection, source)
        differing = [event for event in events if not event.agrees]
        figures = {
            "tick": str(tick),
            "events": len(events),
            "partial answers": sum(event.status == "partial" for event in events),
            **reconciliation_totals(events),
            "differing (up to 20)": as_table([asdict(event) for event in differing[:20]]),
        }
        wrong = (
            f"{len(differing)} of {len(events)} answers differ from their own totals. They are stored and marked "
            "partial, not quarantined, and the rollups leave them out."
        )
        what_next = (
            f"Rows: market.captures at {tick}, stated_* beside counted_*. If the answers changed their format, mend "
            "the reader, then `tickettape replay`."
        )
        return SourceVerdict(wrong if differing else None, figures, what_next)

    return _of_every_source(warehouse, marketplaces, reconciled)


@dg.asset_check(asset=section_snapshots)
def listing_history(
    warehouse: dg.ResourceParam[Warehouse], marketplaces: dg.ResourceParam[Marketplaces]
) -> dg.AssetCheckResult:
    """The listing history reproduces the stored answers. A sample of answers, from the newest tick and from a random
    older one, is read again and compared listing by listing."""
    compared, different = 0, []
    with warehouse.connection() as connection:
        for source, watched in marketplaces.items():
            since = datetime.now(UTC) - timedelta(days=watched.settings.payload_days)
            for stored in sample_answers(connection, source, since, each=SAMPLED_ANSWERS):
                tolerance = watched.settings.partial_tolerance
                inventory = watched.marketplace.read_listings(stored.answer, stored.external_id, tolerance)
                inventory = storable_inventory(inventory, stored.answer, tolerance)
                read = {
                    (one.listing_id, one.section_id, one.row, one.quantity, one.buyable, one.price_cents,
                     one.all_in_price_cents) for one in inventory.listings
                }  # fmt: skip
                compared += len(read)
                if read != listings_shown_at(connection, stored.event_key, stored.tick):
                    different.append(f"{source} {stored.external_id} at {stored.tick:%Y-%m-%d %H:%M}")
    return dg.AssetCheckResult(
        passed=not different,
        severity=dg.AssetCheckSeverity.ERROR,
        metadata={"listings compared": compared, "answers that differ": different},
        description=one_line(
            f"{len(different)} answers differ from the listing history, such as {different[0]}.",
            "Rows: market.listing_changes. Read their hours again with `tickettape replay`.",
        )
        if different
        else None,
    )


@dg.asset_check(asset=section_snapshots)
def answers_understood(
    warehouse: dg.ResourceParam[Warehouse], marketplaces: dg.ResourceParam[Marketplaces]
) -> dg.AssetCheckResult:
    """No answer of a newest tick was refused, and no listing was left out of one. Only warns, because all others are
    stored, and refused answers can be replayed."""

    def understood(connection: Connection, source: str) -> SourceVerdict:
        found = not_understood_at_newest_tick(connection, source)
        listings = sum(int(event["listings"] or 0) for event in found.left_out)
        figures = {
            "tick": str(found.tick),
            "answers read": found.answers_read,
            "answers refused": len(found.refused),
            "refused (up to 20)": as_table(found.refused[:20]),
            "listings left out": listings,
            "left out (up to 20)": as_table(found.left_out[:20]),
        }
        wrong = []
        if found.refused:
            count = f"{len(found.refused)} of {found.answers_read} answers were refused"
            wrong.append(f"{count}: {found.refused[0]['reason']}")
        if found.left_out:
            count = f"{listings} listings of {len(found.left_out)} answers were left out"
            wrong.append(f"{count}: {found.left_out[0]['reason']}")
        what_next = (
            "Rows: market.quarantine, and left_out_listings in market.captures. `tickettape quarantine` shows them; "
            "mend the reader, then `tickettape quarantine replay`."
        )
        return SourceVerdict(" ".join(wrong) or None, figures, what_next)

    return _of_every_source(warehouse, marketplaces, understood)


@dg.asset_check(asset=captures)
def freshness(
    warehouse: dg.ResourceParam[Warehouse], marketplaces: dg.ResourceParam[Marketplaces]
) -> dg.AssetCheckResult:
    """Every watched event has an ok capture within twice its own interval. It asks the tables, so a backfill of an old
    hour cannot make it pass."""

    def fresh(connection: Connection, source: str) -> SourceVerdict:
        stale = stale_events(connection, source, datetime.now(UTC))
        figures = {"events stale": len(stale), "stale (up to 20)": as_table(stale[:20])}
        what_next = (
            "Rows: market.captures of these events. `tickettape poll-schedule` says when each is asked next, and "
            "market.scraper_logs why one failed."
        )
        return SourceVerdict(f"{len(stale)} events are stale." if stale else None, figures, what_next)

    return _of_every_source(warehouse, marketplaces, fresh)


@dataclass(frozen=True)
class SourceVerdict:
    """A check's result for one marketplace: what is wrong, if anything, figures, and, for whoever reads that something
    is wrong, where the rows are and what to do."""

    wrong: str | None
    figures: dict[str, Any]
    what_next: str = ""


def one_line(wrong: str, what_next: str) -> str:
    """What a failed check says: what failed, where the rows are, what to do. One line, because the console shows one.

    A reason is of another's making, such as a marketplace's answer, and may have several lines.
    """
    return " ".join(f"{wrong} {what_next}".split())


def _of_every_source(
    warehouse: Warehouse, marketplaces: Marketplaces, judge: Callable[[Connection, str], SourceVerdict]
) -> dg.AssetCheckResult:
    """One result for all marketplaces watched on this database, so that the tick of each gives the same result."""
    with warehouse.connection() as connection:
        watched = watched_sources(connection, marketplaces)
        sources = [source for source in tracked_sources(connection) if source in watched] or list(marketplaces)
        verdicts = {source: judge(connection, source) for source in sources}
    several = len(sources) > 1
    wrong = {source: verdict.wrong for source, verdict in verdicts.items() if verdict.wrong}
    return dg.AssetCheckResult(
        passed=not wrong,
        severity=dg.AssetCheckSeverity.WARN,
        metadata=by_source({source: verdict.figures for source, verdict in verdicts.items()}, several=several),
        description=one_line(
            " ".join(f"{source}: {text}" if several else text for source, text in wrong.items()),
            " ".join(dict.fromkeys(verdicts[source].what_next for source in wrong)),
        )
        or None,
    )


@dg.multi_asset_check(
    specs=[
        dg.AssetCheckSpec("audit", asset=key, description="Every dbt test about this table, over all its rows.")
        for key in sorted({test.about for test in dbt_tests.data_tests().values()})
    ],
    can_subset=True,  # else no asset that it is about could be materialized alone
)
def audit(
    context: dg.AssetCheckExecutionContext,
    dbt: DbtCliResource,
    warehouse: dg.ResourceParam[Warehouse],
    settings: dg.ResourceParam[Settings],
) -> Iterator[dg.AssetCheckResult]:
    """All data tests over all the data, including the comparison of the rollups with the snapshots.

    There is one check per table. The results are kept in market.audits. If a test of severity error fails, the run
    fails after all results are stored, so that somebody looks at it.

    Dagster adds every check of an asset to a run that materializes it from the UI, so to each backfill there. Such a
    run tests what it made; to look at all rows is the audit's own job, at night.
    """
    if context.run.asset_selection:
        context.log.info("This run makes assets, so all rows are not looked at. The job `audit` does that.")
        return
    export_dbt_environment(settings, all_of_it=True)
    started_at = datetime.now(UTC)
    with warehouse.connection() as connection:
        sold_here = is_made(connection, "event_sales_summary")
    # where no box office is used, its tables were never made
    left_out = () if sold_here else ("--exclude", "tag:box_office")
    invocation = dbt.cli(["test", "--exclude-resource-type", "unit_test", *left_out], raise_on_error=False).wait()
    try:
        run_results = invocation.get_artifact("run_results.json")
    except FileNotFoundError as missing:
        raise dg.Failure(f"No test was run: {invocation.get_error() or missing}") from missing
    found = dbt_tests.audit_findings(run_results, warehouse, since="-infinity")
    with warehouse.connection() as connection:
        store_audit(connection, run_id=context.run.run_id, started_at=started_at, findings=found)
    of_table: dict[str, list[AuditFinding]] = defaultdict(list)
    for finding in found:
        of_table[finding.about].append(finding)
    not_made = set() if sold_here else dbt_tests.tables_of_the_box_office()
    for spec in context.selected_asset_check_keys:
        about = spec.asset_key.to_user_string()
        if about in not_made:
            yield dg.AssetCheckResult(
                asset_key=spec.asset_key, check_name="audit", passed=True, description="Nothing is sold here."
            )
            continue
        yield _audit_result(spec.asset_key, of_table[about])
    wrong = [f"{finding.about}: {finding.test}" for finding in found if finding.status in ("fail", "error")]
    if wrong:
        raise dg.Failure(
            f"{len(wrong)} of {len(found)} tests did not pass: {'; '.join(wrong)}. The failing rows are in the checks "
            f"`audit` and in market.audits (run_id {context.run.run_id}).",
            allow_retries=False,
        )


def _about_audit(about: dg.AssetKey, found: list[AuditFinding], not_passed: list[AuditFinding]) -> str | None:
    if not found:
        return f"No test about {about.to_user_string()} was run: the log of this run has dbt's message. Run it again."
    if not not_passed:
        return None
    named = ", ".join(f"{finding.test} ({finding.failures or 'no'} rows)" for finding in not_passed)
    return one_line(
        f"{len(not_passed)} of {len(found)} tests did not pass: {named}.",
        f"Rows: below, and market.audits. {dbt_tests.what_to_do(about, not_passed[0].test, not_passed[0].severity)}",
    )


def _audit_result(about: dg.AssetKey, found: list[AuditFinding]) -> dg.AssetCheckResult:
    broken = [finding for finding in found if finding.status in ("fail", "error")]
    warned = [finding for finding in found if finding.status == "warn"]
    summary = [
        {"test": f.test, "status": f.status, "failing rows": f.failures or 0, "seconds": f.seconds} for f in found
    ]
    return dg.AssetCheckResult(
        asset_key=about,
        check_name="audit",
        passed=bool(found) and not broken and not warned,
        severity=dg.AssetCheckSeverity.WARN if warned and not broken else dg.AssetCheckSeverity.ERROR,
        metadata={
            "tests": len(found),
            "tests that did not pass": len(broken) + len(warned),
            "seconds": round(sum(finding.seconds for finding in found), 3),
            **({"results": as_table(summary)} if summary else {}),
            **{
                f"{finding.test}: {name}": rows
                for finding in broken + warned
                for name, rows in dbt_tests.sample_metadata(finding.sample).items()
            },
        },
        description=_about_audit(about, found, broken + warned),
    )
