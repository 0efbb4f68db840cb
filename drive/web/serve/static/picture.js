// The camera's picture: always the newest, decoded off the main thread.

export class Picture {
  /** `drawn(step, echo, now, held)` is called once a picture stands on the canvas, `held` ms after it came. */
  constructor(canvas, drawn) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d", { alpha: false });
    this.drawn = drawn;
    this.newest = null;
    this.decoding = false;
    this.times = [];
  }

  show(picture) {
    this.newest = { ...picture, came: performance.now() };
    if (!this.decoding) this.#decode();
  }

  async #decode() {
    this.decoding = true;
    while (this.newest) {
      const { step, echo, blob, came } = this.newest;
      this.newest = null;
      let bitmap;
      try {
        bitmap = await createImageBitmap(blob);
      } catch {
        continue; // a picture that does not decode is left out; the next one comes in 50 ms
      }
      if (this.canvas.width !== bitmap.width || this.canvas.height !== bitmap.height) {
        this.canvas.width = bitmap.width;
        this.canvas.height = bitmap.height;
      }
      this.context.drawImage(bitmap, 0, 0);
      bitmap.close();
      const now = performance.now();
      this.times = [...this.times.filter((time) => time > now - 2000), now];
      this.drawn(step, echo, now, now - came);
    }
    this.decoding = false;
  }

  /** Pictures drawn a second, of late; null before there are two. */
  get rate() {
    const count = this.times.length - 1;
    if (count < 1 || performance.now() - this.times.at(-1) > 1000) return null;
    return (1000 * count) / (this.times.at(-1) - this.times[0]);
  }
}
