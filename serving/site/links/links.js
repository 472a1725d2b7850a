// Links: which events of two markets are one. Anybody reads them; an operator decides.

import { asked, change } from "../shared/address.js";
import { ask, Failure, ROOT, tell } from "../shared/api.js";
import { at, html } from "../shared/dom.js";
import { keyGate } from "../shared/key.js";
import { States } from "../shared/states.js";
import { age, count, DATE, moments } from "../shared/words.js";

const PAGE = 50;
const ACTIONS = { proposed: ["confirm", "refuse"], automatic: ["confirm", "refuse"], confirmed: ["refuse", "undo"],
  refused: ["confirm", "undo"], ended: ["confirm", "refuse"] };
const NAMES = { confirm: "Same event", refuse: "Not the same", undo: "Undo" };
const day = moments(DATE, "UTC");

const states = new States(at("links"), () => gate.open());
const gate = keyGate(at("main"), () => load(), (why) => states.show("error", why));
let going = new AbortController(); // aborts the newest request when another one replaces it
let mayDecide = false, cursor = null;

const stateAsked = () => asked(["state"]).state ?? "proposed";

/** Load what the URL asks for. `more`: the next page, below what is there. */
async function load({ more = false } = {}) {
  going.abort();
  going = new AbortController();
  const { signal } = going, state = stateAsked();
  for (const one of at("filters").elements) if (one.name === "state") one.checked = one.value === state;
  if (!more) states.show("loading", "Loading …");
  try {
    const answer = await ask("links", { state, limit: PAGE, cursor: more ? cursor : undefined }, signal);
    mayDecide = answer.may_decide;
    cursor = answer.next_cursor;
    at("operator").hidden = mayDecide;
    const cards = answer.data.map(cardOf);
    if (more) at("list").append(...cards);
    else at("list").replaceChildren(...cards);
    at("next").hidden = !cursor;
    if (at("list").childElementCount) states.show("ready");
    else states.show("empty", `There are no links in the state ${state}.`);
    if (more) cards[0]?.querySelector("a, button")?.focus();
  } catch (failure) {
    if (signal.aborted) return;
    const why = failure instanceof Failure ? failure.message : `The page failed: ${failure.message}`;
    if (failure.status === 401) gate.ask(failure);
    else states.show("error", why);
  }
}

function cardOf(link) {
  const card = html("li", {}, sideOf(link, ""), sideOf(link, "other_"), html("p", { className: "why" }),
    html("div", { className: "decide" }));
  draw(card, link, link.state);
  return card;
}

/** One event of the pair: its name and place, and its market's id. */
function sideOf(link, which) {
  const of = (name) => link[which + name], name = of("name") ?? of("external_id");
  const place = [of("venue"), of("city")].filter(Boolean).join(", ");
  const title = of("event_id")
    ? html("a", { href: new URL(`events/${of("event_id")}`, ROOT).href, textContent: name }) : name;
  return html("div", {}, html("h2", {}, title), html("small", { textContent: `${of("source")} ${of("external_id")}` }),
    html("small", { textContent: [place, of("start_time")].filter(Boolean).join(" · ") }));
}

/** Say why the two are one, in which state that is, and offer what can be decided. */
function draw(card, link, state) {
  const facts = [`${state}: ${link.rule}`, `confidence ${count(100 * link.confidence)}%`,
    ...(link.day ? [day.format(new Date(link.day))] : []),
    ...(link.km_apart === null ? [] : [`${count(link.km_apart)} km apart`])];
  card.querySelector(".why").replaceChildren(`${facts.join(" · ")} · `, age(link.decided_at));
  const names = `${link.source} ${link.name ?? link.external_id} and ${link.other_source} `
    + `${link.other_name ?? link.other_external_id}`;
  card.querySelector(".decide").replaceChildren(...(mayDecide ? ACTIONS[state].map((action) => html("button",
    { type: "button", textContent: NAMES[action], ariaLabel: `${NAMES[action]}: ${names}`,
      onclick: () => decide(card, link, action) })) : []));
}

async function decide(card, link, action) {
  for (const button of card.querySelectorAll("button")) button.disabled = true;
  try {
    const { state } = await tell(`links/${link.link_id}/${action}`);
    draw(card, { ...link, decided_at: new Date().toISOString() }, state);
    at("said").textContent = `Now ${state}.`;
    states.keepFresh();
  } catch (failure) {
    draw(card, link, link.state);
    states.keepStale(failure.message);
  }
  card.querySelector("button:last-child")?.focus(); // to take it back
}

at("filters").addEventListener("submit", (event) => event.preventDefault());
at("filters").addEventListener("change", ({ target }) => {
  change({ state: target.value === "proposed" ? "" : target.value });
  load();
});
at("change").addEventListener("click", () => gate.change("Enter the key of an operator."));
at("next").addEventListener("click", () => load({ more: true }));
addEventListener("popstate", () => load());
gate.open();
