"""Every message between the page and the server: what they hold. `messages` checks those of the page.

One WebSocket at `/ws` (`/ws?token=...` where the page's own URL carries a token). Text messages are JSON
objects with a `type`; binary messages are pictures. Steering is in [-1, 1], positive to the LEFT; lengths are
metres, angles radians, speeds m/s, and world coordinates are x east, y north.

Page to server (at most 4096 bytes each, 200 a second, of them two new drives; what is above is refused).
Unknown fields are refused.

    controls    t: the page's own clock in ms (any finite number; comes back once, see `echo`)
                steering: [-1, 1]
                throttle, brake: [0, 1] each (default 0), or instead acceleration: [-1, 1]; they count where
                    hello.pedals is "person"; with "cruise" the car keeps speed and distance by itself
                source: "keyboard" | "mouse" | "gamepad" | "touch"
                Send on every change and at least five times a second: after 2 s without one the simulation
                waits while a person drives.
    start       map, weather, traffic, agent: names out of hello's lists; seed: 0 to 999,999;
                shadows: list of names out of hello.shadows. All may be left out: what was last chosen counts.
                A new drive from its start.
    restart     scenario: "same" (default) | "next" (the next seed)
    takeover    on: true: the person drives, false: the agent does (an agent must have been chosen)
    record      action: "start" | "pause" | "resume" | "stop" | "delete_last_5s" | "mark_begin" | "mark_end"
                    | "discard" (drops the open episode and stops)
                    | "settings" (changes nothing but the fields below)
                keep_on_disconnect: bool, what becomes of the open episode when the tab, the connection or the
                    server goes away (default: as before, at first true)
                    A drive that ended stays open until "stop" or the next drive, so that its last seconds can
                    still be deleted. After "delete_last_5s" the car is back where the first deleted frame was
                    taken (or stays, if that is more than 20 s ago). While recording is on or paused, the next
                    drive is recorded too; frames before and after a pause become episodes of their own.
                person, note: text of at most 100 and 500 characters, kept with the episodes
    pace        factor: number in (0, 1], 1 = real time; or "max" (as fast as it goes; for an agent at the
                    wheel and for tests)
    hold        on: bool: stop the simulation where it is, and let it go on
    claim       become the driver, where nobody is
    release     give the driver's place back; what is being recorded is stopped and kept
    viewer_ack  step: of each picture, once it is drawn; pictures are sent and sized by what comes back;
                held_ms: time from its arrival to that

`start`, `restart`, `takeover`, `record`, `pace`, `hold` and `controls` are the driver's alone.

Server to page, text:

    hello       protocol: 1; maps, weathers, traffics, agents, shadows: lists of names (agents begins with
                "person"); weathers begins with "any": drawn anew for each seed; maps begins with "generated":
                roads made from the seed, and "generated town", ...: those of one style;
                chosen: {map, seed, weather, traffic, agent, shadows}; pedals: "cruise" | "person";
                camera: {width_px, height_px, fov_deg}; dt: s of one step; recording: whether there is a
                dataset; dataset: its folder's name or null; limits: {message_bytes, messages_per_s, clients,
                person_characters, note_characters, largest_seed, delete_s, controls_within_s,
                max_steering_angle_rad}
    role        role: "driver" | "viewer"; driver: whether somebody drives; viewers: how many watch.
                After hello and at every change.
    map         once a drive: scenario: its name; map, seed, weather, traffic; route: [[x, y], ...];
                start_s, goal_s (along the route); lanes: [{type, width, points: [[x, y], ...]}, ...];
                car: {length, width, center_x} (center_x: from the rear axle to the footprint's centre)
    state       one a step, and whenever something but the step changes:
                step: counts up by one for each step driven since the server began, never skips
                drive_step: steps since the start of this drive (goes back when the last 5 s are deleted)
                time_s: simulation time of this drive
                mode: "waiting" (for a start or a driver) | "driving" | "held" | "ended"
                why: one clear line for waiting and held, else ""
                held: bool, whether `hold` stopped the time
                end: null or "collision" | "off_road" | "goal" | "timeout"
                at_wheel: "person" | name of the agent
                agent: name of the agent, null where only a person drives
                intervention: whether the person drives where an agent would
                steering: executed in this step; wheel_angle_rad: of the road wheels; acceleration: executed
                speed, speed_limit [m/s]; command: 0 follow lane, 1 left, 2 right, 3 straight
                lateral_offset [m], heading_error [rad]; left_lane, off_road, collision: bool
                route_completion: 0..1
                pose: [x, y, yaw] of the rear axle; actors: [[x, y, yaw, length, width], ...] within 80 m
                recording: {mode: "off" | "on" | "paused", frames, seconds, marked: bool, episodes (kept),
                    crashed (episodes kept apart), saving: bool, keep_on_disconnect, person, note, coverage:
                    {seconds, left_seconds and right_seconds in bends, recoveries, roads, weathers: [name],
                    next: what to drive next}, of all that is kept or open};
                    null without a dataset
                shadows: {name: {steering: number | null, disagreement: mean |difference| over the last 5 s |
                    null}}
                teach: null, or with `--teach` what the learner does: {name: of its agent;
                    phase: "waiting" (for frames) | "learning" | "ready" (to drive) | "stopped";
                    samples: frames it was shown; updates: steps of training; loss: of late | null;
                    steering: what it would steer, whoever drives | null; std: how far its heads differ,
                    smoothed | null; uncertainty: the same against what is usual on frames it knows | null;
                    unsure: whether that is above 1 (until it is below 0.8); waits: whether the
                    simulation waits because the learner at the wheel has been unsure for 1 s (mode is then
                    "held"; `takeover` on, or `hold` off, which lets it drive on for 5 s at least);
                    autonomy: 0..1, of its last 60 s at the wheel, 1 - (6 s * takeovers + time out of the
                    lane) / time | null; error: mean |its steering - the person's| over the last 30 s that the
                    person drove | null}
                agent_steering: what the agent would steer, whoever drives, or null
                echo: t of the newest controls that this step was the first to use, or null
                rate_hz: steps a second of late; pace: number | "max"; expert_steering: number | null
    event       level: "info" | "warning"; text: one clear line (a drive ended, an episode was saved, ...)
    error       text: one clear line: what was refused and how to mend it

Server to page, binary: a header of 24 bytes, little-endian, then the encoded picture:

    offset 0   4 bytes   "DRV1"
    offset 4   uint32    step, as in `state`
    offset 8   float64   echo, as in `state`; NaN: none. now - echo = latency from the control to its picture
    offset 16  uint8     codec: 1 JPEG, 2 WebP
    offset 17  uint8     level: 0 best, larger is smaller and coarser
    offset 18  uint16    width [px];  offset 20  uint16  height [px];  offset 22  uint16  0

A client that cannot keep up misses pictures, never makes the simulation skip. Close codes: 1008 refused
(origin, token, flood), 1009 message too large, 1013 too many clients.
"""

