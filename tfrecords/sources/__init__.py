"""Data sets as others keep them, to shards."""
