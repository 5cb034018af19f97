"""The page of real runs: what it says is what their artifacts hold."""

import itertools
import json
import re
import subprocess

import numpy as np
import pytest
import tensorflow_model_analysis as tfma

from pipeline.recipes import load_recipe
from pipeline.report import write_report
from pipeline.report.page import curves
from tests.conftest import REPOSITORY, Workplace
from tests.hostile import HOSTILE_BREED, HOSTILE_NAME, LONG_BREED
from tests.pipeline.report.pages import Page, report_of, run_of


@pytest.fixture(scope="module")
def page(hostile: Workplace) -> Page:
    return Page(report_of(hostile))


def test_the_run_names_its_report(hostile: Workplace) -> None:
    output = (hostile.folder / "output.txt").read_text()
    [written] = re.findall(r"│ report +│ (.*?) +│", output)
    assert written == str(report_of(hostile))


def test_nothing_is_asked_of_the_network(page: Page) -> None:
    addresses = {
        value
        for _, attributes in page.elements
        for name, value in attributes.items()
        if name in ("src", "href", "action", "data", "srcset")
    }
    assert all(address.startswith(("data:", "#")) for address in addresses)
    [policy] = [m["content"] for m in page.having("meta") if "http-equiv" in m]
    assert policy.startswith("default-src 'none'; img-src data:;")
    assert not page.having("script")


def test_names_are_text(page: Page) -> None:
    for name in (HOSTILE_BREED, LONG_BREED, HOSTILE_NAME):
        assert name in page.text
    assert page.unclosed == []
    assert all(img["src"].startswith("data:image/jpeg") for img in page.having("img"))
    assert not any(name.startswith("on") for _, attributes in page.elements for name in attributes)


def test_the_refusal_is_given_with_its_reasons(page: Page, hostile: Workplace) -> None:
    run = run_of(hostile)
    assert not run.blessed
    assert [h1["class"] for h1 in page.having("h1")] == ["refused"]
    assert run.refusals()
    for reason in run.refusals():
        assert reason[1:] in page.text


def test_the_gate_is_the_recipes(page: Page, hostile: Workplace) -> None:
    gate = load_recipe("pets").gate
    figures = run_of(hostile).metrics()
    titles = {f"iou_{name}": f"IoU of {name}" for name in ("pet", "background", "border")}
    titles["mean_iou"] = "Mean IoU"
    expected = {titles[key]: (figures[key], limit) for key, limit in gate.limits.items()}
    _, *rows = page.tables["Conditions of the gate"]
    found = {row[0]: (row[1], row[2], row[5]) for row in rows if row[0] in expected}
    assert found == {
        name: (f"{value:.3f}", f"{limit:.3f}", "yes" if value >= limit else "no")
        for name, (value, limit) in expected.items()
    }


def test_every_class_has_every_figure(page: Page, hostile: Workplace) -> None:
    figures = run_of(hostile).metrics()
    header, *rows = page.tables["Metrics by class"]
    assert header == ["Class", "IoU", "Dice", "Precision", "Recall", "Boundary IoU"]
    families = ("iou", "dice", "precision", "recall", "boundary_iou")
    assert rows == [
        [name, *(number(figures[f"{family}_{name}"]) for family in families)]
        for name in ("pet", "background", "border")
    ]


def test_every_slice_has_its_row(page: Page, hostile: Workplace) -> None:
    evaluation = tfma.load_eval_result(str(run_of(hostile).uri("Evaluator", "evaluation")))
    rows = {row[0]: row for row in page.tables["Metrics by slice"] if len(row) > 5}
    slices = evaluation.get_metrics_for_all_slices()
    assert len(slices) >= 5
    for key, figures in slices.items():
        row = rows[key[0][1] if key else "all images"]
        assert int(row[1]) == figures["example_count"]["doubleValue"]
        assert row[2] == number(float(figures["mean_iou"]["doubleValue"]))
        assert row[4:7] == [
            number(float(figures[f"iou_{name}"]["doubleValue"]))
            for name in ("pet", "background", "border")
        ]


def test_the_confusion_matrix_is_the_evaluations(page: Page, hostile: Workplace) -> None:
    evaluation = tfma.load_eval_result(str(run_of(hostile).uri("Evaluator", "evaluation")))
    counts = evaluation.get_metrics_for_slice(())["confusion_matrix"]["arrayValue"]
    matrix = np.reshape(counts["float64Values"], (3, 3))
    _, _, *rows = page.tables["Confusion matrix"]
    for row, true, name in zip(rows, matrix, ("pet", "background", "border"), strict=True):
        assert row[0] == name
        assert row[1] == f"{100 * true.sum() / matrix.sum():.1f} %"
        shares = [cell.rpartition(" %")[0] for cell in row[2:]]
        assert shares == [f"{100 * share:.1f}" for share in true / true.sum()]


def test_a_feature_that_is_in_no_schema_is_an_anomaly(page: Page) -> None:
    _, *rows = page.tables["Anomalies"]
    assert sorted(row[:2] for row in rows) == [["eval", "collar"], ["train", "collar"]]
    assert all("New column" in row[3] for row in rows)


