// A week of prices as a small line, which is read out as a sentence.

import { drawn } from "../shared/dom.js";
import { money } from "../shared/words.js";

const WIDE = 55, HIGH = 20, LEAST = 0.2; // a price that moves by less than a fifth does not fill the height

/** The line of up to 56 prices; null is a gap. */
export function sparkline(prices, currency) {
  const known = prices.filter((price) => price !== null);
  const words = inWords(known, currency);
  const svg = drawn("svg", { class: "spark", viewBox: `0 0 ${WIDE} ${HIGH}`, preserveAspectRatio: "none", role: "img",
    "aria-label": words });
  if (!known.length) return svg;
  const lowest = Math.min(...known), highest = Math.max(...known), middle = (lowest + highest) / 2;
  const span = Math.max(highest - lowest, LEAST * middle) || 1;
  const x = (n) => n + WIDE + 1 - prices.length;
  const y = (price) => (HIGH / 2 - ((price - middle) / span) * (HIGH - 4)).toFixed(2);
  let line = "", last = null;
  prices.forEach((price, n) => {
    if (price !== null) {
      line += `${last === n - 1 ? "L" : "M"}${x(n)} ${y(price)}${last === n - 1 ? "" : "h0"}`;
      last = n;
    }
  });
  svg.append(drawn("title", {}, words), drawn("path", { class: "week", d: line }),
    drawn("path", { class: "now", d: `M${x(last)} ${y(prices[last])}h0` }));
  return svg;
}

function inWords(known, currency) {
  if (!known.length) return "No price in the last week";
  const at = (price) => money(price, currency);
  return `Last week: from ${at(known[0])} to ${at(known.at(-1))}, lowest ${at(Math.min(...known))}, `
    + `highest ${at(Math.max(...known))}`;
}
