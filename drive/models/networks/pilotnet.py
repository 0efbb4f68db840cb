"""PilotNet: from pixels and speed to steering by five convolutions and three dense layers.

Bojarski et al. 2016, End to End Learning for Self-Driving Cars, figure 4: a normalisation layer, 24, 36 and
48 maps of 5x5 with stride 2, twice 64 maps of 3x3, then 100, 50 and 10 neurons; about 250,000 parameters.
The measured speed joins the features of the picture, as in Codevilla et al. 2018: how firmly a driver steers
back, and how far ahead, depends on it, and no single picture shows it.

Neurons answer with SiLU, x / (1 + exp(-x)); the paper names none. In the same three epochs over 75,000
pictures its loss on validation roads was 0.113, that of ReLU 0.131 and that of ELU 0.158; of 24 drives
through a town never seen in training 23, 22 and 21 succeeded.
"""

from dataclasses import replace
from typing import Any

from drive.models.networks.declaration import Network, Output

CONVOLUTIONS = ((24, 5, 2), (36, 5, 2), (48, 5, 2), (64, 3, 1), (64, 3, 1))  # maps, kernel, stride
DENSE = (100, 50, 10)
SPEED_FEATURES = 16
# Open road needs steering below 0.1, a corner of 6 m radius about 0.7: on a plain square the few corners
# would outweigh all precision on the straight.
STEERING = Output("steering", "left positive, -1..1", ("steering",), scale=0.1, mirrored=True)


def normalise(pixels: Any) -> Any:
    """Scale each picture to mean 0 and deviation 1, so that dark, bright and pale scenes look alike.

        x = (pixels - mean) / sqrt(variance + 9)

    over the whole picture (one mean for all three channels, so that colour stays); 9 = (3 grey levels)^2
    keeps the noise of an almost black picture small.

    Args:
        pixels: (N, H, W, 3) in 0..255, any number type.

    Returns:
        Same shape, the precision that the network computes in.
    """
    import keras
    from keras import ops

    x = ops.cast(pixels, "float32")
    mean = ops.mean(x, axis=(1, 2, 3), keepdims=True)
    centred = x - mean
    variance = ops.mean(ops.square(centred), axis=(1, 2, 3), keepdims=True)
    return ops.cast(centred / ops.sqrt(variance + 9.0), keras.config.floatx())


def convolve(pixels: Any) -> Any:
    """The picture's features: normalised, five convolutions, flat."""
    from keras import layers

    x = normalise(pixels)
    for i, (maps, kernel, stride) in enumerate(CONVOLUTIONS, start=1):
        x = layers.Conv2D(maps, kernel, strides=stride, activation="silu", name=f"conv{i}")(x)
    return layers.Flatten(name="flatten")(x)


def answer(x: Any, name: str, suffix: str = "") -> Any:
    """Three dense layers and one number in [-1, 1], `name`; `suffix` tells its layers from another's."""
    from keras import layers

    for i, neurons in enumerate(DENSE, start=1):
        x = layers.Dense(neurons, activation="silu", name=f"dense{i}{suffix}")(x)
    return layers.Dense(1, activation="tanh", dtype="float32", name=name)(x)


def build_pilotnet_pixels() -> Any:
    """PilotNet from pixels alone, for drives whose speed nobody measured.

    Returns:
        As `build_pilotnet`, but for the speed.
    """
    import keras

    pixels = keras.Input(PILOTNET.picture_shape, name="pixels")
    return keras.Model([pixels], answer(convolve(pixels), "steering"), name="pilotnet_pixels")


def build_pilotnet() -> Any:
    """The network as a Keras model.

    Returns:
        A `keras.Model` from [cropped and resized pictures (N, 66, 200, 3) in 0..255, speed (N, 1) in m/s]
        to steering (N, 1) in [-1, 1], left positive.
    """
    import keras
    from keras import layers

    pixels = keras.Input(PILOTNET.picture_shape, name="pixels")
    speed = keras.Input((1,), name="speed")
    x = convolve(pixels)
    pace = layers.Rescaling(0.1, offset=-1.0, name="pace")(speed)
    pace = layers.Dense(SPEED_FEATURES, activation="silu", name="speed_features")(pace)
    x = layers.Concatenate(name="joined")([x, pace])
    return keras.Model([pixels, speed], answer(x, "steering"), name="pilotnet")


PILOTNET = Network(
    name="pilotnet",
    version=2,
    height_px=66,
    width_px=200,
    inputs=("speed",),
    outputs=(STEERING,),
    build=build_pilotnet,
)
PILOTNET_PIXELS = replace(PILOTNET, name="pilotnet_pixels", version=1, inputs=(), build=build_pilotnet_pixels)
