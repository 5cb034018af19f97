"""What a run says at its end of a model that cannot be served."""

import pytest
from rich.console import Console

from pipeline import summary
from pipeline.recipes import load_recipe
from pipeline.report.page import verdict
from pipeline.runs import Run
from tests.conftest import Workplace
from tests.pipeline.report.pages import run_of

REASON = "The model has no signature `network`; export it as models/signatures.py does."


@pytest.fixture
def run(hostile: Workplace) -> Run:
    """A run whose gate blessed."""
    run = run_of(hostile)
    run.steps["Evaluator"].outputs["blessing"].set_int_custom_property("blessed", 1)
    return run


def printed(run: Run) -> str:
    console = Console(width=500)
    with console.capture() as captured:
        console.print(summary.table(run, load_recipe("pets"), "report.html"))
    return captured.get()


def test_a_model_that_the_gate_blessed_and_that_can_be_served(run: Run) -> None:
    assert run.blessed
    assert verdict(run).word == "Blessed"
    assert "│ blessed " in printed(run)


def test_a_model_that_the_gate_blessed_and_that_cannot_be_served(run: Run) -> None:
    validated = run.steps["ModelValidator"].outputs["blessing"]
    validated.set_string_custom_property("reason", REASON)
    assert not run.blessed
    assert run.refusals()[-1] == REASON
    assert verdict(run).word == "Refused"
    assert verdict(run).reasons[-1] == REASON
    lines = printed(run)
    assert REASON in lines
    assert "not pushed" in lines
    assert "EPOCHS=" not in lines