def test_features_are_counted_by_split(page: Page) -> None:
    _, _, *rows = page.tables["Features by split"]
    found = {row[0]: row[1:] for row in rows}
    assert set(found) == {"breed", "collar", "image", "label", "name", "species"}
    assert (found["collar"][0], found["collar"][3]) == ("1", "0")
    assert (found["breed"][1], found["breed"][4]) == ("2", "2")
    _, *shares = page.tables["Shares of breed"]
    assert sorted(shares) == sorted(
        [[breed, "50.0 %", "", "50.0 %", ""] for breed in (HOSTILE_BREED, LONG_BREED)]
    )


def test_worst_median_and_best_are_in_order(page: Page) -> None:
    ious = [float(figure) for figure in re.findall(r"(0\.\d{3}) mean IoU", page.text)]
    assert len(ious) == 6
    worst, median, best = ious[:2], ious[2:4], ious[4:]
    assert worst == sorted(worst)
    assert best == sorted(best, reverse=True)
    assert worst[-1] <= median[0] <= median[1] <= best[-1]
    assert len(page.having("img")) == 6 * 4 + 12
    assert all(img["alt"] for img in page.having("img"))


def test_every_epoch_is_drawn_and_written(page: Page, hostile: Workplace) -> None:
    history = run_of(hostile).training_figures()["history"]
    labels = {svg["aria-label"] for svg in page.having("svg") if "aria-label" in svg}
    assert {"Loss by epoch", "Mean IoU by epoch"} <= labels
    header, row = page.tables["Learning curves as numbers"]
    assert header == ["Epoch", *history]
    assert row == ["1", *(f"{values[0]:.4g}" for values in history.values())]


def test_every_step_has_its_duration(page: Page, hostile: Workplace) -> None:
    _, *rows = page.tables["Duration of each step"]
    steps = run_of(hostile).steps
    assert [row[0] for row in rows] == list(steps)
    assert all(row[3] == "done" for row in rows)
    trainer = next(row for row in rows if row[0] == "Trainer")
    assert trainer[1] != "0.0 s"


def test_what_the_run_was_made_with_is_recorded(page: Page, hostile: Workplace) -> None:
    found = {row[0]: row[1] for row in page.tables["Settings"] if len(row) == 2}
    assert (found["epochs"], found["image_size"], found["recipe"]) == ("1", "32", "scenes")
    assert found["folder"] == str(hostile.folder / "data")
    head = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=REPOSITORY, capture_output=True, text=True
    )
    assert found["git commit"].startswith(head.stdout.strip() or "none")
    assert {"tfx", "tensorflow", "keras", "python", "machine"} <= set(found)


def test_every_section_is_in_the_list_of_sections(page: Page) -> None:
    named = [heading["id"] for heading in page.having("h2")]
    assert [link["href"] for link in page.having("a")] == [f"#{name}" for name in named]


def test_training_images_are_shown_with_their_truth(page: Page) -> None:
    shown = [image for image in page.having("img") if image["alt"].endswith("with its truth")]
    assert len({image["src"] for image in shown}) == 12
    assert "The first 12 training images" in page.text


def test_headings_are_in_order(page: Page) -> None:
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))


def test_every_table_has_headers_and_every_box_a_name(page: Page) -> None:
    assert all(th["scope"] for th in page.having("th"))
    regions = [div for div in page.having("div") if div.get("role") == "region"]
    assert len(regions) == len(page.having("table"))
    assert all(region["tabindex"] == "0" and region["aria-label"] for region in regions)


def test_the_same_run_gives_the_same_page_and_no_other_file(hostile: Workplace) -> None:
    before = report_of(hostile).read_text()
    path = write_report(run_of(hostile), hostile.pipeline_root)
    assert path == report_of(hostile)
    assert path.read_text() == before
    assert {file.name for file in path.parent.iterdir()} == {path.name, "index.html"}


def test_curves_pair_training_and_validation() -> None:
    history = {"loss": [2.0], "val_loss": [3.0], "learning_rate": [0.1]}
    assert curves(history) == {
        "loss": {"training": [2.0], "validation": [3.0]},
        "learning_rate": {"training": [0.1]},
    }


@pytest.mark.slow
def test_the_default_run_is_blessed_on_the_drawn_data(trained: Workplace, drawn_pets) -> None:
    page = Page(report_of(trained))
    assert [h1["class"] for h1 in page.having("h1")] == ["blessed"]
    assert "There was no blessed model before this run" in page.text
    assert "None: train and eval fit the schema." in page.text
    digest = json.loads((drawn_pets / "dataset.json").read_text())["digest"]
    assert digest in page.text
    assert len(page.having("img")) == 9 * 4 + 12
    assert report_of(trained).stat().st_size < 1_000_000
    parameters = run_of(trained).training_figures()["parameters"]
    assert f"unet, {parameters / 1e6:.2f} M parameters" in page.text


@pytest.mark.slow
def test_edge_models_stand_beside_the_saved_model(trained: Workplace) -> None:
    run = run_of(trained)
    edge = run.edge_figures()
    header, *rows = Page(report_of(trained)).tables["Models for the edge"]
    assert header[4] == f"against the SavedModel's {run.metrics()['mean_iou']:.3f}"
    assert {row[0]: row[3] for row in rows} == {
        title: f"{edge['variants'][name]['mean_iou']:.3f}"
        for title, name in {
            "Float32": "float32",
            "Float16": "float16",
            "Dynamic range": "dynamic_range",
            "Int8": "int8",
        }.items()
    }
    assert [row[5] for row in rows][-1] == "model.tflite"


def number(value: float) -> str:
    return "\N{EN DASH}" if np.isnan(value) else f"{value:.3f}"
