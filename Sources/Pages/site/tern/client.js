import { Emitter } from "./emitter.js";
import { TernError, errorFromClose, errorFromMessage, isFinal } from "./error.js";
import { Room } from "./room.js";

/** Browsers hide the server's pings from pages, so the page asks, and hangs up when nothing at all comes back. */
const PING_EVERY_MS = 20_000;
const SILENCE_MAX_MS = 10_000;
const RETRY_MIN_MS = 500;
const RETRY_MAX_MS = 15_000;
/** A connection that lived this long was a good one: the next retry is a quick one. */
const SETTLED_AFTER_MS = 10_000;

/**
 * @typedef {string | (() => string | Promise<string>)} Token A room token, or a function that fetches a fresh one. The
 * function is called for each connection, so that reconnecting works after the first token has expired.
 *
 * @typedef {object} ClientOptions
 * @property {Token} [token] Opens the rooms that it names. Not needed where anonymous rooms are allowed.
 * @property {{name: string, version?: string}} [application] What operators see in their list of sessions.
 */

/**
 * Connects to a Tern server.
 *
 * @param {string} [url] `wss://host/v1/signal`, or only `https://host`; by default the server that the page is from.
 * @param {ClientOptions} [options]
 * @returns {Promise<Client>} Rejected with a `TernError` when the server is not there or refuses the token. Once it is
 * fulfilled, lost connections come back on their own.
 */
export async function connect(url = "/", options = {}) {
  const client = new Client(url, options);
  await client.ready;
  return client;
}

/**
 * A session with the server. Made by `connect()`.
 *
 * Events:
 * - `state` `{state, retryAt?, error?}`: `"connecting"`, `"open"`, `"reconnecting"` (until `retryAt`, in milliseconds
 *   since 1970, it waits) or `"closed"`;
 * - `draining` `{deadlineMs}`: the server is about to stop; the client moves on by itself;
 * - `warning` `{error}`: an error that belongs to no request.
 */
export class Client extends Emitter {
  /** @type {"connecting" | "open" | "reconnecting" | "closed"} */
  state = "connecting";
  /** @type {Map<string, Room>} The rooms that this client is in, by name. */
  rooms = new Map();
  /** What `welcome` said: `session`, `limits`, `server`. */
  server = {};
  /** Milliseconds to the server and back, as last measured. */
  roundTripMs = undefined;
  /** How often a lost connection came back: with the session (`resumed`) or with a new one (`renewed`). */
  reconnections = { resumed: 0, renewed: 0 };

  #url;
  #options;
  #socket = null;
  #resumeToken = null;
  /** Messages after the first `welcome`, without `pong`: what the server need not send again after a gap. */
  #received = 0;
  #lastRequestId = 0;
  /** Requests without an answer, in the order in which they were made. */
  #requests = new Map();
  /** Requests leave only while this is true; those made in the meantime wait. */
  #maySend = false;
  #attempts = 0;
  #openedAt = 0;
  #lastError = null;
  #pingSentAt = 0;
  #timers = {};
  #settleReady;

