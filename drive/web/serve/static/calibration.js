// From a raw axis of a gamepad or wheel to steering, and where the setting is kept.

const STORE = "drive.gamepad.";

/** What a controller starts with: first axis, a small dead zone, right trigger and left trigger. */
export function defaultCalibration(pad) {
  const standard = pad.mapping === "standard";
  return {
    axis: 0,
    centre: 0,
    left: -1,
    right: 1,
    deadZone: standard ? 0.06 : 0.01,
    invert: false,
    accelerate: standard ? "button:7" : "none",
    accelerateRest: 1,
    brake: standard ? "button:6" : "none",
    brakeRest: 1,
  };
}

/**
 * Steering of a raw axis value, in [-1, 1], left positive.
 * The dead zone is a share of the way from the centre to an end, and what lies beyond is stretched,
 * so that nothing jumps at its border and the ends stay reachable.
 */
export function steeringOf(raw, calibration) {
  const { centre, left, right, deadZone, invert } = calibration;
  const towardsLeft = (raw - centre) * (left - centre) > 0;
  const end = towardsLeft ? left : right;
  if (end === centre) return 0;
  const share = Math.min(1, Math.max(0, (raw - centre) / (end - centre)));
  const beyond = share <= deadZone ? 0 : (share - deadZone) / (1 - deadZone);
  const steering = towardsLeft ? beyond : -beyond;
  return (invert ? -steering : steering) + 0;
}

/**
 * Pedal of a source such as "button:7" or "axis:2", in [0, 1].
 * An axis goes from the end where it rests (1 or -1) to the other one; browsers say 0 until it first moves.
 */
export function pedalOf(pad, source, rest) {
  const [kind, number] = source.split(":");
  const index = Number(number);
  if (kind === "button") return pad.buttons[index] ? pad.buttons[index].value : 0;
  const value = kind === "axis" ? pad.axes[index] ?? 0 : 0;
  return value === 0 ? 0 : Math.min(1, Math.abs(value - rest) / 2);
}

/** The end at which a pedal's axis rests now, while nobody presses it. */
export function restOf(pad, source) {
  const [kind, number] = source.split(":");
  return kind === "axis" && pad.axes[Number(number)] < 0 ? -1 : 1;
}

const FORM = {
  axis: (value) => Number.isInteger(value) && value >= 0 && value < 64,
  centre: Number.isFinite,
  left: Number.isFinite,
  right: Number.isFinite,
  deadZone: (value) => Number.isFinite(value) && value >= 0 && value <= 0.5,
  invert: (value) => typeof value === "boolean",
  accelerate: (value) => /^(none|(axis|button):\d{1,2})$/.test(value),
  accelerateRest: (value) => value === 1 || value === -1,
  brakeRest: (value) => value === 1 || value === -1,
  brake: (value) => /^(none|(axis|button):\d{1,2})$/.test(value),
};

/** The stored setting of a controller, or its start values where there is none or a damaged one. */
export function loadCalibration(pad) {
  const fallback = defaultCalibration(pad);
  let stored = null;
  try {
    stored = JSON.parse(localStorage.getItem(STORE + pad.id));
  } catch {
    return fallback; // private mode, or a value that is not ours
  }
  if (stored === null || typeof stored !== "object") return fallback;
  const whole = { ...fallback, ...stored };
  const good = Object.entries(FORM).every(([name, holds]) => holds(whole[name]));
  return good ? whole : fallback;
}

/** Keep a setting for the next visit. Returns whether it could be kept. */
export function saveCalibration(pad, calibration) {
  try {
    localStorage.setItem(STORE + pad.id, JSON.stringify(calibration));
    return true;
  } catch {
    return false;
  }
}

/** The axis that moved most since `before`, or null when none moved clearly. */
export function movedAxis(before, now) {
  let best = null;
  let most = 0.3;
  now.forEach((value, index) => {
    const moved = Math.abs(value - (before[index] ?? 0));
    if (moved > most) [best, most] = [index, moved];
  });
  return best;
}
