import { Call } from "./call.js";
import { Emitter } from "./emitter.js";
import { TernError } from "./error.js";

/** Call signals that are kept until the application makes its call. */
const EARLY_SIGNALS_MAX = 512;

/**
 * @typedef {object} JoinOptions
 * @property {import("./client.js").Token} [token] For this room, if it differs from the client's.
 * @property {string} [name] What others are to call this participant.
 * @property {object} [metadata] Anything else that others are to know, at most 2 KiB as JSON.
 * @property {string} [role]
 * @property {boolean} [replace] Take the place of whoever is in the room with the same identity (`sub` of the token);
 * otherwise that is an error, `duplicate_join`.
 * @property {boolean} [ice] Whether to ask for TURN credentials; true unless said otherwise.
 *
 * @typedef {object} Participant
 * @property {string} id
 * @property {string} [name]
 * @property {object} [metadata]
 * @property {string} [role]
 * @property {number} [since]
 *
 * @typedef {object} Credentials
 * @property {RTCIceServer[]} iceServers For `RTCPeerConnection`.
 * @property {number} ttl Seconds that they last.
 * @property {number} expiresAt Milliseconds since 1970, by the clock of this machine.
 */

/**
 * A room that this client is in. Made by `client.join()`.
 *
 * Events:
 * - `participant-joined`, `participant-updated` `{participant}`, `participant-left` `{participant, reason}`;
 * - `message` `{from, data, isBroadcast}`: what another participant sent;
 * - `credentials` `{credentials, previous}`: new TURN credentials, pushed well before the old ones expire;
 * - `joined` `{self}`: entered again, with a new id, after the server had lost the session;
 * - `closed` `{error}`: no longer in the room.
 */
export class Room extends Emitter {
  /** This participant's id. It changes when the session is lost and the room entered again. */
  self = undefined;
  /** @type {Map<string, Participant>} The others. */
  participants = new Map();
  capacity = undefined;
  /** @type {Credentials | null} */
  credentials = null;
  isClosed = false;

  #client;
  #options;
  #call = null;
  #earlySignals = [];
  #lastKeys = new Map();
  #renewTimer = undefined;

  constructor(client, name, options) {
    super();
    this.#client = client;
    this.#options = options;
    this.name = name;
  }

  /**
   * Sends data to one participant. Data of one sender arrives in order, at most once.
   *
   * @param {string} to The participant's id.
   * @param {any} data Anything that JSON can say.
   */
  async send(to, data) {
    await this.#request({ type: "signal", to, data });
  }

  /** Sends data to all others. */
  async broadcast(data) {
    await this.#request({ type: "broadcast", data });
  }

  /** Replaces what others know of this participant. */
  async update(metadata) {
    this.#options = { ...this.#options, metadata };
    await this.#request({ type: "update", meta: metadata });
  }

  /**
   * Removes a participant, whose relays end with it. Needs a token that grants it.
   *
   * @param {string} id
   * @param {{reason?: string, banSeconds?: number}} [options] A ban keeps the participant's identity out for a while.
   */
  async kick(id, { reason, banSeconds } = {}) {
    await this.#request({ type: "kick", to: id, reason, ban_s: banSeconds });
  }

  /** Asks for TURN credentials now, rather than wait for the server to push them. */
  async requestCredentials(reason = "renew") {
    await this.#request({ type: "credentials", reason });
    return this.credentials;
  }

