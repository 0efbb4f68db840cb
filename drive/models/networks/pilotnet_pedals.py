"""PilotNet that also works the pedals: steering and acceleration from a larger picture and the radar.

The convolutions of PilotNet on 88x256 pixels: a bend or a crossing must be seen further away to brake for it
than to steer through it. Speed, speed limit and the vehicle ahead join the features, and each output has
dense layers of its own. Drive it with `--longitudinal agent`.
"""

from typing import Any

from drive.models.networks.declaration import Network, Output
from drive.models.networks.pilotnet import STEERING, answer, convolve

MEASURED_FEATURES = 32
ACCELERATION = Output(
    "acceleration", "+1 = 3 m/s^2, -1 = -8 m/s^2", ("acceleration",), scale=0.1
)  # 0.3 m/s^2 forward, 0.8 m/s^2 when braking: what a passenger hardly feels counts by its square


def build_pilotnet_pedals() -> Any:
    """The network as a Keras model.

    Returns:
        A `keras.Model` from [pictures (N, 88, 256, 3) in 0..255, speed (N, 1) in m/s, speed_limit (N, 1) in
        m/s, lead (N, 2): gap in m, relative speed in m/s] to [steering (N, 1), acceleration (N, 1)].
    """
    import keras
    from keras import layers, ops

    pixels = keras.Input(PILOTNET_PEDALS.picture_shape, name="pixels")
    speed, limit = keras.Input((1,), name="speed"), keras.Input((1,), name="speed_limit")
    lead = keras.Input((2,), name="lead")
    closeness = 20.0 / (20.0 + ops.maximum(lead[:, :1], 0.0))  # 1 bumper to bumper, 0.1 without a lead
    closing = lead[:, 1:] * closeness
    measured = layers.Concatenate(name="measured")(
        [0.1 * speed - 1.0, 0.1 * limit - 1.0, 0.2 * (limit - speed), closeness, 0.2 * closing]
    )
    measured = layers.Dense(MEASURED_FEATURES, activation="silu", name="measured_features")(measured)
    x = layers.Concatenate(name="joined")([convolve(pixels), measured])
    outputs = [answer(x, "steering"), answer(x, "acceleration", "_pedals")]
    return keras.Model([pixels, speed, limit, lead], outputs, name="pilotnet_pedals")


PILOTNET_PEDALS = Network(
    name="pilotnet_pedals",
    version=1,
    height_px=88,
    width_px=256,
    inputs=("speed", "speed_limit", "lead"),
    outputs=(STEERING, ACCELERATION),
    build=build_pilotnet_pedals,
)
