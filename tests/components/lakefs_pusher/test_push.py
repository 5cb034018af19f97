"""Models in an emulated lakeFS: whole or not at all, once, the newest on top."""

import threading
from pathlib import Path
from typing import Any

import pytest

from components.data_stores import connect_lakefs
from components.digest import folder_digest
from components.lakefs_pusher.push import MANIFEST, Pushed, Pusher, check_push
from stores.errors import StoreError
from stores.lakefs import LakeFS
from tests.components.lakefs_pusher.conftest import (
    REPOSITORY,
    TOLD,
    Push,
    config,
    push_to,
    pusher,
    write_model,
)
from tests.emulators.lakefs import ACCESS_KEY, SECRET_KEY, LakeFSEmulator
from tests.emulators.s3 import S3Server

FOLDER = "models/scenes/"
MAIN = f"/api/v1/repositories/{REPOSITORY}"


def held(lakefs: LakeFSEmulator) -> dict[str, bytes]:
    """What the default branch holds of the recipe, the manifest aside."""
    content = lakefs.content(REPOSITORY)
    assert all(path.startswith(FOLDER) for path in content)
    return {
        path.removeprefix(FOLDER): one
        for path, one in content.items()
        if path != f"{FOLDER}{MANIFEST}"
    }


def files(model: Path) -> dict[str, bytes]:
    return {
        path.relative_to(model).as_posix(): path.read_bytes()
        for path in model.rglob("*")
        if path.is_file()
    }


def writes(lakefs: LakeFSEmulator, since: int = 0) -> list[str]:
    return [f"{one.method} {one.path}" for one in lakefs.requests[since:] if one.method != "GET"]


def test_a_model_is_merged_whole_and_tagged_by_its_content(
    lakefs: LakeFSEmulator, push: Push, model: Path
) -> None:
    done = push()
    assert held(lakefs) == files(model)
    assert done.changed
    assert done.tag == f"scenes-v-{folder_digest(model)[:12]}"
    assert lakefs.tags(REPOSITORY) == {done.tag: done.revision}
    assert lakefs.branches(REPOSITORY) == {"main": done.revision}
    merge, commit, first = lakefs.commits(REPOSITORY)
    assert merge["parents"] == [first["id"], commit["id"]]
    for one in (merge, commit):
        assert one["message"] == f"Publish {done.tag}"
        assert one["metadata"].items() >= {**TOLD, "source": "Trainer/1"}.items()
        assert one["metadata"]["model_digest"] == folder_digest(model)


def test_the_same_again_writes_nothing(lakefs: LakeFSEmulator, push: Push) -> None:
    first, before = push(), len(lakefs.requests)
    again = push(source="Trainer/2")
    assert not again.changed
    assert (again.revision, again.tag, again.url) == (first.revision, first.tag, first.url)
    assert writes(lakefs, before) == []


def test_the_next_model_takes_the_place_of_the_one_before(
    lakefs: LakeFSEmulator, push: Push, model: Path
) -> None:
    first = push()
    write_model(model, weights=b"better")
    (model / "empty").unlink()
    second = push(source="Trainer/2")
    assert held(lakefs) == files(model)
    assert lakefs.tags(REPOSITORY) == {first.tag: first.revision, second.tag: second.revision}


def test_recipes_have_folders_of_their_own(
    lakefs: LakeFSEmulator, push: Push, model: Path, namespace: str
) -> None:
    push()
    other = pusher(lakefs.endpoint, namespace, "scenes-2").push(model, {}, "Trainer/7")
    assert set(lakefs.tags(REPOSITORY)) == {
        f"scenes-v-{folder_digest(model)[:12]}",
        f"scenes-2-v-{folder_digest(model)[:12]}",
    }
    assert other.path == "models/scenes-2"
    paths = {path.rpartition("models/")[2].partition("/")[0] for path in lakefs.content(REPOSITORY)}
    assert paths == {"scenes", "scenes-2"}


