// What the page says: figures, lamp, arrow, warnings, legend; it shows and decides nothing.

const $ = (id) => document.getElementById(id);

const COMMANDS = [
  ["follow the lane", "M12 41 18 8M36 41 30 8M24 40V33M24 26V20M24 14V10"],
  ["turn left", "M33 41V26a9 9 0 0 0-9-9H10M19 8 10 17l9 9"],
  ["turn right", "M15 41V26a9 9 0 0 1 9-9H38M29 8l9 9-9 9"],
  ["straight on", "M24 42V8M12 20 24 8 36 20"],
];
const ENDS = {
  collision: "You hit something.",
  off_road: "You left the road.",
  goal: "You are there.",
  timeout: "Out of time.",
};
const HANDS = { keyboard: "keys", mouse: "mouse", gamepad: "gamepad", touch: "finger" };

/** Write only what has changed: a screen reader and the browser both notice each write. */
export function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** What all recordings of the dataset hold, in a line. */
function covered({ seconds, left_seconds, right_seconds, recoveries, roads, weathers }) {
  if (seconds === 0) return "";
  const parts = [
    `${(seconds / 60).toFixed(1)} min on ${roads} ${roads === 1 ? "road" : "roads"}`,
    `bends ${Math.round(left_seconds)} s left, ${Math.round(right_seconds)} s right`,
    `${recoveries} ${recoveries === 1 ? "recovery" : "recoveries"}`,
    weathers.join(", "),
  ];
  return parts.join(" · ");
}

export class Panel {
  constructor() {
    this.timer = null;
    this.legend = "";
  }

  /** Say one line, to the eye and to a screen reader. */
  say(text) {
    write($("status"), text);
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(() => write($("status"), ""), 6000);
  }

  /** Cover the picture with a line and a button that helps, or uncover it with "". */
  veil(text, button = "") {
    $("veil").hidden = text === "";
    $("veil-button").hidden = button === "";
    write($("veil-text"), text);
    write($("veil-button"), button);
  }

  role({ role, driver, viewers }, state) {
    const watching = viewers === 0 ? "" : `, ${viewers} ${viewers === 1 ? "watches" : "watch"}`;
    const agent = state && state.at_wheel !== "person" ? `${state.at_wheel} drives, you may take over` : "You drive";
    write($("role"), role === "driver" ? agent + watching : driver ? "You watch: somebody else drives" : "You watch: nobody drives");
  }

  show(state) {
    write($("speed"), String(Math.round(3.6 * state.speed)));
    write($("limit"), String(Math.round(3.6 * state.speed_limit)));
    $("speed").parentElement.classList.toggle("over", state.speed > state.speed_limit + 1.5);
    const [said, arrow] = COMMANDS[state.command] ?? COMMANDS[0];
    write($("command"), said);
    if ($("arrow-path").getAttribute("d") !== arrow) $("arrow-path").setAttribute("d", arrow);
    const warning = state.collision ? "Collision" : state.off_road ? "Off the road" : state.left_lane ? "Out of the lane" : "";
    write($("warning"), warning);
    write($("steering"), Math.abs(state.steering) < 0.005 ? "0.00" : `${Math.abs(state.steering).toFixed(2)} ${state.steering > 0 ? "left" : "right"}`);
    write($("steps"), state.rate_hz ? state.rate_hz.toFixed(1) : "-");
    if (state.recording) this.#recording(state.recording);
  }

  /** Say why the car stands still; `button` names what helps. */
  still(state, button) {
    let text = state.why;
    if (state.mode === "ended") {
      const back = state.recording?.frames ? " Delete 5 s takes you back." : "";
      text = (ENDS[state.end] ?? "The drive ended.") + (state.end === "goal" ? "" : back);
    }
    this.veil(state.mode === "driving" ? "" : text || "Waiting.", button);
  }

  #recording({ mode, frames, seconds, marked, episodes, crashed, saving, coverage }) {
    $("lamp").dataset.on = { on: "yes", paused: "paused", off: "no" }[mode];
    const count = `${frames} frames, ${seconds.toFixed(1)} s`;
    write($("lamp-text"), mode === "off" ? (saving ? "saving" : "not recording") : `${mode === "on" ? "recording" : "paused"}: ${count}`);
    write($("kept"), `${episodes} ${episodes === 1 ? "episode" : "episodes"} kept${crashed ? `, ${crashed} that failed kept apart` : ""}`);
    $("mark").setAttribute("aria-pressed", String(marked));
    write($("covered"), covered(coverage));
    write($("next"), `Next: ${coverage.next}`);
  }

  hand(source, person) {
    write($("hand"), person ? HANDS[source] : "agent");
  }

  figures(latency, rate) {
    write($("latency"), latency === null ? "-" : latency.toFixed(0));
    write($("rate"), rate === null ? "-" : rate.toFixed(1));
  }

  /** Name the shadows beside their colours, with the mean disagreement of the last seconds. */
  shadows(list, disagreements) {
    const names = JSON.stringify(list.map(([name]) => name));
    if (names !== this.legend) {
      this.legend = names;
      const items = list.map(([name], i) => {
        const item = document.createElement("li");
        const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
        const line = document.createElementNS("http://www.w3.org/2000/svg", "path");
        svg.setAttribute("viewBox", "0 0 18 10");
        svg.setAttribute("aria-hidden", "true");
        line.setAttribute("d", "M0 5H18");
        line.setAttribute("class", `shadow-line shadow-${i % 4}`);
        svg.append(line);
        const text = document.createElement("span");
        text.className = "value";
        item.append(svg, ` ${name} `, text);
        return item;
      });
      const none = document.createElement("li");
      none.textContent = "No shadow drives along: choose one under “Map, weather, traffic, agent”.";
      $("legend").replaceChildren(...(items.length ? items : [none]));
    }
    $("legend").querySelectorAll(".value").forEach((element, i) => {
      const mean = disagreements[i];
      write(element, list[i]?.[1] === null ? "silent" : mean === null ? "" : mean.toFixed(3));
    });
  }
}
