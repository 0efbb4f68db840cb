// How long it takes from a movement of the hand to the picture that shows its effect.

const SAMPLES = 60;

export class Latency {
  constructor() {
    this.samples = [];
    this.pending = null; // when the oldest movement that has not come back yet was made [ms]
  }

  /** A key, a pointer or a stick has moved at this time of the page's clock. */
  moved(time) {
    this.pending ??= time;
  }

  /** The time to send with controls. */
  stamp(now) {
    if (this.pending !== null && now - this.pending > 3000) this.pending = null; // it was never used
    return this.pending ?? now;
  }

  /** A picture with this echo is on the canvas. */
  drawn(echo, now) {
    if (echo === null || echo !== this.pending) return;
    this.samples = [...this.samples.slice(1 - SAMPLES), now - echo];
    this.pending = null;
  }

  /** Median [ms], or null. */
  get p50() {
    if (!this.samples.length) return null;
    const sorted = [...this.samples].sort((a, b) => a - b);
    return sorted[Math.floor((sorted.length - 1) / 2)];
  }
}
