"""The flat arrays that hold every moving thing of a batch of worlds, as numpy record types.

All fields are 8 bytes wide, so that there is no padding and a snapshot or a hash is the plain bytes.
Kernels read `array[i].field`.
"""

import numpy as np

# What an actor or prop is. Actors move or stand on the road; props are scenery.
CAR, VAN, TRUCK, CONE, BARREL, BARRIER = range(6)
BUILDING, TREE, BUSH, POLE, SIGN, TRAFFIC_LIGHT, FENCE = range(10, 17)

EGO = np.dtype(
    [
        # the car, at the rear axle
        ("x", "f8"),  # [m]
        ("y", "f8"),  # [m]
        ("z", "f8"),  # [m]
        ("yaw", "f8"),  # [rad]
        ("speed", "f8"),  # along the car's axis [m/s]
        ("yaw_rate", "f8"),  # [rad/s]
        ("slip_angle", "f8"),  # at the centre of mass [rad]
        ("steering_angle", "f8"),  # road wheel, after the actuator [rad]
        ("acceleration", "f8"),  # along the car's axis [m/s^2]
        # what was asked for in the last step
        ("steering_command", "f8"),  # [rad]
        ("acceleration_command", "f8"),  # [m/s^2]
        # where it is on its reference path
        ("path_s", "f8"),  # of the rear axle [m]
        ("center_s", "f8"),  # of the footprint's centre [m]
        ("lateral_offset", "f8"),  # of the footprint's centre, left positive [m]
        ("heading_error", "f8"),  # car's yaw minus the path's [rad]
        ("left_border", "f8"),  # distance from the path to its lane's left border at center_s [m]
        ("right_border", "f8"),  # the same to the right, positive [m]
        ("progress", "f8"),  # largest center_s reached within 5 m of the path [m]
        ("off_road", "f8"),  # how far the worst footprint corner is outside the drivable area [m]
        ("speed_limit", "f8"),  # [m/s]
        # radar
        ("lead_gap", "f8"),  # bumper to bumper, 200 when none [m]
        ("lead_speed", "f8"),  # the lead's speed minus ours [m/s]
        # first contact of the last step
        ("collision_actor", "i8"),  # place among its world's actors, -1 when none
        ("closing_speed", "f8"),  # [m/s]
        ("contact_x", "f8"),  # in the vehicle frame [m]
        ("contact_y", "f8"),
        ("step", "i8"),  # control steps since the reset
        ("path", "i8"),  # index of the reference path in the batch's paths
    ]
)

ACTOR = np.dtype(
    [
        ("kind", "i8"),
        ("active", "i8"),  # 0: not there (yet, or any more)
        ("x", "f8"),  # footprint centre [m]
        ("y", "f8"),
        ("z", "f8"),
        ("yaw", "f8"),  # [rad]
        ("length", "f8"),  # [m]
        ("width", "f8"),
        ("height", "f8"),
        ("color", "i8"),  # 0xRRGGBB
        ("speed", "f8"),  # [m/s]
        ("acceleration", "f8"),  # [m/s^2]
        ("braking", "i8"),  # brake lights on
        ("path", "i8"),  # index of its path in the batch's paths; -1: it stands where it is
        ("s", "f8"),  # of the footprint centre along its path [m]
        ("lateral_offset", "f8"),  # kept from its path [m]
        ("desired_speed", "f8"),  # on a free road [m/s]
        ("time_headway", "f8"),  # [s]
        ("seed", "i8"),
    ]
)

PROP = np.dtype(
    [
        ("kind", "i8"),
        ("x", "f8"),  # footprint centre [m]
        ("y", "f8"),
        ("z", "f8"),
        ("yaw", "f8"),  # [rad]
        ("length", "f8"),  # along its yaw [m]
        ("width", "f8"),
        ("height", "f8"),
        ("color", "i8"),  # 0xRRGGBB
        ("seed", "i8"),  # details: windows, crown shape
    ]
)

# A path is sampled every PATH_STEP metres of arc length; sample i stands at s = i * PATH_STEP.
PATH_STEP = 0.5  # [m]
PATH = np.dtype(
    [
        ("x", "f8"),  # [m]
        ("y", "f8"),
        ("z", "f8"),
        ("yaw", "f8"),  # [rad], continuous along the path (not wrapped)
        ("curvature", "f8"),  # left positive [1/m]
        ("speed_limit", "f8"),  # posted [m/s]
        ("left", "f8"),  # distance to the lane's left border [m], positive
        ("right", "f8"),  # distance to the lane's right border [m], positive
        ("caution", "f8"),  # curvature that the speed law takes here at least; 0: none [1/m]
        ("command", "f8"),  # 0 follow lane, 1 left, 2 right, 3 straight
    ]
)
