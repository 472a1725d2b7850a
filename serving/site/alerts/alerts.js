// The page of price alerts: lists, pauses, edits and removes rules, and shows what they told.

import { ask, Failure, send } from "../shared/api.js";
import { at, html } from "../shared/dom.js";
import { keyGate } from "../shared/key.js";
import { previewInWords } from "../shared/previews.js";
import { States } from "../shared/states.js";
import { hereInWords, money } from "../shared/words.js";
import { showDestinations } from "./destinations.js";
import { edit } from "./edit.js";

const HISTORY_ROWS = 50;
const OUTCOMES = {
  tell: "told", quiet: "in quiet hours", capped: "enough was told that day", missed: "read too late",
  left_out: "left out as a probable mistake", withdrawn: "withdrawn by the marketplace", test: "a test",
};

const states = new States(at("content"), () => gate.open());
const gate = keyGate(at("main"), show, (why) => states.show("error", why));

async function show() {
  try {
    const [{ data: rules, feed }, { data: destinations }, { data: told }] = await Promise.all([
      ask("alerts"), ask("alerts/destinations"), ask("alerts/history", { limit: HISTORY_ROWS })]);
    const eventNames = await namesOf(rules);
    showRules(rules, destinations, eventNames);
    showDestinations(destinations, act);
    showHistory(told);
    at("feed").replaceChildren(...(feed ? [html("a", { href: feed, textContent: "Feed for feed readers" }),
      ": whoever has this address can read it."] : ["There is no feed: the operator has set no key."]));
    states.show("ready");
  } catch (failure) {
    if (failure.status === 401) gate.ask(failure);
    else states.show("error", failure instanceof Failure ? failure.message : `The page failed: ${failure.message}`);
  }
}

/** Do something, say that it is done, and show everything again. Answers whether it could be done. */
async function act(work, words) {
  try {
    const done = await work();
    await show();
    at("said").textContent = typeof words === "function" ? words(done) : words;
    return true;
  } catch (failure) {
    at("said").textContent = failure.message;
    return false;
  }
}

async function namesOf(rules) {
  const ids = [...new Set(rules.map((rule) => rule.event_id).filter(Boolean))];
  const events = await Promise.all(ids.map((id) => ask(`events/${id}`).catch(() => null)));
  return new Map(events.filter(Boolean).map((event) => [event.id, event.name]));
}

/** A rule without what the service adds to it. */
function ruleOf({ rule_id, created_at, updated_at, ...said }) {
  return said;
}

function showRules(rules, destinations, eventNames) {
  at("edit").replaceChildren();
  const cell = (...children) => html("td", {}, ...children);
  const names = new Map(destinations.map((one) => [one.destination_id, one.name]));
  const button = (textContent, rule, onclick) =>
    html("button", { type: "button", textContent, ariaLabel: `${textContent}: ${rule.name}`, onclick });
  const about = (rule) => rule.event_id
    ? html("a", { href: `events/${rule.event_id}`, textContent: eventNames.get(rule.event_id) ?? "an event" })
    : `${rule.scope} ${rule.about}`;
  const rows = rules.map((rule) => html("tr", {},
    html("th", { scope: "row" }, rule.name), cell(about(rule)),
    cell(names.get(rule.destination_id) ?? "history and feed only"), cell(rule.paused ? "paused" : "on"),
    cell(html("div", { className: "buttons" },
      button(rule.paused ? "Resume" : "Pause", rule,
        () => act(() => send("PATCH", `alerts/${rule.rule_id}`, { paused: !rule.paused }),
          rule.paused ? "The alert tells again." : "The alert is paused.")),
      button("Edit", rule, () => edit(at("edit"), rule, destinations, (changes) =>
        act(() => send("PATCH", `alerts/${rule.rule_id}`, changes), "The alert is changed."))),
      button("Preview", rule, () => act(() => send("POST", "alerts/preview", ruleOf(rule)),
        (found) => previewInWords(found, hereInWords, rule.event_id))),
      button("Test", rule, () => act(() => send("POST", `alerts/${rule.rule_id}/test`), "A test message was sent.")),
      button("Delete", rule, () => act(() => send("DELETE", `alerts/${rule.rule_id}`), "The alert is deleted."))))));
  const heads = ["Rule", "About", "Sent to", "State", "Change"].map((textContent) => html("th", { scope: "col", textContent }));
  at("rules").replaceChildren(
    ...(rows.length ? [html("thead", {}, html("tr", {}, ...heads)), html("tbody", {}, ...rows)]
      : [html("caption", { textContent: "There is no rule yet." })]));
}

/** The event with its pages: the one here, at the capture that was told, and the marketplace's if it is known. */
function eventOf({ event_id, event, page_url, timestamp, listing_id }) {
  if (!event) return [];
  const then = listing_id ? `?at=${encodeURIComponent(timestamp)}` : "";
  const here = html("a", { href: `events/${event_id}${then}`, textContent: event });
  return page_url
    ? [here, " (", html("a", { href: page_url, rel: "external noreferrer", textContent: "at the marketplace" }), ")"]
    : [here];
}

function showHistory(told) {
  const heads = ["When", "Rule", "Event", "Price", "What happened", "Message"];
  const price = (one) => one.tickets_left !== null ? `${one.tickets_left} tickets left`
    : one.all_in_price !== null ? `${money(one.all_in_price, one.currency)} with fees`
      : one.price !== null ? `${money(one.price, one.currency)} before fees` : "";
  const message = (one) => [one.delivery, one.error && one.delivery !== "delivered" ? `(${one.error})` : "",
    one.possible_repeats ? `perhaps ${one.possible_repeats + 1} times` : ""].filter(Boolean).join(" ");
  const rows = told.map((one) => html("tr", {},
    html("th", { scope: "row" }, html("time", { dateTime: one.timestamp, textContent: hereInWords(one.timestamp) })),
    ...[[one.rule], eventOf(one), [price(one)], [OUTCOMES[one.outcome]], [message(one)]]
      .map((said) => html("td", {}, ...said))));
  at("history").replaceChildren(
    ...(rows.length ? [html("thead", {}, html("tr", {}, ...heads.map((textContent) => html("th", { scope: "col", textContent })))),
      html("tbody", {}, ...rows)] : [html("caption", { textContent: "Nothing yet." })]));
}

gate.open();
