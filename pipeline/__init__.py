"""The graph: what runs, in which order, on which engine."""
