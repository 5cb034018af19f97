"""What is written in README.md and the pages beside it."""

import re
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

from tests.conftest import REPOSITORY

PAGES = sorted(
    path.relative_to(REPOSITORY).as_posix()
    for folder in (".", "docs", "apps/gradio/*")
    for path in REPOSITORY.glob(f"{folder}/*.md")
)


@dataclass(frozen=True)
class Block:
    """A block of code.

    Attributes:
        heading: under which it stands.
        language: bash, python, diff, text, mermaid.
        title: what follows the language: the file that the block is.
        text: its lines.
    """

    heading: str
    language: str
    title: str
    text: str


def tokens(page: str) -> list[Token]:
    """The page's Markdown, parsed as GitHub does."""
    return MarkdownIt("gfm-like", {"linkify": False}).parse((REPOSITORY / page).read_text())


def blocks(page: str, language: str) -> list[Block]:
    """The page's blocks of a language, in their order."""
    found, heading = [], ""
    for before, token in pairwise(tokens(page)):
        if before.type == "heading_open":
            heading = token.content
        if token.type == "fence":
            name, _, title = token.info.partition(" ")
            if name == language:
                found.append(Block(heading, name, title, token.content))
    return found


def typed(commands: str) -> str:
    """Commands of a page for where the environment's programs are found on the PATH."""
    return commands.replace(".venv/bin/", "")


def anchors(page: str) -> set[str]:
    """What a link into the page may name, as GitHub makes it of the headings."""
    headings = [
        token.content for before, token in pairwise(tokens(page)) if before.type == "heading_open"
    ]
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def links(page: str) -> list[str]:
    """Addresses of the page's links and pictures."""
    return [
        str(child.attrs.get("href") or child.attrs.get("src"))
        for token in tokens(page)
        for child in token.children or []
        if child.type in ("link_open", "image")
    ]


def write_files(page: str, folder: Path) -> None:
    """Writes the files that a page shows whole into a copy of the repository."""
    for block in [*blocks(page, "python"), *blocks(page, "toml")]:
        path = folder / block.title
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.text)
