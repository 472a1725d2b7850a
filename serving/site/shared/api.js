// Asks the API with this tab's key. The key is sent only as a header, never in a URL.

/** The service's own address, whichever page this is and under whichever path a proxy shows it. */
export const ROOT = new URL("../../", import.meta.url);

const STORED = "tickettape-key";
const AT_ONCE = 3; // the service answers two requests of a key at once, and refuses those that wait for two seconds
const TRIES = 4, LONGEST_PAUSE_S = 5; // of a request for which the service is too busy
let key = null, running = 0;
const waiting = []; // those that begin a request when another one has ended

/** A refusal or a failure, as a sentence for the reader. `status` is missing where nothing answered. */
export class Failure extends Error {
  constructor(message, status, { kind, errors } = {}) {
    super(message);
    Object.assign(this, { status, kind, errors }); // the last two as the service's problem has them
  }
}

/** Use this tab's key, or else the one that the service gives to every visitor. False if there is neither. */
export async function findKey() {
  const given = isOwnKey() ? null : (await json(new URL("site/key", ROOT), { cache: "no-store" })).key;
  key = sessionStorage.getItem(STORED) ?? given; // which the reader may have entered meanwhile
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

/** The address of an API path, `events/…`, with its parameters. Those without a value are left out. */
export function addressOf(path, parameters = {}) {
  const url = new URL(`api/${path}`, ROOT);
  for (const [name, value] of Object.entries(parameters))
    if (value !== undefined && value !== null && value !== "") url.searchParams.set(name, value);
  return url;
}

/**
 * One answer of the API, with its `etag`: where that is the same as before, nothing has changed. Throws Failure, or an
 * AbortError once `signal` aborts.
 */
export async function ask(path, parameters = {}, signal = undefined) {
  if (running >= AT_ONCE) await new Promise((begin) => waiting.push(begin));
  else running++;
  try {
    return await withKey((headers) => json(addressOf(path, parameters), { signal, headers }));
  } finally {
    if (waiting.length) waiting.shift()();
    else running--;
  }
}

/** Change something: the answer to a POST. Throws Failure. */
export const tell = (path) => withKey((headers) => json(addressOf(path), { method: "POST", headers }));

/** The answer to a request that changes something, or asks with a body; null where there is nothing to say. */
export function send(method, path, body = undefined, signal = undefined) {
  return withKey(async (headers) => {
    const options = { method, signal, headers: { ...headers, "Content-Type": "application/json" } };
    const response = await respond(addressOf(path), { ...options, body: body && JSON.stringify(body) });
    return response.status === 204 ? null : response.json();
  });
}

/** An answer with the rows of all its pages. */
export async function askAll(path, parameters, signal) {
  const answer = await ask(path, parameters, signal);
  for (let cursor = answer.next_cursor; cursor; ) {
    const next = await ask(path, { ...parameters, cursor }, signal);
    answer.data.push(...next.data);
    cursor = next.next_cursor;
  }
  return answer;
}

/** An answer as a file of another format: text/csv or application/vnd.apache.parquet. */
export function askFile(path, parameters, mediaType, signal) {
  return withKey(async (headers) =>
    (await respond(addressOf(path, parameters), { signal, headers: { ...headers, Accept: mediaType } })).blob());
}

/** An open answer, whose body is read as it comes: a stream of events. */
export function askStream(path, signal) {
  return withKey(async (headers) =>
    (await respond(addressOf(path), { signal, headers: { ...headers, Accept: "text/event-stream" } })).body);
}

async function withKey(request) {
  const headers = () => ({ "X-API-Key": key });
  try {
    return await request(headers());
  } catch (failure) {
    const before = key;
    // a restarted service gives its visitors a new key
    if (failure.status !== 401 || isOwnKey() || !(await findKey()) || key === before) throw failure;
    return request(headers());
  }
}

async function json(url, options) {
  const response = await respond(url, options);
  const answer = await response.json().catch(() => null);
  if (!answer) throw new Failure("The service's answer was cut off.", response.status);
  return Object.assign(answer, { etag: response.headers.get("etag") });
}

/** The response of an address. It is asked again where the service is too busy for a moment. Throws Failure. */
export async function respond(url, options, tries = TRIES) {
  let response;
  try {
    // no-cache: the browser asks again with the ETag, so new data shows at once, and old data costs only a 304
    response = await fetch(url, { cache: "no-cache", ...options });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Failure("The service cannot be reached.");
  }
  if (response.ok) return response;
  const pause = Number(response.headers.get("retry-after"));
  if (response.status === 429 && tries > 1 && pause <= LONGEST_PAUSE_S) {
    await new Promise((end) => setTimeout(end, pause * 1_000));
    return respond(url, options, tries - 1);
  }
  const problem = await response.json().catch(() => null);
  throw new Failure(problem?.detail ?? `The service returned status ${response.status} without a reason.`, response.status,
    problem ?? {});
}
