/** The operator's side of the server's HTTP interface, with what goes wrong in words. */

const KEY = "tern.operator";
const PATIENCE_MS = 8000;

/** An answer that is none, or a refusal. */
export class Refusal extends Error {
  /**
   * @param {"silence" | "key" | "other"} kind Whether nobody answers, the key opens nothing, or it is about this
   *   request.
   */
  constructor(kind, message, { status, body } = {}) {
    super(message);
    Object.assign(this, { kind, status, body });
  }
}

let key = null;

/** The key stays in this tab. Without storage a reload of the page asks again. */
export function rememberedKey() {
  try {
    return sessionStorage.getItem(KEY);
  } catch {
    return null;
  }
}

export function setKey(value) {
  key = value;
  try {
    if (value === null) sessionStorage.removeItem(KEY);
    else sessionStorage.setItem(KEY, value);
  } catch {
    // It is kept in the variable.
  }
}

export const get = (path) => ask("GET", path);
export const post = (path) => ask("POST", path);
export const remove = (path) => ask("DELETE", path);

/** The answer, as JSON; null when it has no body. */
async function ask(method, path) {
  let response, text;
  try {
    response = await fetch(path, {
      method, cache: "no-store", credentials: "omit", headers: { Authorization: `Bearer ${key}` },
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    text = await response.text();
  } catch {
    throw new Refusal("silence", "The server does not answer.");
  }
  const body = parse(text);
  if (response.ok) return body;
  throw refusal(response, body);
}

function parse(text) {
  try {
    return text ? JSON.parse(text) : null;
  } catch {
    // A proxy answers pages instead.
    return null;
  }
}

function refusal({ status, headers }, body) {
  const { code, message } = body?.error ?? {};
  const of = (kind, words) => new Refusal(kind, words, { status, body });
  if (status === 401) return of("key", "The server does not accept this key.");
  if (code === "foreign_origin") {
    return of("key", `The server does not know its pages by the name ${location.host}. Behind a proxy, let it pass on `
      + "the header Host, or write signaling-origin.");
  }
  if (status === 403) return of("key", "This is the key of an application. The dashboard takes the operator's.");
  if (status === 429) {
    const seconds = headers.get("Retry-After");
    const time = seconds ? `${seconds} s` : "a while";
    return of("key", `Too many wrong keys came from your address. Try again in ${time}.`);
  }
  // What stands before the server when the server does not.
  if ([502, 504].includes(status) || (status === 503 && !code)) return of("silence", "The server does not answer.");
  return of("other", message ? sentence(message) : `The server answered ${status}.`);
}

/** Messages of the server begin small and end without a stop. */
export function sentence(text) {
  const ended = /[.!?:]$/.test(text) ? text : `${text}.`;
  return ended[0].toUpperCase() + ended.slice(1);
}
