// What a page says where its data is not there: loading, empty, error; and stale, beside data that is kept.

import { html } from "./dom.js";

/**
 * The states of a place: a <section>, whose data-state is loading, ready, empty or error, for its style.
 *
 * The lines that are read out must be in the page before their words are.
 */
export class States {
  constructor(place, retry) {
    this.place = place;
    this.words = html("p", { id: "status", role: "status" });
    this.failure = html("div", { id: "failure", role: "alert", hidden: true }, html("p"),
      html("button", { type: "button", textContent: "Try again", onclick: retry }));
    this.stale = html("p", { id: "stale", role: "status" });
    place.prepend(this.words, this.failure, this.stale);
    this.show("loading", "Loading …");
  }

  get name() {
    return this.place.dataset.state;
  }

  /** Show a state. `empty` and `error` say why; `ready` has no words. */
  show(name, words = "") {
    const failed = name === "error";
    this.place.hidden = false;
    this.place.dataset.state = name;
    this.place.ariaBusy = String(name === "loading");
    this.words.textContent = failed ? "" : words;
    this.failure.hidden = !failed;
    this.failure.firstElementChild.textContent = failed ? words : "";
    this.keepFresh();
  }

  /** Say that what is shown is old, and why. It stays readable. */
  keepStale(words) {
    if (this.stale.textContent !== words) this.stale.textContent = words;
  }

  keepFresh() {
    this.keepStale("");
  }
}
