// Our own client of Socket.IO, with a server that says what each case needs: what pages rely on, as the true client and
// the protocol have settled it. What it does with a real server is the affair of pages_socketio_client.py.
//
// Usage: socketio_script.js [CASE…]

"use strict";
const assert = require("node:assert/strict");
const fs = require("node:fs");
const path = require("node:path");
const vm = require("node:vm");

const SCRIPT = path.join(__dirname, "../../../Sources/Pages/site/socket.io/socket.io.js");
const SOURCE = new vm.Script(fs.readFileSync(SCRIPT, "utf8"), { filename: "socket.io.js" });
const OPEN = '0{"sid":"engine","upgrades":[],"pingInterval":60000,"pingTimeout":60000,"maxPayload":1000000}';
const ADDRESS = "https://tern.example.org/page.html?own=query";
const QUICK = { reconnectionDelay: 1, reconnectionDelayMax: 2 };

/** The end of a WebSocket that the client does not see. */
class FakeWebSocket {
  constructor(url) {
    this.url = String(url);
    this.sent = [];
    this.isClosed = false;
  }

  send(data) {
    assert(!this.isClosed, "sent into a closed WebSocket");
    this.sent.push(data);
  }

  close() {
    this.isClosed = true;
  }

  say(...messages) {
    for (const data of messages) this.onmessage({ data });
  }

  drop() {
    this.isClosed = true;
    this.onclose({ code: 1006 });
  }
}

class FakeConnection {
  static generateCertificate() {
    return "a certificate";
  }

  signalingState = "stable";

  constructor(...details) {
    if (details[0]?.isWrong) throw new Error("wrong");
    this.details = details;
    this.configuration = details[0];
  }

  getConfiguration() {
    return { iceServers: [], ...this.configuration };
  }

  setConfiguration(configuration) {
    this.configuration = configuration;
  }

  close() {
    this.signalingState = "closed";
  }
}

const STUN = { urls: "stun:elsewhere.example.org" };
const TURN = { urls: ["stun:own.example.org", "TURNS:own.example.org"], username: "own", credential: "c" };

function relay(name) {
  return { urls: ["turn:tern.example.org"], username: name, credential: "c" };
}

/** A page that has loaded the client. */
function load({ globals = {}, isLocked = false } = {}) {
  const sockets = [];
  const reported = [];
  class PageWebSocket extends FakeWebSocket {
    constructor(url) {
      super(url);
      sockets.push(this);
    }
  }
  // Each page has a constructor of its own, because what is put in front of it leaves a trace in its prototype.
  const Native = class RTCPeerConnection extends FakeConnection {};
  const page = vm.createContext({
    URL, URLSearchParams, setTimeout, clearTimeout, Blob, WebSocket: PageWebSocket, location: new URL(ADDRESS),
    reportError: (error) => reported.push(error.message), RTCPeerConnection: Native, Native,
    webkitRTCPeerConnection: Native, ArrayBuffer, Uint8Array, ...globals,
  });
  if (isLocked) Object.defineProperty(page, "RTCPeerConnection", { writable: false });
  SOURCE.runInContext(page);
  return { page, io: page.io, reported, sockets };
}

/** A client that the server has let in, and the other end. */
function connected(options = {}) {
  const loaded = load();
  const socket = loaded.io(options);
  const [server] = loaded.sockets;
  server.say(OPEN, '40{"sid":"me"}');
  server.sent.length = 0;
  return { ...loaded, socket, server };
}

/** The details of the events that come, in their order. */
function record(target, ...events) {
  const seen = [];
  for (const event of events) target.on(event, (...details) => seen.push([event, ...details.map(plain)]));
  return seen;
}

/** As it is written down, whichever context it is from. */
function plain(value) {
  if (value instanceof Error || value?.stack) return value.message;
  return value === undefined ? undefined : JSON.parse(JSON.stringify(value));
}

