"""Makes the model for the edge: LiteRT, quantised, judged by figures of its own."""
