"""Data with versions: lakeFS and S3, to an id that cannot change, to a checked local copy."""
