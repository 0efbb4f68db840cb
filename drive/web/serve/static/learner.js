// The learner's card: how far it is, how well it drives, and its call for help.

import { write } from "./panel.js";

const $ = (id) => document.getElementById(id);

const PHASES = {
  waiting: "watches: drive, and it begins to learn",
  learning: "learns: let it see some more",
  ready: "can drive: take over where it goes wrong",
  stopped: "learns no more",
};

export class Learner {
  constructor() {
    this.asking = false;
    this.audio = null;
    $("help-sound").addEventListener("change", () => {
      // A browser lets a page sound only after it was asked to.
      if ($("help-sound").checked) this.audio ??= new AudioContext();
    });
  }

  show({ teach, at_wheel: wheel, mode }) {
    $("learner").hidden = !teach;
    if (!teach) return;
    write($("learner-phase"), PHASES[teach.phase] ?? teach.phase);
    this.#meter("autonomy", teach.autonomy);
    this.#meter("uncertainty", teach.uncertainty);
    const off = teach.error === null ? "" : `, ${teach.error.toFixed(3)} from your steering`;
    write($("learner-figures"), `${teach.samples} frames, ${teach.updates} updates${off}`);
    const asks = teach.unsure && wheel === teach.name && (mode === "driving" || teach.waits);
    write($("help-wanted"), asks ? "The learner is unsure: take the wheel" : "");
    if (asks && !this.asking) this.#sound();
    this.asking = asks;
  }

  #meter(id, share) {
    const shown = Math.min(share ?? 0, 1);
    const text = share === null ? "-" : `${Math.round(100 * shown)} %`;
    $(id).value = shown;
    write($(id), share === null ? "not known yet" : text);
    write($(`${id}-text`), text);
  }

  #sound() {
    if (!this.audio || !$("help-sound").checked) return;
    const now = this.audio.currentTime;
    const tone = this.audio.createOscillator();
    const volume = this.audio.createGain();
    tone.frequency.value = 660;
    volume.gain.setValueAtTime(0.2, now);
    volume.gain.exponentialRampToValueAtTime(0.001, now + 0.3);
    tone.connect(volume).connect(this.audio.destination);
    tone.start(now);
    tone.stop(now + 0.3);
  }
}
