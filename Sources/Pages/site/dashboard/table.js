/**
 * A table that is filled again and again: sorted, searched, a few rows at first. Rows keep their elements, so that the
 * focus stays; and nothing moves below the pointer, so that nobody ends the wrong session.
 */
import { make, setText } from "./dom.js";

/**
 * @typedef {object} Column
 * @property {string} title
 * @property {string} name Its class.
 * @property {boolean} [isNumber] Whether it stands at the right.
 * @property {(item: object) => string} [text] What stands there; or `fill`, which says it to the cell.
 * @property {(cell: HTMLElement, item: object) => void} [fill]
 * @property {(item: object) => number | string} [order] What it is sorted by, if it can be; numbers: greatest first.
 */
export class Table {
  #columns;
  #options;
  #rows = new Map();
  #items = [];
  #sorted;
  #isReversed = false;
  #shown;
  #body = make("tbody", { role: "rowgroup" });
  #empty = make("p", { className: "empty" });
  #more = make("button", { type: "button", className: "quiet more", hidden: true });
  #buttons = new Map();
  #choice = make("select", {});

  /**
   * @param {HTMLElement} parent
   * @param {Column[]} columns
   * @param {{caption: string, id: (item: object) => string, sorted: string, page: number, matches: (item: object,
   *   words: string) => boolean}} options `sorted` names the column to begin with; `page` says how many rows there are
   *   before one asks for more.
   */
  constructor(parent, columns, options) {
    [this.#columns, this.#options, this.#shown] = [columns, options, options.page];
    this.#sorted = columns.find(({ name }) => name === options.sorted);
    const head = make("tr", { role: "row" }, ...columns.map((column) => this.#heading(column)));
    const caption = make("caption", { className: "visually-hidden" }, options.caption);
    const table = make(
      "table", { className: "table", role: "table" }, caption, make("thead", { role: "rowgroup" }, head), this.#body);
    this.#more.addEventListener("click", () => {
      this.#shown += options.page;
      this.#draw();
    });
    for (const event of ["pointerleave", "focusout"]) {
      this.#body.addEventListener(event, () => setTimeout(() => this.#draw()));
    }
    parent.append(this.#makeChoice(), table, this.#empty, this.#more);
    this.#markSorted();
  }

  /** What is searched for. */
  words = "";

  /** What is said instead of an empty table. */
  emptyText = "";

  show(items) {
    this.#items = items;
    this.#draw();
  }

  search(words) {
    this.words = words.trim().toLowerCase();
    this.#shown = this.#options.page;
    this.#draw({ isForced: true });
  }

  #heading(column) {
    const cell = make("th", { className: classOf(column), scope: "col", role: "columnheader" });
    if (!column.order) {
      cell.append(make("span", { className: column.title ? "" : "visually-hidden" }, column.title || "Actions"));
      return cell;
    }
    const button = make("button", { type: "button" }, column.title);
    button.addEventListener("click", () => this.#sort(column, this.#sorted === column && !this.#isReversed));
    this.#buttons.set(column, cell);
    cell.append(button);
    return cell;
  }

  /** On a phone the headings are not there. */
  #makeChoice() {
    for (const { name, title, order } of this.#columns) {
      if (order) this.#choice.append(make("option", { value: name }, title));
    }
    this.#choice.addEventListener("change", () => {
      this.#sort(this.#columns.find(({ name }) => name === this.#choice.value), false);
    });
    return make("label", { className: "sort-choice" }, "Sorted by ", this.#choice);
  }

  #sort(column, isReversed) {
    [this.#sorted, this.#isReversed] = [column, isReversed];
    this.#markSorted();
    this.#draw({ isForced: true });
  }

  #markSorted() {
    this.#choice.value = this.#sorted.name;
    for (const [column, cell] of this.#buttons) {
      if (column !== this.#sorted) cell.removeAttribute("aria-sort");
      else cell.setAttribute("aria-sort", this.#isDescending ? "descending" : "ascending");
    }
  }

  get #isDescending() {
    const isNumber = this.#items.length > 0 ? typeof this.#sorted.order(this.#items[0]) === "number" : true;
    return isNumber !== this.#isReversed;
  }

  #inOrder(items) {
    const { order } = this.#sorted;
    const sign = this.#isDescending ? -1 : 1;
    const compare = (a, b) => (typeof a === "number" ? a - b : a.localeCompare(b, "en", { numeric: true }));
    return [...items].sort((a, b) => sign * compare(order(a), order(b)));
  }

  #draw({ isForced = false } = {}) {
    const { id, matches } = this.#options;
    const found = this.words ? this.#items.filter((item) => matches(item, this.words)) : this.#items;
    const byID = new Map(found.map((item) => [id(item), item]));
    const isHeld = !isForced && (this.#body.matches(":hover") || this.#body.contains(document.activeElement));
    const order = isHeld ? this.#heldOrder(byID) : this.#inOrder(found).slice(0, this.#shown).map(id);
    const focused = document.activeElement;
    this.#place(order);
    for (const key of order) this.#fill(key, byID.get(key));
    if (focused !== document.activeElement && this.#body.contains(focused)) focused.focus();
    this.#markSorted();
    this.#more.hidden = found.length <= this.#shown;
    setText(this.#more, `Show ${Math.min(this.#options.page, found.length - this.#shown)} more`);
    this.#empty.hidden = found.length > 0;
    setText(this.#empty, this.words && this.#items.length > 0 ? "Nothing here is like that." : this.emptyText);
    this.#body.parentElement.hidden = order.length === 0;
  }

  /** The rows that stand there, those that are gone included, and behind them who is new. */
  #heldOrder(byID) {
    const standing = [...this.#rows.keys()];
    const room = Math.max(0, this.#shown - standing.length);
    return [...standing, ...[...byID.keys()].filter((key) => !this.#rows.has(key)).slice(0, room)];
  }

  #place(order) {
    const wanted = new Set(order);
    for (const [key, row] of this.#rows) {
      if (wanted.has(key)) continue;
      row.element.remove();
      this.#rows.delete(key);
    }
    const rows = new Map(order.map((key) => [key, this.#rows.get(key) ?? this.#makeRow()]));
    this.#rows = rows;
    let next = this.#body.firstElementChild;
    for (const { element } of rows.values()) {
      if (element === next) next = next.nextElementSibling;
      else this.#body.insertBefore(element, next);
    }
  }

  #makeRow() {
    const cells = this.#columns.map((column) => make("td", { className: classOf(column), role: "cell" }));
    return { element: make("tr", { role: "row" }, ...cells), cells };
  }

  #fill(key, item) {
    const { element, cells } = this.#rows.get(key);
    element.classList.toggle("gone", item === undefined);
    for (const button of element.querySelectorAll("button")) button.disabled = item === undefined;
    if (!item) return;
    element.dataset.id = key;
    this.#columns.forEach(({ text, fill }, index) => {
      if (fill) fill(cells[index], item);
      else setText(cells[index], text(item));
    });
  }
}

const classOf = ({ name, isNumber }) => (isNumber ? `${name} number` : name);
