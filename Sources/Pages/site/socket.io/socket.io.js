/**
 * A small client for servers of Socket.IO 3 and 4, for pages that load `/socket.io/socket.io.js` from their server: it
 * speaks Engine.IO 4 and Socket.IO protocol 5, over WebSockets only. No build step, no dependencies.
 *
 *     const socket = io();                                         // or io("https://tern.example.org/room?token=…")
 *     socket.on("connect", () => socket.emit("create or join", "foo"));
 *     socket.on("message", (message) => …);
 *
 * Left out: long polling, several namespaces over one connection (each `io()` makes a connection of its own),
 * `Manager`, volatile events, retries of single events, and recovery of missed events.
 *
 * In one thing it does more: pages that know nothing of TURN credentials use those that the server sends them in an
 * event `iceServers`; see `completeConnections`.
 */
(() => {
  "use strict";

  /** Events of the client itself: a page cannot send them, and a server that does is not one to go on with. */
  const RESERVED = ["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"];
  /** The first digit of every text is Engine.IO's, the second one of a message is Socket.IO's. */
  const ENGINE = { open: "0", close: "1", ping: "2", pong: "3", message: "4" };
  const PACKET = { connect: "0", disconnect: "1", event: "2", ack: "3", refusal: "4" };
  /** Events and acknowledgements with attachments have digits of their own. */
  const WITH_ATTACHMENTS = { [PACKET.event]: "5", [PACKET.ack]: "6" };
  const WITHOUT_ATTACHMENTS = { 5: PACKET.event, 6: PACKET.ack };
  /** Type, number of attachments, namespace, number of the acknowledgement, JSON. */
  const PACKET_FORM = /^([0-6])(?:(\d+)-)?(?:(\/[^,]*)(?:,|$))?(\d+)?(.*)$/s;

  /**
   * @typedef {object} Options What is not here is ignored, `transports` included.
   * @property {string} [path] Where the server answers; `/socket.io/` unless it was told otherwise.
   * @property {string | Record<string, string>} [query] Goes into the URL of the connection.
   * @property {object | ((send: (payload: object) => void) => void)} [auth] What the server is shown when a namespace
   * is entered. A function is asked for each connection.
   * @property {boolean} [autoConnect] False waits for `connect()`.
   * @property {number} [timeout] Milliseconds until a server that does not answer is given up.
   * @property {boolean} [reconnection] False leaves a lost connection lost.
   * @property {number} [reconnectionAttempts]
   * @property {number} [reconnectionDelay] Milliseconds before the first attempt; each further one waits twice as long,
   * @property {number} [reconnectionDelayMax] but not longer than this,
   * @property {number} [randomizationFactor] give or take this share, lest all clients of a server return at once.
   */
  const DEFAULTS = {
    path: "/socket.io/", autoConnect: true, timeout: 20_000, reconnection: true, reconnectionAttempts: Infinity,
    reconnectionDelay: 1000, reconnectionDelayMax: 5000, randomizationFactor: 0.5,
  };

  // MARK: - Listeners

  /** Who listens to which event. All methods can be chained. */
  class Listeners {
    /** Pairs of a function and what it was given as: they differ for `once`. */
    #listeners = new Map();

    on(event, listener, given = listener) {
      this.#listeners.set(event, [...(this.#listeners.get(event) ?? []), { listener, given }]);
      return this;
    }

    once(event, listener) {
      const first = (...details) => {
        this.off(event, listener);
        listener(...details);
      };
      return this.on(event, first, listener);
    }

    /** Without a function all listeners of the event go, without an event all there are. */
    off(event, listener) {
      if (event === undefined) this.#listeners.clear();
      const others = (this.#listeners.get(event) ?? []).filter(({ given }) => listener && given !== listener);
      this.#listeners.set(event, others);
      return this;
    }

    /** @package Tells the listeners. What goes wrong in one is the page's to see, and none of the others' business. */
    tell(event, ...details) {
      for (const { listener } of this.#listeners.get(event) ?? []) {
        try {
          listener(...details);
        } catch (error) {
          reportError(error);
        }
      }
    }
  }
  const { on, off } = Listeners.prototype;
  Object.assign(Listeners.prototype, { addListener: on, addEventListener: on });
  Object.assign(Listeners.prototype, { removeListener: off, removeEventListener: off, removeAllListeners: off });

  // MARK: - Packets

  const isBinary = (value) =>
    value instanceof ArrayBuffer || ArrayBuffer.isView(value) || (globalThis.Blob && value instanceof Blob);

  /** What goes over the WebSocket for a packet: a text, and then the binary parts that it has placeholders for. */
  function encode(type, namespace, data, id = "") {
    const attachments = [];
    const json = data === undefined ? "" : JSON.stringify(data, (_, value) =>
      isBinary(value) ? { _placeholder: true, num: attachments.push(value) - 1 } : value);
    const head = attachments.length > 0 ? `${WITH_ATTACHMENTS[type]}${attachments.length}-` : type;
    return [`${ENGINE.message}${head}${namespace === "/" ? "" : `${namespace},`}${id}${json}`, ...attachments];
  }

  /** Reads the data of a packet, of which all attachments have arrived. */
  function decode(json, attachments) {
    const revive = (_, value) => (value?._placeholder === true ? attachments[value.num] : value);
    return json === "" ? undefined : JSON.parse(json, attachments && revive);
  }

  // MARK: - Socket

  /**
   * A namespace of a server. Made by `io()`.
   *
   * Events besides those that the server sends:
   * - `connect`: the server is there, for the first time or again;
   * - `connect_error` `(error)`: it is not, and is tried again, or it refuses, and `error.data` may say more;
   * - `disconnect` `(reason)`: `"io server disconnect"` and `"io client disconnect"` are final, `"ping timeout"`,
   *   `"transport close"` and `"parse error"` are not;
   * - `reconnect_attempt`, `reconnecting`, `reconnect`, `reconnect_error`, `reconnect_failed`: at the socket, where
   *   Socket.IO 1 and 2 have them, and at `socket.io`, where later versions have them.
   */
  class Socket extends Listeners {
    /** The server's name for this client, while connected. */
    id = undefined;
    connected = false;
    /** Whether it is connected or will try to be. */
    active = false;

    #server;
    #webSocket = null;
    #handshake = null;
    /** Packets that were sent before there was somebody to send them to. */
    #unsent = [];
    #nextAck = 0;
    #acks = new Map();
    /** The packet that is being read: its attachments may be still to come. */
    #incomplete = null;
    #attempts = 0;
    #timers = {};

    /** @param {{origin: string, namespace: string}} server @param {Options} options */
    constructor(server, options) {
      super();
      this.#server = server;
      this.nsp = server.namespace;
      this.auth = options.auth;
      this.io = Object.assign(new Listeners(), { opts: options, uri: server.origin });
      if (options.autoConnect) this.connect();
    }

    get disconnected() {
      return !this.connected;
    }

    connect() {
      this.active = true;
      if (!this.#webSocket) this.#dial();
      return this;
    }

    disconnect() {
      if (this.connected) this.#send(encode(PACKET.disconnect, this.nsp));
      this.active = false;
      this.#end("io client disconnect");
      return this;
    }

    /** Sends an event. A function as the last argument is called with what the server acknowledges it with. */
    emit(event, ...details) {
      if (RESERVED.includes(event)) throw new Error(`"${event}" is a reserved event name`);
      let id;
      if (typeof details.at(-1) === "function") {
        id = this.#nextAck++;
        this.#acks.set(id, details.pop());
      }
      this.#send(encode(PACKET.event, this.nsp, [event, ...details], id));
      return this;
    }

    /** Sends an event, and answers a promise of the acknowledgement. */
    emitWithAck(event, ...details) {
      return new Promise((resolve, fail) => {
        this.emit(event, ...details, Object.assign((answer) => resolve(answer), { fail }));
      });
    }

    send(...details) {
      return this.emit("message", ...details);
    }

    // MARK: Connection

    #dial() {
      clearTimeout(this.#timers.retry);
      const url = new URL(this.io.opts.path.replace(/\/?$/, "/"), this.#server.origin.replace(/^http/, "ws"));
      url.search = new URLSearchParams(this.io.opts.query);
      url.searchParams.set("EIO", "4");
      url.searchParams.set("transport", "websocket");
      const webSocket = new WebSocket(url);
      webSocket.binaryType = "arraybuffer";
      this.#webSocket = webSocket;
      this.#timers.life = setTimeout(() => this.#end("timeout"), this.io.opts.timeout);
      webSocket.onmessage = ({ data }) => {
        if (webSocket !== this.#webSocket) return;
        try {
          this.#receive(data);
        } catch {
          // Listeners keep their errors to themselves, so what failed was reading: there is no telling what comes next.
          this.#end("parse error");
        }
      };
      webSocket.onclose = () => {
        if (webSocket === this.#webSocket) this.#end(this.connected ? "transport close" : "websocket error");
      };
    }

    /** Ends a connection, tells why, and makes another one if there is to be one. */
    #end(reason, details = {}) {
      const [webSocket, wasConnected] = [this.#webSocket, this.connected];
      for (const timer of Object.values(this.#timers)) clearTimeout(timer);
      Object.assign(this, { id: undefined, connected: false });
      this.#webSocket = this.#handshake = this.#incomplete = null;
      webSocket?.close();
      if (wasConnected) {
        for (const { fail } of this.#acks.values()) fail?.(new Error("socket has been disconnected"));
        this.#acks.clear();
        this.tell("disconnect", reason);
      } else if (webSocket && reason !== "io client disconnect") {
        const error = Object.assign(new Error(reason), details);
        this.tell("connect_error", error);
        if (this.#attempts > 0) this.#announce("reconnect_error", error);
      }
      // A listener may have connected again by itself, or have had enough.
      if (this.active && !this.#webSocket && this.io.opts.reconnection) this.#retryLater();
    }

    #retryLater() {
      const { reconnectionAttempts, reconnectionDelay, reconnectionDelayMax, randomizationFactor } = this.io.opts;
      if (this.#attempts >= reconnectionAttempts) {
        this.active = false;
        this.#attempts = 0;
        return this.#announce("reconnect_failed");
      }
      const delay = Math.min(reconnectionDelayMax, reconnectionDelay * 2 ** this.#attempts++);
      this.#timers.retry = setTimeout(() => {
        this.#announce("reconnect_attempt", this.#attempts);
        this.#announce("reconnecting", this.#attempts);
        if (this.active && !this.#webSocket) this.#dial();
      }, delay * (1 + randomizationFactor * (2 * Math.random() - 1)));
    }

    #announce(event, ...details) {
      this.tell(event, ...details);
      this.io.tell(event, ...details);
    }

    // MARK: To the server

    #send(parts, isConnected = this.connected) {
      if (!isConnected) return this.#unsent.push(parts);
      for (const part of parts) this.#webSocket.send(part);
    }

    #enter() {
      const current = this.#webSocket;
      const show = (payload) => {
        if (current === this.#webSocket) this.#send(encode(PACKET.connect, this.nsp, payload), true);
      };
      if (typeof this.auth === "function") this.auth(show);
      else show(this.auth);
    }

    // MARK: From the server

    #receive(data) {
      if (this.#handshake) this.#expectLife();
      if (typeof data !== "string") return this.#attach(data);
      const rest = data.slice(1);
      if (data[0] === ENGINE.message) return this.#takePacket(rest);
      if (data[0] === ENGINE.ping) return this.#webSocket.send(ENGINE.pong + rest);
      if (data[0] === ENGINE.close) return this.#end("transport close");
      if (data[0] === ENGINE.open) {
        this.#handshake = JSON.parse(rest);
        this.#expectLife();
        this.#enter();
      }
    }

    /** The server pings at set times. When it does not, the connection is dead, whatever the browser thinks of it. */
    #expectLife() {
      clearTimeout(this.#timers.life);
      const { pingInterval, pingTimeout } = this.#handshake;
      this.#timers.life = setTimeout(() => this.#end("ping timeout"), pingInterval + pingTimeout);
    }

    #takePacket(text) {
      const [, type, count = 0, namespace = "/", id, json] = PACKET_FORM.exec(text);
      if (this.#incomplete) throw new Error("a text where an attachment was due");
      if (namespace !== this.nsp) return;
      this.#incomplete = { type: WITHOUT_ATTACHMENTS[type] ?? type, id, json, count: Number(count), attachments: [] };
      if (this.#incomplete.count === 0) this.#handle(decode(json));
    }

    #attach(data) {
      const { json, count, attachments } = this.#incomplete;
      if (attachments.push(data) === count) this.#handle(decode(json, attachments));
    }

    #handle(data) {
      const { type, id } = this.#incomplete;
      this.#incomplete = null;
      const isSpoken = type === PACKET.event || type === PACKET.ack;
      if (isSpoken && !Array.isArray(data)) throw new Error("events and acknowledgements are arrays");
      if (type === PACKET.event) return this.#takeEvent(id, data);
      if (type === PACKET.ack) return this.#takeAck(Number(id), data);
      if (type === PACKET.connect) return this.#entered(data.sid);
      this.active = false;
      this.#end(type === PACKET.refusal ? data.message : "io server disconnect", { data: data?.data });
    }

    #entered(id) {
      Object.assign(this, { id, connected: true });
      for (const parts of this.#unsent.splice(0)) this.#send(parts);
      const attempts = this.#attempts;
      this.#attempts = 0;
      if (attempts > 0) this.#announce("reconnect", attempts);
      this.tell("connect");
    }

    #takeEvent(id, [event, ...details]) {
      if (RESERVED.includes(event)) throw new Error("an event that servers do not send");
      let isAcknowledged = id === undefined;
      if (!isAcknowledged) {
        details.push((...answer) => {
          if (!isAcknowledged) this.#send(encode(PACKET.ack, this.nsp, answer, id));
          isAcknowledged = true;
        });
      }
      if (event === "iceServers" && Array.isArray(details[0])) completeConnections(details[0]);
      this.tell(event, ...details);
    }

    #takeAck(id, details) {
      const answered = this.#acks.get(id);
      this.#acks.delete(id);
      try {
        answered?.(...details);
      } catch (error) {
        reportError(error);
      }
    }
  }
  Object.assign(Socket.prototype, { open: Socket.prototype.connect, close: Socket.prototype.disconnect });

  // MARK: - TURN servers for pages that know of none

  /** What the server gave out last; null until it has. */
  let given = null;
  /** Connections that have it, or are older, and the servers that the page itself named, once somebody has looked. */
  let connections = [];

  const isTURN = ({ urls, url }) => [urls ?? url ?? []].flat().some((each) => /^turns?:/i.test(each));

  /**
   * From now on connections whose configuration names no TURN server have these, too: the next ones from the start,
   * those that there are for their next gathering of candidates. They replace earlier ones of the server. A page that
   * names TURN servers itself is left alone.
   *
   * @param {RTCIceServer[]} servers
   */
  function completeConnections(servers) {
    given = servers;
    connections = connections.filter(({ reference }) => (reference.deref()?.signalingState ?? "closed") !== "closed");
    for (const entry of connections) {
      const connection = entry.reference.deref();
      try {
        const configuration = connection.getConfiguration();
        // Before the first time all of them are the page's, which may have changed them since.
        entry.own ??= [...(configuration.iceServers ?? [])];
        if (entry.own.some(isTURN)) continue;
        connection.setConfiguration({ ...configuration, iceServers: [...entry.own, ...given] });
      } catch (error) {
        reportError(error);
      }
    }
  }

  /** `own` is undefined as long as nobody has to know. */
  function remember(connection, own) {
    connections = connections.filter(({ reference }) => reference.deref());
    connections.push({ reference: new WeakRef(connection), own });
    return connection;
  }

  /**
   * Puts something in front of the constructor. This is done when the script is loaded, because there are pages that
   * keep the constructor, or make their connection, before the server has said anything; until it has given out servers
   * whatever the page asks for is done as it asks for it. A proxy is the constructor in all that it does not do itself:
   * `instanceof`, subclasses, static functions.
   */
  function installConstructor(names) {
    const substitutes = new Map();
    for (const name of names) {
      const Native = globalThis[name];
      if (typeof Native !== "function") continue;
      if (!substitutes.has(Native)) substitutes.set(Native, new Proxy(Native, { construct }));
      // Where the page has locked it, it stays what it is. Otherwise a connection names the constructor that it is of.
      if (Reflect.set(globalThis, name, substitutes.get(Native)) && Native.prototype.constructor === Native) {
        Reflect.set(Native.prototype, "constructor", substitutes.get(Native));
      }
    }
  }

  function construct(target, details, newTarget) {
    if (!given) return remember(Reflect.construct(target, details, newTarget));
    const [configuration, ...rest] = details;
    const own = [...(configuration?.iceServers ?? [])];
    if (own.some(isTURN)) return Reflect.construct(target, details, newTarget);
    const complete = { ...configuration, iceServers: [...own, ...given] };
    return remember(Reflect.construct(target, [complete, ...rest], newTarget), own);
  }

  installConstructor(["RTCPeerConnection", "webkitRTCPeerConnection"]);

  // MARK: - io()

  /**
   * Connects to a namespace of a server.
   *
   * @param {string | Options} [address] `https://host/namespace?query`, or a part of it; the server that the page is
   * from if there is no host, the namespace `/` if there is no path.
   * @param {Options} [options]
   * @returns {Socket}
   */
  function io(address = "", options = {}) {
    if (typeof address === "object") return io("", address);
    const text = /^([a-z]+:)?\/|^$/i.test(address) ? address : `${location.protocol}//${address}`;
    const url = new URL(text, location.href);
    // As it was written: a URL would have it percent-encoded, and the server compares names.
    const namespace = text.replace(/^([a-z]+:)?\/\/[^/?#]*/i, "").replace(/[?#].*/s, "") || "/";
    const origin = `${url.protocol}//${url.host}`;
    // The page's own query is none of the server's business.
    const query = text.includes("?") ? { query: url.search } : {};
    return new Socket({ origin, namespace }, { ...DEFAULTS, ...query, ...options });
  }

  globalThis.io = Object.assign(io, { io, connect: io, Socket, protocol: 5 });
})();
