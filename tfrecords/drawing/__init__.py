"""Draws the embedded data sets."""
