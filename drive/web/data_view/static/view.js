// Scrubs through the episodes of a dataset and takes stretches out of training, or puts them back.

import { Traces } from "./traces.js";

const $ = (id) => document.getElementById(id);
const token = new URLSearchParams(window.location.search).get("token");

let dataset = null; // {name, fps, frames, episodes: [...]}
let traces = null; // of the episode that is shown
let panels = [];
let episode = 0;
let frame = 0;
let playing = null; // {from, since} while playing
let asked = 0; // number of the newest request for an episode
let quiet = null;

function address(path) {
  const url = new URL(path, window.location.href);
  url.search = token === null ? "" : `?token=${encodeURIComponent(token)}`;
  return url.href;
}

async function ask(path, values) {
  const response = await fetch(address(path), values === undefined ? {} : {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(values),
  });
  const answer = await response.json().catch(() => null);
  if (!response.ok || answer === null) throw new Error(answer?.error ?? `The server answered ${response.status}.`);
  return answer;
}

function say(text) {
  $("status").textContent = text;
  window.clearTimeout(quiet);
  quiet = window.setTimeout(() => ($("status").textContent = ""), 6000);
}

async function attempt(work) {
  try {
    await work();
  } catch (error) {
    say(error instanceof TypeError ? "The server does not answer: is `drive data view` still running?" : error.message);
  }
}

const plural = (count, word) => `${count.toLocaleString("en")} ${word}${count === 1 ? "" : "s"}`;
const framesOut = ({ excluded }) => excluded.reduce((sum, [first, after]) => sum + after - first, 0);

function rowText(row) {
  const out = framesOut(row);
  const state = out === row.frames ? "excluded" : out ? `${plural(out, "frame")} cut` : "";
  const failed = row.failed ? "not learned from" : "";
  return [row.person || row.driver, row.weather, row.ended.replace("_", " "), failed, state].filter(Boolean).join(", ");
}

function list() {
  const { episodes, frames, fps, name } = dataset;
  $("dataset").textContent = name;
  const out = episodes.reduce((sum, row) => sum + framesOut(row), 0);
  const minutes = (frames / fps / 60).toFixed(1);
  $("totals").textContent = `${plural(episodes.length, "episode")}, ${plural(frames, "frame")}, ${minutes} min${out ? `, ${out.toLocaleString("en")} frames excluded` : ""}`;
  $("episodes").replaceChildren(...episodes.map((row) => {
    const label = document.createElement("label");
    label.className = framesOut(row) === row.frames ? "episode out" : "episode";
    const radio = document.createElement("input");
    Object.assign(radio, { type: "radio", name: "episode", value: String(row.index), checked: row.index === episode });
    radio.addEventListener("change", () => attempt(() => open(row.index)));
    const box = document.createElement("span");
    box.className = "row";
    for (const [kind, text] of [["number", String(row.index)], ["length", `${row.seconds.toFixed(1)} s`], ["more", rowText(row)]]) {
      const part = document.createElement("span");
      part.className = kind;
      part.textContent = text;
      box.append(part);
    }
    label.append(radio, box);
    return label;
  }));
}

async function open(index) {
  const number = ++asked;
  const found = await ask(`api/episodes/${index}`);
  if (number !== asked) return; // another one was chosen meanwhile
  stop();
  [traces, episode, frame] = [found, index, 0];
  const row = traces.episode;
  const box = $("episodes").querySelector(`input[value="${index}"]`);
  if (box) box.checked = true;
  box?.scrollIntoView({ block: "nearest" });
  $("title").textContent = `Episode ${index}`;
  $("facts").textContent = [row.scenario, row.weather, row.person && `by ${row.person}`, row.note].filter(Boolean).join(", ");
  for (const id of ["scrub", "from", "to"]) $(id).max = row.frames - 1;
  $("from").value = 0;
  $("to").value = row.frames - 1;
  $("panels").replaceChildren();
  panels = traces.panels.map((panel) => new Traces($("panels"), panel, (at) => { stop(); seek(at); }));
  $("band-mark").hidden = traces.mark.length + row.marked.length === 0;
  $("band-intervention").hidden = traces.intervention.length === 0;
  seek(0);
}

/** The chosen frames: the first, and the first one after them. */
function range() {
  return [Number($("from").value), Number($("to").value) + 1];
}

function bands() {
  const { mark, intervention, episode: row } = traces;
  const [first, after] = range();
  const chosen = first > 0 || after < row.frames ? [["range", first, after]] : [];
  return [
    ...chosen,
    ...row.excluded.map(([from, to]) => ["excluded", from, to]),
    ...[...mark, ...row.marked].map(([from, to]) => ["mark", from, to]),
    ...intervention.map(([from, to]) => ["intervention", from, to]),
  ];
}

