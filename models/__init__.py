"""The learning: preprocessing, architectures, training, signatures and metrics."""
