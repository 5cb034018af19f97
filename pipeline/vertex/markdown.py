"""How a job ended, as GitHub-flavoured Markdown.

Names, figures' classes, errors and addresses come from outside. They stand in the page within
`<code>` and `<pre>` only, where GitHub links no mention and no number, and with each character that
is no letter, digit or space as a numeric reference, which no parser takes for a part of the page.
"""

import math
import re
import urllib.parse
from pathlib import Path

import jinja2
from markupsafe import Markup

from pipeline.jobs.display import WORDS, duration
from pipeline.jobs.states import Outcome, State
from pipeline.vertex.outcome import Verdict, title

LIMIT = 2**20  # bytes that GitHub shows of a step's summary
_LONGEST_LINE = 500  # characters
_LONGEST_BLOCK = 10_000
_NOTHING = Markup("\N{EN DASH}")
_WEB = re.compile(r"https?://[^/\s]+(/\S*)?")


def page(outcome: Outcome, verdict: Verdict, job: str, room: int = LIMIT) -> str:
    """Return the page of a job that has ended.

    Args:
        outcome: how it ended.
        verdict: what its steps put out.
        job: its page in the console.
        room: bytes that it may take, or else it is no more than title and link.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        undefined=jinja2.StrictUndefined,
        finalize=_line,  # whatever a filter does not declare to be of the page
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"block": _block, "link": _link, "figure": _figure}
    text = environment.get_template("summary.md.jinja").render(
        outcome=outcome,
        verdict=verdict,
        title=title(outcome, verdict),
        failed=[task for task in outcome.tasks.values() if task.state is State.FAILED],
        job=job,
        words=WORDS,
        duration=duration,
    )
    if len(text.encode()) <= room:
        return text
    return note(title(outcome, verdict), "There is no room for more in this summary.", job)


def note(heading: str, sentence: str, job: str) -> str:
    """Return a page of one sentence.

    Args:
        heading: one of our own words.
        sentence: may have words from outside.
        job: its page in the console.
    """
    return f"## {heading}\n\n{_line(sentence)}\n\n{_link(job)}\n\n"


def _line(value: object) -> Markup:
    if isinstance(value, Markup):
        return value
    text = " ".join(str(value).split())
    return Markup(f"<code>{_references(_cut(text, _LONGEST_LINE))}</code>")


def _block(text: str) -> Markup:
    # In one line, which no blank line ends.
    lines = (_references(line) for line in _cut(text, _LONGEST_BLOCK).splitlines())
    return Markup(f"<pre>{'&#10;'.join(lines)}</pre>")


def _link(url: str) -> Markup:
    if not _WEB.fullmatch(url):
        return _line(url)
    quoted = urllib.parse.quote(url, safe="/:?&=%-._~#")
    return Markup(f'<a href="{_references(quoted)}">{_line(url)}</a>')


def _figure(value: float | None) -> Markup:
    if value is None or math.isnan(value):
        return _NOTHING
    return Markup(f"{value:.3f}" if isinstance(value, float) else f"{value}")


def _references(text: str) -> str:
    """Text as a parser takes it for nothing but text."""
    return "".join(
        character
        if character.isalnum() or character == " "
        # An at sign that no letter follows makes no address of what it stands in.
        else f"&#{ord(character)};{'&#8203;' if character == '@' else ''}"
        if character.isprintable()
        else "\N{REPLACEMENT CHARACTER}"
        for character in text
    )


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[:longest]} …"