function same(actual, wanted) {
  assert.deepEqual(plain(actual), wanted);
}

async function until(condition) {
  const deadline = Date.now() + 5000;
  while (!condition()) {
    assert(Date.now() < deadline, `not within 5 s: ${condition}`);
    await new Promise((done) => setTimeout(done, 1));
  }
}

const cases = {
  addresses_lead_where_they_lead_with_the_true_client() {
    const query = "EIO=4&transport=websocket";
    for (const [address, options, url, namespace] of [
      [undefined, {}, `wss://tern.example.org/socket.io/?${query}`, "/"],
      ["", {}, `wss://tern.example.org/socket.io/?${query}`, "/"],
      ["/room", {}, `wss://tern.example.org/socket.io/?${query}`, "/room"],
      ["/комната?token=a%2Bb", {}, `wss://tern.example.org/socket.io/?token=a%2Bb&${query}`, "/комната"],
      ["http://there:8080", {}, `ws://there:8080/socket.io/?${query}`, "/"],
      ["http://there:8080/", { path: "/deep" }, `ws://there:8080/deep/?${query}`, "/"],
      ["there:8080/room?a=1", {}, `wss://there:8080/socket.io/?a=1&${query}`, "/room"],
      ["//there", { query: { b: "2" } }, `wss://there/socket.io/?b=2&${query}`, "/"],
      ["wss://there?a=1", { query: "b=2" }, `wss://there/socket.io/?b=2&${query}`, "/"],
      [{ path: "/own/", query: { c: 3 } }, undefined, `wss://tern.example.org/own/?c=3&${query}`, "/"],
    ]) {
      const { io, sockets } = load();
      const socket = io.connect(address, options);
      same([sockets[0].url, socket.nsp], [url, namespace]);
    }
  },

  a_namespace_is_entered_with_what_the_page_shows() {
    const asked = load();
    const socket = asked.io("/room", { auth: { token: "t" } });
    asked.sockets[0].say(OPEN);
    same(asked.sockets[0].sent, ['40/room,{"token":"t"}']);
    same([socket.connected, socket.disconnected, typeof socket.id], [false, true, "undefined"]);
    asked.sockets[0].say('40/room,{"sid":"me"}');
    same([socket.connected, socket.disconnected, socket.id], [true, false, "me"]);
    const late = load();
    let show;
    late.io({ auth: (send) => { show = send; } });
    late.sockets[0].say(OPEN);
    same(late.sockets[0].sent, []);
    show({ token: "late" });
    same(late.sockets[0].sent, ['40{"token":"late"}']);
  },

  events_wait_for_the_server_and_keep_their_order() {
    const { io, sockets } = load();
    const socket = io();
    socket.emit("create or join", "foo");
    sockets[0].say(OPEN);
    socket.send("got user media");
    const seen = record(socket, "connect");
    sockets[0].say('40{"sid":"me"}');
    same(sockets[0].sent, ["40", '42["create or join","foo"]', '42["message","got user media"]']);
    same(seen, [["connect"]]);
  },

  events_come_as_they_were_sent() {
    const { socket, server, reported } = connected();
    const seen = record(socket, "created", "message");
    server.say('42["created","foo","it"]', '42["message",{"sdp":"a\\r\\n🐦","_placeholder":true,"num":0}]');
    same(seen, [["created", "foo", "it"], ["message", { sdp: "a\r\n🐦", _placeholder: true, num: 0 }]]);
    socket.on("broken", () => { throw new Error("the page's"); });
    socket.on("broken", () => seen.push("others hear it"));
    server.say('42["broken"]');
    same([seen.at(-1), reported, socket.connected], ["others hear it", ["the page's"], true]);
  },

  acknowledgements_go_both_ways() {
    const { socket, server } = connected();
    const answers = [];
    socket.emit("ask", 1, (...answer) => answers.push(answer));
    socket.emit("ask", (...answer) => answers.push(answer));
    same(server.sent.splice(0), ['420["ask",1]', '421["ask"]']);
    server.say('431["b",2]', "430[]", '430["again"]');
    same(answers, [["b", 2], []]);
    socket.on("question", (word, answer) => { answer(word, 1); answer("twice"); });
    server.say('4217["question","what"]');
    same(server.sent, ['4317["what",1]']);
  },

  async promises_of_acknowledgements_fail_with_the_connection() {
    const { socket, server } = connected(QUICK);
    const first = socket.emitWithAck("ask");
    server.say('430["answer"]');
    same(await first, "answer");
    const second = socket.emitWithAck("ask");
    server.drop();
    await assert.rejects(second);
    socket.close();
  },

  bytes_travel_behind_the_text() {
    const { socket, server } = connected();
    const bytes = new Uint8Array([1, 2, 3, 4]);
    socket.emit("file", { deep: [bytes.subarray(1, 3)] }, bytes.buffer, () => {});
    const [text, ...attachments] = server.sent.splice(0);
    same(text, '452-0["file",{"deep":[{"_placeholder":true,"num":0}]},{"_placeholder":true,"num":1}]');
    same([[...attachments[0]], [...new Uint8Array(attachments[1])]], [[2, 3], [1, 2, 3, 4]]);
    const seen = [];
    socket.on("file", (name, first, { second }, answer) => {
      seen.push(name, ...new Uint8Array(first), ...new Uint8Array(second));
      answer(bytes);
    });
    server.say('452-9["file","n",{"_placeholder":true,"num":1},{"second":{"_placeholder":true,"num":0}}]');
    server.say(bytes.slice(0, 1).buffer, bytes.slice(2).buffer);
    same(seen, ["n", 3, 4, 1]);
    same(server.sent[0], '461-9[{"_placeholder":true,"num":0}]');
  },

  names_of_the_client_itself_are_neither_sent_nor_believed() {
    for (const name of ["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"]) {
      const { socket, server } = connected({ reconnection: false });
      assert.throws(() => socket.emit(name), /reserved/);
      const seen = record(socket, "disconnect");
      server.say(`42["${name}","a lie"]`);
      same([seen, server.isClosed, server.sent], [[["disconnect", "parse error"]], true, []]);
    }
  },

  what_cannot_be_read_ends_the_connection() {
    for (const message of ["4", "49", "42[", '42{"a":1}', "42", "47", "43", '451-["a",{}]', "0{", new ArrayBuffer(1)]) {
      const { socket, server } = connected({ reconnection: false });
      const seen = record(socket, "disconnect");
      server.say(message);
      if (String(message).startsWith("451-")) server.say('42["text where an attachment was due"]');
      same(seen, [["disconnect", "parse error"]]);
    }
  },

  pings_are_answered_and_silence_is_the_end: async () => {
    const { io, sockets } = load();
    const socket = io({ reconnection: false });
    const seen = record(socket, "disconnect");
    sockets[0].say('0{"sid":"e","pingInterval":20,"pingTimeout":20}', '40{"sid":"me"}', "2");
    same(sockets[0].sent, ["40", "3"]);
    await until(() => seen.length > 0);
    same([seen, sockets[0].isClosed], [[["disconnect", "ping timeout"]], true]);
  },

  a_lost_connection_comes_back: async () => {
    const { socket, server, sockets } = connected(QUICK);
    const seen = record(socket, "disconnect", "reconnect_attempt", "connect_error", "reconnect", "connect");
    const managed = record(socket.io, "reconnect_attempt", "reconnect_error", "reconnect");
    server.drop();
    same([seen, typeof socket.id], [[["disconnect", "transport close"]], "undefined"]);
    await until(() => sockets.length === 2);
    sockets[1].drop();
    await until(() => sockets.length === 3);
    socket.emit("meanwhile");
    sockets[2].say(OPEN, '40{"sid":"anew"}');
    same(sockets[2].sent, ["40", '42["meanwhile"]']);
    same(seen.slice(1), [
      ["reconnect_attempt", 1], ["connect_error", "websocket error"], ["reconnect_attempt", 2], ["reconnect", 2],
      ["connect"],
    ]);
    same(managed.map(([event]) => event), ["reconnect_attempt", "reconnect_error", "reconnect_attempt", "reconnect"]);
  },

  attempts_end: async () => {
    const { io, sockets } = load();
    const socket = io({ ...QUICK, reconnectionAttempts: 2 });
    const seen = record(socket, "reconnect_failed");
    for (let number = 0; number < 3; number++) {
      await until(() => sockets.length === number + 1);
      sockets[number].drop();
    }
    same([seen, socket.active], [[["reconnect_failed"]], false]);
    socket.connect();
    same(sockets.length, 4);
    socket.close();
  },

  who_is_put_out_or_refused_stays_away: async () => {
    const kicked = connected(QUICK);
    const refused = load();
    const outside = refused.io("/den", QUICK);
    const seen = [record(kicked.socket, "disconnect"), record(outside, "connect_error", "disconnect")];
    let data;
    outside.on("connect_error", (error) => { data = error.data; });
    kicked.server.say("41");
    refused.sockets[0].say(OPEN, '44/den,{"message":"forbidden","data":{"code":7}}');
    same(seen, [[["disconnect", "io server disconnect"]], [["connect_error", "forbidden"]]]);
    same(data, { code: 7 });
    await new Promise((done) => setTimeout(done, 20));
    same([refused.sockets.length, kicked.socket.active, outside.active], [1, false, false]);
  },

  a_page_goes_and_comes_as_it_likes() {
    const { socket, server, sockets } = connected();
    const seen = record(socket, "disconnect", "connect");
    socket.disconnect();
    same([server.sent, server.isClosed], [["41"], true]);
    same(seen, [["disconnect", "io client disconnect"]]);
    socket.open();
    sockets[1].say(OPEN, '40{"sid":"me"}');
    same(seen[1], ["connect"]);
    // What the old connection still says is nobody's business.
    server.onclose({});
    same(socket.connected, true);
  },

  listeners_are_removed_by_every_name() {
    const { socket, server } = connected();
    let count = 0;
    const listener = () => { count += 1; };
    socket.once("a", listener).once("b", listener).off("b", listener).on("c", listener).removeListener("c", listener);
    socket.on("d", listener).removeAllListeners("d").addEventListener("e", listener).on("f", listener);
    for (const name of "aabcde") server.say(`42["${name}"]`);
    same(count, 2);
    socket.off();
    server.say('42["f"]');
    same(count, 2);
  },

  before_the_server_gives_relays_connections_are_what_the_page_asks_for() {
    const { page } = load();
    const { RTCPeerConnection } = page;
    assert.equal(page.webkitRTCPeerConnection, RTCPeerConnection);
    assert.equal(RTCPeerConnection.name, page.Native.name);
    assert.equal(RTCPeerConnection.prototype, page.Native.prototype);
    assert.equal(RTCPeerConnection.generateCertificate(), "a certificate");
    assert.throws(() => RTCPeerConnection(), TypeError);
    assert.throws(() => new RTCPeerConnection({ isWrong: true }), /wrong/);
    class Derived extends RTCPeerConnection {}
    const configuration = { iceServers: 7 };
    for (const details of [[], [undefined], [null], [configuration], [configuration, "legacy", undefined]]) {
      const made = [new RTCPeerConnection(...details), new Derived(...details)];
      for (const each of made) {
        assert.equal(each.details.length, details.length);
        details.forEach((detail, index) => assert.equal(each.details[index], detail));
        assert(each instanceof RTCPeerConnection && each instanceof page.Native);
      }
      same([made[0] instanceof Derived, made[1] instanceof Derived], [false, true]);
      assert.equal(made[0].constructor, RTCPeerConnection);
      assert.equal(Object.getPrototypeOf(made[0]), page.Native.prototype);
    }
  },

  pages_without_a_constructor_or_with_a_locked_one_are_served_all_the_same() {
    const none = load({ globals: { RTCPeerConnection: undefined, webkitRTCPeerConnection: undefined } });
    same([typeof none.io, typeof none.page.RTCPeerConnection], ["function", "undefined"]);
    class Locked extends FakeConnection {}
    const locked = load({ globals: { RTCPeerConnection: Locked, webkitRTCPeerConnection: undefined }, isLocked: true });
    assert.equal(typeof locked.io, "function");
    assert.equal(locked.page.RTCPeerConnection, Locked);
    assert.equal(Locked.prototype.constructor, Locked);
  },

  connections_that_were_there_before_get_relays_too() {
    const { page, server } = connected();
    const give = (...names) => server.say(`42${JSON.stringify(["iceServers", names.map(relay)])}`);
    const { RTCPeerConnection } = page;
    const made = [
      new RTCPeerConnection(), new RTCPeerConnection({ iceServers: [STUN], extra: 1 }),
      new RTCPeerConnection({ iceServers: [TURN] }), new RTCPeerConnection(), new RTCPeerConnection(),
    ];
    // The page has got some of its own meanwhile.
    made[3].setConfiguration({ iceServers: [TURN] });
    made[4].close();
    const servers = () => made.map((each) => each.getConfiguration().iceServers);
    give("first");
    same(servers(), [[relay("first")], [STUN, relay("first")], [TURN], [TURN], []]);
    same(made[1].configuration.extra, 1);
    give("second");
    same(servers(), [[relay("second")], [STUN, relay("second")], [TURN], [TURN], []]);
    same(new RTCPeerConnection().configuration.iceServers, [relay("second")]);
  },

  pages_that_name_no_relay_get_that_of_the_server() {
    const { page, socket, server } = connected();
    const give = (...names) => server.say(`42${JSON.stringify(["iceServers", names.map(relay)])}`);
    const [stun, turn] = [STUN, TURN];
    const { RTCPeerConnection } = page;
    const seen = record(socket, "iceServers");
    give("first");
    same(seen[0][1][0].username, "first");
    const own = { iceServers: [turn], bundlePolicy: "max-bundle" };
    class Derived extends RTCPeerConnection {}
    const made = [
      new RTCPeerConnection(), new RTCPeerConnection(null), new Derived({ iceServers: [stun], extra: 1 }),
      new RTCPeerConnection(own), new RTCPeerConnection(),
    ];
    const servers = () => made.map((each) => each.configuration.iceServers);
    same(servers(), [[relay("first")], [relay("first")], [stun, relay("first")], [turn], [relay("first")]]);
    assert.equal(made[3].configuration, own);
    same([made[2] instanceof Derived, made[0] instanceof RTCPeerConnection], [true, true]);
    assert.equal(RTCPeerConnection.generateCertificate(), "a certificate");
    made[4].close();
    give("second", "third");
    const both = [relay("second"), relay("third")];
    same(servers(), [both, both, [stun, ...both], [turn], [relay("first")]]);
    same(made[2].configuration.extra, 1);
    assert.equal(page.RTCPeerConnection, RTCPeerConnection, "installed once");
  },
};

async function main() {
  const names = process.argv.slice(2);
  const chosen = Object.entries(cases).filter(([name]) => names.length === 0 || names.includes(name));
  const failures = [];
  for (const [name, run] of chosen) {
    try {
      await run();
    } catch (error) {
      failures.push(`${name}: ${error.stack}`);
    }
  }
  console.log(`socket.io.js: ${chosen.length} cases, ${failures.length} failed\n${failures.join("\n")}`);
  process.exit(failures.length > 0 || chosen.length === 0 ? 1 : 0);
}

main();