def test_the_same_push_again_stays_behind_a_newer_model(
    lakefs: LakeFSEmulator, push: Push, model: Path
) -> None:
    first = push(source="Trainer/1")
    old = write_model(model, weights=b"better")
    push(source="Trainer/2")
    newest, before = held(lakefs), len(lakefs.requests)
    write_model(old, weights=b"weights" * 1000)
    again = push(source="Trainer/1")
    assert (again.changed, again.revision) == (False, first.revision)
    assert held(lakefs) == newest
    assert writes(lakefs, before) == []
    # Trained again it is a newer model, if of the same content.
    assert push(source="Trainer/3").changed
    assert held(lakefs) == files(model)


def test_what_others_put_beside_it_stays(
    lakefs: LakeFSEmulator, push: Push, model: Path, namespace: str, tmp_path: Path
) -> None:
    push()
    repository = pusher(lakefs.endpoint, namespace)._repository
    repository.make_branch("notes", lakefs.branches(REPOSITORY)["main"])
    note = tmp_path / "note"
    note.write_bytes(b"of people")
    repository.write("notes", "NOTES.md", note)
    repository.merge(repository.commit("notes", "Notes", {}), "main", "Notes", {})
    write_model(model, weights=b"better")
    push(source="Trainer/2")
    assert held(lakefs) == {**files(model), "NOTES.md": b"of people"}
    assert set(lakefs.branches(REPOSITORY)) == {"main", "notes"}
    (model / "NOTES.md").write_bytes(b"of the model")
    with pytest.raises(StoreError, match=r"not pushed by this pipeline: NOTES\.md; move them"):
        push(source="Trainer/3")
    assert set(lakefs.branches(REPOSITORY)) == {"main", "notes"}


def test_branches_that_others_left_are_deleted(
    lakefs: LakeFSEmulator, push: Push, namespace: str
) -> None:
    push()
    repository = pusher(lakefs.endpoint, namespace)._repository
    left = ["push-scenes-0123456789ab", "push-scenes-2-0123456789ab", "push-scenes-mine"]
    for name in left:
        repository.make_branch(name, lakefs.branches(REPOSITORY)["main"])
    assert not push().changed
    assert set(lakefs.branches(REPOSITORY)) == {"main", *left[1:]}


def test_a_protected_branch_takes_a_merge(lakefs: LakeFSEmulator, push: Push, model: Path) -> None:
    push()
    lakefs.protect(REPOSITORY, "main")
    write_model(model, weights=b"better")
    assert push(source="Trainer/2").changed
    assert held(lakefs) == files(model)


def attempt(function: Any, results: list[object]) -> threading.Thread:
    """Does something in a thread of its own; what comes of it is in the list."""

    def run() -> None:
        try:
            results.append(function())
        except Exception as error:
            results.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def test_of_two_at_once_the_second_is_merged_on_top(
    lakefs: LakeFSEmulator, push: Push, model: Path, namespace: str, tmp_path: Path
) -> None:
    push()
    one = write_model(tmp_path / "one", weights=b"one")
    other = write_model(tmp_path / "other", weights=b"other")
    fault = lakefs.fault("stall_before", method="POST", path="*/merge/main")
    results: list[object] = []
    slow = attempt(lambda: push_to(lakefs.endpoint, namespace, one, "Trainer/2"), results)
    assert fault.reached.wait(30)
    fast = push_to(lakefs.endpoint, namespace, other, "Trainer/3")
    assert held(lakefs) == files(other)
    fault.release()
    slow.join(60)
    [done] = results
    assert isinstance(done, Pushed)
    assert held(lakefs) == files(one)
    assert lakefs.branches(REPOSITORY) == {"main": done.revision}
    assert {fast.tag, done.tag} < set(lakefs.tags(REPOSITORY))


