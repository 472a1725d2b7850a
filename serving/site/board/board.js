// The board: asks the API for the events that the URL names, shows them as rows, and keeps the rows fresh.

import { ask, Failure } from "../shared/api.js";
import { at, html } from "../shared/dom.js";
import { keyGate } from "../shared/key.js";
import { States } from "../shared/states.js";
import { count, DAY, hereInWords, HOUR } from "../shared/words.js";
import { filters, isNarrowed, offer, setUp } from "./filters.js";
import { cellsOf, groupRow } from "./rows.js";
import { showTrends } from "./trends.js";

const LOOK_AGAIN_MS = 60_000, FIRST = 50, MORE = 200; // rows of the first page, and of each further one
const OLD_MS = 2 * HOUR; // a market is captured several times an hour

const states = new States(at("events"), () => gate.open());
const gate = keyGate(at("main"), load, (why) => states.show("error", why));
let going = new AbortController(); // aborts the newest request when another one replaces it
let pages = []; // answers that are shown, one after another
let wanted = history.state?.pages ?? 1; // after the Back button as many rows are there as before
let looked = 0; // when the service answered last
let offered = false; // whether the filters offer more than what the rows have

/** Load what the URL asks for. `again`: only what is new, and failures leave the rows where they are. */
async function load({ again = false } = {}) {
  going.abort();
  going = new AbortController();
  const { signal } = going;
  if (!again) states.show("loading", pages.length ? "" : "Loading …");
  try {
    const found = await askPages(signal);
    looked = Date.now();
    const same = again && found.length === pages.length && found.every((page, n) => page.etag === pages[n].etag);
    pages = found;
    if (!same) show();
    tell();
    if (!offered) offerMore();
  } catch (failure) {
    if (signal.aborted) return;
    const why = failure instanceof Failure ? failure.message : `The page failed: ${failure.message}`;
    if (failure.status === 401) gate.ask(failure);
    else if (again) states.keepStale(`${why} What you see is of ${hereInWords(looked)}.`);
    else states.show("error", why);
  }
}

/** As many pages as are wanted, and more while the reader's dates leave nothing of them. */
async function askPages(signal) {
  const { date_from: from, date_to: to, ...more } = filters(), found = [];
  // the API's days are UTC's; those of the board are the venue's, which are up to a day apart
  const asked = { ...more, date_from: from && dayBeside(from, -1), date_to: to && dayBeside(to, 1), active: "true",
    sides: "one" };
  const isWithin = ({ local_date: local, date }) => {
    const day = local ?? date?.slice(0, 10);
    return (!from && !to) || (day && (!from || day >= from) && (!to || day <= to));
  };
  do {
    const cursor = found.at(-1)?.next_cursor;
    const page = await ask("board", { ...asked, limit: found.length ? MORE : FIRST, cursor }, signal);
    found.push({ ...page, data: page.data.filter(isWithin) });
  } while (found.at(-1).next_cursor && (found.length < wanted || !found.some((page) => page.data.length)));
  return found;
}

function dayBeside(day, days) {
  return new Date(Date.parse(day) + days * DAY).toISOString().slice(0, 10);
}

function show() {
  const rows = pages.flatMap((page) => page.data), { group } = filters();
  offer(rows);
  at("simulated").hidden = !rows.length || !rows.every((row) => row.simulated);
  draw(rows, group);
  at("next").hidden = !pages.at(-1).next_cursor;
  at("clear").hidden = rows.length > 0 || !isNarrowed();
  if (rows.length) states.show("ready");
  else if (isNarrowed()) states.show("empty", "No event matches these filters.");
  else states.show("empty", "There are no events yet. The first tick finds them.");
}

/** Replace the rows that have changed. The others, and the focus, stay. */
function draw(rows, group) {
  const { basis, tickets } = filters();
  const query = new URLSearchParams({ ...(basis ? { basis } : {}), ...(tickets !== "2" ? { tickets } : {}) }).toString();
  const focused = document.activeElement?.closest("#rows tr")?.dataset.id;
  const before = new Map([...at("rows").children].map((tr) => [tr.dataset.id, tr]));
  const drawn = [];
  let performer;
  for (const row of rows) {
    if (group && row.performer_name !== performer) {
      performer = row.performer_name;
      drawn.push(groupRow(performer, rows.filter((one) => one.performer_name === performer)));
    }
    const is = JSON.stringify([row, query]);
    let tr = before.get(row.id);
    if (tr?.is !== is) tr = Object.assign(html("tr", { role: "row" }, ...cellsOf(row, query && `?${query}`)), { is });
    tr.dataset.id = row.id;
    drawn.push(tr);
  }
  at("rows").replaceChildren(...drawn);
  if (focused) at("rows").querySelector(`[data-id="${focused}"] a`)?.focus({ preventScroll: true });
}

/** Say how many events there are, and how old what is known of them is. */
function tell() {
  const rows = pages.flatMap((page) => page.data), more = pages.at(-1)?.next_cursor;
  const words = rows.length === 1 ? "1 event" : `${more ? "The first " : ""}${count(rows.length)} events`;
  if (at("count").textContent !== words) at("count").textContent = rows.length ? words : "";
  const newest = Math.max(...rows.map((row) => Date.parse(row.last_ok_at ?? 0)));
  if (newest > 0 && Date.now() - newest > OLD_MS)
    states.keepStale(`Nothing has been captured since ${hereInWords(newest)}. Prices may have changed.`);
  else states.keepFresh();
}

async function offerMore() {
  offered = true;
  // the board works without: what is not offered can be typed
  await Promise.all([ask("events", { active: "true", limit: MORE }).then(({ data }) => offer(data)), showTrends()]
    .map((one) => one.catch(() => {})));
}

setUp(() => {
  wanted = history.state?.pages ?? 1;
  load();
});
at("next").addEventListener("click", async () => {
  const last = at("rows").lastElementChild.dataset.id;
  history.replaceState({ pages: ++wanted }, "");
  at("next").disabled = true;
  await load({ again: true });
  at("next").disabled = false;
  at("rows").querySelector(`[data-id="${last}"] ~ [data-id] a`)?.focus(); // the first of the new ones
});
function lookAgain() {
  const idle = !document.hidden && at("key").hidden && states.name !== "loading";
  if (idle && Date.now() - looked > LOOK_AGAIN_MS / 2) load({ again: states.name === "ready" });
}
setInterval(lookAgain, LOOK_AGAIN_MS);
document.addEventListener("visibilitychange", lookAgain);
gate.open();
