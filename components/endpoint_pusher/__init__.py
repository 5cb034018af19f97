"""Pushes a blessed model to a Vertex Endpoint, which answers requests over HTTP."""
