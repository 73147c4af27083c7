/**
 * Lines, or areas on top of each other, over the last minutes. Drawn as SVG; read by pointer, by keys, and as words.
 */
import { make, makeSVG, setText, short, span } from "./dom.js";

/** The time that is shown grows with what there is to show. */
const WINDOWS_MS = [60_000, 120_000, 300_000, 600_000];
const MARGIN = { top: 10, right: 10, bottom: 24, left: 52 };
const TICKS = 4;

/**
 * @typedef {object} Series
 * @property {string} key Its name in the values of a point.
 * @property {string} label
 * @property {string} color A class of the style sheet.
 */
export class Chart {
  #figure;
  #options;
  #points = [];
  #selected = null;
  #legend = [];
  #svg = makeSVG("svg", { "aria-hidden": "true" });
  #tip = make("div", { className: "tip", hidden: true });
  #plot;
  #scale = null;
  #spoken;

  /**
   * @param {HTMLElement} figure
   * @param {{title: string, series: Series[], format: (value: number) => string, least: number,
   *   isStacked?: boolean}} options `least` is what the axis shows at least.
   * @param {(text: string) => void} say Speaks to who cannot see.
   */
  constructor(figure, options, say) {
    this.#figure = figure;
    this.#options = options;
    this.#spoken = say;
    const legend = make("figcaption", { className: "legend" });
    for (const { label, color } of options.series) {
      const value = make("b", {}, "–");
      legend.append(make("span", {}, make("i", { className: `key ${color}` }), `${label} `, value));
      this.#legend.push(value);
    }
    this.#plot = make("div", { className: "plot", tabIndex: 0, role: "img" }, this.#svg, this.#tip);
    figure.append(legend, this.#plot);
    this.#plot.addEventListener("pointermove", (event) => this.#select(this.#nearest(event)));
    this.#plot.addEventListener("pointerleave", () => this.#select(null));
    this.#plot.addEventListener("blur", () => this.#select(null));
    this.#plot.addEventListener("keydown", (event) => this.#step(event));
    new ResizeObserver(() => this.#draw()).observe(this.#plot);
  }

  /** @param {{at: number, values: object | null}[]} points Oldest first. */
  show(points) {
    this.#points = points;
    if (this.#selected && !points.includes(this.#selected)) this.#selected = null;
    const latest = points.at(-1)?.values ?? {};
    const { series, format, title } = this.#options;
    series.forEach(({ key }, index) => setText(this.#legend[index], format(latest[key])));
    const words = series.map(({ key, label }) => {
      const most = Math.max(0, ...points.map(({ values }) => values?.[key] ?? 0));
      return `${label}: ${format(latest[key])} now, ${format(most)} at most.`;
    });
    const time = `${title}, the last ${span(this.#window / 1000)}.`;
    this.#plot.setAttribute("aria-label", `${time} ${words.join(" ")} Left and right arrow keys read values.`);
    this.#draw();
  }

  get #window() {
    const age = this.#points.length ? this.#points.at(-1).at - this.#points[0].at : 0;
    return WINDOWS_MS.find((length) => age <= length) ?? WINDOWS_MS.at(-1);
  }

  // MARK: - Drawing

  #draw() {
    const { clientWidth: width, clientHeight: height } = this.#plot;
    if (width === 0) return;
    const [right, bottom] = [width - MARGIN.right, height - MARGIN.bottom];
    const end = this.#points.at(-1)?.at ?? 0;
    const top = this.#top();
    const scale = {
      x: (at) => right - ((end - at) / this.#window) * (right - MARGIN.left),
      y: (value) => bottom - (value / top) * (bottom - MARGIN.top),
      bottom, right,
    };
    this.#scale = scale;
    this.#svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.#svg.replaceChildren(...this.#axes(scale, top), ...this.#shapes(scale), ground(scale), ...this.#cursor(scale));
  }

  /** The highest value of the axis: a round number above all that is shown. */
  #top() {
    const { series, isStacked, least } = this.#options;
    const highest = Math.max(least, ...this.#points.map(({ values }) => {
      const all = series.map(({ key }) => values?.[key] ?? 0);
      return isStacked ? all.reduce((sum, value) => sum + value, 0) : Math.max(...all);
    }));
    const step = roundStep((highest * 1.04) / TICKS);
    return Math.ceil((highest * 1.04) / step) * step;
  }

  #axes({ x, y, right, bottom }, top) {
    const step = roundStep(top / TICKS);
    const parts = [];
    for (let value = 0; value <= top * 1.001; value += step) {
      const line = Math.round(y(value)) + 0.5;
      if (value > 0) parts.push(makeSVG("path", { class: "grid", d: `M${MARGIN.left} ${line}H${right}` }));
      // Round numbers need no digits behind the point: `5 M`.
      const label = short(value).replace(/\.(\d*?)0+(?= |$)/, (_, kept) => (kept ? `.${kept}` : ""));
      parts.push(makeSVG("text", { x: MARGIN.left - 8, y: line + 4, class: "tick end" }, label));
    }
    const end = this.#points.at(-1)?.at ?? 0;
    for (const share of [1, 0.5, 0]) {
      const anchor = share === 1 ? "start" : share === 0 ? "end" : "middle";
      const label = share === 0 ? "now" : `${span((this.#window * share) / 1000)} ago`;
      parts.push(makeSVG("text", { x: x(end - this.#window * share), y: bottom + 17, class: `tick ${anchor}` }, label));
    }
    return parts;
  }

  #shapes(scale) {
    const parts = [];
    const { series, isStacked } = this.#options;
    series.forEach(({ key, color }, index) => {
      const below = (values) => (isStacked ? series.slice(0, index) : [])
        .reduce((sum, each) => sum + (values[each.key] ?? 0), 0);
      for (const run of this.#runs(key)) {
        const upper = run.map(({ at, values }) => [scale.x(at), scale.y(below(values) + values[key])]);
        const lower = run.map(({ at, values }) => [scale.x(at), scale.y(below(values))]).reverse();
        const isEmpty = isStacked && run.every(({ values }) => values[key] === 0);
        if (isEmpty) continue;
        // Two areas of which one is behind the other would have a third colour.
        const kind = isStacked ? "layer" : index === 0 ? "area" : null;
        if (kind) parts.push(makeSVG("path", { class: `${kind} ${color}`, d: `${path([...upper, ...lower])}Z` }));
        if (!isStacked) parts.push(makeSVG("path", { class: `line ${color}`, d: path(upper) }));
      }
    });
    return parts;
  }

  /** The stretches in which a series has values. A single value is drawn as a short line. */
  #runs(key) {
    const runs = [[]];
    for (const point of this.#points) {
      if (point.values?.[key] === undefined) runs.push([]);
      else runs.at(-1).push(point);
    }
    return runs.filter(({ length }) => length > 0)
      .map((run) => (run.length === 1 ? [{ ...run[0], at: run[0].at - 400 }, run[0]] : run));
  }

  #cursor({ x, y, bottom, right }) {
    const point = this.#selected ?? this.#points.at(-1);
    if (!point?.values) return [];
    const { series, isStacked } = this.#options;
    const dots = [];
    let sum = 0;
    for (const { key, color } of series) {
      const value = point.values[key];
      if (value === undefined) continue;
      sum += value;
      if (isStacked && value === 0) continue;
      const place = { cx: x(point.at), cy: y(isStacked ? sum : value) };
      dots.push(makeSVG("circle", { class: `dot-mark ${color}`, r: 4, ...place }));
    }
    this.#placeTip(point, x(point.at), right);
    if (!this.#selected) return isStacked ? [] : dots;
    return [makeSVG("path", { class: "cursor", d: `M${x(point.at)} ${MARGIN.top}V${bottom}` }), ...dots];
  }

  // MARK: - Reading

  #placeTip(point, x, right) {
    this.#tip.hidden = !this.#selected;
    if (this.#tip.hidden) return;
    const { series, format, isStacked } = this.#options;
    const rows = (isStacked ? [...series].reverse() : series).map(({ key, label, color }) => make(
      "span", {}, make("i", { className: `key ${color}` }), label, make("b", {}, format(point.values[key]))));
    this.#tip.replaceChildren(make("em", {}, this.#when(point)), ...rows);
    const isLeft = x > (MARGIN.left + right) / 2;
    this.#tip.style.left = isLeft ? "" : `${x + 14}px`;
    this.#tip.style.right = isLeft ? `${this.#plot.clientWidth - x + 14}px` : "";
  }

  #when(point) {
    const seconds = Math.round((this.#points.at(-1).at - point.at) / 1000);
    const time = new Date(Date.now() - (performance.now() - point.at));
    return `${time.toLocaleTimeString([], { hourCycle: "h23" })}${seconds > 0 ? ` · ${span(seconds)} ago` : ""}`;
  }

  #nearest({ clientX }) {
    if (!this.#scale) return null;
    const x = clientX - this.#plot.getBoundingClientRect().left;
    const distance = (point) => Math.abs(this.#scale.x(point.at) - x);
    const known = this.#known;
    return known.reduce((best, point) => (best && distance(best) <= distance(point) ? best : point), null);
  }

  /** The points that have something to read. */
  get #known() {
    return this.#points.filter(({ values }) => this.#options.series.some(({ key }) => values?.[key] !== undefined));
  }

  #select(point) {
    if (point === this.#selected) return;
    this.#selected = point;
    if (!point) this.#tip.hidden = true;
    this.#draw();
  }

  #step(event) {
    const known = this.#known;
    const steps = { ArrowLeft: -1, ArrowRight: 1, Home: -known.length, End: known.length };
    if (event.key === "Escape") this.#select(null);
    if (!(event.key in steps) || known.length === 0) return;
    event.preventDefault();
    const from = this.#selected ? known.indexOf(this.#selected) : known.length;
    const point = known[Math.min(Math.max(from + steps[event.key], 0), known.length - 1)];
    this.#select(point);
    const { series, format } = this.#options;
    const words = series.map(({ key, label }) => `${label} ${format(point.values[key])}`);
    this.#spoken(`${this.#when(point)}. ${words.join(", ")}.`);
  }
}

const ground = ({ bottom, right }) => makeSVG("path", {
  class: "axis", d: `M${MARGIN.left} ${Math.round(bottom) + 0.5}H${right}`,
});

const path = (points) => points.map(([x, y], index) => `${index ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join("");

/** The next of 1, 2, 5, 10, 20, 50, … */
function roundStep(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((digit) => digit * power).find((step) => step >= value * 0.999);
}
