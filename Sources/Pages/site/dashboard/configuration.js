/**
 * The options that were written, as the server goes by them. It says itself which values are secrets, and does not send
 * those.
 */
import { get } from "./api.js";
import { count, make, setText } from "./dom.js";
import { Table } from "./table.js";

const PAGE = 25;

export class Configuration {
  #table;
  #count;

  constructor(parent, countElement) {
    this.#count = countElement;
    this.#table = new Table(parent, [
      { name: "option", title: "Option", order: ({ name }) => name, text: ({ name }) => name },
      { name: "value", title: "Value", fill: fillValue },
      { name: "place", title: "From", order: ({ place }) => place, fill: fillPlace },
    ], {
      caption: "Options in force", id: ({ key }) => key, sorted: "option", page: PAGE,
      matches: ({ name, value, place }, words) => `${name} ${value ?? ""} ${place}`.toLowerCase().includes(words),
    });
  }

  /** Asks the server. One that does not tell is no error: everything else is still there. */
  async refresh() {
    let options = [];
    try {
      ({ options } = await get("/v1/configuration"));
      this.#table.emptyText = "Nothing is written: every option has its default.";
    } catch (error) {
      if (error.kind !== "other") throw error;
      this.#table.emptyText = error.status === 501 ? "This server does not tell its configuration." : error.message;
    }
    setText(this.#count, `${options.length ? `${count(options.length)} lines ` : ""}as loaded, without its secrets`);
    // An option may stand there many times.
    this.#table.show(options.map((option, index) => ({ ...option, key: `${index} ${option.name}` })));
  }

  search(words) {
    this.#table.search(words);
  }
}

/** The file without the folders before it. */
function fillPlace(cell, { place }) {
  setText(cell, place.replace(/^.*\//, ""));
  cell.title = place;
}

function fillValue(cell, { value }) {
  if (value === null) cell.replaceChildren(make("span", { className: "secret" }, "hidden"));
  else setText(cell, value);
}
