// Ties the page together: the connection, what it shows, and the hands on the wheel.

import { Commands } from "./commands.js";
import { Hands } from "./hands.js";
import { Latency } from "./latency.js";
import { Learner } from "./learner.js";
import { Link } from "./link.js";
import { Map2d } from "./map.js";
import { PadDialog } from "./pad_dialog.js";
import { Panel } from "./panel.js";
import { Picture } from "./picture.js";
import { Plot } from "./plot.js";
import { followPointers } from "./pointers.js";
import { Wheel } from "./wheel.js";

const $ = (id) => document.getElementById(id);
const HEARTBEAT_MS = 100; // controls go out at least this often
const CLOSEST_MS = 8; // and no closer than this, whatever a stick does

const page = { hello: null, state: null, role: null, heldByDialog: false };
const panel = new Panel();
const learner = new Learner();
const latency = new Latency();
const picture = new Picture($("camera"), (step, echo, now, held) => {
  latency.drawn(echo, now);
  link.send("viewer_ack", { step, held_ms: Math.min(held, 60000) });
});
const map = new Map2d($("map"));
const wheel = new Wheel($("wheel"));
const plot = new Plot($("plot"));

let sent = 0; // when controls went out last [ms]
let turned = 0; // when the keys last turned the wheel [ms]

function sendControls() {
  if (page.role?.role !== "driver") return;
  const now = performance.now();
  const { steering, throttle, brake, source } = hands;
  if (link.send("controls", { t: latency.stamp(now), steering, throttle, brake, source })) sent = now;
}

function moved(time) {
  latency.moved(time);
  if (performance.now() - sent >= CLOSEST_MS) sendControls();
}

/** A hand on the wheel while an agent drives: the person takes over. */
function grabbed() {
  const { state, role } = page;
  const moving = state?.mode === "driving" || state?.teach?.waits;
  if (role?.role === "driver" && moving && state.at_wheel !== "person") page.send("takeover", { on: true });
}

const hands = new Hands(moved, grabbed);

Object.assign(page, {
  hands,
  say: (text) => panel.say(text),
  help: () => $("help").showModal(),
  send(type, values) {
    if (link.send(type, values)) return true;
    panel.say("Not connected: nothing was sent.");
    return false;
  },
});

function options(select, names, chosen) {
  select.replaceChildren(...names.map((name) => new Option(name.replaceAll("_", " "), name)));
  select.value = chosen;
}

function greet(hello) {
  page.hello = hello;
  const { chosen } = hello;
  options($("map-choice"), hello.maps, chosen.map);
  options($("weather-choice"), hello.weathers, chosen.weather);
  options($("traffic-choice"), hello.traffics, chosen.traffic);
  options($("agent-choice"), hello.agents, chosen.agent);
  $("seed").value = chosen.seed;
  $("seed").max = hello.limits.largest_seed;
  const legend = $("shadow-choice").querySelector("legend");
  const boxes = hello.shadows.map((name) => {
    const label = document.createElement("label");
    label.className = "inline";
    const box = document.createElement("input");
    Object.assign(box, { type: "checkbox", value: name, checked: (chosen.shadows ?? []).includes(name) });
    label.append(box, ` ${name}`);
    return label;
  });
  $("shadow-choice").replaceChildren(legend, ...boxes);
  $("shadow-choice").hidden = boxes.length === 0;
  $("pedals").hidden = hello.pedals !== "person";
  $("camera").style.aspectRatio = `${hello.camera.width_px} / ${hello.camera.height_px}`;
  commands.show();
}

function showState(state) {
  const before = page.state;
  page.state = state;
  hands.speed = state.speed;
  // States that were held up come in a bunch: the wheel turns on by one of them, not by all at once.
  const now = performance.now();
  if (before && state.drive_step > before.drive_step && now - turned > 500 * page.hello.dt) {
    turned = now;
    const was = hands.steering;
    hands.step(page.hello.dt);
    if (hands.steering !== was || now - sent >= HEARTBEAT_MS) sendControls();
  }
  const shadows = Object.entries(state.shadows).map(([name, { steering }]) => [name, steering]);
  const disagreements = Object.values(state.shadows).map(({ disagreement }) => disagreement);
  if (state.teach && !(state.teach.name in state.shadows)) {
    shadows.push([state.teach.name, state.teach.steering]);
    disagreements.push(state.teach.error);
  }
  learner.show(state);
  panel.show(state);
  panel.still(state, commands.remedy);
  panel.hand(hands.source, state.at_wheel === "person");
  if (page.role) panel.role(page.role, state);
  wheel.show(state.steering, shadows);
  map.show(state);
  if (!before || state.drive_step !== before.drive_step) plot.add(state.time_s, state.steering, shadows);
  panel.shadows(shadows, disagreements);
  commands.show();
  document.documentElement.dataset.step = state.step;
}

const link = new Link({
  opened: () => panel.veil(""),
  lost(why) {
    Object.assign(page, { state: null, role: null });
    panel.veil(why);
    $("role").textContent = "not connected";
    $("lamp").dataset.on = "no";
    $("lamp-text").textContent = "not recording";
    commands.show();
  },
  hello: greet,
  role(message) {
    page.role = message;
    panel.role(message, page.state);
    commands.show();
  },
  map(message) {
    map.load(message);
    plot.clear();
    $("seed").value = message.seed;
    $("map").setAttribute("aria-label", `Map around the car: ${message.map}, ${message.weather}, traffic ${message.traffic}`);
  },
  state: showState,
  picture: (message) => picture.show(message),
  event: ({ text }) => panel.say(text),
  error: ({ text }) => panel.say(text),
});

const commands = new Commands(page);
const padDialog = new PadDialog(hands);
followPointers(hands, grabbed);

for (const [opener, dialog] of [["open-help", "help"], ["open-pad", "pad"]]) {
  // Time stands still while a dialog covers the road.
  $(opener).addEventListener("click", () => holdFor(dialog));
  $(dialog).addEventListener("close", () => {
    if (page.heldByDialog) page.send("hold", { on: false });
    page.heldByDialog = false;
  });
}

function holdFor(dialog) {
  if (dialog === "help" && !$("help").open) $("help").showModal();
  if (page.role?.role !== "driver" || page.state?.mode !== "driving") return;
  page.heldByDialog = page.send("hold", { on: true });
}
page.help = () => holdFor("help");

$("shortcuts").addEventListener("change", () => {
  hands.letters = $("shortcuts").checked;
  remember("letters", String(hands.letters));
});
$("person").addEventListener("change", () => remember("person", $("person").value));

function remember(name, value) {
  try {
    localStorage.setItem(`drive.${name}`, value);
  } catch {
    panel.say("The browser does not let this page keep settings.");
  }
}

function recall(name) {
  try {
    return localStorage.getItem(`drive.${name}`);
  } catch {
    return null;
  }
}

hands.letters = recall("letters") !== "false";
$("shortcuts").checked = hands.letters;
$("person").value = recall("person") ?? "";
if (window.matchMedia("(min-height: 52rem)").matches) $("setup").open = true;

window.setInterval(() => {
  if (performance.now() - sent >= HEARTBEAT_MS) sendControls();
  panel.figures(latency.p50, picture.rate);
}, HEARTBEAT_MS / 2);

function watchPads() {
  if (!padDialog.dialog.open) hands.poll(performance.now());
  window.requestAnimationFrame(watchPads);
}
watchPads();
commands.show();
