"""README and the pages beside it: links, commands, messages and what is made from the code."""

import ast
import importlib.util
import re
from pathlib import Path

import pytest

from pipeline.configs import Settings
from tests.conftest import REPOSITORY, TFX_COMMANDS
from tests.pages import PAGES, anchors, blocks, links, typed
from tests.test_vertex import VERTEX_COMMANDS

# Which test runs the commands of a page's section.
RUN_BY = {
    ("README.md", "Two commands"): "tests/docs/test_two_commands.py::test_make_demo",
    ("README.md", "Your own images"): "tests/docs/test_own_data.py::test_the_readme",
    ("README.md", "Where it runs"): (
        "tests/test_local_runner.py::test_tfx_commands_train_bless_and_push"
    ),
    ("CONTRIBUTING.md", "Contributing"): "tests/docs/test_contributing.py::test_the_hooks",
    ("docs/cifar10.md", "The commands"): "tests/docs/test_cifar10.py::test_the_commands",
    ("docs/classification-data.md", "Class folders"): (
        "tests/docs/test_classification_data.py::test_class_folders"
    ),
    ("docs/classification-data.md", "CIFAR-10"): (
        "tests/docs/test_classification_data.py::test_cifar10"
    ),
    ("docs/data-versions.md", "Data with versions"): (
        "tests/stores/test_training.py::test_a_model_leads_back_to_its_data"
    ),
    ("docs/data-versions.md", "Making versions"): (
        "tests/stores/test_data_verbs.py::test_every_command_of_the_page_is_one"
    ),
    ("docs/lakefs.md", "On this machine, with Docker"): (
        "tests/docs/test_lakefs_page.py::test_the_keys"
    ),
    ("docs/new-architecture.md", "A new architecture"): (
        "tests/docs/test_new_architecture.py::test_the_page"
    ),
    ("docs/new-component.md", "A new component"): "tests/docs/test_new_component.py::test_the_page",
    ("docs/new-task.md", "A new task"): "tests/docs/test_new_task.py::test_the_page",
    ("docs/own-data.md", "With other classes"): "tests/docs/test_own_data.py::test_other_classes",
    ("docs/rollback.md", "The Hub and its Space"): (
        "tests/test_publishing.py::test_rolled_back_from_the_command_line"
    ),
    ("docs/rollback.md", "TensorFlow Serving"): (
        "tests/serving/test_serving_commands.py::test_back_to_an_earlier_version"
    ),
    ("docs/serving.md", "The server"): "tests/serving/rest/test_page.py::test_the_server",
    ("docs/serving.md", "Without a server"): (
        "tests/serving/rest/test_page.py::test_without_a_server"
    ),
    ("docs/serving.md", "TensorFlow Serving"): (
        "tests/serving/test_serving_commands.py::test_the_page"
    ),
    ("docs/serving.md", "A Vertex Endpoint"): (
        "tests/serving/test_endpoint_client.py::test_the_page"
    ),
    ("docs/vertex-ai.md", "Rehearse"): (
        "tests/github/test_ci_workflow.py::test_compiled_and_rehearsed_without_a_cloud"
    ),
    ("docs/vertex-ai.md", "Submit"): "tests/docs/test_vertex_page.py::test_the_submission",
}


@pytest.mark.parametrize("page", PAGES)
def test_no_link_is_dead(page: str) -> None:
    """Links within the repository; those that leave it are of https."""
    for link in links(page):
        if re.match(r"\w+:", link):
            assert link.startswith("https://"), link
            continue
        path, _, anchor = link.partition("#")
        target = ((REPOSITORY / page).parent / path).resolve() if path else REPOSITORY / page
        assert target.exists(), f"{page} links to {link}"
        if anchor:
            assert anchor in anchors(target.relative_to(REPOSITORY).as_posix()), link


def test_every_command_is_run_by_a_test() -> None:
    sections = {(page, block.heading) for page in PAGES for block in blocks(page, "bash")}
    # Nobody has a cloud to run these in; tests/infra holds them to what they name.
    assert {section for section in sections if section[0] != "docs/google-cloud.md"} == set(RUN_BY)
    for test in RUN_BY.values():
        path, _, name = test.partition("::")
        assert f"def {name}(" in (REPOSITORY / path).read_text(), test


def test_the_commands_of_tfx_are_those_that_are_run() -> None:
    [local] = [
        block.text for block in blocks("README.md", "bash") if "local_runner.py --" in block.text
    ]
    assert tuple(typed(local).splitlines()) == TFX_COMMANDS
    vertex = next(b.text for b in blocks("docs/vertex-ai.md", "bash") if b.heading == "Submit")
    assert typed(vertex) == VERTEX_COMMANDS


def test_the_two_commands() -> None:
    first = blocks("README.md", "bash")[0]
    assert first.text.splitlines() == ["make demo", "make test"]


def test_what_is_made_from_the_code_is_up_to_date() -> None:
    spec = importlib.util.spec_from_file_location("generate", REPOSITORY / "docs" / "generate.py")
    assert spec and spec.loader
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    made = list(generate.pages())
    assert len(made) == 7
    for path, text in made:
        assert path.read_text() == text, f"{path.name}: run `make docs`"
    assert len(list(generate.settings())) == len(Settings.model_fields)


def test_the_readme_is_read_in_five_minutes() -> None:
    assert len((REPOSITORY / "README.md").read_text().split()) <= 1_100


def test_every_path_in_the_tree_exists() -> None:
    [tree] = (b.text for b in blocks("docs/architecture.md", "text"))
    for line in re.sub("\n +", " ", tree).splitlines():
        assert (REPOSITORY / line.split()[0]).exists(), line


def literals() -> str:
    """Every text in the sources, pieces of an f-string one after the other."""
    found = []
    for folder in ("pipeline", "components", "models", "stores", "tfrecords", "serving"):
        for path in sorted(Path(REPOSITORY / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    found.append(node.value)
                elif isinstance(node, ast.JoinedStr):
                    parts = [p.value if isinstance(p, ast.Constant) else "…" for p in node.values]
                    found.append("".join(map(str, parts)))
    return "\n".join(found)


def test_the_messages_of_the_troubles_are_the_programs_own() -> None:
    section = (REPOSITORY / "docs" / "faq.md").read_text().split("## Errors")[1]
    rows = re.findall(r"^\| `(.+?)` \|", section.split("\n## ")[0], re.M)
    assert len(rows) >= 9
    said = literals()
    for row in rows:
        assert row in said, row
