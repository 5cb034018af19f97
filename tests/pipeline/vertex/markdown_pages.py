"""Markdown as a reader of GitHub sees it."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

from markdown_it import MarkdownIt

HOSTILE = (
    "`a` ``` ~~~ | b \\| c\n\n</pre></code></details><img src=x onerror=alert(1)>\n"
    "![](https://example.org/x.png) [here](https://example.org) <https://example.org>\n"
    "# Heading\n- item\n| - |\n&lt;b&gt; @octocat a@example.org #1 GH-1 "
    "https://example.org www.example.org"
)
# What the page is made of; GitHub lets all of it pass.
ALLOWED = {"h1", "h2", "p", "ul", "li", "a", "code", "pre"}
ALLOWED |= {"table", "thead", "tbody", "tr", "th", "td"}
UNLINKED = ("code", "pre")  # GitHub makes no links of mentions and numbers in these


@dataclass
class Shown(HTMLParser):
    """What a page shows, with nothing in it that it ought not to be made of."""

    headings: list[str] = field(default_factory=list)
    items: list[str] = field(default_factory=list)
    blocks: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    tables: list[list[list[str]]] = field(default_factory=list)
    text: str = ""

    def __post_init__(self) -> None:
        super().__init__()
        self._open: list[str] = []
        self._into: list[str] | None = None

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        assert tag in ALLOWED, tag
        self._open.append(tag)
        into = {"h1": self.headings, "h2": self.headings, "li": self.items, "pre": self.blocks}
        if tag == "a":
            [(name, target)] = attributes
            assert name == "href"
            self.links.append(str(target))
        else:
            assert all(name == "style" for name, _ in attributes), attributes  # of columns
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("th", "td"):
            self._into = self.tables[-1][-1]
        elif tag in into:
            self._into = into[tag]
        else:
            return
        if self._into is not None:
            self._into.append("")

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag
        if tag in ("h1", "h2", "li", "pre", "th", "td"):
            self._into = None

    def handle_data(self, data: str) -> None:
        if not any(tag in UNLINKED for tag in self._open):
            assert not set(data) & set("@#"), data
        assert "@" not in data.replace("@\N{ZERO WIDTH SPACE}", "")
        self.text += data
        if self._into:
            self._into[-1] += data.replace("\N{ZERO WIDTH SPACE}", "")


def shown(markdown: str) -> Shown:
    """Renders a page by CommonMark with GitHub's tables, raw HTML let through."""
    page = Shown()
    page.feed(MarkdownIt("commonmark").enable("table").render(markdown))
    page.close()
    for table in page.tables:
        assert len({len(row) for row in table}) == 1, table
    return page
