"""TensorFlow Serving's REST protocol, and the contract of a Vertex AI container."""
