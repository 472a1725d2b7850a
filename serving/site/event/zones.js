// The zones of an event as a table: lowest price, median, change and tickets, tinted by their height.

import { ask } from "../shared/api.js";
import { html } from "../shared/dom.js";
import { count, HOUR, money, NOTHING, share, wholeMoney } from "../shared/words.js";
import { csv, linesOf, parquet } from "./exports.js";

const WINDOW = 6 * HOUR; // in which a zone's price at the beginning of the range is looked for

/** Ask for what the table shows. `start`: the first hour or day of the range with prices, since which the change is. */
export async function askZones({ id, path, basis, zones, last }, start, step, signal) {
  const iso = (moment) => new Date(moment).toISOString();
  const then = { start_date: iso(start), end_date: iso(start + Math.max(step, WINDOW)), granularity: "hour" };
  const now = { start_date: iso(last - WINDOW), end_date: iso(last), granularity: "hour" };
  const allIn = basis === "all_in";
  const [latest, before, spread] = await Promise.all([
    allIn ? ask(`${path}/latest`, {}, signal) : null,
    ask("analytics/price-trends", { event_id: id, basis, ...then }, signal),
    allIn ? { data: [] } : ask(`${path}/price-distribution`, now, signal),
  ]);
  const newest = (rows) => new Map(rows.filter((row) => row.observed).map((row) => [row.zone, row]));
  return {
    lowest: new Map(allIn ? latest.data.map((one) => [one.zone, one.lowest_all_in_price])
      : zones.map((one) => [one.zone, one.lowest_price])),
    before: newest(before.data.toReversed()), spread: newest(spread.data),
  };
}

/** Show the table. `choose(zone)` is called with the zone that a reader wants to see. */
export function showZones(panel, { zones, labels, basis, currency, title, zone: chosen, path }, since, found, choose) {
  const rows = zones.map((zone) => {
    const lowest = zone.available ? found.lowest.get(zone.zone) ?? null : null;
    const before = found.before.get(zone.zone)?.min_price ?? null;
    return { zone, label: labels.get(zone.zone), lowest, tickets: zone.total_tickets,
      median: zone.available ? found.spread.get(zone.zone)?.median_price ?? null : null,
      change: lowest && before ? lowest / before - 1 : null };
  });
  const allIn = basis === "all_in", short = (value) => (value >= 100 ? wholeMoney : money)(value, currency);
  panel.querySelector(".note").textContent =
    `Now: the lowest ${allIn ? "all-in price" : "price before fees"} per ticket, any number; its change ${since}.`
    + (allIn ? " The median with fees is not known." : "");
  const heads = ["Zone", "Lowest", ...(allIn ? [] : ["Median"]), "Change", "Tickets"];
  const heat = { lowest: heatOf(rows, "lowest"), median: heatOf(rows, "median"), tickets: heatOf(rows, "tickets") };
  const steepest = Math.max(0.1, ...rows.map((row) => Math.abs(row.change ?? 0)));
  const cell = (text, kind, much) => {
    const made = html("td", { textContent: text, className: much ? `heat ${kind}` : "" });
    if (much) made.style.setProperty("--heat", `${Math.round(much * 34)}%`);
    return made;
  };
  panel.querySelector("table").replaceChildren(
    html("caption", { className: "hidden-text", textContent: "The zones of the event" }),
    html("thead", {}, html("tr", {}, ...heads.map((name) => html("th", { scope: "col", textContent: name })))),
    html("tbody", {}, ...rows.map((row) => html("tr", { className: row.zone.zone === chosen?.zone ? "chosen" : "" },
      html("th", { scope: "row" }, html("button", { type: "button", className: "plain", textContent: row.label,
        title: `Show the charts of ${row.label}`, onclick: () => choose(row.zone.zone) }),
      row.zone.available ? "" : html("span", { className: "soft", textContent: " sold out" })),
      cell(short(row.lowest), "level", heat.lowest(row)),
      ...(allIn ? [] : [cell(short(row.median), "level", heat.median(row))]),
      cell(row.change === null ? NOTHING : share(row.change), row.change < 0 ? "fall" : "rise",
        Math.abs(row.change ?? 0) / steepest),
      cell(count(row.tickets), "many", heat.tickets(row))))),
  );
  const lines = () => linesOf([["zone", "lowest_price", ...(allIn ? [] : ["median_price"]), "change", "total_tickets"],
    ...rows.map(({ label, lowest, median, change, tickets }) =>
      [label, lowest, ...(allIn ? [] : [median]), change?.toFixed(4), tickets])]);
  panel.querySelector(".exports").replaceChildren(
    csv("Zones", `${title} zones.csv`, lines),
    parquet("Zones", `${title} zones.parquet`, `${path}/zones`, {}));
}

/** How high a row's value is among those of all rows, from 0 to 1: by rank, so that one joke does not decide. */
function heatOf(rows, column) {
  const sorted = rows.map((row) => row[column]).filter(Boolean).sort((a, b) => a - b);
  return (row) => (row[column] ? (sorted.indexOf(row[column]) + 1) / sorted.length : 0);
}
