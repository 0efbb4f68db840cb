// The steering wheel as it stands, and behind it, thinner, where the shadows would hold it.

import { surface } from "./surface.js";

const TURN = 15 * 0.6; // what full lock turns the wheel [rad]: the steering ratio of a car, 15 to 1

export class Wheel {
  constructor(canvas) {
    this.steering = 0;
    this.shadows = [];
    this.surface = surface(canvas, () => this.draw());
  }

  /** Show a steering in [-1, 1], left positive, and those of the shadows: [[name, steering or null], ...]. */
  show(steering, shadows) {
    this.steering = steering;
    this.shadows = shadows;
    this.draw();
  }

  draw() {
    if (!this.surface) return;
    const { context, width, height, colors } = this.surface;
    context.clearRect(0, 0, width, height);
    const radius = Math.min(width, height) / 2 - 12;
    if (radius < 10) return;
    context.save();
    context.translate(width / 2, height / 2);
    this.#scale(context, radius, colors);
    this.shadows.forEach(([, steering], i) => {
      if (steering !== null) this.#ghost(context, radius, steering, colors.shadows[i % 4]);
    });
    this.#wheel(context, radius - 7, this.steering, colors);
    context.restore();
  }

  #scale(context, radius, colors) {
    context.strokeStyle = colors.soft;
    context.lineWidth = 2;
    context.beginPath();
    context.moveTo(0, -radius - 3);
    context.lineTo(0, -radius - 10);
    context.stroke();
  }

  #ghost(context, radius, steering, color) {
    context.save();
    context.rotate(-steering * TURN);
    context.strokeStyle = color;
    context.fillStyle = color;
    context.lineWidth = 2;
    context.setLineDash([5, 4]);
    for (const angle of [Math.PI, 0, Math.PI / 2]) {
      context.beginPath();
      context.moveTo(Math.cos(angle) * radius * 0.2, Math.sin(angle) * radius * 0.2);
      context.lineTo(Math.cos(angle) * radius, Math.sin(angle) * radius);
      context.stroke();
    }
    context.setLineDash([]);
    context.beginPath();
    context.moveTo(0, -radius + 4);
    context.lineTo(-6, -radius - 8);
    context.lineTo(6, -radius - 8);
    context.closePath();
    context.fill();
    context.restore();
  }

  #wheel(context, radius, steering, colors) {
    context.save();
    context.rotate(-steering * TURN);
    context.strokeStyle = colors.ink;
    context.lineCap = "round";
    context.lineWidth = Math.max(6, radius * 0.13);
    context.beginPath();
    context.arc(0, 0, radius - context.lineWidth / 2, 0, 2 * Math.PI);
    context.stroke();
    context.lineWidth = Math.max(5, radius * 0.11);
    context.beginPath();
    context.moveTo(-radius * 0.85, 0);
    context.lineTo(radius * 0.85, 0);
    context.moveTo(0, 0);
    context.lineTo(0, radius * 0.85);
    context.stroke();
    context.fillStyle = colors.ink;
    context.beginPath();
    context.arc(0, 0, radius * 0.22, 0, 2 * Math.PI);
    context.fill();
    context.strokeStyle = colors.accent;
    context.lineCap = "butt";
    context.lineWidth = Math.max(6, radius * 0.13);
    context.beginPath();
    context.arc(0, 0, radius - context.lineWidth / 2, -Math.PI / 2 - 0.12, -Math.PI / 2 + 0.12);
    context.stroke();
    context.restore();
  }
}
