// Turns keys into steering that can follow a curve: a ramp towards a limit that falls with speed,
// and a wheel that centres itself when the keys are released. Positive is left, 1 is full lock.

const WHEELBASE = 2.7; // [m]
const FULL_LOCK = 0.6; // road wheel angle at steering 1 [rad]
const LATERAL_ACCELERATION = 5.0; // what a held key asks for at most [m/s^2]
const RISE_S = 0.7; // from straight to the limit
const RETURN_S = 0.18; // time constant of the self-centring
const COUNTER = 2.2; // how much faster the wheel turns while it is still on the other side

/** Steering that a held key leads to at a speed [m/s]: full lock when slow, little when fast. */
export function steeringLimit(speed) {
  const angle = Math.atan((LATERAL_ACCELERATION * WHEELBASE) / Math.max(speed * speed, 1e-6));
  return Math.min(1, Math.max(0.03, angle / FULL_LOCK));
}

/**
 * One step of the ramp.
 * @param {number} steering where the wheel stands, in [-1, 1], left positive
 * @param {number} direction 1 left, -1 right, 0 no key
 * @param {number} speed [m/s]
 * @param {number} dt [s]
 */
export function rampSteering(steering, direction, speed, dt) {
  const limit = steeringLimit(speed);
  if (direction === 0) {
    const kept = steering * Math.exp(-dt / RETURN_S);
    return Math.abs(kept) < 1e-3 ? 0 : kept;
  }
  const against = steering * direction < 0;
  const rate = (limit / RISE_S) * (against ? COUNTER : 1);
  const target = direction * limit;
  const change = target - steering;
  return steering + Math.sign(change) * Math.min(Math.abs(change), rate * dt);
}

/** Pedal of the keys: rises in half a second, falls at once. */
export function rampPedal(pedal, wanted, dt) {
  if (wanted === 0) return 0;
  if (pedal * wanted < 0) pedal = 0;
  const start = 0.3 * wanted;
  const from = Math.abs(pedal) < 0.3 ? start : pedal;
  return wanted > 0 ? Math.min(wanted, from + 2 * dt) : Math.max(wanted, from - 2 * dt);
}
