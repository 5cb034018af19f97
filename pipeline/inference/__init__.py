"""Runs a recorded model on images, and keeps what it answers."""
