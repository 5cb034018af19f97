"""Reads the artifacts of TFX that several components and pages show."""
