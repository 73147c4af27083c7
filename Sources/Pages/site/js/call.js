/**
 * The call page. What is about WebRTC is in tern.js; here it is put on the screen.
 *
 * Addresses: `call.html#room=NAME&token=TOKEN`, or `?room=NAME`; `?media=generated` or `?media=none` instead of the
 * camera, `?name=…`, `?relay` and `?join` to enter at once. `window.ternDemo` is for tests.
 */
import { connect } from "/tern.js";
import { Chat } from "./chat.js";
import { $, copy, duration, inWords, milliseconds, randomName, randomRoomName, setIcon } from "./common.js";
import { openMedia } from "./media.js";
import { People } from "./people.js";
import { ConnectionMeter } from "./stats.js";
import { Tiles } from "./tiles.js";

const SELF = "self";
const query = new URLSearchParams(location.search);
const tiles = new Tiles($("tiles"));
const people = new People($("people"));
const chat = new Chat($("chat-log"), showUnread);

let token;
let media = null;
let client = null;
let room = null;
let call = null;
let meters = new Map();
let renewals = 0;
let retryAt = 0;
let ticker = 0;
let isMuted = { audio: false, video: false };

globalThis.ternDemo = {
  get client() { return client; },
  get room() { return room; },
  get call() { return call; },
  get participants() { return [...(room?.participants.values() ?? [])]; },
  get renewals() { return renewals; },
  stats: () => [...meters].map(([id, meter]) => ({ id, name: nameOf(id), ...meter.latest })),
  join: () => join(),
};

// MARK: - Before the call

readAddress();
wire();
showPreview().then(() => query.has("join") && join());

function readAddress() {
  const fragment = new URLSearchParams(location.hash.slice(1));
  $("room").value = fragment.get("room") ?? query.get("room") ?? randomRoomName();
  $("name").value = query.get("name") ?? remembered("tern.name") ?? randomName();
  $("entry-relay").checked = query.has("relay");
  const kind = document.querySelector(`input[name="media"][value="${CSS.escape(query.get("media") ?? "camera")}"]`);
  if (kind) kind.checked = true;
  // A token in the address bar would be shared by accident. It stays for this tab, so that a reload keeps it.
  const key = `tern.token.${$("room").value}`;
  token = fragment.get("token") ?? remembered(key, sessionStorage) ?? undefined;
  if (fragment.has("token")) remember(key, token, sessionStorage);
  $("token").value = token ?? "";
  showAddress();
}

function showAddress() {
  const fragment = new URLSearchParams({ room: $("room").value });
  const search = new URLSearchParams(location.search);
  search.delete("room");
  history.replaceState(null, "", `${location.pathname}${search.size ? `?${search}` : ""}#${fragment}`);
}

function roomLink() {
  return `${location.origin}${location.pathname}#${new URLSearchParams({ room: room?.name ?? $("room").value })}`;
}

function remembered(key, storage = localStorage) {
  try {
    return storage.getItem(key);
  } catch {
    return null;
  }
}

function remember(key, value, storage = localStorage) {
  try {
    storage.setItem(key, value);
  } catch {
    // Without storage a reload asks again.
  }
}

async function showPreview() {
  const kind = document.querySelector('input[name="media"]:checked').value;
  media?.stop();
  const opened = await openMedia(kind, $("name").value);
  media = opened;
  $("preview").srcObject = opened.stream;
  $("preview").classList.toggle("mirrored", opened.kind === "camera");
  $("preview").hidden = !opened.stream?.getVideoTracks().length;
  const nothing = { none: "You will see and hear the others. They will not see or hear you." };
  $("preview-note").textContent = opened.problem ?? nothing[opened.kind] ?? "";
}

function showError(error) {
  $("entry-error-text").textContent = inWords(error);
  $("entry-error").hidden = false;
  $("replace").hidden = error.code !== "duplicate_join";
  if (["unauthorized", "token_expired", "forbidden"].includes(error.code)) $("token-details").open = true;
}

async function join({ replace } = {}) {
  const button = $("join");
  button.disabled = true;
  button.textContent = "Joining…";
  $("entry-error").hidden = true;
  remember("tern.name", $("name").value);
  token = $("token").value.trim() || undefined;
  try {
    client = await connect("/", { token, application: { name: "Tern's call page" } });
    client.on("state", showServer);
    room = await client.join($("room").value, { name: $("name").value, metadata: ownMetadata(), replace });
    enter();
  } catch (error) {
    client?.close();
    client = null;
    showError(error);
  } finally {
    button.disabled = false;
    button.textContent = "Join";
  }
}

// MARK: - The call

function ownMetadata() {
  const has = (kind) => (media?.stream?.getTracks() ?? []).some((track) => track.kind === kind);
  const sends = (kind) => has(kind) && !isMuted[kind];
  return { audio: sends("audio"), video: sends("video"), media: media?.kind };
}

