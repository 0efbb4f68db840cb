"""`drive serve --teach` with a learner, without TensorFlow, that can drive at once and is always unsure."""

import drive.models.training.online_learner
from drive.web.serve.command import ServeConfig, main
from tests.web.serve import pupils

__all__ = ["ServeConfig", "main"]

drive.models.training.online_learner.train_online = pupils.unsure
