"""Trains on machines of Vertex Training."""
