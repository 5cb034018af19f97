"""What every app's page has, as HTML."""

import base64
import html
from collections.abc import Iterable

INVITATION = (
    '<p class="invitation">Choose an image, paste one, take a photo, or click an example.</p>'
)
CSS = """
.heading h1 { font-size: 1.6rem; font-weight: 700; margin: 0.5rem 0; }
.heading a { text-decoration: underline; }
.invitation {
  display: grid; place-items: center; min-height: 200px; padding: 1rem; text-align: center;
  border: 2px dashed var(--border-color-primary); border-radius: var(--block-radius);
}
.findings { width: 100%; border-collapse: collapse; }
.findings tr + tr { border-top: 1px solid var(--border-color-primary); }
.findings :is(th, td) { padding: 0.5rem 0.4rem; text-align: left; overflow-wrap: anywhere; }
.findings th { font-weight: 600; }
.findings td:first-child { min-width: 5rem; }
.findings .number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
.remark { margin: 0.5rem 0 0; font-size: 0.9em; }
.remark a { text-decoration: underline; }
"""


def escape(text: str) -> str:
    """Make any text safe within HTML, and within the templates that Gradio fills in."""
    return html.escape(text).replace("{", "&#123;").replace("$", "&#36;").replace("`", "&#96;")


def heading(title: str, model: str, origin: str, url: str | None, card: str | None) -> str:
    """Return the page's title, which model it shows, and the model's card."""
    source = _link(origin, url) if url else escape(origin)
    more = f" {_link('Model card', card)}" if card else ""
    return (
        f'<div class="heading"><h1>{escape(title)}</h1>'
        f"<p>Serving {source}: {escape(model)}.{more}</p></div>"
    )


def _link(text: str, url: str) -> str:
    return f'<a href="{escape(url)}" target="_blank" rel="noopener">{escape(text)}</a>'


def fault(message: str) -> str:
    """Why there is no answer, in the place of one: the next answer takes its place."""
    return f'<p class="invitation">\N{WARNING SIGN} {escape(message)}</p>'


def download(name: str, kind: str, content: bytes, text: str) -> str:
    """Return a link that saves a file by a name; it holds the file, which is kept nowhere else."""
    encoded = base64.b64encode(content).decode()
    return f'<a download="{escape(name)}" href="data:{kind};base64,{encoded}">{escape(text)}</a>'


def remarks(lines: Iterable[str]) -> str:
    """Sentences, each a small paragraph."""
    return "".join(f'<p class="remark">{escape(line)}</p>' for line in lines)