function nameOf(id) {
  return room?.participants.get(id)?.name ?? "Somebody";
}

function enter() {
  showAddress();
  $("entry").hidden = true;
  $("stage").hidden = false;
  $("stage-room").textContent = room.name;
  document.title = `${room.name} · Tern`;
  $("relay").checked = $("entry-relay").checked;
  renewals = 0;
  showSelf();
  tiles.setStream(SELF, media.stream);
  for (const participant of room.participants.values()) showParticipant({ participant });
  countPeople();
  watchRoom();
  startCall();
  showServer({ state: client.state });
  ticker = setInterval(tick, 1000);
  tick();
  setPanel(matchMedia("(min-width: 64rem)").matches ? "people" : null);
  $("mute-audio").focus();
}

function watchRoom() {
  room.on("participant-joined", ({ participant }) => {
    showParticipant({ participant });
    announce(`${participant.name ?? "Somebody"} has joined.`);
  });
  room.on("participant-updated", showParticipant);
  room.on("participant-left", ({ participant, reason }) => {
    tiles.remove(participant.id);
    people.remove(participant.id);
    meters.delete(participant.id);
    countPeople();
    const ways = { timeout: "has lost the connection", kicked: "has been removed", replaced: "has changed windows" };
    const how = ways[reason] ?? "has left";
    announce(`${participant.name ?? "Somebody"} ${how}.`);
  });
  room.on("credentials", () => (renewals += 1));
  room.on("closed", ({ error }) => leave(error.code === "closed" ? null : error));
}

function startCall() {
  call = room.call({
    stream: media.stream ?? undefined,
    dataChannels: ["chat"],
    iceTransportPolicy: $("relay").checked ? "relay" : "all",
  });
  call.on("connection", ({ participant: { id } }) => meters.set(id, meters.get(id) ?? new ConnectionMeter()));
  call.on("stream", ({ participant, stream }) => tiles.setStream(participant.id, stream));
  call.on("state", ({ participant: { id }, connection }) => {
    showConnection(id, connection);
    sample(id, connection);
  });
  call.on("message", ({ participant, data }) => chat.add(participant.name ?? "Somebody", String(data)));
}

function showSelf() {
  const self = { name: $("name").value, isSelf: true, metadata: ownMetadata() };
  tiles.show(SELF, self);
  people.show(SELF, self);
}

function showParticipant({ participant }) {
  const { id, name = "Somebody", metadata } = participant;
  tiles.show(id, { name, metadata });
  people.show(id, { name, metadata });
  tiles.setConnection(id, connectionInWords(id, call?.connections.get(id)));
  countPeople();
}

function countPeople() {
  $("people-count").textContent = room.participants.size + 1;
  $("stage").classList.toggle("alone", room.participants.size === 0);
}

function showConnection(id, connection) {
  tiles.setConnection(id, connectionInWords(id, connection));
}

function connectionInWords(id, connection) {
  const route = meters.get(id)?.latest.route;
  switch (connection?.state) {
    case "connected":
      return route ? { badge: route.isRelayed ? "relayed" : "direct", kind: route.isRelayed ? "relayed" : "good" } : {};
    case "disconnected": return { badge: "interrupted", kind: "warn", note: "Looking for another path…" };
    case "failed": return { badge: "no path", kind: "bad", note: "No path found. Trying again…" };
    default: return { note: "Connecting…" };
  }
}

/** Once a second: statistics, countdowns. */
async function tick() {
  showCredentials();
  if (client?.state === "reconnecting") showBanner();
  for (const [id, connection] of call?.connections ?? []) await sample(id, connection);
  if (client?.state === "open") $("server-text").textContent = `Server ${milliseconds(client.roundTripMs)}`;
}

async function sample(id, connection) {
  const meter = meters.get(id);
  if (!meter) return;
  await meter.sample(connection);
  people.update(id, meter);
  showConnection(id, connection);
}

function showCredentials() {
  const credentials = room?.credentials;
  const hasRelay = credentials?.iceServers.some(({ username }) => username !== undefined);
  $("credentials-pill").hidden = !room;
  $("credentials-pill").classList.toggle("warn", !hasRelay);
  if (!hasRelay) {
    $("credentials-text").textContent = "No relay credentials";
    return;
  }
  const left = (credentials.expiresAt - Date.now()) / 1000;
  const times = renewals === 0 ? "" : ` · renewed ${renewals}×`;
  $("credentials-text").textContent = `Relay ${left > 0 ? duration(left) : "expired"}${times}`;
}

function showServer({ state, retryAt: at }) {
  retryAt = at ?? 0;
  const pill = $("server-pill");
  pill.classList.toggle("good", state === "open");
  pill.classList.toggle("warn", state !== "open");
  $("server-text").textContent = state === "open" ? "Connected" : "Reconnecting";
  $("banner").hidden = state !== "reconnecting";
  if (state === "reconnecting") showBanner();
}

