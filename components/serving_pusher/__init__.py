"""Pushes a blessed model to a folder that TensorFlow Serving watches."""
