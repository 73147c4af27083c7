import { Emitter } from "./emitter.js";

/** Candidates found within this time travel in one message: a browser finds dozens, and servers count messages. */
const CANDIDATES_TOGETHER_MS = 20;
/** A connection that is cut for longer than this looks for another way. */
const DISCONNECTED_MAX_MS = 4000;
const RESTART_MAX_MS = 30_000;

/**
 * @typedef {object} CallOptions
 * @property {MediaStream} [stream] What the others are to see and hear.
 * @property {string[]} [dataChannels] Labels. Everybody in the room must name the same, in the same order.
 * @property {"all" | "relay"} [iceTransportPolicy] `relay` sends everything through TURN, and hides addresses.
 * @property {RTCConfiguration} [configuration] Anything else for `RTCPeerConnection`.
 *
 * @typedef {object} Route How the packets of a connection travel.
 * @property {boolean} isRelayed Whether TURN is in use, on either side.
 * @property {RTCIceCandidate} local From the browser's statistics: `candidateType`, `protocol`, `address`, …
 * @property {RTCIceCandidate} remote
 * @property {number} [roundTripMs]
 * @property {number} bytesSent
 * @property {number} bytesReceived
 */

/**
 * A call with everybody in a room: a connection to each. Made by `room.call()`.
 *
 * Events, each with `{connection, participant}`:
 * - `connection`: somebody is about to be connected;
 * - `stream` `{stream}`: somebody's camera or microphone has arrived;
 * - `state` `{state}`: `"connecting"`, `"connected"`, `"disconnected"`, `"failed"`, as in `RTCPeerConnection`;
 * - `open` `{channel}` and `message` `{label, data}`: of a data channel;
 * - `connection-closed`; and `closed`, without details, when the whole call has ended.
 */
export class Call extends Emitter {
  /** @type {Map<string, Connection>} By participant's id. */
  connections = new Map();
  isClosed = false;

  #room;
  #options;
  #self;
  /** The newest key of a connection with each participant. */
  #lastKeys;
  #cancellations;