function showBanner() {
  const seconds = Math.ceil((retryAt - Date.now()) / 1000);
  const next = seconds > 0 ? `Trying again in ${seconds} s.` : "Trying again…";
  const text = `The server is gone for now. Your call goes on, but nobody can join. ${next}`;
  if ($("banner-text").textContent !== text) $("banner-text").textContent = text;
}

async function leave(error = null) {
  if (!room) return;
  clearInterval(ticker);
  const leaving = client;
  [client, room, call] = [null, null, null];
  meters = new Map();
  leaving?.close();
  tiles.clear();
  people.clear();
  chat.clear();
  setPanel(null);
  $("stage").hidden = true;
  $("entry").hidden = false;
  document.title = "Call · Tern";
  if (error) showError(error);
  isMuted = { audio: false, video: false };
  for (const kind of ["audio", "video"]) showMuted(kind);
  for (const track of media?.stream?.getTracks() ?? []) track.enabled = true;
  $("join").focus();
}

// MARK: - Controls

function mute(kind) {
  isMuted[kind] = !isMuted[kind];
  for (const track of media?.stream?.getTracks() ?? []) {
    if (track.kind === kind) track.enabled = !isMuted[kind];
  }
  showMuted(kind);
  showSelf();
  room?.update(ownMetadata()).catch(() => {});
}

function showMuted(kind) {
  const button = $(`mute-${kind}`);
  const [on, off] = kind === "audio" ? ["Mute", "Unmute"] : ["Hide", "Show"];
  button.setAttribute("aria-pressed", isMuted[kind]);
  setIcon(button, `${kind === "audio" ? "mic" : "camera"}${isMuted[kind] ? "-off" : ""}`);
  button.querySelector("span").textContent = isMuted[kind] ? off : on;
}

/** @param {"people" | "chat" | null} tab */
function setPanel(tab) {
  $("stage").classList.toggle("with-panel", tab !== null);
  $("panel").hidden = tab === null;
  for (const name of ["people", "chat"]) {
    const isOpen = tab === name;
    $(`tab-${name}`).setAttribute("aria-selected", isOpen);
    $(`tab-${name}`).tabIndex = isOpen ? 0 : -1;
    $(`panel-${name}`).hidden = !isOpen;
    $(`show-${name}`).setAttribute("aria-expanded", isOpen);
  }
  chat.setVisible(tab === "chat");
}

function toggle(tab) {
  const isOpen = $(`show-${tab}`).getAttribute("aria-expanded") === "true";
  setPanel(isOpen ? null : tab);
  if (!isOpen && tab === "chat") $("chat-text").focus();
}

function showUnread(count) {
  $("unread").hidden = count === 0;
  $("unread").textContent = count || "";
}

function announce(text) {
  $("announcer").textContent = text;
  chat.note(text);
}

function say(event) {
  event.preventDefault();
  const text = $("chat-text").value.trim();
  if (!text) return;
  call?.send("chat", text);
  chat.add("", text, { isSelf: true });
  $("chat-text").value = "";
}

function wire() {
  $("entry-form").addEventListener("submit", (event) => {
    event.preventDefault();
    join();
  });
  for (const choice of document.querySelectorAll('input[name="media"]')) choice.addEventListener("change", showPreview);
  $("room").addEventListener("change", showAddress);
  $("dice").addEventListener("click", () => {
    $("room").value = randomRoomName();
    showAddress();
  });
  for (const id of ["entry-copy", "copy-link"]) $(id).addEventListener("click", () => copy(roomLink(), $(id)));
  $("mute-audio").addEventListener("click", () => mute("audio"));
  $("mute-video").addEventListener("click", () => mute("video"));
  $("show-people").addEventListener("click", () => toggle("people"));
  $("show-chat").addEventListener("click", () => toggle("chat"));
  for (const name of ["people", "chat"]) $(`tab-${name}`).addEventListener("click", () => setPanel(name));
  $("panel").querySelector("[role=tablist]").addEventListener("keydown", (event) => {
    if (!["ArrowLeft", "ArrowRight"].includes(event.key)) return;
    const other = $("panel-chat").hidden ? "chat" : "people";
    setPanel(other);
    $(`tab-${other}`).focus();
  });
  $("panel-close").addEventListener("click", () => setPanel(null));
  $("relay").addEventListener("change", () => call?.setTransportPolicy($("relay").checked ? "relay" : "all"));
  $("replace").addEventListener("click", () => join({ replace: true }));
  $("retry").addEventListener("click", () => client?.retryNow());
  $("chat-form").addEventListener("submit", say);
  $("leave").addEventListener("click", () => leave());
  // A closed tab gives its seat back at once, rather than after the time in which it might return.
  addEventListener("pagehide", () => client?.close());
}
