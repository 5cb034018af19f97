"""Raw images and masks to sharded TFRecord sets: converters, a generator and their checks."""
