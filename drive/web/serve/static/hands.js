// What the person's hands do, whichever of keyboard, mouse, touch and gamepad moved last.

import { loadCalibration, pedalOf, steeringOf } from "./calibration.js";
import { rampPedal, rampSteering, steeringLimit } from "./steering.js";

const DIRECTIONS = new Map([
  ["ArrowLeft", "left"], ["KeyA", "left"], ["ArrowRight", "right"], ["KeyD", "right"],
  ["ArrowUp", "go"], ["KeyW", "go"], ["ArrowDown", "brake"], ["KeyS", "brake"],
]);
const NOTICED = 0.02; // a stick that moves less is not meant
const RELEASE_S = 0.15; // time constant of a wheel that is let go of

/** Whether a key belongs to the element that has the focus rather than to the car. */
export function typing(target) {
  if (!(target instanceof Element) || target.closest("dialog:not([open])")) return false;
  return target.closest("input:not([type=checkbox]), select, textarea, dialog") !== null;
}

/** A finger's or the mouse's way, -1 to 1, as steering: fine around the middle, less when fast. */
export function pointerSteering(way, speed) {
  const share = Math.max(-1, Math.min(1, way));
  const reach = Math.min(1, 3 * steeringLimit(speed));
  return -reach * (0.35 * share + 0.65 * share ** 3) + 0;
}

export class Hands {
  /** `moved(time)` is called at once when a hand has moved, `grabbed()` when it took the wheel. */
  constructor(moved, grabbed) {
    this.moved = moved;
    this.grabbed = grabbed;
    this.letters = true; // whether letters count as keys
    this.source = "keyboard";
    this.steering = 0;
    this.throttle = 0;
    this.brake = 0;
    this.speed = 0;
    this.held = new Map(); // physical key -> what it does
    this.pointer = null; // steering asked for by a pointer, or null
    this.pedal = { go: false, brake: false }; // touched pedals
    this.pad = null; // index of the gamepad in use
    this.padSeen = null; // what it said last
    this.#listen();
  }

  #listen() {
    window.addEventListener("keydown", (event) => this.#key(event, true));
    window.addEventListener("keyup", (event) => this.#key(event, false));
    window.addEventListener("blur", () => this.release());
    document.addEventListener("visibilitychange", () => document.hidden && this.release());
  }

  #key(event, down) {
    const does = DIRECTIONS.get(event.code);
    if (!does || (down && (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)))) return;
    if (down && !this.letters && event.code.startsWith("Key")) return;
    if (down) event.preventDefault(); // the page does not scroll
    if (down ? this.held.has(event.code) : !this.held.delete(event.code)) return;
    if (down) this.held.set(event.code, does);
    this.source = "keyboard";
    if (down && (does === "left" || does === "right")) this.grabbed();
    this.step(1 / 60);
    this.moved(event.timeStamp);
  }

  #holds(does) {
    return [...this.held.values()].includes(does);
  }

  /** Let go of everything that was held down. */
  release() {
    if (this.held.size === 0 && this.pointer === null) return;
    this.held.clear();
    this.pointer = null;
    this.pedal = { go: false, brake: false };
    this.moved(performance.now());
  }

  /** Steer by a pointer; null lets go. `way`: -1 left end to 1 right end. */
  point(way, source, time) {
    this.pointer = way === null ? null : pointerSteering(way, this.speed);
    if (way !== null) {
      this.source = source;
      this.steering = this.pointer;
    }
    this.moved(time);
  }

  /** Press or release a pedal on the screen. */
  press(pedal, down, time) {
    this.pedal[pedal] = down;
    this.moved(time);
  }

  /** Move keys' and released wheels' steering on by dt [s] of simulation time. */
  step(dt) {
    if (this.source === "gamepad") return;
    const direction = (this.#holds("left") ? 1 : 0) - (this.#holds("right") ? 1 : 0);
    if (this.source === "keyboard") {
      this.steering = rampSteering(this.steering, direction, this.speed, dt);
    } else if (this.pointer === null) {
      this.steering = Math.abs(this.steering) < 1e-3 ? 0 : this.steering * Math.exp(-dt / RELEASE_S);
    }
    this.throttle = rampPedal(this.throttle, this.#holds("go") || this.pedal.go ? 1 : 0, dt);
    this.brake = rampPedal(this.brake, this.#holds("brake") || this.pedal.brake ? 1 : 0, dt);
  }

  /** Every gamepad that is connected. */
  static pads() {
    return navigator.getGamepads ? [...navigator.getGamepads()].filter((pad) => pad && pad.connected) : [];
  }

  /** Look at the gamepad. */
  poll(time) {
    const pads = Hands.pads();
    const pad = pads.find(({ index }) => index === this.pad) ?? pads[0];
    if (!pad) {
      if (this.source === "gamepad") {
        Object.assign(this, { source: "keyboard", throttle: 0, brake: 0, padSeen: null });
        this.moved(time);
      }
      return;
    }
    if (pad.index !== this.pad || !this.calibration || this.padId !== pad.id) {
      Object.assign(this, { pad: pad.index, padId: pad.id, calibration: loadCalibration(pad), padSeen: null });
    }
    const { axis, accelerate, accelerateRest, brake, brakeRest } = this.calibration;
    const now = [
      steeringOf(pad.axes[axis] ?? 0, this.calibration),
      pedalOf(pad, accelerate, accelerateRest),
      pedalOf(pad, brake, brakeRest),
    ];
    const before = this.padSeen ?? now;
    const using = this.source === "gamepad";
    const change = Math.max(...now.map((value, i) => Math.abs(value - before[i])));
    if (!using && change < NOTICED) {
      this.padSeen ??= now;
      return;
    }
    this.padSeen = now;
    if (using && change === 0) return;
    if (!using && Math.abs(now[0] - before[0]) >= NOTICED) this.grabbed();
    this.source = "gamepad";
    [this.steering, this.throttle, this.brake] = now;
    this.moved(time);
  }
}
