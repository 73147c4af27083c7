import { icon, make, setIcon } from "./common.js";
import { hueOf } from "./media.js";

/** The pictures of everybody in the call, oneself first. */
export class Tiles {
  #container;
  #tiles = new Map();

  constructor(container) {
    this.#container = container;
  }

  /** Adds or changes somebody's tile. */
  show(id, { name, isSelf = false, metadata }) {
    const tile = this.#tiles.get(id) ?? this.#add(id, isSelf);
    tile.name.textContent = isSelf ? `${name} (you)` : name;
    tile.initial.textContent = [...name][0]?.toUpperCase() ?? "?";
    tile.element.style.setProperty("--hue", hueOf(name));
    tile.element.classList.toggle("without-video", metadata?.video === false);
    tile.element.classList.toggle("mirrored", isSelf && metadata?.media === "camera");
    tile.muted.hidden = metadata?.audio !== false;
    tile.isMuted.textContent = metadata?.audio === false ? "muted" : "";
  }

  setStream(id, stream) {
    const tile = this.#tiles.get(id);
    if (!tile) return;
    tile.video.srcObject = stream;
    tile.element.classList.toggle("has-stream", stream !== null && stream.getVideoTracks().length > 0);
    this.#play(tile);
  }

  /** How somebody is connected: `"direct"`, `"relayed"`, or a state in words. */
  setConnection(id, { badge, kind, note }) {
    const tile = this.#tiles.get(id);
    if (!tile) return;
    tile.badge.hidden = badge === undefined;
    tile.badge.className = `pill badge ${kind ?? ""}`;
    tile.badgeText.textContent = badge ?? "";
    setIcon(tile.badge, badge === "relayed" ? "relay" : "direct");
    tile.note.textContent = note ?? "";
  }

  remove(id) {
    this.#tiles.get(id)?.element.remove();
    this.#tiles.delete(id);
    this.#count();
  }

  clear() {
    for (const id of [...this.#tiles.keys()]) this.remove(id);
  }

  #add(id, isSelf) {
    const video = make("video", { autoplay: true, playsInline: true, muted: isSelf });
    const [name, initial] = [make("span", { className: "tile-name" }), make("span")];
    const note = make("p", { className: "tile-note" });
    const [badgeText, isMuted] = [make("span"), make("span", { className: "visually-hidden" })];
    const badge = make("p", { hidden: true }, icon("direct"), badgeText);
    const muted = make("span", { className: "tile-muted", hidden: true }, icon("mic-off"));
    const hear = make("button", { className: "primary tile-hear", hidden: true, textContent: "Play sound" });
    const element = make(
      "article", { className: "tile" },
      make("div", { className: "tile-initial", ariaHidden: "true" }, initial), video, note, badge,
      make("p", { className: "tile-label" }, muted, name, isMuted), hear,
    );
    const tile = { element, video, name, initial, note, badge, badgeText, muted, isMuted, hear };
    hear.addEventListener("click", () => {
      video.muted = false;
      hear.hidden = true;
      this.#play(tile);
    });
    this.#tiles.set(id, tile);
    this.#container.append(element);
    this.#count();
    return tile;
  }

  #count() {
    this.#container.dataset.count = Math.min(9, this.#tiles.size);
  }

  async #play({ video, hear }) {
    try {
      if (video.srcObject) await video.play();
    } catch (error) {
      if (error.name !== "NotAllowedError") return;
      // Browsers play sound only after a click. The picture may begin without.
      video.muted = true;
      hear.hidden = false;
      video.play().catch(() => {});
    }
  }
}
