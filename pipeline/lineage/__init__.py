"""Which data, code and run made a model, and what came of it."""
