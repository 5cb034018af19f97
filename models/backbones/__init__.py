"""Encoders, with their weights, for the networks of every task."""
