"""Semantic segmentation: what it trains on, how it learns and how it is judged."""
