"""What answers requests in production, over the versions that were pushed, and what asks it."""
