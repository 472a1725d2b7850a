// The events that are on sale: asked for as the URL says, more when they are wanted.

import { asked, change } from "../../shared/address.js";
import { ROOT } from "../../shared/api.js";
import { at, html } from "../../shared/dom.js";
import { States } from "../../shared/states.js";
import { money } from "../../shared/words.js";
import { visit } from "../shared/account.js";
import { ask, wordsOf } from "../shared/api.js";
import { counted, tickets, whenOf, whereOf } from "../shared/words.js";

const TYPED_MS = 250; // after the last letter
const states = new States(at("events"), () => load());
let going = new AbortController(),
  cursor = null,
  typing;

async function load({ more = false } = {}) {
  going.abort();
  going = new AbortController();
  const { signal } = going,
    { search } = asked(["search"]);
  if (!more) states.show("loading", at("list").children.length ? "" : "Loading …");
  try {
    const found = await ask("events", { search, cursor: more ? cursor : null }, signal);
    cursor = found.next_cursor;
    const cards = found.data.map(cardOf);
    if (more) at("list").append(...cards);
    else at("list").replaceChildren(...cards);
    at("next").hidden = !cursor;
    if (more) cards[0]?.querySelector("a").focus();
    if (at("list").children.length) states.show("ready");
    else states.show("empty", search ? "No event on sale matches this search." : "No event is on sale now.");
    const number = at("list").children.length;
    at("count").textContent = number && search ? `${cursor ? "The first " : ""}${counted(number, "event")}` : "";
  } catch (failure) {
    if (!signal.aborted) states.show("error", wordsOf(failure));
  }
}

function cardOf(event) {
  const left = event.tickets_available;
  return html(
    "li",
    { className: "card" },
    html(
      "div",
      {},
      html(
        "h2",
        {},
        html("a", { href: new URL(`box-office/events/${event.event_id}`, ROOT).href, textContent: event.title }),
      ),
      html("p", {}, whenOf(event)),
      html("p", { className: "soft", textContent: whereOf(event) }),
    ),
    html(
      "p",
      { className: "price" },
      left > 0 && event.lowest_price !== null
        ? html("b", {}, html("small", { textContent: "from" }), money(event.lowest_price, event.currency))
        : html("b", { textContent: "Sold out" }),
      html("small", { textContent: left > 0 ? `${tickets(left)} left` : "Join the waitlist" }),
    ),
  );
}

function fill() {
  if (document.activeElement !== at("search")) at("search").value = asked(["search"]).search ?? "";
}

at("filters").addEventListener("submit", (event) => event.preventDefault());
at("search").addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(() => {
    change({ search: at("search").value.trim() });
    load();
  }, TYPED_MS);
});
at("next").addEventListener("click", () => load({ more: true }));
addEventListener("popstate", () => {
  fill();
  load();
});
fill();
visit().catch((failure) => states.show("error", wordsOf(failure)));
load();
