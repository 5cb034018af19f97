"""Data and models with versions: lakeFS and S3."""
