"""Pushes a blessed model to a repository of lakeFS, as one merge into its default branch."""
