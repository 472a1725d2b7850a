// Which way get-in prices went, in a line above the rows: of the same events, day by day.

import { ask } from "../shared/api.js";
import { at, html } from "../shared/dom.js";
import { count, plainShare, share } from "../shared/words.js";

const ALL = "all", NONE = "no trend";

/** Show the trends of the market, or nothing where too few events were observed. */
export async function showTrends() {
  const { data: rows } = await ask("market/trends");
  const all = rows.filter((row) => row.scope === ALL), trends = at("trends");
  trends.hidden = !all.length;
  if (!all.length) return;
  trends.querySelector("summary").textContent = `Get-in prices of the same events: ${all.map(inWords).join("; ")}`;
  trends.querySelector("ul").replaceChildren(...rows.map((row) => html("li", { textContent: inFull(row) })));
}

const inWords = ({ trend, change, days }) =>
  (trend === NONE ? `no trend in ${days} days` : `${trend} ${plainShare(Math.abs(change))} in ${days} days`);

function inFull({ scope, days, change, low, high, trend, sell_through: sold, events }) {
  const whose = scope === ALL ? "All" : scope.replace("category: ", "");
  const said = [`${whose}, ${days} days: ${share(change)}, 95 % band ${share(low)} to ${share(high)}`,
    trend === NONE ? "which holds 0, so there is no trend" : null,
    sold === null ? null : `about ${plainShare(sold)} of the tickets on offer were sold`];
  return `${said.filter(Boolean).join(", ")} (${count(events)} events).`;
}
