// The map from above, the car's nose up: lanes, route, other cars.

import { surface } from "./surface.js";

const AHEAD = 60; // shown above the car [m], less on a low canvas
const SMALLEST = 3; // scale at which a car is still seen [px/m]
const REACH = 220; // lanes this near are prepared for drawing [m]
const DRIVABLE = new Set(["driving", "bidirectional", "parking", "entry", "exit", "onRamp", "offRamp", "connectingRamp"]);

function bounds(points) {
  const xs = points.map(([x]) => x);
  const ys = points.map(([, y]) => y);
  return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
}

function trace(path, points) {
  points.forEach(([x, y], i) => (i ? path.lineTo(x, y) : path.moveTo(x, y)));
}

export class Map2d {
  constructor(canvas) {
    this.lanes = [];
    this.route = null;
    this.state = null;
    this.near = null;
    this.surface = surface(canvas, () => this.draw());
  }

  /** Take in the message `map` of a new drive. */
  load(map) {
    this.lanes = map.lanes
      .filter(({ type }) => DRIVABLE.has(type))
      .map(({ width, points }) => ({ width, points, box: bounds(points) }));
    this.route = new Path2D();
    trace(this.route, map.route);
    this.goal = map.route.at(-1);
    this.car = map.car;
    this.near = null;
    this.draw();
  }

  /** Show where everything stands now. */
  show(state) {
    this.state = state;
    this.draw();
  }

  #prepare(x, y) {
    if (this.near && Math.hypot(x - this.near.x, y - this.near.y) < REACH / 3) return;
    const paths = new Map();
    for (const { width, points, box } of this.lanes) {
      if (box[0] > x + REACH || box[2] < x - REACH || box[1] > y + REACH || box[3] < y - REACH) continue;
      const key = Math.round(10 * width) / 10;
      if (!paths.has(key)) paths.set(key, new Path2D());
      trace(paths.get(key), points);
    }
    this.near = { x, y, paths };
  }

  draw() {
    if (!this.surface) return;
    const { context, width, height, colors } = this.surface;
    context.fillStyle = colors.tint;
    context.fillRect(0, 0, width, height);
    if (!this.state || !this.route) return;
    const [x, y, yaw] = this.state.pose;
    this.#prepare(x, y);
    const scale = Math.max((0.72 * height) / AHEAD, SMALLEST);
    context.save();
    context.translate(width / 2, 0.72 * height);
    context.scale(scale, -scale);
    context.rotate(Math.PI / 2 - yaw);
    context.translate(-x, -y);
    context.lineJoin = "round";
    for (const [style, less] of [[colors.mark, 0], [colors.road, 0.3]]) {
      context.strokeStyle = style;
      for (const [lane, path] of this.near.paths) {
        context.lineWidth = Math.max(0.2, lane - less);
        context.stroke(path);
      }
    }
    context.strokeStyle = colors.route;
    context.lineWidth = 0.7;
    context.globalAlpha = 0.75;
    context.stroke(this.route);
    context.globalAlpha = 1;
    context.fillStyle = colors.route;
    context.beginPath();
    context.arc(this.goal[0], this.goal[1], 2, 0, 2 * Math.PI);
    context.fill();
    context.fillStyle = colors.soft;
    for (const [ax, ay, ayaw, length, wide] of this.state.actors) {
      this.#box(context, ax, ay, ayaw, length, wide);
    }
    const { length, width: wide, center_x: middle } = this.car;
    context.fillStyle = this.state.collision || this.state.off_road ? colors.bad : colors.ink;
    this.#box(context, x + middle * Math.cos(yaw), y + middle * Math.sin(yaw), yaw, length, wide, true);
    context.restore();
  }

  #box(context, x, y, yaw, length, width, pointed = false) {
    context.save();
    context.translate(x, y);
    context.rotate(yaw);
    context.beginPath();
    context.moveTo(-length / 2, -width / 2);
    context.lineTo((pointed ? 0.25 : 0.5) * length, -width / 2);
    if (pointed) context.lineTo(0.62 * length, 0);
    context.lineTo((pointed ? 0.25 : 0.5) * length, width / 2);
    context.lineTo(-length / 2, width / 2);
    context.closePath();
    context.fill();
    context.restore();
  }
}