  /**
   * Connects to everybody in the room, and to everybody who comes.
   *
   * @param {import("./call.js").CallOptions} [options]
   * @returns {Call}
   */
  call(options = {}) {
    if (this.#call) throw new TernError("bad_request", "a room has one call at a time");
    this.#call = new Call(this, options, { earlySignals: this.#earlySignals.splice(0), lastKeys: this.#lastKeys });
    this.#call.on("closed", () => (this.#call = null));
    return this.#call;
  }

  async leave() {
    if (this.isClosed) return;
    const left = this.#request({ type: "leave" });
    this.end(new TernError("closed", "left the room"));
    await left.catch(() => {});
  }

  // MARK: - For the client

  /** @package */
  async enter({ replace = this.#options.replace } = {}) {
    const { token: source, name, metadata, role, ice } = this.#options;
    const token = typeof source === "function" ? await source() : source;
    await this.#request({ type: "join", token, name, meta: metadata, role, ice, replace });
  }

  /** @package */
  enterAgain() {
    // What is left of this participant's own earlier session is in nobody's way.
    this.enter({ replace: true }).catch((error) => this.end(error));
  }

  /** @package */
  end(error) {
    if (this.isClosed) return;
    this.isClosed = true;
    clearTimeout(this.#renewTimer);
    this.#client.rooms.delete(this.name);
    this.#call?.close();
    this.emit("closed", { error });
  }

  /** @package */
  receive(message) {
    switch (message.type) {
      case "joined": return this.#joined(message);
      case "participant-joined": return this.#add(message.participant);
      case "participant-left": return this.#remove(message.id ?? message.participant, message.reason);
      case "participant-updated": return this.#add(message.participant ?? message);
      case "signal": return this.#signal(message);
      case "broadcast": return this.emit("message", { ...this.#content(message), isBroadcast: true });
      case "credentials": return this.#renew(message);
      case "kicked": return this.end(new TernError("kicked", message.reason || "kicked"));
      case "left": return this.#left(message);
    }
  }

  #request(message) {
    if (this.isClosed) return Promise.reject(new TernError("not_in_room", `no longer in the room ${this.name}`));
    return this.#client.request({ ...message, room: this.name });
  }

  #joined(message) {
    const isAgain = this.self !== undefined;
    this.self = message.self;
    this.capacity = message.capacity;
    const present = new Map(message.participants.map((wire) => [wire.id, wire]));
    present.delete(this.self);
    for (const id of [...this.participants.keys()]) {
      if (!present.has(id)) this.#remove(id, "timeout");
    }
    for (const wire of present.values()) this.#add(wire);
    if (message.ice) this.#renew(message.ice);
    if (isAgain) this.emit("joined", { self: this.self });
  }

  #left({ reason, message }) {
    // One's own leaving ended the room already, and another one of that name may have been entered since.
    if (reason !== "left") this.end(new TernError("room_closed", message || "the room was closed"));
  }

  #add({ id, name, meta, role, since }) {
    const known = this.participants.get(id);
    const participant = known ?? { id, name, role, since };
    participant.metadata = meta;
    this.participants.set(id, participant);
    this.emit(known ? "participant-updated" : "participant-joined", { participant });
  }

  #remove(id, reason) {
    const participant = this.participants.get(id);
    if (!this.participants.delete(id)) return;
    this.#earlySignals = this.#earlySignals.filter((signal) => signal.from !== id);
    this.#lastKeys.delete(id);
    this.emit("participant-left", { participant, reason });
  }

  #content({ from, data }) {
    return { from: this.participants.get(from) ?? { id: from }, data };
  }

  #signal(message) {
    const signal = message.data?.ternCall;
    if (signal === undefined) {
      this.emit("message", { ...this.#content(message), isBroadcast: false });
    } else if (this.#call) {
      this.#call.receive(message.from, signal);
    } else if (this.#earlySignals.length < EARLY_SIGNALS_MAX) {
      this.#earlySignals.push({ from: message.from, signal });
    }
  }

  #renew({ iceServers, ttl }) {
    const previous = this.credentials;
    // Counted from now: the clock of this machine may differ from the server's.
    this.credentials = { iceServers, ttl, expiresAt: Date.now() + ttl * 1000 };
    this.emit("credentials", { credentials: this.credentials, previous });
    // The server pushes new ones at four fifths of their life. This is for the day on which the push does not come.
    clearTimeout(this.#renewTimer);
    this.#renewTimer = setTimeout(() => this.requestCredentials().catch(() => {}), Math.min(ttl * 950, 2 ** 31 - 1));
  }
}
