"""`drive serve --teach` with a learner that can drive at once, without TensorFlow, and doubts all it sees."""

import drive.web.serve.teaching
from drive.web.serve.command import ServeConfig, main
from tests.web.serve import pupils

__all__ = ["ServeConfig", "main"]

drive.web.serve.teaching.teach = pupils.unsure
