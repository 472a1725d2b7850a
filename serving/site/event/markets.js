// The event at every market that has it: what it costs there, how far the prices are apart, what is offered twice.

import { ask, ROOT } from "../shared/api.js";
import { at, html } from "../shared/dom.js";
import { age, count, money, NOTHING, plainShare } from "../shared/words.js";
import { csv, linesOf, parquet } from "./exports.js";
import { pointsOf, series, sinceObserved } from "./series.js";
import { keepingFocus } from "./steady.js";

const NUMBERS = { 1: "one", 2: "two", 4: "four" }, MOST_SHARED = 50;

/** Show the panel and its chart if the event has several sides. */
export async function showMarkets(chart, view, signal) {
  const { data: sides } = await ask(`${view.path}/across-markets`, {}, signal);
  at("markets").hidden = sides.length < 2;
  if (sides.length < 2) return;
  keepingFocus(at("across"), () => drawSides(at("across"), view, sides));
  await Promise.all([showSpread(chart, view, signal), showShared(at("shared"), view, signal)]);
}

function drawSides(panel, { id, tickets, path, title }, sides) {
  const cheapest = sides.filter((side) => side[`cheapest_${tickets}`]);
  const where = cheapest.map((side) => `${side.source} (${money(side[`all_in_price_${tickets}`], side.currency)} each)`);
  panel.querySelector(".note").textContent = where.length
    ? `The cheapest ${tickets === 1 ? "ticket" : `${NUMBERS[tickets]} together`}, with all fees: ${where.join(" and ")}.`
    : `No market states an all-in price for ${NUMBERS[tickets]} together now.`;
  const heads = ["Market", "All-in", "Before fees", "Tickets", "Share", "Captured"];
  const cell = (...parts) => html("td", {}, ...parts);
  panel.querySelector("table").replaceChildren(
    html("caption", { className: "hidden-text",
      textContent: `The event at ${sides.length} markets: prices for ${NUMBERS[tickets]} together, per ticket` }),
    html("thead", {}, html("tr", {}, ...heads.map((name) => html("th", { scope: "col", textContent: name })))),
    html("tbody", {}, ...sides.map((side) => html("tr", { className: side.event_id === id ? "chosen" : "" },
      html("th", { scope: "row" }, nameOf(side, id)),
      cell(html(side[`cheapest_${tickets}`] ? "b" : "span",
        { textContent: money(side[`all_in_price_${tickets}`], side.currency) }),
      ...(side[`cheapest_${tickets}`] ? [html("small", { className: "fall", textContent: "cheapest" })] : [])),
      cell(money(side[`price_${tickets}`], side.currency)),
      cell(count(side.total_tickets)),
      cell(plainShare(side.ticket_share)),
      // a price that is old may be gone: it is shown, and not compared
      cell(side.last_ok_at ? age(side.last_ok_at, { short: true }) : "never",
        ...(side.last_ok_at && !side.fresh ? [html("small", { textContent: "not compared" })] : []))))),
  );
  const lines = () => linesOf([["source", "currency", "all_in_price", "price", "total_tickets", "ticket_share", "last_ok_at"],
    ...sides.map((side) => [side.source, side.currency, side[`all_in_price_${tickets}`], side[`price_${tickets}`],
      side.total_tickets, side.ticket_share, side.last_ok_at])]);
  panel.querySelector(".matched").replaceChildren(
    html("a", { href: new URL("links/?state=automatic", ROOT).href, textContent: "How events are matched" }));
  panel.querySelector(".exports").replaceChildren(csv("Across markets", `${title} across markets.csv`, lines),
    parquet("Across markets", `${title} across markets.parquet`, `${path}/across-markets`, {}));
}

/** A market's name: of another side a link to it, with the same choices. */
function nameOf({ source, event_id: side }, id) {
  if (side === id) return html("span", {}, source, html("small", { textContent: "on this page" }));
  return html("a", { href: new URL(`events/${side}${location.search}`, ROOT).href, textContent: source });
}

async function showSpread(chart, view, signal) {
  const { path, range, tickets, basis, clock, title } = view;
  const own = await series(`${path}/price-spread`, { tickets, basis, start_date: range.start_date,
    end_date: range.end_date, fill: "true" }, signal);
  const points = sinceObserved(
    pointsOf(own, "lowest_price", (row) => (row.markets > 1 ? row.highest_price : null)), range.days !== "dates");
  if (points.every(({ values }) => values[1] === null))
    return chart.say(`No two markets had a price for ${NUMBERS[tickets]} together at the same time ${range.words}.`);
  return chart.show({ points, step: own.step, clock, title, source: own.source,
    lines: [{ name: "Cheapest", style: "0" }, { name: "Dearest", style: "1" }],
    note: `The get-in price for ${NUMBERS[tickets]} together at the cheapest and at the dearest market, `
      + `${basis === "all_in" ? "all-in" : "before fees"}.` });
}

async function showShared(details, { path, currency }, signal) {
  const { data, rule } = await ask(`${path}/shared-offers`, { limit: MOST_SHARED }, signal);
  const many = data.length === MOST_SHARED ? `At least ${data.length}` : count(data.length);
  details.querySelector("summary").textContent = data.length === 1
    ? "1 offer is probably on two markets (estimate)" : `${many} offers are probably on two markets (estimate)`;
  details.querySelector(".note").textContent = "Nobody outside the markets knows who sells. Two listings are taken for one "
    + `offer by this rule: ${rule}. They are counted at both markets.`;
  const heads = ["Seats", "Tickets", "At one market", "At the other"];
  const priced = (source, price) => html("td", {}, money(price, currency), html("small", { textContent: source }));
  keepingFocus(details, () => details.querySelector("table").replaceChildren(
    html("caption", { className: "hidden-text", textContent: "Offers that are probably on two markets" }),
    html("thead", {}, html("tr", {}, ...heads.map((name) => html("th", { scope: "col", textContent: name })))),
    html("tbody", {}, ...(data.length ? data.map((one) => html("tr", {},
      html("th", { scope: "row", textContent: `${one.section} row ${one.seat_row}` }),
      html("td", { textContent: count(one.quantity) }), priced(one.source, one.price),
      priced(one.other_source, one.other_price)))
      : [html("tr", {}, html("td", { colSpan: heads.length, textContent: NOTHING }))]))));
}
