// Asks the API with this tab's key. The key is sent only as a header, never in a URL.

const STORED = "tickettape-key";
let key = null;

/** A refusal or a failure, as a sentence for the reader. */
export class Failure extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

/** Use this tab's key, or else the one that the service gives to every visitor. False if there is neither. */
export async function findKey() {
  key = sessionStorage.getItem(STORED) ?? (await json("key", { cache: "no-store" })).key;
  return key !== null;
}

/** Whether the reader entered the key. */
export const isOwnKey = () => sessionStorage.getItem(STORED) !== null;

export function keepKey(text) {
  sessionStorage.setItem(STORED, text);
  key = text;
}

export function forgetKey() {
  sessionStorage.removeItem(STORED);
  key = null;
}

/** One response of the API. Throws Failure. */
export async function ask(path, parameters = {}, signal = undefined) {
  const query = new URLSearchParams(Object.entries(parameters).filter(([, value]) => value));
  // no-cache: the browser asks again with the ETag, so new data shows at once, and old data costs only a 304
  const request = () => json(`../api/${path}?${query}`, { cache: "no-cache", signal, headers: { "X-API-Key": key } });
  try {
    return await request();
  } catch (failure) {
    const before = key;
    // a restarted service gives its visitors a new key
    if (failure.status !== 401 || isOwnKey() || !(await findKey()) || key === before) throw failure;
    return request();
  }
}

/** A response with the rows of all its pages. */
export async function askAll(path, parameters, signal) {
  const answer = await ask(path, parameters, signal);
  for (let cursor = answer.next_cursor; cursor; ) {
    const next = await ask(path, { ...parameters, cursor }, signal);
    answer.data.push(...next.data);
    cursor = next.next_cursor;
  }
  return answer;
}

async function json(url, options) {
  let response;
  try {
    response = await fetch(url, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Failure("The service cannot be reached.");
  }
  const answer = await response.json().catch(() => null);
  if (response.ok && answer) return answer;
  throw new Failure(answer?.detail ?? `The service returned status ${response.status} without a reason.`, response.status);
}
