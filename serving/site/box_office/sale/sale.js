// A promoter's event: how it sells, what is left, what it costs, and what can be changed.

import { ROOT } from "../../shared/api.js";
import { at, html } from "../../shared/dom.js";
import { States } from "../../shared/states.js";
import { count, money } from "../../shared/words.js";
import { asUser, user, visit } from "../shared/account.js";
import { ask, send, wordsOf } from "../shared/api.js";
import { part, STATUS } from "../shared/sales-words.js";
import { SectionMap } from "../shared/section-map.js";
import { whenOf, whereOf } from "../shared/words.js";
import { showHours } from "./hours.js";
import { setUpPrices, showChanges, showTiers } from "./prices.js";
import { showPurchases } from "./purchases.js";
import { setUpSeats } from "./import.js";

const LOOK_AGAIN_MS = 30_000;
const LOG_IN = "Log in to see what you sell.";
const NEXT = {
  draft: [["on_sale", "Put on sale"]],
  on_sale: [["off_sale", "Take off sale"]],
  off_sale: [["on_sale", "Put on sale"]],
};

const id = Number(location.pathname.split("/").at(-1)),
  path = `promoter/events/${id}`;
const states = new States(at("sale"), () => load());
const map = new SectionMap(at("map"), (section) => prices.chooseSection(section));
const prices = setUpPrices(path, change);
let event = null,
  busy = false;
setUpSeats(path, change);

async function load({ again = false } = {}) {
  if (!again) states.show("loading", "Loading …");
  try {
    if (!again) await visit();
    const found = await asUser(() => {
      if (!user().promoter) throw Object.assign(new Error(), { status: 403 });
      return Promise.all([
        ask(path),
        ask(`${path}/tiers`),
        ask(`${path}/sales`),
        ask(`${path}/price-changes`),
        ask(`${path}/purchases`, { limit: 20 }),
      ]);
    }, LOG_IN);
    if (!found) return states.show("empty", LOG_IN);
    const [now, tiers, sales, changes, purchases] = found;
    event = now;
    about();
    states.show("ready"); // before anything is drawn, which needs to know how wide its place is
    showHours(sales, event);
    showTiers(tiers.data, event, path, change);
    showChanges(changes.data, event);
    await showPurchases(purchases, event, path, change);
    await showMap();
  } catch (failure) {
    if (again) states.keepStale(`This may be out of date: ${wordsOf(failure)}`);
    else states.show("error", failure.status === 403 ? "This account cannot sell." : wordsOf(failure));
  }
}

function about() {
  document.title = `${event.title} · Tickettape`;
  at("title").textContent = event.title;
  at("when").replaceChildren(whenOf(event));
  at("where").textContent = whereOf(event);
  at("state").textContent = STATUS[event.status];
  at("state").dataset.status = event.status;
  const stock = event.tickets_available + event.tickets_sold;
  at("steps").replaceChildren(
    ...(NEXT[event.status] ?? []).map(([status, words]) =>
      html("button", {
        type: "button",
        className: status === "on_sale" ? "primary" : "",
        textContent: words,
        disabled: status === "on_sale" && !stock,
        onclick: () => change(() => send("PATCH", path, { status })),
      }),
    ),
    ...(event.status === "draft"
      ? []
      : [html("a", { href: new URL(`box-office/events/${id}`, ROOT).href, textContent: "See it as a buyer" })]),
  );
  at("hint").textContent =
    event.status === "draft" && !stock ? "Add seats or tickets below. Then it can be put on sale." : "";
  const figures = [
    ["Sold", count(event.tickets_sold)],
    ["Left", count(event.tickets_available)],
    ["Sell-through", part(event.sell_through)],
    ["Gross", money(event.gross, event.currency)],
    ["Refunds", money(event.refunds, event.currency)],
    ["Net", money(event.net, event.currency)],
  ];
  at("figures").replaceChildren(
    ...figures.map(([name, value]) =>
      html("div", {}, html("dt", { textContent: name }), html("dd", { textContent: value })),
    ),
  );
  const meter = html("meter", { min: 0, max: 1, value: event.sell_through ?? 0 });
  meter.ariaLabel = `Sell-through: ${part(event.sell_through)}`;
  at("meter").replaceChildren(meter);
}

/** How much of each section is left. The map of a draft has no public page to ask. */
async function showMap() {
  at("left").hidden = !event.has_seats || event.status === "draft";
  if (at("left").hidden) return;
  const [{ sections }, { sections: free }] = await Promise.all([
    ask(`events/${id}/seat-map`),
    ask(`events/${id}/availability`),
  ]);
  const left = new Map(free.map((one) => [one.section, one.available]));
  map.show(sections, (one) => {
    const available = left.get(one.section) ?? 0,
      share = available / one.seats;
    return {
      look: available ? `left-${Math.ceil(share * 4)}` : "none",
      lines: [one.section, `${count(available)} left`],
      name: `Section ${one.section}: ${count(available)} of ${count(one.seats)} seats left`,
    };
  });
  prices.offerSections(sections.map((one) => one.section));
}

/** Do something, and show what has become of it. Returns whether it was done. */
async function change(work, { wrong = at("refused"), said = () => "" } = {}) {
  if (busy) return false;
  busy = true;
  wrong.textContent = at("done").textContent = "";
  try {
    const done = await asUser(work, LOG_IN);
    if (done === undefined) return false;
    await load({ again: true });
    at("done").textContent = said(done);
    return true;
  } catch (failure) {
    const lines = (failure.errors ?? []).filter(({ parameter }) => parameter.startsWith("line "));
    wrong.textContent = lines.length
      ? lines.map(({ parameter, message }) => `L${parameter.slice(1)}: ${message}`).join("\n")
      : wordsOf(failure);
    return false;
  } finally {
    busy = false;
  }
}

setInterval(() => !document.hidden && !busy && states.name === "ready" && load({ again: true }), LOOK_AGAIN_MS);
load();
