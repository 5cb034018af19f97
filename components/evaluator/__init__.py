"""TFX's Evaluator, which compares a model with one of the same recipe and classes only."""
