"""What the Hub demands of the YAML at the head of a README.md."""

import fnmatch
import re

import yaml

SPACE_SDKS = ("gradio", "streamlit", "docker", "static")
COLORS = ("red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray")
_FRONT_MATTER = re.compile(r"\A\s*---[ \t]*\r?\n(.*?)\r?\n---[ \t]*(?:\r?\n|\Z)", re.DOTALL)


def read_metadata(readme: str) -> dict:
    """The metadata of a README.md, or an empty dict where there is none to read."""
    try:
        metadata = _parse(readme)
    except yaml.YAMLError:
        return {}
    return metadata if isinstance(metadata, dict) else {}


def _parse(readme: str) -> object:
    match = _FRONT_MATTER.match(readme)
    return yaml.safe_load(match[1]) if match else None


def check_metadata(readme: str, kind: str) -> tuple[list[str], list[str]]:
    """The errors and the warnings that the Hub has for a README.md.

    Args:
        readme: The text of the file.
        kind: models, datasets or spaces.
    """
    try:
        metadata = _parse(readme)
    except yaml.YAMLError as error:
        return [f"YAML parse error: {error}"], []
    if metadata is not None and not isinstance(metadata, dict):
        return ["The metadata must be a mapping of names to values"], []
    if kind == "spaces":
        metadata = metadata or {}
        errors = [
            f'"{name}" must be one of [{", ".join(allowed)}]'
            for name, allowed in (("sdk", SPACE_SDKS), ("colorFrom", COLORS), ("colorTo", COLORS))
            if name in metadata and metadata[name] not in allowed
        ]
        return (errors if "sdk" in metadata else ['"sdk" is required', *errors]), []
    if not metadata:
        return [], ["empty or missing yaml metadata in repo card"]
    return ([] if isinstance(metadata.get("tags", []), list) else ['"tags" must be an array']), []


def space_readme(name: str, sdk: str) -> bytes:
    """The README.md of a new Space."""
    return f"---\ntitle: {name}\nsdk: {sdk}\npinned: false\n---\n".encode()


def path_matches(pattern: str, path: str) -> bool:
    """Whether a pattern of .gitattributes or .gitignore means a path.

    Patterns without a slash mean names at any depth, others the path from the root; `*`
    crosses slashes here, which git's does not.
    """
    pattern = pattern.replace("/**/", "/*")
    if "/" not in pattern.rstrip("/"):
        return any(fnmatch.fnmatchcase(part, pattern.rstrip("/")) for part in path.split("/"))
    pattern = pattern.lstrip("/")
    return fnmatch.fnmatchcase(path, f"{pattern}*" if pattern.endswith("/") else pattern)


def lfs_patterns(gitattributes: str) -> list[str]:
    """The patterns that a .gitattributes keeps in LFS."""
    lines = [line.split() for line in gitattributes.splitlines()]
    return [words[0] for words in lines if "filter=lfs" in words[1:]]


def ignore_patterns(gitignore: str) -> list[str]:
    """The patterns of a .gitignore, without its comments."""
    lines = [line.strip() for line in gitignore.splitlines()]
    return [line for line in lines if line and not line.startswith("#")]
