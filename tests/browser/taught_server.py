"""`drive serve --teach` with a learner that can drive at once, without TensorFlow, and doubts all it sees."""

import drive.serve.teaching
from drive.serve.command import ServeConfig, main
from tests.serve import pupils

__all__ = ["ServeConfig", "main"]

drive.serve.teaching.teach = pupils.unsure
