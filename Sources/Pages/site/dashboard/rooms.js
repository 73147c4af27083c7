/** The rooms, the fullest first, each with a button that closes it. */
import { get, remove } from "./api.js";
import { confirm, toast } from "./dialog.js";
import { count, make, setText } from "./dom.js";
import { Table } from "./table.js";

const PAGE = 8;

export class Rooms {
  #table;
  #count;
  #onClosed;

  constructor(parent, countElement, onClosed) {
    this.#count = countElement;
    this.#onClosed = onClosed;
    this.#table = new Table(parent, [
      { name: "room", title: "Room", order: ({ room }) => room, fill: fillName },
      { name: "people", title: "People", order: ({ participants }) => participants, fill: fillPeople },
      { name: "act", title: "", fill: (cell, room) => this.#fillAction(cell, room) },
    ], {
      caption: "Rooms", id: ({ room }) => room, sorted: "people", page: PAGE,
      matches: ({ room }, words) => room.toLowerCase().includes(words),
    });
    this.#table.emptyText = "Nobody is in a room.";
  }

  async refresh() {
    const answer = await get("/v1/rooms");
    const { rooms } = answer;
    const some = answer.count > rooms.length ? `${count(rooms.length)} of ${count(answer.count)}` : count(answer.count);
    setText(this.#count, answer.count === 0 ? "" : some);
    this.#table.show(rooms);
  }

  search(words) {
    this.#table.search(words);
  }

  #fillAction(cell, room) {
    if (!cell.firstChild) {
      const button = make("button", { type: "button", className: "small" }, "Close");
      button.addEventListener("click", () => this.#close(cell.room));
      cell.append(button);
    }
    cell.room = room;
    cell.firstChild.setAttribute("aria-label", `Close the room ${room.room}`);
  }

  async #close({ room, participants }) {
    const people = participants === 1 ? "One participant is put out, and loses"
      : `${count(participants)} participants are put out, and lose`;
    const isSure = await confirm({
      title: `Close the room ${room}?`, ok: "Close it", isDangerous: true,
      body: [make("p", {}, `${people} the relay within a second.`)],
    });
    if (!isSure) return;
    try {
      await remove(`/v1/rooms/${encodeURIComponent(room)}`);
      toast(`The room ${room} is closed.`);
    } catch (error) {
      if (error.status === 404) toast("Everybody had left already.");
      else toast(error.message, "bad");
    }
    this.#onClosed();
  }
}

function fillName(cell, { room }) {
  setText(cell, room);
  cell.title = room;
}

function fillPeople(cell, { participants, capacity }) {
  if (!cell.firstChild) {
    cell.append(make("span", { className: "amount" }), make("span", { className: "fill" }, make("i")));
  }
  setText(cell.firstChild, `${count(participants)} of ${count(capacity)}`);
  const share = Math.min(1, participants / Math.max(1, capacity));
  cell.lastChild.firstChild.style.width = `${share * 100}%`;
  cell.lastChild.classList.toggle("full", participants >= capacity);
}