def test_of_two_at_once_with_one_model_there_is_one_version(
    lakefs: LakeFSEmulator, push: Push, model: Path
) -> None:
    """The second deletes the first one's branch, which notices it before it merges anything."""
    fault = lakefs.fault("stall_before", method="POST", path="*/commits")
    results: list[object] = []
    slow = attempt(push, results)
    assert fault.reached.wait(30)
    fast = push()
    fault.release()
    slow.join(60)
    [done] = results
    assert isinstance(done, Pushed)
    assert done.revision == fast.revision
    assert held(lakefs) == files(model)
    assert lakefs.tags(REPOSITORY) == {fast.tag: fast.revision}
    assert lakefs.branches(REPOSITORY) == {"main": fast.revision}


def test_conflicts_without_end_are_told(lakefs: LakeFSEmulator, push: Push, model: Path) -> None:
    push()
    old = held(lakefs)
    write_model(model, weights=b"better")
    lakefs.fault("answer", method="POST", path="*/merge/main", status=409, times=99)
    with pytest.raises(StoreError, match="Others changed models/scenes of .* each of 5 times"):
        push(source="Trainer/2")
    assert held(lakefs) == old


@pytest.mark.parametrize("moment", ["commits", "merge/main", "tags", "branches", "objects"])
def test_an_answer_lost_on_the_way(
    lakefs: LakeFSEmulator, push: Push, model: Path, moment: str
) -> None:
    push()
    write_model(model, weights=b"better")
    lakefs.fault("close_after", method="POST", path=f"*/{moment}")
    done = push(source="Trainer/2")
    assert held(lakefs) == files(model)
    assert lakefs.tags(REPOSITORY)[done.tag] == done.revision
    assert lakefs.branches(REPOSITORY) == {"main": done.revision}
    assert len(lakefs.commits(REPOSITORY)) == 5


@pytest.mark.parametrize(("status", "headers"), [(429, {"Retry-After": "1"}), (503, {})])
def test_a_busy_server_is_asked_again(
    lakefs: LakeFSEmulator, push: Push, status: int, headers: dict[str, str]
) -> None:
    lakefs.fault("answer", path="*/commits", status=status, headers=headers, times=2)
    assert push().changed


def test_a_server_that_says_nothing(lakefs: LakeFSEmulator, model: Path, namespace: str) -> None:
    store = LakeFS(lakefs.endpoint, ACCESS_KEY, SECRET_KEY, read_seconds=0.3)
    lakefs.fault("stall_before", path="*", times=9)
    with pytest.raises(StoreError, match="does not answer, to "):
        Pusher(store, config(lakefs.endpoint, namespace), "scenes").push(model, {}, "Trainer/1")


def test_no_server(push: Push) -> None:
    with pytest.raises(StoreError, match=r"^lakeFS at http://127\.0\.0\.1:9.* cannot be reached"):
        push(lakefs_endpoint="http://127.0.0.1:9")


def test_what_is_no_lakefs(s3: S3Server, push: Push) -> None:
    with pytest.raises(StoreError) as refused:
        push(lakefs_endpoint=s3.endpoint)
    assert "\n" not in str(refused.value)


REFUSALS = [
    (401, "branches", "lakeFS does not know these keys: correct LAKEFS_ACCESS_KEY_SECRET and"),
    (403, "branches", "the branch is protected, or the keys may not do this"),
    (410, "branches", "it was deleted; choose another"),
    (412, "merge/main", "a hook of the repository refuses it; mend what it names"),
    (420, "tags", r"refuses to tag .*The emulator was told to fail \(420\)"),
]


@pytest.mark.parametrize(("status", "path", "said"), REFUSALS)
def test_a_refusal_is_told_in_a_sentence(
    lakefs: LakeFSEmulator, push: Push, model: Path, status: int, path: str, said: str
) -> None:
    push()
    old = held(lakefs)
    write_model(model, weights=b"better")
    lakefs.fault("answer", method="POST", path=f"*/{path}", status=status)
    with pytest.raises(StoreError, match=said) as refused:
        push(source="Trainer/2")
    assert SECRET_KEY not in str(refused.value)
    assert held(lakefs) == (files(model) if path == "tags" else old)
    assert push(source="Trainer/2").changed  # which completes it
    assert held(lakefs) == files(model)
    assert set(lakefs.branches(REPOSITORY)) == {"main"}


