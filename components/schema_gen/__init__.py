"""Writes the schema that the graph itself carries."""
