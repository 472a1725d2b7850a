"""`tickettape quarantine`: list, show and replay refused answers and rows."""

import sys
from typing import Annotated

import typer

from tickettape.archive import replay_archived_month
from tickettape.cli.console import fail, say
from tickettape.cli.refresh import refresh_all
from tickettape.database import Warehouse, state_of_month
from tickettape.marketplaces import open_marketplaces
from tickettape.observations import (
    NotReplayable,
    Refusal,
    count_quarantined,
    list_refusals,
    refused_payload,
    replay_quarantined,
)
from tickettape.settings import settings

MOST_SHOWN = 50
RUN = "tickettape quarantine replay"

app = typer.Typer(help="List, show and replay refused answers and rows.", invoke_without_command=True)


def add_commands(parent: typer.Typer) -> None:
    """Add these commands to the program."""
    parent.add_typer(app, name="quarantine")


@app.callback()
def list_refusals_command(
    context: typer.Context,
    replayed: Annotated[bool, typer.Option("--replayed", help="Also list what was already replayed.")] = False,
) -> None:
    """List refused answers and rows with the reasons, newest first.

    `show` prints a refused answer, `replay` reads it again.
    """
    if context.invoked_subcommand:
        return
    with Warehouse().connection() as connection:
        found = list_refusals(connection, replayed_too=replayed, most=MOST_SHOWN)
        waiting = {source: count_quarantined(connection, source) for source in settings().sources}
    for source, by_content in waiting.items():
        counts = ", ".join(f"{count:,} {what}" for what, count in by_content.items()) or "nothing"
        say(f"In quarantine for {source}: {counts}.")
    for one in found:
        say(_line(one))
    if len(found) == MOST_SHOWN:
        say(f"  … only the newest {MOST_SHOWN} are shown. The table market.quarantine has all.")


@app.command()
def show(
    quarantine_id: Annotated[int, typer.Argument(metavar="ID", help="An id from `tickettape quarantine`.")],
) -> None:
    """Print the refused answer to stdout, byte for byte."""
    with Warehouse().connection() as connection:
        payload = refused_payload(connection, quarantine_id)
    if payload is None:
        fail(
            f"There is no refused answer {quarantine_id}, or its bytes were not kept. `tickettape quarantine` lists "
            "them."
        )
    sys.stdout.buffer.write(payload)


@app.command()
def replay(
    ids: Annotated[list[int] | None, typer.Argument(metavar="[ID]…", help="Ids from `tickettape quarantine`.")] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Replay every refused answer of the watched marketplaces.")
    ] = False,
) -> None:
    """Read refused answers again, for example after the parser was fixed, and refresh the rollups.

    Each is replayed only once. Answers that are refused again stay in quarantine. Rows held for an archived month
    come back when the month is restored.
    """
    if bool(ids) == everything:
        fail("Give either ids or --all.", code=2)
    marketplaces = open_marketplaces(settings())
    left = 0
    with Warehouse().connection() as connection:
        chosen = list_refusals(connection, only_ids=ids or None, replayed_too=bool(ids))
        if everything:
            chosen = [one for one in chosen if one.source in marketplaces]
        unknown = sorted(set(ids or ()) - {one.quarantine_id for one in chosen})
        if unknown:
            fail(f"Not in quarantine: {', '.join(map(str, unknown))}. `tickettape quarantine` lists what is there.")
        for one in reversed(chosen):  # the oldest first, as they came
            watched = marketplaces.get(one.source)
            if watched is None and one.content == "price_ranges":  # of an import: any marketplace will do
                watched = next(iter(marketplaces.values()))
            try:
                if watched is None:
                    raise NotReplayable(
                        f"is from {one.source}, which is not watched (watched: {', '.join(marketplaces)}). Watch it "
                        "to replay this."
                    )
                marketplace, tolerance = watched.marketplace, watched.settings.partial_tolerance
                if one.held_for and state_of_month(connection, one.held_for) == "open":
                    # it came before its month was created; rows for an archived month come back with its restore
                    replay_archived_month(connection, marketplace, one.held_for, tolerance, RUN)
                status = replay_quarantined(connection, marketplace, one, tolerance, RUN)
            except NotReplayable as reason:
                left += 1
                say(f"  {one.quarantine_id} {reason}")
            else:
                left += status == "rejected"
                say(f"  {one.quarantine_id} is {'still refused' if status == 'rejected' else f'now {status}'}.")
        refresh_all(connection)
    say(f"{len(chosen) - left} of {len(chosen)} replayed.")
    if left and ids:
        raise typer.Exit(1)


def _line(one: Refusal) -> str:
    state = f", replayed {one.replayed_at:%Y-%m-%d %H:%M}" if one.replayed_at else ""
    about = f"{one.source} {one.external_id or '-'}"
    tick = f"{one.tick:%Y-%m-%d %H:%M}" if one.tick else "-"
    size = f"{one.payload_bytes or 0:,} bytes"
    return f"{one.quarantine_id:>6}  {about:<24} {tick:<16}  {size:>13}{state}  {one.reason}"