def test_a_hook_has_the_last_word(lakefs: LakeFSEmulator, push: Push, model: Path) -> None:
    push()
    old = held(lakefs)
    write_model(model, weights=b"better")
    lakefs.hook("pre-merge", "main", "no model on Fridays")
    with pytest.raises(StoreError, match="no model on Fridays"):
        push(source="Trainer/2")
    assert held(lakefs) == old
    lakefs.hook("pre-merge", "main", None)
    assert push(source="Trainer/2").changed


def test_a_repository_that_is_being_deleted(lakefs: LakeFSEmulator, push: Push) -> None:
    push()
    lakefs.begin_deletion(REPOSITORY)
    with pytest.raises(StoreError, match="repository in deletion .410.; it was deleted; choose"):
        push()


def test_changes_that_somebody_left_uncommitted(
    lakefs: LakeFSEmulator, push: Push, model: Path, namespace: str
) -> None:
    push()
    pusher(lakefs.endpoint, namespace)._repository.write("main", "x", model / "empty")
    write_model(model, weights=b"better")
    with pytest.raises(StoreError, match="has uncommitted changes on its branch main; commit or"):
        push(source="Trainer/2")


def test_a_branch_by_the_name_of_the_tag(
    lakefs: LakeFSEmulator, push: Push, model: Path, namespace: str
) -> None:
    push()
    write_model(model, weights=b"better")
    repository = pusher(lakefs.endpoint, namespace)._repository
    repository.make_branch(
        f"scenes-v-{folder_digest(model)[:12]}", lakefs.branches(REPOSITORY)["main"]
    )
    with pytest.raises(StoreError, match=r"refuses to tag .* as scenes-v-.*: branch ID"):
        push(source="Trainer/2")


def test_a_tag_of_something_else(lakefs: LakeFSEmulator, push: Push, model: Path) -> None:
    first = push()
    write_model(model, weights=b"better")
    lakefs.add_old_tag(REPOSITORY, f"scenes-v-{folder_digest(model)[:12]}", first.revision)
    with pytest.raises(StoreError, match="is of another content; delete it there"):
        push(source="Trainer/2")


def test_a_wrong_key(lakefs: LakeFSEmulator, push: Push, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKECTL_CREDENTIALS_SECRET_ACCESS_KEY", "not-the-secret")
    with pytest.raises(StoreError, match="lakeFS does not know these keys") as refused:
        push()
    assert "not-the-secret" not in str(refused.value)
    monkeypatch.delenv("LAKECTL_CREDENTIALS_SECRET_ACCESS_KEY")
    with pytest.raises(StoreError, match="keys cannot be read.*LAKECTL_CREDENTIALS_SECRET_"):
        push()


def test_a_new_repository_needs_a_place(lakefs: LakeFSEmulator, push: Push) -> None:
    with pytest.raises(StoreError, match="does not exist.*set LAKEFS_STORAGE_NAMESPACE to a"):
        push(lakefs_storage_namespace=None)
    assert writes(lakefs) == []


def test_the_check_before_a_run_writes_nothing(
    lakefs: LakeFSEmulator, push: Push, namespace: str
) -> None:
    settings = config(lakefs.endpoint, namespace)
    store, url = connect_lakefs(settings), f"{lakefs.endpoint}/repositories/{REPOSITORY}"
    found = check_push(store, settings, "scenes")
    assert found == f"{url} will be made, with its objects in {namespace}"
    assert writes(lakefs) == []
    push()
    found = check_push(store, settings, "scenes")
    assert found == f"models are pushed to models/scenes on the branch main of {url}"
