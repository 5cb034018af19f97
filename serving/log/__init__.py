"""What was asked and answered, as TensorFlow Serving's PredictionLog in TFRecord files."""