  /** @package */
  constructor(room, options, { earlySignals, lastKeys }) {
    super();
    this.#room = room;
    this.#lastKeys = lastKeys;
    this.#options = { dataChannels: [], iceTransportPolicy: "all", ...options };
    this.#self = room.self;
    this.#cancellations = [
      room.on("joined", () => this.#enteredAgain()),
      room.on("participant-left", ({ participant }) => this.connections.get(participant.id)?.close()),
      room.on("credentials", ({ previous }) => this.#renew(previous)),
    ];
    // Who comes later calls. A listener that the application adds in this turn must not miss the first events.
    queueMicrotask(() => {
      for (const { from, signal } of earlySignals) this.receive(from, signal);
      this.#connectToAll();
    });
  }

  /** Replaces what the others see and hear, without a new negotiation where the kinds of tracks stay the same. */
  async setStream(stream) {
    this.#options.stream = stream;
    await Promise.all([...this.connections.values()].map((connection) => connection.setStream(stream)));
  }

  /** `relay` moves every connection to TURN, `all` lets the browser find the best way again. */
  setTransportPolicy(iceTransportPolicy) {
    this.#options.iceTransportPolicy = iceTransportPolicy;
    for (const [id, connection] of [...this.connections]) {
      if (iceTransportPolicy === "all") {
        connection.restart();
      } else {
        // After a mere restart browsers stay on the direct way for as long as it works.
        connection.close();
        this.#connection(id);
      }
    }
  }

  /** Sends over the data channel with this label to everybody who is connected. */
  send(label, data) {
    for (const { channels } of this.connections.values()) {
      const channel = channels.get(label);
      if (channel?.readyState === "open") channel.send(data);
    }
  }

  close() {
    if (this.isClosed) return;
    this.isClosed = true;
    for (const cancel of this.#cancellations) cancel();
    for (const [id, connection] of [...this.connections]) {
      connection.close();
      if (!this.#room.isClosed) this.#send(id, { key: connection.key, isEnded: true });
    }
    this.emit("closed");
  }

  /** @package */
  get options() {
    return this.#options;
  }

  /** @package */
  get configuration() {
    const { configuration, iceTransportPolicy } = this.#options;
    return { ...configuration, iceServers: this.#room.credentials?.iceServers ?? [], iceTransportPolicy };
  }

  /** @package */
  receive(from, signal) {
    if (this.isClosed || !this.#room.participants.has(from)) return;
    const known = this.connections.get(from);
    if (known?.key === signal.key) return signal.isEnded ? known.close() : known.receive(signal);
    // An offer with a greater key begins anew. Everything else belongs to a connection that is gone.
    if (signal.description?.type !== "offer" || signal.key <= (this.#lastKeys.get(from) ?? "")) return;
    known?.close();
    this.#connection(from, signal.key).receive(signal);
  }

  /** @package */
  async prepareRestart() {
    // Old credentials would get no new relay. Who cannot have new ones may still find a direct way.
    const credentials = this.#room.credentials;
    if (credentials && credentials.expiresAt - Date.now() < credentials.ttl * 200) {
      await this.#room.requestCredentials("ice-restart").catch(() => {});
    }
  }

  #connection(id, key = this.#nextKey(id)) {
    const known = this.connections.get(id);
    if (known) return known;
    this.#lastKeys.set(id, key);
    const participant = this.#room.participants.get(id);
    const send = (signal) => this.#send(id, { key, ...signal });
    const connection = new Connection(this, { participant, key, isPolite: this.#self < id, send });
    this.connections.set(id, connection);
    this.emit("connection", { connection, participant });
    return connection;
  }

  /**
   * Names a connection for both sides, so that signals of one that is gone are not taken for those of its successor. It
   * is greater than all that either has seen, and of two made at once one is the greater.
   */
  #nextKey(id) {
    const count = parseInt(this.#lastKeys.get(id) ?? "0", 10) + 1;
    return `${String(count).padStart(6, "0")}/${this.#self}`;
  }

  #send(id, signal) {
    // Who has left cannot be told, and need not be.
    this.#room.send(id, { ternCall: signal }).catch(() => {});
  }

  #connectToAll() {
    if (this.isClosed) return;
    for (const id of this.#room.participants.keys()) this.#connection(id);
  }

  #enteredAgain() {
    // The others know this participant by another id now, and have closed what belonged to the old one.
    for (const connection of [...this.connections.values()]) connection.close();
    this.#self = this.#room.self;
    this.#connectToAll();
  }

  async #renew(previous) {
    const isNearEnd = previous && previous.expiresAt - Date.now() < previous.ttl * 500;
    for (const connection of this.connections.values()) {
      connection.applyConfiguration();
      // A relay keeps the credentials with which it was made. Another one is made while both are good.
      const route = isNearEnd && (await connection.route());
      if (route && route.local.candidateType === "relay") connection.restart();
    }
  }
}

/**
 * The connection to one participant of a call. `pc` is an ordinary `RTCPeerConnection`: add tracks and channels to it
 * as you like, it negotiates by itself ("perfect negotiation": of two offers at once, the impolite side's stands).
 */
export class Connection {
  /** @type {Map<string, RTCDataChannel>} By label. */
  channels = new Map();
  /** @type {MediaStream | null} What the participant sends. */
  stream = null;
  restarts = 0;

  #call;
  #isPolite;
  #send;
  #isMakingOffer = false;
  #ignoresOffer = false;
  #signals = Promise.resolve();
  #candidates = [];
  #timers = {};
  #failures = 0;

  /** @package */
  constructor(call, { participant, key, isPolite, send }) {
    this.#call = call;
    this.#isPolite = isPolite;
    this.#send = send;
    /** The same on both sides, and a greater one whenever they begin anew. */
    this.key = key;
    /** @type {import("./room.js").Participant} */
    this.participant = participant;
    this.pc = new RTCPeerConnection(call.configuration);
    this.pc.onnegotiationneeded = () => this.#offer();
    this.pc.onicecandidate = ({ candidate }) => this.#trickle(candidate);
    this.pc.onconnectionstatechange = () => this.#changed();
    this.pc.ontrack = ({ streams }) => this.#track(streams[0]);
    call.options.dataChannels.forEach((label, id) => this.#openChannel(label, id));
    for (const track of call.options.stream?.getTracks() ?? []) this.pc.addTrack(track, call.options.stream);
  }

  get state() {
    return this.pc.connectionState;
  }

  /** @returns {Promise<Route | null>} Null while there is no way to the participant. */
  async route() {
    const stats = await this.pc.getStats().catch(() => new Map());
    const all = [...stats.values()];
    const transport = all.find(({ type, selectedCandidatePairId }) => type === "transport" && selectedCandidatePairId);
    const pair = stats.get(transport?.selectedCandidatePairId) ?? all.find((each) => each.selected === true);
    const [local, remote] = [stats.get(pair?.localCandidateId), stats.get(pair?.remoteCandidateId)];
    if (!local || !remote) return null;
    const isRelayed = local.candidateType === "relay" || remote.candidateType === "relay";
    const { bytesSent, bytesReceived } = transport?.bytesSent === undefined ? pair : transport;
    const roundTripMs = pair.currentRoundTripTime === undefined ? undefined : pair.currentRoundTripTime * 1000;
    return { isRelayed, local, remote, roundTripMs, bytesSent, bytesReceived };
  }

  /** Looks for a new way to the participant, with the newest credentials, while the old one carries on. */
  restart() {
    if (this.pc.signalingState === "closed") return;
    this.restarts += 1;
    this.applyConfiguration();
    this.pc.restartIce();
  }

  /** @package */
  applyConfiguration() {
    if (this.pc.signalingState !== "closed") this.pc.setConfiguration(this.#call.configuration);
  }

  /** @package */
  async setStream(stream) {
    const senders = this.pc.getSenders();
    for (const kind of ["audio", "video"]) {
      const track = stream?.getTracks().find((each) => each.kind === kind);
      const sender = senders.find((each) => each.track?.kind === kind);
      if (sender) await sender.replaceTrack(track ?? null);
      else if (track) this.pc.addTrack(track, stream);
    }
  }

  /** @package */
  close() {
    for (const timer of Object.values(this.#timers)) clearTimeout(timer);
    this.pc.close();
    this.#call.connections.delete(this.participant.id);
    this.#emit("connection-closed");
  }

  /** @package */
  receive(signal) {
    // One after the other: a candidate makes no sense before its description.
    this.#signals = this.#signals.then(() => this.#apply(signal)).catch((error) => {
      if (this.pc.signalingState !== "closed") reportError(error);
    });
  }

  #emit(event, details = {}) {
    this.#call.emit(event, { connection: this, participant: this.participant, ...details });
  }

  async #offer() {
    try {
      this.#isMakingOffer = true;
      await this.pc.setLocalDescription();
      this.#describe();
    } catch (error) {
      if (this.pc.signalingState !== "closed") reportError(error);
    } finally {
      this.#isMakingOffer = false;
    }
  }

  #describe() {
    this.#flush();
    this.#send({ description: this.pc.localDescription });
  }

  async #apply({ description, candidates = [] }) {
    const { pc } = this;
    if (description) {
      const collides = description.type === "offer" && (this.#isMakingOffer || pc.signalingState !== "stable");
      this.#ignoresOffer = collides && !this.#isPolite;
      if (this.#ignoresOffer) return;
      await pc.setRemoteDescription(description);
      if (description.type !== "offer") return;
      await pc.setLocalDescription();
      this.#describe();
    }
    for (const candidate of candidates) {
      // Candidates of an offer that was ignored fit nothing, which is no news.
      await pc.addIceCandidate(candidate).catch((error) => this.#ignoresOffer || Promise.reject(error));
    }
  }

  #trickle(candidate) {
    if (!candidate) return;
    this.#candidates.push(candidate);
    this.#timers.candidates ??= setTimeout(() => this.#flush(), CANDIDATES_TOGETHER_MS);
  }

  #flush() {
    clearTimeout(this.#timers.candidates);
    this.#timers.candidates = undefined;
    if (this.#candidates.length > 0) this.#send({ candidates: this.#candidates.splice(0) });
  }

  #changed() {
    const { state } = this;
    clearTimeout(this.#timers.restart);
    if (state === "connected") this.#failures = 0;
    if (state === "disconnected") this.#restartIn(DISCONNECTED_MAX_MS);
    if (state === "failed") this.#restartIn(Math.min(RESTART_MAX_MS, 500 * 2 ** this.#failures++));
    this.#emit("state", { state });
  }

  #restartIn(milliseconds) {
    this.#timers.restart = setTimeout(async () => {
      await this.#call.prepareRestart();
      this.restart();
    }, milliseconds);
  }

  #track(stream) {
    if (!stream || this.stream === stream) return;
    this.stream = stream;
    this.#emit("stream", { stream });
  }

  #openChannel(label, id) {
    const channel = this.pc.createDataChannel(label, { negotiated: true, id });
    channel.onopen = () => this.#emit("open", { channel });
    channel.onmessage = ({ data }) => this.#emit("message", { label, data });
    this.channels.set(label, channel);
  }
}
