"""Compares what is asked of a served model with what did not train it, and tells what differs."""
