"""Keras networks, their data and their ONNX policies."""
