// The event where it is sold first-hand, beside its resale: face values, what resale asks above them, and how much of the
// house is sold. Shown only where the API knows both markets.

import { ask } from "../shared/api.js";
import { html } from "../shared/dom.js";
import { count, money, plainShare, share } from "../shared/words.js";
import { csv, linesOf, parquet } from "./exports.js";
import { keepingFocus } from "./steady.js";

const HEADS = ["Zone", "Sold", "Face value from", "Resale from", "Premium", "Resale median", "Median premium",
  "For resale"]; // the median's premium is above the mean face value of what was sold
const COLUMNS = ["zone", "date", "currency", "tickets_sold", "house", "lowest_face_value", "face_value", "get_in_price",
  "get_in_premium", "median_price", "premium", "listed_tickets", "listed_share", "estimated_sales"];

/** Show the panel if the event has both markets. */
export async function showPrimary(panel, { path, title, clock }, signal) {
  const { data } = await ask(`${path}/primary-and-resale`, {}, signal);
  panel.hidden = !data.length;
  if (panel.hidden) return;
  // days come in their order: of each zone, the last one counts
  const rows = [...new Map(data.map((row) => [row.zone, row])).values()];
  keepingFocus(panel, () => draw(panel, rows, { path, title, clock }));
}

function draw(panel, rows, { path, title, clock }) {
  const whole = rows.find((row) => row.zone === null) ?? rows[0];
  panel.querySelector(".note").textContent = [
    `First-hand, ${plainShare(soldOf(whole))} of ${count(whole.house)} tickets are sold.`, inWords(whole),
    `As of ${clock.dateInWords(whole.date)} (UTC), per ticket, before fees.`].join(" ");
  panel.querySelector("table").replaceChildren(
    html("caption", { className: "hidden-text", textContent: "First-hand sale and resale, by zone" }),
    html("thead", {}, html("tr", {}, ...HEADS.map((textContent) => html("th", { scope: "col", textContent })))),
    html("tbody", {}, ...rows.map((row) => html("tr", {},
      html("th", { scope: "row", textContent: row.zone ?? "Whole event" }),
      ...[`${plainShare(soldOf(row))} of ${count(row.house)}`, money(row.lowest_face_value, row.currency),
        money(row.get_in_price, row.currency), share(row.get_in_premium), money(row.median_price, row.currency),
        share(row.premium), `${plainShare(row.listed_share)} of the house`,
      ].map((textContent) => html("td", { textContent }))))));
  const lines = () => linesOf([COLUMNS, ...rows.map((row) => COLUMNS.map((column) => row[column]))]);
  panel.querySelector(".exports").replaceChildren(csv("First-hand and resale", `${title} first-hand and resale.csv`, lines),
    parquet("First-hand and resale", `${title} first-hand and resale.parquet`, `${path}/primary-and-resale`, {}));
}

const soldOf = ({ tickets_sold: sold, house }) => (house ? sold / house : null);

/** How the cheapest tickets of both markets compare. */
function inWords({ get_in_premium: premium, get_in_price: price }) {
  if (price === null) return "The two markets have different currencies, so their prices are not compared.";
  if (premium === null) return "There is no face value to compare resale prices with.";
  if (!premium) return "The cheapest resale ticket costs as much as the cheapest first-hand.";
  const side = premium > 0 ? "more" : "less";
  return `The cheapest resale ticket costs ${plainShare(Math.abs(premium))} ${side} than the cheapest first-hand.`;
}
