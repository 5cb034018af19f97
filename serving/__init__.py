"""What answers requests in production: TensorFlow Serving over the versions that were pushed."""