import json
import math
import struct
from dataclasses import dataclass
from typing import Any

from drive.agent import MAX_STEERING_ANGLE
from drive.core.seeds import RESERVED_SEEDS
from drive.web.limits import MAX_MESSAGE_BYTES, MAX_MESSAGES_PER_S

PROTOCOL = 1
MAX_CLIENTS = 16
PERSON_CHARACTERS, NOTE_CHARACTERS = 100, 500
DELETE_S = 5.0
CONTROLS_WITHIN_S = 2.0
PERSON = "person"  # the name in hello.agents for driving without an agent
MAGIC = b"DRV1"
JPEG, WEBP = 1, 2
_HEADER = struct.Struct("<4sIdBBHHH")


class ProtocolError(ValueError):
    """A message that is not one of ours; its text is one line for the page."""


def limits() -> dict[str, Any]:
    """`hello.limits`."""
    return {
        "message_bytes": MAX_MESSAGE_BYTES,
        "messages_per_s": MAX_MESSAGES_PER_S,
        "clients": MAX_CLIENTS,
        "person_characters": PERSON_CHARACTERS,
        "note_characters": NOTE_CHARACTERS,
        "largest_seed": RESERVED_SEEDS - 1,
        "delete_s": DELETE_S,
        "controls_within_s": CONTROLS_WITHIN_S,
        "max_steering_angle_rad": MAX_STEERING_ANGLE,
    }


def encode(kind: str, **values: Any) -> str:
    """A text message of the server."""
    return json.dumps({"type": kind, **values}, separators=(",", ":"), allow_nan=False)


@dataclass(frozen=True, slots=True)
class Picture:
    """What the header of a binary message says, and the bytes behind it."""

    step: int
    echo: float | None  # [ms]
    level: int
    width_px: int
    height_px: int
    data: bytes
    codec: int = JPEG

    def pack(self) -> bytes:
        """Header and picture."""
        echo = math.nan if self.echo is None else self.echo
        header = (
            MAGIC,
            self.step & 0xFFFFFFFF,
            echo,
            self.codec,
            self.level,
            self.width_px,
            self.height_px,
            0,
        )
        return _HEADER.pack(*header) + self.data


def unpack_picture(message: bytes) -> Picture:
    """The inverse of `Picture.pack`.

    Raises:
        ProtocolError: the header is not ours.
    """
    if len(message) < _HEADER.size or message[:4] != MAGIC:
        raise ProtocolError("The binary message is no picture.")
    _, step, echo, codec, level, width, height, _ = _HEADER.unpack_from(message)
    data = message[_HEADER.size :]
    return Picture(step, None if math.isnan(echo) else echo, level, width, height, data, codec)
