// How far each shadow's steering lies from what is driven, over the last seconds.

import { surface } from "./surface.js";

const SPAN_S = 20;

export class Plot {
  constructor(canvas) {
    this.points = []; // [time, driven, [[name, steering or null], ...]]
    this.surface = surface(canvas, () => this.draw());
  }

  /** Forget what was shown: another drive begins. */
  clear() {
    this.points = [];
    this.draw();
  }

  /** Add one instant of simulation time [s]. */
  add(time, driven, shadows) {
    const last = this.points.at(-1);
    if (last && time < last[0]) this.points = [];
    this.points.push([time, driven, shadows]);
    while (this.points.length && this.points[0][0] < time - SPAN_S) this.points.shift();
    this.draw();
  }

  /** Mean absolute disagreement of a shadow over what is shown, or null. */
  mean(name) {
    let sum = 0;
    let count = 0;
    for (const [, driven, shadows] of this.points) {
      const one = shadows.find(([shadow]) => shadow === name);
      if (one && one[1] !== null) {
        sum += Math.abs(one[1] - driven);
        count += 1;
      }
    }
    return count ? sum / count : null;
  }

  draw() {
    if (!this.surface) return;
    const { context, width, height, colors } = this.surface;
    context.clearRect(0, 0, width, height);
    const names = new Set(this.points.flatMap(([, , shadows]) => shadows.map(([name]) => name)));
    const left = 34;
    const bottom = height - 16;
    const top = 8;
    let highest = 0.1;
    for (const [, driven, shadows] of this.points) {
      for (const [, steering] of shadows) {
        if (steering !== null) highest = Math.max(highest, Math.abs(steering - driven));
      }
    }
    const end = this.points.length ? this.points.at(-1)[0] : 0;
    const x = (time) => left + ((time - end + SPAN_S) / SPAN_S) * (width - left - 6);
    const y = (value) => bottom - (value / highest) * (bottom - top);
    context.font = "11px system-ui, sans-serif";
    context.fillStyle = colors.soft;
    context.strokeStyle = colors.line;
    context.lineWidth = 1;
    context.textBaseline = "middle";
    context.textAlign = "right";
    for (const value of [0, highest / 2, highest]) {
      context.beginPath();
      context.moveTo(left, y(value));
      context.lineTo(width - 6, y(value));
      context.stroke();
      context.fillText(value.toFixed(2), left - 5, y(value));
    }
    context.textBaseline = "bottom";
    context.fillText("now", width - 6, height);
    context.textAlign = "left";
    context.fillText(`${SPAN_S} s ago`, left, height);
    [...names].forEach((name, i) => {
      context.strokeStyle = colors.shadows[i % 4];
      context.lineWidth = 1.75;
      context.beginPath();
      let drawing = false;
      for (const [time, driven, shadows] of this.points) {
        const one = shadows.find(([shadow]) => shadow === name);
        if (!one || one[1] === null) {
          drawing = false;
          continue;
        }
        const at = [x(time), y(Math.abs(one[1] - driven))];
        if (drawing) context.lineTo(...at);
        else context.moveTo(...at);
        drawing = true;
      }
      context.stroke();
    });
  }
}
