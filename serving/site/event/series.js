// What the API says of an event and its zones over time, as points of charts.

import { askAll } from "../shared/api.js";
import { count, DAY, HOUR } from "../shared/words.js";

/** The start and end of what is asked for, for the API, and as dates at the venue for the fields. */
export function rangeAsked({ from, to, days }, { first_date: first }, clock) {
  const iso = (at) => new Date(at).toISOString();
  const now = Date.now(), hour = Math.floor(now / HOUR) * HOUR;
  const today = clock.dateOf(now);
  if (from || to) {
    const end = to ?? today, start = from ?? clock.dateOf(clock.beginOf(end) - 6 * DAY);
    return { start_date: iso(clock.beginOf(start)), end_date: iso(clock.beginOf(dateAfter(end)) - 1), days: "dates",
      from: start, to: end, words: `between ${clock.dateInWords(start)} and ${clock.dateInWords(end)}` };
  }
  if (days === "all" && first)
    return { start_date: first, days, from: first, to: today, words: `since ${clock.dateInWords(first)}` };
  const known = ["1", "30"].includes(days) ? days : "7", start = hour - Number(known) * DAY;
  return { start_date: iso(start), days: known, from: clock.dateOf(start), to: today,
    words: known === "1" ? "in the last 24 hours" : `in the last ${known} days` };
}

const dateAfter = (date) => new Date(Date.parse(`${date}T00:00Z`) + DAY).toISOString().slice(0, 10);

/** One answer of a series, with `step`, the milliseconds between its points, and `source`, where its rows are. */
export async function series(path, parameters, signal) {
  const answer = await askAll(path, parameters, signal);
  return { ...answer, step: answer.granularity === "hour" ? HOUR : DAY, source: [path, parameters] };
}

/** How many may have been sold, in words: `what` is "sales" or "sold_tickets". Empty if nothing may have been. */
export function rangeOfSales(rows, what) {
  const [low, mid, high] = ["low", "mid", "high"].map((end) =>
    rows.reduce((sum, row) => sum + (row[`${what}_${end}`] ?? 0), 0));
  return high ? `${count(low)} nearly sure, ${count(Math.round(mid))} to be expected, ${count(high)} possible `
    + "(calibrated on simulated worlds)" : "";
}

/** Points with the columns of rows; a column is a name or a function of the row. */
export function pointsOf({ data }, ...columns) {
  return data.map((row) => ({
    at: Date.parse(row.timestamp),
    observed: row.observed,
    values: columns.map((column) => (typeof column === "function" ? column(row) : row[column])),
  }));
}

/** Why a point has no price, in words. */
export const remarkOf = ({ observed, soldOut }) => (observed === false ? "not observed" : soldOut ? "sold out" : "");

/** Points from the first that was observed on: what lies before is no gap. */
export function sinceObserved(points, trim) {
  const first = trim ? points.findIndex((point) => point.observed) : 0;
  return first > 0 ? points.slice(first) : points;
}

/**
 * Points with the values of others added as one more line, drawn `shift` later than they were. After the last point it
 * goes on with theirs, up to `until`.
 */
export function overlaid(points, others, step, shift = 0, until = -Infinity) {
  const round = Math.round(shift / step) * step;
  const found = new Map(others.map((other) => [other.at + round, other.values[0]]));
  const all = points.map((point) => ({ ...point, values: [...point.values, found.get(point.at) ?? null] }));
  const none = (points[0]?.values ?? []).map(() => null);
  for (let at = (points.at(-1)?.at ?? Infinity) + step; at <= until; at += step)
    all.push({ at, observed: undefined, values: [...none, found.get(at) ?? null] });
  return all;
}

/** What happened to listings at each of the get-in price's points: appeared, repriced, sold, withdrawn. */
export function activityOf(points, changes, sales) {
  const sums = new Map();
  const add = (rows, n, value) => {
    for (const row of rows) {
      const at = Date.parse(row.timestamp);
      if (!sums.has(at)) sums.set(at, [0, 0, 0, 0]);
      sums.get(at)[n] += value(row) ?? 0;
    }
  };
  add(changes, 0, (row) => row.appeared);
  add(changes, 1, (row) => row.repriced_up + row.repriced_down);
  add(sales, 2, (row) => row.sales);
  add(sales, 3, (row) => row.withdrawn);
  // a time without rows is one in which nothing happened only where the listings are known
  return points.map(({ at, observed, listed }) => (
    { at, observed, values: sums.get(at) ?? (listed ? [0, 0, 0, 0] : [null, null, null, null]) }));
}

/** How long what was sold had been for sale, and how many that were: a point for each UTC day. */
export function marketDays({ data }) {
  const days = new Map(data.map((row) => [Date.parse(row.timestamp), [row.median_days, row.listings]]));
  const points = [], all = [...days.keys()];
  for (let at = Math.min(...all); at <= Math.max(...all); at += DAY)
    points.push({ at, observed: true, values: days.get(at) ?? [null, 0] });
  return points;
}

/**
 * How zones are called: as the marketplace displays them. Where two would be alike, or one has no name but its number,
 * their sections tell them apart: internal numbers tell people nothing.
 */
export function labelsOf(zones) {
  const nameless = ({ display_name: name }) => !name || /^Zone \d+$/.test(name);
  const plain = (zone) => (!nameless(zone) || !zone.sections.length ? zone.display_name || zone.zone
    : `${zone.sections.length > 1 ? "Sections" : "Section"} ${spanOf(zone.sections)}`);
  const precise = (zone) => (nameless(zone) || !zone.sections.length ? zone.zone
    : `${plain(zone)} (${spanOf(zone.sections)})`);
  const alike = (label, zone) => zones.filter((other) => label(other) === label(zone)).length > 1;
  return new Map(zones.map((zone) => [zone.zone,
    !alike(plain, zone) ? plain(zone) : !alike(precise, zone) ? precise(zone) : zone.zone]));
}

function spanOf(sections) {
  const sorted = sections.toSorted((a, b) => a.localeCompare(b, "en", { numeric: true }));
  return sorted.length > 1 ? `${sorted[0]}–${sorted.at(-1)}` : sorted[0];
}
