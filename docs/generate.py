"""Writes what the documentation shows of the code, so that it cannot go stale: `make docs`.

The table of settings, the diagram of the graph and the table of speeds, each in its page between
`<!-- NAME -->` and `<!-- end -->`, and the whole of .env.example and of Grafana's dashboards.
"""

import json
import os
import re
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # before TensorFlow is imported

from pydantic import BaseModel

from components.data_stores import DataVersionConfig
from components.endpoint_pusher.config import EndpointConfig
from components.hf_pusher.config import HubConfig
from components.lakefs_pusher.config import LakeFSConfig
from monitoring.dashboards import write_dashboards
from pipeline.configs import Settings, load_settings
from pipeline.vertex.config import VertexConfig
from tracking.config import TrackingConfig

REPOSITORY = Path(__file__).resolve().parents[1]
_GROUPS: tuple[type[BaseModel], ...] = (
    Settings,
    DataVersionConfig,
    LakeFSConfig,
    TrackingConfig,
    VertexConfig,
    EndpointConfig,
    HubConfig,
)
# The benchmarks' figures that docs/benchmarks.md shows.
_SPEEDS = re.compile(
    r"^(?!.*growth|.*peak memory at)"
    r".*(Photos to TFRecord|TFRecord size|Trainer|Evaluator|Serving.*(latency|batch 32)"
    r"|LiteRT.*latency|, s$|Whole run|Second run|Pull from)"
)


def settings() -> Iterator[tuple[str, str, str, str]]:
    """Every setting: its group, its name, its default as one would write it, what it means."""
    chosen = load_settings(env_file="/nonexistent")
    recipe = chosen.load_recipe()
    inherited = {name for group in _GROUPS[1:] for name in group.model_fields}
    for group in _GROUPS:
        title = group.model_config["title"] or ""
        for name, field in group.model_fields.items():
            if group is not Settings or name not in inherited:
                default = chosen.default(name)
                if default is None:
                    default = getattr(recipe, name, None)
                told = "" if default is None else str(default)
                yield title, name.upper(), told, field.description or ""


def settings_table() -> str:
    """Return the settings in Markdown, a table for each group."""
    text, last = "", None
    for title, name, default, description in settings():
        if title != last:
            text += f"\n**{title}**\n\n| setting | default | meaning |\n|---|---|---|\n"
            last = title
        text += f"| `{name}` | {f'`{default}`' if default else ''} | {description} |\n"
    return text.lstrip("\n")


def env_example() -> str:
    """Return a file `.env` in which everything is commented out."""
    text = "# Copy to .env and uncomment what you change. The environment wins over this file.\n"
    last = None
    for title, name, default, description in settings():
        if title != last:
            text += f"\n# {title}\n"
            last = title
        text += textwrap.fill(description, 100, initial_indent="#   ", subsequent_indent="#   ")
        text += f"\n# {name}={default}\n"
    return text


def diagram() -> str:
    """Draw the graph with all options as Mermaid: which step waits for which, and what it runs."""
    from pipeline.engines import local_engine
    from pipeline.pipeline import create_pipeline

    chosen = load_settings(
        env_file="/nonexistent", tune=True, lakefs_repository="name", hf_repo_id="owner/name"
    )
    graph = create_pipeline(chosen.load_recipe(), local_engine(chosen), chosen)
    before = {node.id: {other.id for other in node.upstream_nodes} for node in graph.components}
    lines = ["```mermaid", "flowchart TB"]
    for node in graph.components:
        lines.append(f'    {node.id}["{"<br>".join([f"<b>{node.id}</b>", *_code(node)])}"]')
    for name, needed in before.items():
        # What another step waits for already needs no arrow of its own.
        indirect = {far for near in needed for far in _ancestors(near, before)}
        lines += [f"    {other} --> {name}" for other in sorted(needed - indirect)]
    lines.append("    classDef optional stroke-dasharray: 5 5")
    lines.append("    class Tuner,LakeFSPusher,HFPusher optional")
    return "\n".join([*lines, "```", ""])


def _ancestors(name: str, before: dict[str, set[str]]) -> set[str]:
    return before[name].union(*(_ancestors(other, before) for other in before[name]))


def _code(node: Any) -> list[str]:
    """Return the files of ours that a node runs or reads."""
    found = []
    module = type(node).__module__.split(".")
    if module[0] == "components":
        found.append(f"components/{module[1]}/")
    properties = " ".join(str(value) for value in node.exec_properties.values())
    for name in re.findall(r"\bmodels\.\w+", properties):
        found.append(f"{name.replace('.', '/')}.py")
    for path in re.findall(rf"{REPOSITORY}/([\w/]+\.\w+)", properties):
        found.append(path)
    return sorted(set(found))


def speeds() -> str:
    """Return the benchmarks' main figures, a row each, and on what machine they were taken."""
    folder = REPOSITORY / "benchmarks"
    rows = json.loads((folder / "results.json").read_text())
    text = "| measured | unit | here | peer | ratio | the peer is |\n|---|---|--:|--:|--:|---|\n"
    for row in rows:
        if _SPEEDS.search(row["name"]):
            ours, peer = (_number(row[side]) for side in ("ours", "peer"))
            text += f"| {row['name'].removesuffix(', s')} | {row['unit']} | {ours} | {peer} "
            text += f"| {row['ratio']:.2f} | {row['peer_name']} |\n"
    taken = json.loads((folder / "machine.json").read_text()).values()
    machines = "; ".join(sorted({facts["machine"] for facts in taken}))
    dates = sorted(facts["date"] for facts in taken)
    return f"{text}\nMeasured on {machines}, from {dates[0]} to {dates[-1]}.\n"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


# The parts by name: the page of each, and what makes it.
_PARTS: dict[str, tuple[str, Callable[[], str]]] = {
    "settings": ("docs/settings.md", settings_table),
    "diagram": ("docs/architecture.md", diagram),
    "speeds": ("docs/benchmarks.md", speeds),
}


def pages() -> Iterator[tuple[Path, str]]:
    """Each file that is made, or made in part, and its text as it should be.

    Raises:
        ValueError: the marks of a part are missing.
    """
    for name, (page, make) in _PARTS.items():
        path = REPOSITORY / page
        text = path.read_text()
        found = re.search(rf"(?<=<!-- {name} -->\n).*?(?=<!-- end -->)", text, re.S)
        if not found:
            raise ValueError(f"{page} has no part between <!-- {name} --> and <!-- end -->")
        yield path, f"{text[: found.start()]}\n{make()}\n{text[found.end() :]}"
    yield REPOSITORY / ".env.example", env_example()
    for name, text in write_dashboards().items():
        yield REPOSITORY / "monitoring" / "grafana" / f"{name}.json", text


def main() -> None:
    """Write them."""
    for path, text in pages():
        path.write_text(text)


if __name__ == "__main__":
    sys.exit(main())
