// Asks the box office, with the session that the browser keeps in a cookie. No page ever sees its token.

import { addressOf, Failure, respond } from "../../shared/api.js";

const TRIES = 3,
  PAUSE_MS = 700; // of a request that got no answer at all
const BUSY = 503; // nobody knows whether it was done: the same is asked again, under the same key
const keys = new Map(); // of requests that were sent and not answered yet

/** What the box office says at a path below /api/box-office. Throws Failure, or an AbortError once `signal` aborts. */
export async function ask(path, parameters = {}, signal = undefined) {
  const response = await respond(addressOf(`box-office/${path}`, parameters), { signal, cache: "default" });
  return bodyOf(response);
}

/**
 * Ask for a change. Until it is answered, the same change has the same key, however often it is asked for: so that what
 * a broken connection repeats is done once. `body` is an object, or a File.
 */
export async function send(method, path, body = undefined) {
  const isFile = body instanceof Blob,
    text = isFile ? body : JSON.stringify(body);
  const what = `${method} ${path} ${isFile ? `${body.name} ${body.size} ${body.lastModified}` : text}`;
  if (!keys.has(what)) keys.set(what, newKey());
  const headers = { "Idempotency-Key": keys.get(what) };
  if (body) headers["Content-Type"] = isFile ? "text/csv" : "application/json";
  for (let tries = 1; ; tries++) {
    try {
      const response = await respond(addressOf(`box-office/${path}`), {
        method,
        headers,
        body: text,
        cache: "no-store",
      });
      keys.delete(what);
      return await bodyOf(response);
    } catch (failure) {
      if (failure.status && failure.status !== BUSY) keys.delete(what);
      if (failure.status || tries === TRIES) throw failure;
      await new Promise((end) => setTimeout(end, PAUSE_MS));
    }
  }
}

/** The address of an image of the box office. */
export const imageOf = (path) => addressOf(`box-office/${path}`).href;

// crypto.randomUUID is missing where a page came over plain http
function newKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function bodyOf(response) {
  if (response.status === 204) return null;
  const body = await response.json().catch(() => null);
  if (!body) throw new Failure("The service's answer was cut off.", response.status);
  return body;
}

/** A failure as a sentence for people. */
export const wordsOf = (failure) =>
  failure instanceof Failure ? failure.message : `The page failed: ${failure.message}`;
