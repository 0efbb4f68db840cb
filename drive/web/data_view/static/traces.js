// One panel of traces: lines over the frames of an episode, bands behind them, and a cursor.

import { surface } from "../shared/surface.js";

const LEFT = 40;
const RIGHT = 8;

/** A range of round numbers around the values, and where its grid lines are. */
export function scaleOf(series) {
  let low = Infinity;
  let high = -Infinity;
  for (const { values } of series) {
    for (const value of values) {
      if (value < low) low = value;
      if (value > high) high = value;
    }
  }
  if (low > high) [low, high] = [-1, 1];
  if (high - low < 0.02) [low, high] = [low - 0.05, high + 0.05];
  const rough = (high - low) / 3;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((factor) => factor * power >= rough);
  low = Math.floor(low / step) * step;
  high = Math.ceil(high / step) * step;
  const lines = [];
  for (let value = low; value <= high + step / 2; value += step) lines.push(Math.abs(value) < step / 1e6 ? 0 : value);
  return { low, high, lines, digits: Math.max(0, -Math.floor(Math.log10(step) + 1e-9)) };
}

export class Traces {
  /** `seek(frame)` is called when somebody points into the panel. */
  constructor(root, panel, seek) {
    this.panel = panel;
    this.length = panel.series[0].values.length;
    this.scale = scaleOf(panel.series);
    this.cursor = 0;
    this.bands = [];
    const section = document.createElement("div");
    section.className = "panel";
    const header = document.createElement("header");
    const title = document.createElement("h3");
    title.textContent = `${panel.title} (${panel.unit})`;
    header.append(title);
    this.values = panel.series.map(({ name }, i) => {
      const item = document.createElement("span");
      const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
      svg.setAttribute("viewBox", "0 0 18 10");
      svg.setAttribute("width", "18");
      svg.setAttribute("height", "10");
      svg.setAttribute("aria-hidden", "true");
      const line = document.createElementNS("http://www.w3.org/2000/svg", "path");
      line.setAttribute("d", "M0 5H18");
      line.setAttribute("class", `shadow-line shadow-${i}`);
      svg.append(line);
      const value = document.createElement("span");
      value.className = "value";
      item.append(svg, ` ${name} `, value);
      header.append(item);
      return value;
    });
    const canvas = document.createElement("canvas");
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", `${panel.title} over time: ${panel.series.map(({ name }) => name).join(", ")}`);
    section.append(header, canvas);
    root.append(section);
    this.surface = surface(canvas, () => this.draw());
    const point = (event) => {
      if (event.buttons === 0) return;
      const box = canvas.getBoundingClientRect();
      const share = (event.clientX - box.left - LEFT) / (box.width - LEFT - RIGHT);
      seek(Math.round(share * (this.length - 1)));
    };
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      point(event);
    });
    canvas.addEventListener("pointermove", point);
  }

  /** Move the cursor; `bands`: [[kind, first, after], ...] behind the lines. */
  show(cursor, bands) {
    this.cursor = cursor;
    this.bands = bands;
    this.panel.series.forEach(({ values }, i) => {
      this.values[i].textContent = values[cursor].toFixed(Math.max(2, this.scale.digits));
    });
    this.draw();
  }

  draw() {
    if (!this.surface) return;
    const { context, width, height, colors } = this.surface;
    const top = 6;
    const bottom = height - 6;
    const { low, high, lines, digits } = this.scale;
    const x = (frame) => LEFT + (frame / Math.max(1, this.length - 1)) * (width - LEFT - RIGHT);
    const y = (value) => bottom - ((value - low) / (high - low)) * (bottom - top);
    context.clearRect(0, 0, width, height);
    for (const [kind, first, after] of this.bands) this.#band(context, kind, x(first), x(after), top, bottom, colors);
    context.font = "11px system-ui, sans-serif";
    context.textAlign = "right";
    context.textBaseline = "middle";
    context.lineWidth = 1;
    for (const value of lines) {
      context.strokeStyle = value === 0 ? colors.soft : colors.line;
      context.beginPath();
      context.moveTo(LEFT, y(value));
      context.lineTo(width - RIGHT, y(value));
      context.stroke();
      context.fillStyle = colors.soft;
      context.fillText(value.toFixed(digits), LEFT - 5, y(value));
    }
    this.panel.series.forEach(({ values }, i) => {
      context.strokeStyle = colors.shadows[i % 4];
      context.lineWidth = 1.5;
      context.beginPath();
      values.forEach((value, frame) => (frame ? context.lineTo(x(frame), y(value)) : context.moveTo(x(frame), y(value))));
      context.stroke();
    });
    context.strokeStyle = colors.ink;
    context.lineWidth = 1.5;
    context.beginPath();
    context.moveTo(x(this.cursor), 0);
    context.lineTo(x(this.cursor), height);
    context.stroke();
  }

  #band(context, kind, left, right, top, bottom, colors) {
    context.save();
    context.beginPath();
    if (kind === "mark" || kind === "intervention") {
      const at = kind === "mark" ? 0 : bottom + 1;
      context.fillStyle = kind === "mark" ? colors.shadows[2] : colors.shadows[1];
      context.fillRect(left, at, Math.max(1, right - left), 5);
    } else if (kind === "range") {
      context.globalAlpha = 0.2;
      context.fillStyle = colors.accent;
      context.fillRect(left, top, right - left, bottom - top);
    } else {
      context.rect(left, top, right - left, bottom - top);
      context.clip();
      context.strokeStyle = colors.bad;
      context.globalAlpha = 0.6;
      context.lineWidth = 1;
      context.beginPath();
      for (let at = left - (bottom - top); at < right; at += 7) {
        context.moveTo(at, bottom);
        context.lineTo(at + bottom - top, top);
      }
      context.stroke();
    }
    context.restore();
  }
}
