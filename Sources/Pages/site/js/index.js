import { $, duration, icon, make, randomRoomName, wireCopyButtons } from "./common.js";

const room = $("room");
room.value = randomRoomName();
room.addEventListener("input", fillInRoom);
for (const span of document.querySelectorAll("[data-origin]")) span.textContent = location.origin;
fillInRoom();
wireCopyButtons();
showStatus();

function fillInRoom() {
  for (const span of document.querySelectorAll("[data-room]")) span.textContent = room.value || "lobby";
}

async function showStatus() {
  try {
    const response = await fetch("/v1/status", { headers: { Accept: "application/json" } });
    if (!response.ok) throw new Error(`status ${response.status}`);
    fillIn(await response.json());
    setLine("good", "Running");
  } catch (error) {
    // A page that could be fetched says that the server is there; it just does not tell more.
    const isThere = error instanceof TypeError === false;
    setLine(isThere ? "good" : "bad", isThere ? "Running" : "Not reachable");
    note(isThere ? "This server does not publish its status." : "The server stopped answering. Reload to try again.");
  }
}

function setLine(kind, text) {
  $("status-line").classList.add(kind);
  $("status-text").textContent = text;
}

function note(text) {
  $("status-note").textContent = text;
  $("status-note").hidden = false;
}

function fillIn(status) {
  const urls = status.turn?.urls ?? [];
  const facts = [
    ["Version", status.version],
    ["Up for", status.uptime_s === undefined ? undefined : uptime(status.uptime_s)],
    ["Rooms", status.rooms],
    ["Participants", status.participants],
    ["Relay", urls.length > 0 ? transports(urls) : "off"],
    ["Guests", status.anonymous_rooms ? "welcome" : "by token"],
  ];
  for (const [term, value] of facts) {
    if (value === undefined) continue;
    $("status-list").append(make("div", {}, make("dt", {}, term), make("dd", {}, String(value))));
  }
  $("status-list").hidden = false;
  for (const url of urls) {
    $("status-urls").append(make("li", {}, icon("relay"), make("code", {}, url)));
  }
  $("status-urls").hidden = urls.length === 0;
  if (status.version) $("version").textContent = ` Version ${status.version}.`;
  if (status.anonymous_rooms === false) {
    note("Rooms are entered with a token, which your application mints for those who may come in.");
  }
  fillInAddress(urls[0]);
}

function uptime(seconds) {
  if (seconds < 60) return `${Math.round(seconds)} s`;
  return seconds < 3600 ? `${Math.floor(seconds / 60)} min` : duration(seconds);
}

function transports(urls) {
  const names = urls.map((url) => (url.startsWith("turns:") ? "TLS" : url.includes("transport=tcp") ? "TCP" : "UDP"));
  return [...new Set(names)].join(", ");
}

function fillInAddress(url = "") {
  const match = /^turns?:(\[[^\]]+\]|[^:?]+)(?::(\d+))?/.exec(url);
  const host = (match?.[1] ?? location.hostname).replace(/[[\]]/g, "");
  for (const span of document.querySelectorAll("[data-turn-host]")) span.textContent = host;
  for (const span of document.querySelectorAll("[data-turn-port]")) span.textContent = match?.[2] ?? "3478";
}
