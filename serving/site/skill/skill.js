// The record of the forecasts: a table for each measure.

import { ask, Failure } from "../shared/api.js";
import { at, html } from "../shared/dom.js";
import { keyGate } from "../shared/key.js";
import { States } from "../shared/states.js";
import { count, NOTHING } from "../shared/words.js";

const TITLES = { get_in: "Get-in prices", zones: "Lowest prices of zones", listings: "Numbers of listings",
  sales: "Tickets sold in a day (estimated)" };
const LAST = { get_in: "last price", zones: "last price", listings: "last number", sales: "mean of six days" };
const headsOf = (last) => ["Days ahead", "Days to the event", "L", "At most", "L, last 4 weeks", "Range held", "Pinball loss",
  `of the ${last}`, "Forecasts", "Events", "Weeks", "Left out", "Shown"];

const states = new States(at("record"), () => gate.open());
const gate = keyGate(at("main"), load, (why) => states.show("error", why));

async function load() {
  states.show("loading", "Loading …");
  try {
    const { data } = await ask("forecast-skill");
    at("tables").replaceChildren(...Object.keys(TITLES).flatMap((measure) =>
      tableOf(measure, data.filter((row) => row.measure === measure))));
    const scored = data.some((row) => row.forecasts);
    states.show(data.length ? "ready" : "empty", data.length ? "" : "No forecast has been scored yet. "
      + "Forecasts are made at 00:00 UTC, and scored every night.");
    if (data.length && !scored) states.keepStale("No skill is known yet: no forecast has reached its day.");
  } catch (failure) {
    if (failure.status === 401) gate.ask(failure);
    else states.show("error", failure instanceof Failure ? failure.message : `The page failed: ${failure.message}`);
  }
}

const ratio = (value) => (value === null ? NOTHING : value.toFixed(2));
const loss = (value) => (value === null ? NOTHING : value.toFixed(4));
const held = (value) => (value === null ? NOTHING : `${Math.round(value * 100)} %`);

function tableOf(measure, rows) {
  if (!rows.length) return [];
  const title = TITLES[measure];
  const cell = (name, textContent, more = {}) => html(name, { textContent, ...more });
  const period = rows.filter((row) => row.first_origin);
  const words = period.length
    ? `${title}: from ${period.map((row) => row.first_origin).sort()[0].slice(0, 10)} to ${rows[0].looked_on}`
    : `${title}: as of ${rows[0].looked_on}`;
  return [html("h2", { textContent: title }),
    html("div", { className: "scroll", tabIndex: 0, role: "region", ariaLabel: `${title}, table` }, html("table", {},
      html("caption", { textContent: words }),
      html("thead", {}, html("tr", {}, ...headsOf(LAST[measure]).map((name) => cell("th", name, { scope: "col" })))),
      html("tbody", {}, ...rows.map((row) => html("tr", { className: row.gate_open ? "open" : "" },
        cell("th", String(row.horizon_days), { scope: "row" }), cell("td", row.phase),
        ...[row.error_ratio, row.upper_bound, row.recent_error_ratio].map((value) => cell("td", ratio(value))),
        cell("td", held(row.coverage_80)), cell("td", loss(row.pinball_loss)), cell("td", loss(row.base_pinball_loss)),
        ...[row.forecasts, row.events, row.weeks, row.left_out].map((value) => cell("td", count(value))),
        cell("td", row.gate_open ? "forecast" : LAST[measure]))))))];
}

gate.open();
