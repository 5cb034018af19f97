"""Calls the trained model where there is TensorFlow alone, as a server does, before a push."""
