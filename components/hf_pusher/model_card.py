"""The model repository's own pages: card, figures, provenance and pictures."""

import io
import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
from huggingface_hub import EvalResult, ModelCard, ModelCardData
from PIL import Image

from components.artifacts.evaluations import Evaluation
from components.artifacts.samples import Shown
from components.hf_pusher.ownership import BEGIN, CARD, END, PROVENANCE
from models.code import task_folder
from models.provenance import Provenance

METRICS = "metrics.json"
PICTURES = "overlays"
_CARD = "model_card.md.jinja"
_OF_TASK = "card.md.jinja"  # in the task's folder, where it has one; extends the other
_SHOWN_SLICES = 10
_PACKAGES = ("tensorflow", "keras", "tfx")
_NOTHING = "\N{EN DASH}"
_ESCAPED = {ord(character): f"&#{ord(character)};" for character in "&<>\"'\\`*_{}[]#|~"}


@dataclass(frozen=True)
class Data:
    """What the model was trained and judged on.

    Attributes:
        digest: of the content, in hex.
        counts: images by split, `train` and `val`.
        source: where the images come from; empty when that is not known.
        licence: under which terms; likewise.
        hub_dataset: the data set's name on the Hub, if it is there.
    """

    digest: str
    counts: dict[str, int]
    source: str = ""
    licence: str = ""
    hub_dataset: str | None = None


@dataclass(frozen=True)
class Facts:
    """What the pages are made of.

    Attributes:
        repo_id: the model repository, OWNER/NAME.
        license: of the model, as the Hub names it.
        trained: what the model was trained with.
        code_digest: of the learning code.
        evaluation: the Evaluator's figures.
        data: what it was trained and judged on.
        samples: validation examples, by title.
        edge: the figures of the LiteRT models; None when there are none.
    """

    repo_id: str
    license: str
    trained: Provenance
    code_digest: str
    evaluation: Evaluation
    data: Data
    samples: dict[str, Shown]
    edge: dict[str, Any] | None


def write_pages(folder: Path, facts: Facts) -> None:
    """Write card, figures, provenance and pictures; the same facts give the same bytes."""
    pictures = _write_pictures(folder / PICTURES, facts.samples)
    _write_json(folder / METRICS, _metrics(facts.evaluation))
    provenance = {
        **facts.trained.model_dump(mode="json"),
        "task": facts.evaluation.task.hub_task,
        "code_digest": facts.code_digest,
        "data": asdict(facts.data),
        "packages": {name: version(name) for name in _PACKAGES},
    }
    _write_json(folder / PROVENANCE, provenance)
    (folder / CARD).write_text(_card(facts, pictures), encoding="utf-8")


def _write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=2, allow_nan=False) + "\n")


def _metrics(evaluation: Evaluation) -> dict[str, Any]:
    """Every figure; null stands for what there was no pixel to judge by."""
    task = evaluation.task
    return {
        "task": task.hub_task,
        "split": "validation",
        "resolution": "each image's own",
        "averaging": f"{task.unit} are summed over images first; means are over classes",
        "class_names": evaluation.class_names,
        "slices": [
            {
                "feature": part.feature,
                "value": part.value,
                "images": part.images,
                "figures": {name: _finite(value) for name, value in part.figures.items()},
            }
            for parts in evaluation.slices.values()
            for part in parts
        ],
        "conditions": [
            {
                "name": bound.name,
                "value": _finite(bound.value),
                "limit": bound.limit,
                "better": "higher" if bound.sign > 0 else "lower",
            }
            for bound in evaluation.bounds
        ],
        "confusion_matrix": _listed(evaluation.confusion),
        "reliability": _listed(evaluation.reliability),
    }


def _listed(array: np.ndarray | None) -> list[Any] | None:
    return None if array is None else array.tolist()


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _write_pictures(folder: Path, samples: dict[str, Shown]) -> list[dict[str, Any]]:
    """Return the pictures of an example side by side, a file for each."""
    folder.mkdir()
    pictures = []
    for title, sample in samples.items():
        path = folder / f"{title.lower().replace(' ', '-')}.jpg"
        parts = [Image.open(io.BytesIO(jpeg)) for jpeg in sample.pictures.values()]
        row = Image.new("RGB", (len(parts) * sample.width, sample.height))
        for number, part in enumerate(parts):
            row.paste(part, (number * sample.width, 0))
        row.save(path, quality=90)
        pictures.append({"title": title, "path": f"{PICTURES}/{path.name}", "sample": sample})
    return pictures


def _card(facts: Facts, pictures: list[dict[str, Any]]) -> str:
    task = facts.evaluation.task
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader([task_folder(task.name), Path(__file__).parent]),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"inline": _inline, "figure": _figure, "hex": _hex}
    rows = {
        "recipe": facts.trained.recipe,
        **({"data version": version_id} if (version_id := facts.trained.data_version) else {}),
        "data digest": facts.data.digest,
        "code digest": facts.code_digest,
        "epochs": facts.trained.epochs,
        "seed": facts.trained.seed,
        **{name: version(name) for name in _PACKAGES},
    }
    text = (
        environment.select_template([_OF_TASK, _CARD])
        .render(
            title=facts.repo_id.partition("/")[2],
            repo_id=facts.repo_id,
            base=_CARD,
            config=facts.trained,
            task=task,
            class_names=facts.evaluation.class_names,
            evaluation=facts.evaluation,
            data=facts.data,
            samples=pictures,
            edge=facts.edge,
            shown_slices=_SHOWN_SLICES,
            provenance_rows=rows,
        )
        .strip()
    )
    section = f"{BEGIN}\n\n{text}\n\n{END}\n"
    return str(ModelCard(f"---\n{_metadata(facts).to_yaml()}\n---\n{section}"))


def _metadata(facts: Facts) -> ModelCardData:
    """Return the card's front matter, by which the Hub files the model and shows its figures."""
    hub_dataset, task = facts.data.hub_dataset, facts.evaluation.task
    return ModelCardData(
        license=facts.license,
        library_name="tensorflow",
        pipeline_tag=task.hub_task,
        tags=[
            task.hub_task,
            *task.tags,
            "tfx",
            facts.trained.model,
            *(["litert"] if facts.edge else []),
        ],
        datasets=[hub_dataset] if hub_dataset else None,
        model_name=facts.repo_id.partition("/")[2],
        eval_results=[
            EvalResult(
                task_type=task.hub_task,
                dataset_type=hub_dataset or facts.trained.recipe,
                dataset_name=facts.data.source or facts.trained.recipe,
                dataset_split="validation",
                metric_type=key,
                metric_name=one.title,
                metric_value=round(value, 6),
            )
            for key, one in facts.evaluation.headline.items()
            if math.isfinite(value := facts.evaluation.whole.figures[key])
        ],
    )


def _inline(text: Any) -> str:
    """Text that stays text inside a line or a table's cell, whatever characters it is of."""
    return " ".join(str(text).split()).translate(_ESCAPED)


def _figure(value: float) -> str:
    """Three decimals; a dash where there is nothing to judge by."""
    return f"{value:.3f}" if math.isfinite(value) else _NOTHING


def _hex(colour: Sequence[int]) -> str:
    return "#" + "".join(f"{part:02x}" for part in colour)
