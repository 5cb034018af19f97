"""The chain from data to a published model, as far as it is recorded; the same for every engine."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pipeline.lineage.data_log import DataLog


@dataclass(frozen=True)
class Origin:
    """A run.

    Attributes:
        run_id: as its engine names it.
        begin: when it began; None where that is no longer recorded.
        facts: of its code and machine, by their names.
    """

    run_id: str
    begin: datetime | None
    facts: Mapping[str, str]


@dataclass(frozen=True)
class Lineage:
    """What is recorded of a run and its model; empty where there is nothing.

    Attributes:
        run: the run that was asked for, or that judged or pushed the model that was.
        trained_by: the run whose Trainer made the model, the same or an earlier one; None where
            there is no model.
        data_root: folder of the data set.
        examples: properties of what the ingest put out.
        told: the Trainer's `custom_config`.
        hyperparameters: what a search found, which stands above the settings.
        model: folder of what the Trainer put out.
        figures: of the whole validation split, by the metric's key.
        verdict: the gate's, in a word or two.
        reasons: for the verdict.
        edge: what came of the model for the edge, in a line.
        pushed: folder of the pushed SavedModel.
        served: what serves it, where that is no folder.
        publication: what was published where, by HFPusher's names.
        unread: why a part is missing that files hold.
        data_log: what lakeFS tells of the data's version.
    """

    run: Origin
    trained_by: Origin | None
    data_root: str
    examples: Mapping[str, Any]
    told: Mapping[str, Any]
    hyperparameters: str
    model: str
    figures: Mapping[str, float]
    verdict: str
    reasons: list[str]
    edge: str
    pushed: str
    served: str
    publication: Mapping[str, str]
    unread: str
    data_log: DataLog = field(default_factory=DataLog)