  constructor(url, options) {
    super();
    this.#url = signalURL(url);
    this.#options = options;
    /** @package */
    this.ready = new Promise((resolve, reject) => (this.#settleReady = { resolve, reject }));
    globalThis.addEventListener?.("online", this.retryNow);
    this.#dial();
  }

  /**
   * Enters a room.
   *
   * @param {string} name 1 to 128 letters, digits and `.`, `_`, `~`, `-`.
   * @param {import("./room.js").JoinOptions} [options]
   * @returns {Promise<Room>} Rejected with a `TernError`: `forbidden`, `room_full`, `token_expired`, …
   */
  async join(name, options = {}) {
    if (this.rooms.has(name)) throw new TernError("duplicate_join", `already in the room ${name}`);
    const room = new Room(this, name, options);
    this.rooms.set(name, room);
    try {
      await room.enter();
      return room;
    } catch (error) {
      this.rooms.delete(name);
      throw error;
    }
  }

  /** Leaves every room and ends the session. */
  close() {
    if (this.state === "closed") return;
    this.#transmit({ type: "bye" });
    this.#end(new TernError("closed", "the application closed the client"));
  }

  /** Does not wait for the next attempt to reconnect. */
  retryNow = () => {
    if (this.state !== "reconnecting" || this.#socket) return;
    this.#dial();
  };

  /**
   * Sends any message of the protocol, and answers what the server answered. Requests that a lost connection swallowed
   * are sent again, exactly once, when the session is resumed.
   *
   * @param {{type: string}} message
   * @returns {Promise<object>}
   */
  request(message) {
    if (this.state === "closed") return Promise.reject(this.#lastError);
    return new Promise((resolve, reject) => {
      const request = { message: { ...message, id: ++this.#lastRequestId }, resolve, reject, isSent: false };
      this.#requests.set(request.message.id, request);
      this.#sendRequests();
    });
  }

  // MARK: - Connection

  async #dial() {
    clearTimeout(this.#timers.retry);
    let token;
    try {
      const { token: source } = this.#options;
      token = typeof source === "function" ? await source() : source;
    } catch {
      // The error of a function of the application's may hold the token's source; it has no place in ours.
      return this.#lost(new TernError("unauthorized", "the application had no token"));
    }
    if (this.state === "closed") return;
    const socket = new WebSocket(this.#url, "tern.v1");
    this.#socket = socket;
    this.#listenFor(SILENCE_MAX_MS);
    const ifCurrent = (handle) => (event) => socket === this.#socket && handle(event);
    socket.onopen = ifCurrent(() => {
      const resume = this.#resumeToken ? { resume: this.#resumeToken, received: this.#received } : {};
      this.#transmit({ type: "hello", v: 1, token, client: this.#options.application, ...resume });
    });
    socket.onmessage = ifCurrent((event) => this.#receive(JSON.parse(event.data)));
    socket.onclose = ifCurrent((event) => this.#lost(errorFromClose(event)));
  }

  #transmit(message) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  #sendRequests() {
    for (const request of this.#maySend ? this.#requests.values() : []) {
      if (!request.isSent) this.#transmit(request.message);
      request.isSent = true;
    }
  }

  #startSending() {
    this.#maySend = true;
    this.#sendRequests();
  }

  /** Gives the connection up when it stays silent. */
  #listenFor(milliseconds) {
    this.#timers.silence ??= setTimeout(() => {
      this.#lost(new TernError("unreachable", "the server does not answer"));
    }, milliseconds);
  }

  #ping() {
    this.#pingSentAt = performance.now();
    this.#transmit({ type: "ping", t: Date.now(), received: this.#received });
    this.#listenFor(SILENCE_MAX_MS);
  }

  #hangUp() {
    const socket = this.#socket;
    this.#socket = null;
    this.#maySend = false;
    for (const timer of Object.values(this.#timers)) clearTimeout(timer);
    this.#timers = {};
    socket?.close(1000);
  }

  #lost(reason) {
    this.#hangUp();
    // A fatal `error` message comes before the close, and says more than its code.
    const error = this.#lastError ?? reason;
    this.#lastError = null;
    if (isFinal(error) || this.state === "connecting") return this.#end(error);
    if (this.#openedAt && Date.now() - this.#openedAt > SETTLED_AFTER_MS) this.#attempts = 0;
    this.#openedAt = 0;
    // Half of the delay is chance: when a server comes back, its clients must not arrive all at once.
    const ceiling = Math.min(RETRY_MAX_MS, RETRY_MIN_MS * 2 ** this.#attempts++);
    const delay = Math.max(ceiling * (0.5 + Math.random() / 2), error.retryAfterMs ?? 0);
    this.#timers.retry = setTimeout(() => this.#dial(), delay);
    this.#become("reconnecting", { retryAt: Date.now() + delay, error });
  }

  #end(error) {
    this.#hangUp();
    this.#lastError = error;
    globalThis.removeEventListener?.("online", this.retryNow);
    for (const request of this.#requests.values()) request.reject(error);
    this.#requests.clear();
    this.#become("closed", { error });
    for (const room of [...this.rooms.values()]) room.end(error);
    this.#settleReady.reject(error);
  }

  #become(state, details = {}) {
    this.state = state;
    this.emit("state", { state, ...details });
  }

  // MARK: - Messages

  #receive(message) {
    clearTimeout(this.#timers.silence);
    this.#timers.silence = undefined;
    if (message.type === "welcome") return this.#welcome(message);
    if (message.type === "pong") return this.#pong();
    this.#received += 1;
    if (message.type === "error") return this.#refused(message);
    if (message.type === "draining") return this.#drain(message);
    this.rooms.get(message.room)?.receive(message);
    this.#answered(message);
  }

  #answered(message) {
    const request = this.#requests.get(message.id);
    this.#requests.delete(message.id);
    request?.resolve(message);
  }

  #refused(message) {
    const error = errorFromMessage(message);
    const request = this.#requests.get(message.id);
    if (error.isFatal) this.#lastError = error;
    if (request && error.code === "rate_limited" && error.retryAfterMs !== undefined && !error.isFatal) {
      // Too fast, not wrong: it is sent again, and what comes after it waits, so that the order stays.
      request.isSent = false;
      this.#maySend = false;
      clearTimeout(this.#timers.rate);
      this.#timers.rate = setTimeout(() => this.#startSending(), error.retryAfterMs);
    } else if (request) {
      this.#requests.delete(message.id);
      request.reject(error);
    } else {
      this.emit("warning", { error });
    }
  }

  #welcome(message) {
    const isFirst = this.state === "connecting";
    const isResumed = message.resumed === true;
    this.server = { session: message.session, limits: message.limits, ...message.server };
    this.#resumeToken = message.resume;
    this.#openedAt = Date.now();
    this.#timers.ping = setInterval(() => this.#ping(), PING_EVERY_MS);
    if (!isFirst) this.reconnections[isResumed ? "resumed" : "renewed"] += 1;
    if (isResumed) {
      // The answers that the gap swallowed come before the pong; what has none by then never arrived and is sent again.
      for (const request of this.#requests.values()) request.isSent = false;
    } else {
      this.#received = 0;
      if (!isFirst) this.#startAnew();
      this.#startSending();
    }
    this.#ping();
    this.#become("open");
    this.#settleReady.resolve();
  }

  #pong() {
    this.roundTripMs = performance.now() - this.#pingSentAt;
    if (!this.#maySend && !this.#timers.rate) this.#startSending();
  }

  /** The server has forgotten the session: what was under way in it is void, and the rooms have to be entered again. */
  #startAnew() {
    for (const [id, request] of this.#requests) {
      request.isSent = false;
      if (request.message.type === "join") continue;
      this.#requests.delete(id);
      request.reject(new TernError("session_lost", "the server started a new session"));
    }
    for (const room of this.rooms.values()) room.enterAgain();
  }

  #drain(message) {
    this.emit("draining", { deadlineMs: message.deadline_ms });
    this.#timers.drain = setTimeout(() => {
      this.#attempts = 0;
      this.#lost(new TernError("server_draining", "the server is about to stop"));
    }, message.reconnect_after_ms ?? 1000);
  }
}

/** Makes the address of the WebSocket of what people write. */
function signalURL(text) {
  const url = new URL(text, globalThis.location?.href);
  url.protocol = url.protocol.replace(/^http/, "ws");
  if (url.pathname === "/") url.pathname = "/v1/signal";
  url.hash = "";
  return url.href;
}