function seek(to) {
  if (!traces) return;
  const row = traces.episode;
  frame = Math.max(0, Math.min(row.frames - 1, to));
  const seconds = (frame / dataset.fps).toFixed(2);
  const out = row.excluded.some(([first, after]) => frame >= first && frame < after);
  const command = traces.command.find(([first, after]) => frame >= first && frame < after);
  $("scrub").value = frame;
  $("scrub").setAttribute("aria-valuetext", `frame ${frame} of ${row.frames}, ${seconds} seconds`);
  $("now").textContent = `frame ${frame} of ${row.frames}, ${seconds} s${command ? `, ${command[2]}` : ""}${out ? ", excluded" : ""}`;
  $("picture").classList.toggle("out", out);
  showPicture();
  const behind = bands();
  for (const panel of panels) panel.show(frame, behind);
  const ranges = row.excluded.map(([first, after]) => `${first} to ${after - 1}`);
  $("excluded").textContent = ranges.length ? `Excluded: frames ${ranges.join("; ")}.` : "Nothing is excluded.";
}

let wanted = null; // the picture to show next
let loading = false;

function showPicture() {
  wanted = address(`api/episodes/${episode}/frames/${frame}.jpg`);
  if (!loading) loadPictures();
}

async function loadPictures() {
  loading = true;
  while (wanted !== null) {
    const source = wanted;
    wanted = null;
    const image = new Image(320, 160);
    Object.assign(image, { id: "picture", className: $("picture").className, src: source });
    image.alt = `Picture of the front camera, frame ${frame}`;
    try {
      await image.decode();
      $("picture").replaceWith(image);
    } catch {
      if (wanted === null) say("This picture cannot be read.");
    }
  }
  loading = false;
}

function stop() {
  playing = null;
  $("play-text").textContent = "Play";
}

function play() {
  if (playing) return stop();
  if (!traces) return;
  if (frame >= traces.episode.frames - 1) seek(0);
  playing = { from: frame, since: performance.now() };
  $("play-text").textContent = "Pause";
  window.requestAnimationFrame(tick);
}

function tick(now) {
  if (!playing) return;
  const to = playing.from + Math.floor(((now - playing.since) / 1000) * dataset.fps);
  if (to !== frame) seek(to);
  if (frame >= traces.episode.frames - 1) stop();
  else window.requestAnimationFrame(tick);
}

function step(by) {
  stop();
  seek(frame + by);
}

async function edit(verb, first, after) {
  if (!traces) return;
  if (!Number.isInteger(first) || !Number.isInteger(after) || first < 0 || after <= first || after > traces.episode.frames) {
    say(`Choose a range within frames 0 to ${traces.episode.frames - 1}, its end not before its beginning.`);
    return;
  }
  const row = await ask(`api/episodes/${episode}/${verb}`, { from_frame: first, to_frame: after });
  traces.episode = row;
  dataset.episodes[row.index] = row;
  const focused = document.activeElement?.name === "episode";
  list();
  if (focused) $("episodes").querySelector("input:checked")?.focus();
  seek(frame);
  say(verb === "exclude" ? `Frames ${first} to ${after - 1} are left out of training.` : `Frames ${first} to ${after - 1} are used again.`);
}

function setRange(id, value) {
  $(id).value = value;
  seek(frame);
}

const verbs = {
  i: () => setRange("from", frame),
  o: () => setRange("to", frame),
  e: () => attempt(() => edit("exclude", ...range())),
  r: () => attempt(() => edit("restore", ...range())),
};
const clicks = {
  play,
  back: () => step(-1),
  on: () => step(1),
  "back-s": () => step(-dataset.fps),
  "on-s": () => step(dataset.fps),
  "set-from": verbs.i,
  "set-to": verbs.o,
  exclude: verbs.e,
  restore: verbs.r,
  "exclude-all": () => attempt(() => edit("exclude", 0, traces.episode.frames)),
  "restore-all": () => attempt(() => edit("restore", 0, traces.episode.frames)),
  "open-help": () => $("help").showModal(),
};
for (const [id, act] of Object.entries(clicks)) $(id).addEventListener("click", () => (traces || id === "open-help") && act());
$("scrub").addEventListener("input", () => step(Number($("scrub").value) - frame));
for (const id of ["from", "to"]) $(id).addEventListener("change", () => seek(frame));

window.addEventListener("keydown", (event) => {
  const { target, key, shiftKey } = event;
  if (event.ctrlKey || event.metaKey || event.altKey || $("help").open || !traces) return;
  if (key === "PageUp" || key === "PageDown") {
    const to = episode + (key === "PageUp" ? -1 : 1);
    if (to >= 0 && to < dataset.episodes.length) attempt(() => open(to));
  } else if (target.closest("input:not([type=radio]), textarea, select")) {
    return; // the key belongs to the field
  } else if (key === " " && !target.closest("button, summary, input")) play();
  else if ((key === "ArrowLeft" || key === "ArrowRight") && target.type !== "radio") {
    step((key === "ArrowLeft" ? -1 : 1) * (shiftKey ? dataset.fps : 1));
  } else if (key === "?") $("help").showModal();
  else if ($("shortcuts").checked && Object.hasOwn(verbs, key.toLowerCase())) verbs[key.toLowerCase()]();
  else return;
  event.preventDefault();
});

attempt(async () => {
  dataset = await ask("api/dataset");
  list();
  if (dataset.episodes.length) await open(0);
});
