"""This project's own server: TensorFlow Serving's REST protocol, and the container of Vertex AI."""
