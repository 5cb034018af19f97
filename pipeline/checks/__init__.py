"""Names what is wrong or missing before a run."""
