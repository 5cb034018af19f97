"""TensorFlow Serving's gRPC protocol."""
