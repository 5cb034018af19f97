"""Ingests TFRecord shards in the order of their names."""
