"""A PilotNet with several opinions: one set of convolutions, and heads that learned from other samples each.

Where the heads agree, the picture is like those they learned from; where they differ, it is not (bootstrapped
heads, Osband et al. 2016). It learns frame by frame (`drive.models.training.ensemble_trainer`).
"""

from dataclasses import replace
from typing import Any

from drive.models.networks.declaration import Output
from drive.models.networks.pilotnet import PILOTNET, answer, build_pilotnet

MEMBERS = 4
STD = Output(
    "steering_std",
    "standard deviation of the heads' steering: how unsure the network is",
    ("steering",),
    scale=PILOTNET.outputs[0].scale,
)


def build_ensemble(members: int = MEMBERS) -> Any:
    """The network as a Keras model.

    Args:
        members: heads, K.

    Returns:
        A `keras.Model` from PilotNet's inputs to the steering of each head, (N, K) in [-1, 1], left positive.
    """
    import keras
    from keras import layers

    first = build_pilotnet()
    joined = first.get_layer("joined").output
    heads = [answer(joined, f"steering_{head}", f"_{head}") for head in range(2, members + 1)]
    return keras.Model(
        first.inputs, layers.Concatenate(name="answers")([first.output, *heads]), name="ensemble"
    )


def build_mean(ensemble: Any) -> Any:
    """Wrap the heads: [steering (N, 1), their mean, and steering_std (N, 1), their standard deviation]."""
    import keras
    from keras import ops

    mean = ops.mean(ensemble.output, axis=-1, keepdims=True)
    std = ops.sqrt(ops.mean(ops.square(ensemble.output - mean), axis=-1, keepdims=True))
    return keras.Model(ensemble.inputs, [mean, std], name="mean")


ENSEMBLE = replace(
    PILOTNET,
    name="pilotnet ensemble",
    outputs=(PILOTNET.outputs[0], STD),
    build=lambda: build_mean(build_ensemble()),
)
