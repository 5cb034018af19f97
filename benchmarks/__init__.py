"""Speed measured against a named peer, in the same process and on the same data."""
