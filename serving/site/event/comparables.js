// Events like this one, at the same distance: how many were cheaper. Few cases say nothing, so eight are needed.

import { ask, ROOT } from "../shared/api.js";
import { html } from "../shared/dom.js";
import { count, dateAtVenue, money, plainShare } from "../shared/words.js";
import { keepingFocus } from "./steady.js";

const FEWEST = 8; // the API has none where there are fewer

/** Show the comparables of an event that is still to come, or why there are none. */
export async function showComparables(panel, { path, event, currency }, signal) {
  panel.hidden = !event.active || !event.date || Date.parse(event.date) < Date.now();
  if (panel.hidden) return;
  const { data: rows } = await ask(`${path}/comparables`, {}, signal);
  panel.querySelector(".note").textContent = rows.length ? inWords(rows, currency)
    : `Too few to compare: fewer than ${FEWEST} events of the same performer, or of this venue and category, were `
      + "observed at the same distance.";
  panel.querySelector("details").hidden = !rows.length;
  if (rows.length) keepingFocus(panel, () => panel.querySelector("table").replaceChildren(...tableOf(rows, currency)));
}

function inWords(rows, currency) {
  const [{ comparables, percentile, days_to_event: days, price }] = rows;
  return `${count(comparables)} events like this one were observed ${days === 1 ? "1 day" : `${days} days`} before they `
    + `began, or nearly so. ${plainShare(percentile)} of them were cheaper than this event's ${money(price, currency)}.`;
}

function tableOf(rows, currency) {
  const heads = ["Event", "Date", "Days before", "Get-in then"];
  return [html("caption", { className: "hidden-text", textContent: "Comparable events, the cheapest first" }),
    html("thead", {}, html("tr", {}, ...heads.map((textContent) => html("th", { scope: "col", textContent })))),
    html("tbody", {}, ...rows.map((row) => html("tr", {},
      html("th", { scope: "row" },
        html("a", { href: new URL(`events/${row.comparable_id}`, ROOT).href, textContent: row.name }),
        html("small", { textContent: row.venue })),
      html("td", {}, dateAtVenue(row)),
      html("td", { textContent: count(row.comparable_days_to_event) }),
      html("td", { textContent: money(row.comparable_price, currency) }))))];
}
