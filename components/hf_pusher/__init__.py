"""Publishes a blessed model and its demo on the Hugging Face Hub."""
