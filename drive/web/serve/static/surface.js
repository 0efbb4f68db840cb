// A canvas that keeps the sharpness of the screen and knows the page's colours.

/** Make a canvas follow its size on the page; `redraw` is called after each change. */
export function surface(canvas, redraw) {
  const context = canvas.getContext("2d");
  const one = { canvas, context, width: 0, height: 0, colors: {} };
  const fit = () => {
    const ratio = Math.min(window.devicePixelRatio || 1, 2);
    const box = canvas.getBoundingClientRect();
    one.width = box.width;
    one.height = box.height;
    const width = Math.max(1, Math.round(box.width * ratio));
    const height = Math.max(1, Math.round(box.height * ratio));
    if (canvas.width !== width || canvas.height !== height) {
      canvas.width = width;
      canvas.height = height;
    }
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    readColors();
    redraw(one);
  };
  const readColors = () => {
    const style = getComputedStyle(document.documentElement);
    for (const name of ["ink", "soft", "line", "tint", "accent", "road", "mark", "route", "bad"]) {
      one.colors[name] = style.getPropertyValue(`--${name}`).trim();
    }
    one.colors.shadows = [0, 1, 2, 3].map((i) => style.getPropertyValue(`--shadow-${i}`).trim());
  };
  new ResizeObserver(fit).observe(canvas);
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", fit);
  fit();
  return one;
}
