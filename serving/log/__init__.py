"""What was asked of the server and what it answered, on disk."""
