import { make } from "./common.js";

/** The messages of a call, and how many of them nobody has looked at. */
export class Chat {
  #log;
  #unread = 0;
  #onUnread;
  isVisible = false;

  constructor(log, onUnread) {
    this.#log = log;
    this.#onUnread = onUnread;
  }

  add(name, text, { isSelf = false } = {}) {
    const time = new Date().toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
    this.#append(make(
      "li", { className: isSelf ? "message own" : "message" },
      make("span", { className: "message-head" }, `${isSelf ? "You" : name} · ${time}`), make("p", {}, text),
    ));
    if (!isSelf && !this.isVisible) this.#onUnread(++this.#unread);
  }

  /** Something that happened, said by nobody. */
  note(text) {
    this.#append(make("li", { className: "message-note" }, text));
  }

  setVisible(isVisible) {
    this.isVisible = isVisible;
    if (!isVisible) return;
    this.#unread = 0;
    this.#onUnread(0);
    this.#log.scrollTop = this.#log.scrollHeight;
  }

  clear() {
    this.#log.replaceChildren();
    this.setVisible(false);
    this.#unread = 0;
    this.#onUnread(0);
  }

  #append(item) {
    this.#log.append(item);
    this.#log.scrollTop = this.#log.scrollHeight;
  }
}
