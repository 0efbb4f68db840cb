// The buttons and their keys: what each does, and why it cannot when it cannot.

import { typing } from "./hands.js";
import { write } from "./panel.js";

const $ = (id) => document.getElementById(id);

export class Commands {
  /** `page` holds hello, state, role, send and say; `hands` and `dialogs` are steered by keys too. */
  constructor(page) {
    this.page = page;
    const open = () => ["on", "paused"].includes(page.state?.recording?.mode);
    const nothingOpen = () => (open() ? null : "No episode is open: start recording first.");
    this.all = {
      record: { key: "r", why: () => (open() ? "Already recording." : null), act: () => this.record("start") },
      pause: {
        key: "p",
        why: nothingOpen,
        act: () => this.record(page.state.recording.mode === "paused" ? "resume" : "pause"),
      },
      stop: { key: "o", why: nothingOpen, act: () => this.record("stop") },
      delete: { key: "x", why: nothingOpen, act: () => this.record("delete_last_5s") },
      mark: {
        key: "m",
        why: nothingOpen,
        act: () => this.record(page.state.recording.marked ? "mark_end" : "mark_begin"),
      },
      discard: { why: nothingOpen, act: () => this.#discard() },
      restart: { key: "n", act: () => page.send("restart", { scenario: "same" }) },
      next: { key: "j", act: () => page.send("restart", { scenario: "next" }) },
      hold: { key: "h", act: () => page.send("hold", { on: !this.held }) },
      takeover: {
        key: "t",
        why: () => (page.state?.agent ? null : "No agent drives along: choose one and start the drive."),
        act: () => page.send("takeover", { on: page.state.at_wheel !== "person" }),
      },
      start: { act: () => this.#start() },
    };
    const recording = ["record", "pause", "stop", "delete", "mark", "discard"];
    for (const [id, command] of Object.entries(this.all)) {
      const own = command.why ?? (() => null);
      command.why = () => {
        if (!page.state) return "Not connected.";
        if (page.role?.role !== "driver") return "You watch: only who drives can do that.";
        if (recording.includes(id) && !page.hello.recording) return "Nothing is recorded: the server was started without a dataset.";
        return own();
      };
      $(id).addEventListener("click", () => this.run(id));
    }
    $("seat").addEventListener("click", () => this.#seat());
    $("veil-button").addEventListener("click", () => {
      if (page.role?.role !== "driver") this.#seat();
      else if (page.state.teach?.waits) this.run("takeover");
      else if (this.held) this.run("hold");
      else this.run("restart");
      $("veil-button").blur(); // so that Space does not press it again
    });
    $("pace").addEventListener("change", () => {
      const chosen = $("pace").value;
      page.send("pace", { factor: chosen === "max" ? "max" : Number(chosen) });
    });
    for (const id of ["person", "note", "keep", "drop"]) {
      $(id).addEventListener("change", () => {
        if (page.role?.role === "driver" && page.hello?.recording) this.record("settings");
      });
    }
    window.addEventListener("keydown", (event) => this.#key(event));
  }

  /** Do what a button does, or say why not. */
  run(id) {
    const why = this.all[id].why();
    if (why) this.page.say(why);
    else this.all[id].act();
  }

  /** Show which buttons work now; those that do not stay reachable, and say why when pressed. */
  show() {
    const { state, role } = this.page;
    for (const [id, command] of Object.entries(this.all)) {
      const off = String(command.why() !== null);
      if ($(id).getAttribute("aria-disabled") !== off) $(id).setAttribute("aria-disabled", off);
    }
    write($("pause-text"), state?.recording?.mode === "paused" ? "Resume" : "Pause");
    write($("takeover-text"), state?.agent && state.at_wheel === "person" ? "Give back" : "Take over");
    write($("seat-text"), role?.role === "driver" ? "Leave the seat" : "Take the seat");
    $("hold").setAttribute("aria-pressed", String(this.held));
  }

  /** What helps when the car stands still: the name of the button on the picture, or "". */
  get remedy() {
    const { state, role } = this.page;
    if (role?.role !== "driver") return role && !role.driver ? "Take the seat" : "";
    if (state.mode === "ended") return "Drive again";
    if (state.mode === "waiting") return "Start driving";
    if (state.teach?.waits) return "Take over";
    return this.held ? "Go on" : "";
  }

  /** Whether the person has stopped the time, or the learner that wants help, rather than something that is missing. */
  get held() {
    return this.page.state?.held === true || this.page.state?.teach?.waits === true;
  }

  #seat() {
    this.page.send(this.page.role?.role === "driver" ? "release" : "claim");
  }

  /** Send a recording's action with the name, the note and what a lost connection does. */
  record(action) {
    this.page.send("record", {
      action,
      keep_on_disconnect: $("keep").checked,
      person: $("person").value,
      note: $("note").value,
    });
  }

  #discard() {
    const { frames } = this.page.state.recording;
    if (window.confirm(`Drop the open episode with its ${frames} frames?`)) this.record("discard");
  }

  #start() {
    const shadows = [...document.querySelectorAll("#shadow-choice input:checked")].map(({ value }) => value);
    const seed = Number($("seed").value);
    if (!Number.isInteger(seed) || seed < 0 || seed > this.page.hello.limits.largest_seed) {
      this.page.say(`The seed is a whole number from 0 to ${this.page.hello.limits.largest_seed}.`);
      $("seed").focus();
      return;
    }
    this.page.send("start", {
      map: $("map-choice").value,
      weather: $("weather-choice").value,
      traffic: $("traffic-choice").value,
      agent: $("agent-choice").value,
      seed,
      shadows,
    });
    document.activeElement.blur(); // so that the arrow keys steer
  }

  #key(event) {
    if (event.repeat || event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    if (document.querySelector("dialog[open]")) return;
    if (event.key === "?") return this.page.help();
    if (!this.page.hands.letters) return;
    const key = event.key.toLowerCase();
    const found = Object.entries(this.all).find(([, command]) => command.key === key);
    if (found) this.run(found[0]);
    else if (key === "c") $("mouse").click();
    else if (key === "g") $("open-pad").click();
    else return;
    event.preventDefault();
  }
}
