// The dialog in which a gamepad or wheel is measured: which axis, its centre, its ends.

import { defaultCalibration, loadCalibration, movedAxis, restOf, saveCalibration, steeringOf } from "./calibration.js";
import { Hands } from "./hands.js";

const FIND_MS = 5000;
const $ = (id) => document.getElementById(id);

function fill(select, options, chosen) {
  const key = JSON.stringify(options);
  if (select.dataset.key !== key) {
    select.replaceChildren(...options.map(([value, text]) => new Option(text, value)));
    select.dataset.key = key;
  }
  select.value = chosen;
}

export class PadDialog {
  /** Settings go to `hands`, which reads the controller. */
  constructor(hands) {
    this.hands = hands;
    this.dialog = $("pad");
    this.finding = null; // {axes, until} while an axis is looked for
    $("open-pad").addEventListener("click", () => this.open());
    $("pad-choice").addEventListener("change", () => this.#choose(Number($("pad-choice").value)));
    $("pad-axis").addEventListener("change", () => this.#set({ axis: Number($("pad-axis").value) }));
    for (const [id, pedal] of [["pad-go", "accelerate"], ["pad-brake", "brake"]]) {
      $(id).addEventListener("change", () => {
        const source = $(id).value;
        if (this.pad) this.#set({ [pedal]: source, [`${pedal}Rest`]: restOf(this.pad, source) });
      });
    }
    $("pad-dead").addEventListener("input", () => this.#set({ deadZone: Number($("pad-dead").value) }));
    $("pad-invert").addEventListener("change", () => this.#set({ invert: $("pad-invert").checked }));
    for (const end of ["centre", "left", "right"]) {
      $(`pad-${end}`).addEventListener("click", () => this.#measure(end));
    }
    $("pad-find").addEventListener("click", () => this.#find());
    $("pad-reset").addEventListener("click", () => this.pad && this.#set(defaultCalibration(this.pad)));
  }

  get pad() {
    const pads = Hands.pads();
    return pads.find(({ index }) => index === this.hands.pad) ?? pads[0];
  }

  open() {
    if (this.dialog.open) return;
    this.hands.release();
    this.dialog.showModal();
    this.#say("");
    this.#watch();
  }

  #watch() {
    if (!this.dialog.open) return;
    this.#draw();
    window.requestAnimationFrame(() => this.#watch());
  }

  #choose(index) {
    const pad = Hands.pads().find((one) => one.index === index);
    if (pad) Object.assign(this.hands, { pad: index, padId: pad.id, calibration: loadCalibration(pad), padSeen: null });
  }

  #set(change) {
    const pad = this.pad;
    if (!pad) return;
    const calibration = { ...(this.hands.calibration ?? loadCalibration(pad)), ...change };
    Object.assign(this.hands, { pad: pad.index, padId: pad.id, calibration });
    if (!saveCalibration(pad, calibration)) this.#say("The browser does not let this page keep settings; it holds until the page closes.");
  }

  #measure(end) {
    const pad = this.pad;
    if (!pad) return this.#say("No controller is connected.");
    const raw = pad.axes[this.hands.calibration.axis] ?? 0;
    this.#set({ [end]: raw });
    const { left, right, centre } = this.hands.calibration;
    const odd = (left - centre) * (right - centre) >= 0;
    this.#say(`The ${end === "centre" ? "centre" : `${end} end`} is ${raw.toFixed(2)}.${odd ? " Left and right end lie on the same side of the centre: measure the others too." : ""}`);
  }

  #find() {
    const pad = this.pad;
    if (!pad) return this.#say("No controller is connected.");
    this.finding = { axes: [...pad.axes], until: performance.now() + FIND_MS };
    this.#say("Turn the wheel, or push the stick, all the way to the left.");
  }

  #draw() {
    const pad = this.pad;
    if (!pad) {
      $("pad-name").textContent = "None seen. Connect one and press a button on it.";
      return;
    }
    this.hands.poll(performance.now());
    const calibration = this.hands.calibration ?? loadCalibration(pad);
    const name = `${pad.id.slice(0, 80)}: ${pad.axes.length} axes, ${pad.buttons.length} buttons`;
    if ($("pad-name").textContent !== name) $("pad-name").textContent = name;
    fill($("pad-choice"), Hands.pads().map((one) => [String(one.index), one.id.slice(0, 40)]), String(pad.index));
    fill($("pad-axis"), pad.axes.map((_, i) => [String(i), `axis ${i}`]), String(calibration.axis));
    const sources = [
      ["none", "none"],
      ...pad.buttons.map((_, i) => [`button:${i}`, `button ${i}`]),
      ...pad.axes.map((_, i) => [`axis:${i}`, `axis ${i}`]),
    ];
    fill($("pad-go"), sources, calibration.accelerate);
    fill($("pad-brake"), sources, calibration.brake);
    if (this.finding) {
      const axis = movedAxis(this.finding.axes, pad.axes);
      if (axis !== null) {
        this.finding = null;
        this.#set({ axis });
        this.#say(`Axis ${axis} steers. Now let it rest and set the centre, then hold each end and set it.`);
      } else if (performance.now() > this.finding.until) {
        this.finding = null;
        this.#say("Nothing moved within 5 seconds. Try again, or choose the axis from the list.");
      }
    }
    const raw = pad.axes[calibration.axis] ?? 0;
    const right = -steeringOf(raw, calibration) + 0;
    $("pad-raw").value = raw;
    $("pad-raw-text").value = raw.toFixed(2);
    $("pad-result").value = right;
    $("pad-result-text").value = right.toFixed(2);
    $("pad-dead").value = calibration.deadZone;
    $("pad-dead-text").value = `${Math.round(100 * calibration.deadZone)} %`;
    $("pad-invert").checked = calibration.invert;
  }

  #say(text) {
    $("pad-say").textContent = text;
  }
}
