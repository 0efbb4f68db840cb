// Mouse over the picture, and fingers or the mouse on the drawn wheel and the pedals.

const $ = (id) => document.getElementById(id);

/** Let pointers steer `hands`; `grabbed()` is called when one takes hold of the wheel. */
export function followPointers(hands, grabbed) {
  const view = $("view");
  const button = $("mouse");
  const on = () => button.getAttribute("aria-pressed") === "true";
  button.addEventListener("click", () => {
    const now = !on();
    button.setAttribute("aria-pressed", String(now));
    view.dataset.mouse = now ? "yes" : "no";
    if (!now) hands.point(null, "mouse", performance.now());
  });
  view.addEventListener("pointermove", (event) => {
    if (!on() || event.pointerType === "touch") return;
    const box = view.getBoundingClientRect();
    hands.point((event.clientX - box.left - box.width / 2) / (0.45 * box.width), "mouse", event.timeStamp);
  });
  view.addEventListener("pointerleave", (event) => {
    if (on() && event.pointerType !== "touch") hands.point(null, "mouse", event.timeStamp);
  });

  // A finger on the picture or the drawn wheel, or the mouse pulling the wheel: the way from where it began.
  for (const area of [view, $("pad-area")]) {
    let began = null;
    area.addEventListener("pointerdown", (event) => {
      const finger = event.pointerType !== "mouse";
      if (area === view && !finger) return;
      began = { id: event.pointerId, x: event.clientX, source: finger ? "touch" : "mouse" };
      area.setPointerCapture(event.pointerId);
      grabbed();
      hands.point(0, began.source, event.timeStamp);
    });
    area.addEventListener("pointermove", (event) => {
      if (began?.id !== event.pointerId) return;
      const reach = Math.min(0.4 * window.innerWidth, 220);
      hands.point((event.clientX - began.x) / reach, began.source, event.timeStamp);
    });
    for (const end of ["pointerup", "pointercancel"]) {
      area.addEventListener(end, (event) => {
        if (began?.id !== event.pointerId) return;
        hands.point(null, began.source, event.timeStamp);
        began = null;
      });
    }
  }

  for (const [id, pedal] of [["pedal-go", "go"], ["pedal-brake", "brake"]]) {
    const press = (down) => (event) => {
      if (event.type === "keydown" || event.type === "keyup") {
        if (event.key !== " " && event.key !== "Enter") return;
        event.preventDefault();
      }
      hands.press(pedal, down, event.timeStamp);
    };
    for (const type of ["pointerdown", "keydown"]) $(id).addEventListener(type, press(true));
    for (const type of ["pointerup", "pointercancel", "pointerleave", "keyup", "blur"]) $(id).addEventListener(type, press(false));
  }
}
