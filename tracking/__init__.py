"""Runs and registered models in MLflow, a projection of the pipeline's own metadata."""
