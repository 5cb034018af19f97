"""Publishing with the real client to an emulated Hub: what is there afterwards."""

import threading
from pathlib import Path

import huggingface_hub
import pytest
from huggingface_hub import HfApi, RepoCard, snapshot_download

from components.hf_pusher.answers import HubError
from components.hf_pusher.publish import Publisher, check_hub
from components.secrets import SecretError
from tests.components.hf_pusher.conftest import (
    MODEL,
    TOKEN,
    Publish,
    config,
    workspace,
    write_model,
)
from tests.components.hf_pusher.spaces import pinned, titles
from tests.emulators.github import GithubEmulator
from tests.emulators.hub import HubEmulator, digest


def sent(hub: HubEmulator, since: int = 0) -> int:
    """Bytes of files that went to the LFS store."""
    return sum(one.received_bytes for one in hub.requests[since:] if one.method == "PUT")


def test_the_tag_holds_the_model_and_the_space_is_pinned_to_it(
    hub: HubEmulator, publish: Publish, model: Path, tmp_path: Path
) -> None:
    done = publish()
    assert done.changed
    folder = Path(
        snapshot_download(
            MODEL,
            revision=done.tag,
            endpoint=hub.endpoint,
            token=TOKEN,
            local_dir=tmp_path / "downloaded",
        )
    )
    for path in model.rglob("*"):
        if path.is_file():
            assert (folder / path.relative_to(model)).read_bytes() == path.read_bytes()
    assert hub.tags("models", MODEL) == {done.tag: done.revision}
    assert pinned(hub) == {
        "repo_id": MODEL,
        "revision": done.revision,
        "tag": done.tag,
        "task": "segmentation",
    }
    space = hub.tree("spaces", MODEL)
    assert RepoCard(space["README.md"].decode()).data.models == [MODEL]
    assert {"app.py", "requirements.txt", "examples/best.jpg"} <= set(space)
    assert "tensorflow==" in space["requirements.txt"].decode()
    assert done.url == f"{hub.endpoint}/{MODEL}/tree/{done.tag}"
    assert done.space_url == f"{hub.endpoint}/spaces/{MODEL}"


def test_the_same_content_again_is_one_look_and_no_commit(
    hub: HubEmulator, publish: Publish
) -> None:
    first = publish()
    before = len(hub.requests)
    again = publish()
    assert not again.changed
    assert (again.revision, again.space_revision) == (first.revision, first.space_revision)
    assert sent(hub, before) == 0
    assert all("/commit/" not in one.path for one in hub.requests[before:])
    assert titles(hub, "models")[:-1] == [f"Publish {first.tag}"]


def test_only_what_changed_is_sent_and_what_is_gone_is_deleted(
    hub: HubEmulator, publish: Publish, model: Path
) -> None:
    first = publish()
    assert sent(hub) == 5000 + 70_000
    api = HfApi(endpoint=hub.endpoint, token=TOKEN)
    api.upload_file(repo_id=MODEL, path_or_fileobj=b"of people", path_in_repo="NOTES.md")
    before = len(hub.requests)
    write_model(model, weights=b"better" * 10_000)
    (model / "overlays" / "best.jpg").rename(model / "overlays" / "worst.jpg")
    second = publish()
    assert sent(hub, before) == 60_000
    assert second.tag != first.tag
    tree = hub.tree("models", MODEL)
    assert "overlays/worst.jpg" in tree
    assert "overlays/best.jpg" not in tree
    assert tree["NOTES.md"] == b"of people"
    assert set(hub.tags("models", MODEL)) == {first.tag, second.tag}
    assert pinned(hub)["revision"] == second.revision


def test_a_lite_model_asks_for_a_runtime_without_tensorflow(
    hub: HubEmulator, publish: Publish, model: Path
) -> None:
    (model / "model.tflite").write_bytes(b"lite")
    publish()
    requirements = hub.tree("spaces", MODEL)["requirements.txt"].decode()
    assert "ai-edge-litert==" in requirements
    assert "tensorflow" not in requirements


def test_rolled_back_and_forward_without_sending_a_byte(
    hub: HubEmulator, publish: Publish, model: Path, tmp_path: Path
) -> None:
    first = publish()
    old = hub.tree("models", MODEL)
    write_model(model, weights=b"worse")
    (model / "overlays" / "median.jpg").write_bytes(b"new")
    second = publish()
    before = len(hub.requests)
    back = Publisher(config(hub.endpoint), workspace(tmp_path)).rollback(first.tag)
    assert back.changed
    assert hub.tree("models", MODEL) == old
    assert pinned(hub) == {
        "repo_id": MODEL,
        "revision": first.revision,
        "tag": first.tag,
        "task": "segmentation",
    }
    assert "examples/best.jpg" in hub.tree("spaces", MODEL)
    assert sent(hub, before) == 0
    assert titles(hub, "models")[0] == f"Roll back to {first.tag}"
    again = Publisher(config(hub.endpoint), workspace(tmp_path)).rollback(first.tag)
    assert not again.changed

    forward = publish()
    assert (forward.tag, forward.revision) == (second.tag, second.revision)
    assert pinned(hub)["revision"] == second.revision
    assert "overlays/median.jpg" in hub.tree("models", MODEL)
    assert hub.tags("models", MODEL) == {
        first.tag: first.revision,
        second.tag: second.revision,
    }


def test_an_unknown_tag_changes_nothing(hub: HubEmulator, publish: Publish, tmp_path: Path) -> None:
    done = publish()
    with pytest.raises(HubError, match=f"has no tag v-0; its tags are: {done.tag}"):
        Publisher(config(hub.endpoint), workspace(tmp_path)).rollback("v-0")
    assert pinned(hub)["tag"] == done.tag


def test_somebody_elses_commit_in_between_is_not_overwritten(
    hub: HubEmulator, publish: Publish, model: Path
) -> None:
    publish()
    old = pinned(hub)
    write_model(model, weights=b"new")
    fault = hub.fault("stall_before", method="POST", path="/api/models/*/commit/main")
    failures: list[Exception] = []

    def attempt() -> None:
        try:
            publish()
        except HubError as error:
            failures.append(error)

    publishing = threading.Thread(target=attempt)
    publishing.start()
    assert fault.reached.wait(20)
    HfApi(endpoint=hub.endpoint, token=TOKEN).upload_file(
        repo_id=MODEL, path_or_fileobj=b"---\nlicense: mit\n---\nby hand", path_in_repo="README.md"
    )
    fault.release()
    publishing.join(60)
    [failure] = failures
    assert "Somebody else changed" in str(failure)
    assert hub.tree("models", MODEL)["README.md"].endswith(b"by hand")
    assert pinned(hub) == old
    assert len(hub.tags("models", MODEL)) == 1


def test_an_answer_lost_on_the_way_is_not_taken_for_somebody_elses_commit(
    hub: HubEmulator, publish: Publish
) -> None:
    hub.fault("close_after", method="POST", path="/api/models/*/commit/main")
    done = publish()
    assert titles(hub, "models")[:-1] == [f"Publish {done.tag}"]
    assert pinned(hub)["revision"] == done.revision


@pytest.mark.parametrize(("status", "headers"), [(429, {"Retry-After": "1"}), (503, {})])
def test_a_busy_server_is_asked_again(
    hub: HubEmulator, publish: Publish, status: int, headers: dict[str, str]
) -> None:
    hub.fault("answer", path="/api/models/demo/pets/refs", status=status, headers=headers, times=2)
    assert publish().changed
    assert sum(one.path.endswith("models/demo/pets/refs") for one in hub.requests) == 3


def test_a_server_that_stays_out_of_order_leaves_the_old_space(
    hub: HubEmulator, publish: Publish, model: Path
) -> None:
    publish()
    old = pinned(hub)
    write_model(model, weights=b"new")
    hub.fault(
        "answer",
        path="/api/spaces/*",
        status=429,
        headers={"Retry-After": "3600"},  # longer than anybody waits
        times=100,
    )
    with pytest.raises(HubError, match="busy or out of order .429.*run again in 3600 s"):
        publish()
    hub.journal.clear_faults()
    assert pinned(hub) == old
    assert publish().changed
    assert pinned(hub) != old
    assert len(titles(hub, "models")) == 3


def test_nobody_there_is_said_in_one_sentence(model: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setattr("components.hf_pusher.answers.ATTEMPTS", 1)
    with pytest.raises(HubError, match="does not answer .*run again"):
        check_hub(config("http://127.0.0.1:9"))


def test_private_repositories_need_a_token_for_the_space(
    hub: HubEmulator, publish: Publish, monkeypatch
) -> None:
    with pytest.raises(HubError, match="could not read its private model"):
        publish(hf_private=True)
    monkeypatch.setenv("READ_TOKEN", "hf_read_9876543210")
    publish(hf_private=True, hf_space_secrets={"HF_TOKEN": "READ_TOKEN"})
    assert hub.repository("models", MODEL).private
    assert hub.repository("spaces", MODEL).private
    assert hub.secrets(MODEL) == {"HF_TOKEN": digest("hf_read_9876543210")}
    publish(hf_private=True)  # the Space has its token by now
    publish(hf_private=False)
    assert not hub.repository("models", MODEL).private


def test_an_organisation_and_a_space_of_another_name(hub: HubEmulator, publish: Publish) -> None:
    publish(hf_repo_id="acme/pets", hf_space_id="demo/try-pets")
    assert pinned(hub, "demo/try-pets")["repo_id"] == "acme/pets"


def test_the_space_is_set_up_once(hub: HubEmulator, publish: Publish, monkeypatch) -> None:
    monkeypatch.setenv("KEY", "value of the key")
    settings = {
        "hf_space_hardware": "cpu-upgrade",
        "hf_space_variables": {"GREETING": "hello"},
        "hf_space_secrets": {"KEY": "KEY"},
    }
    publish(**settings)
    api = HfApi(endpoint=hub.endpoint, token=TOKEN)
    assert api.get_space_variables(MODEL)["GREETING"].value == "hello"
    assert api.get_space_runtime(MODEL).requested_hardware == "cpu-upgrade"
    assert hub.secrets(MODEL) == {"KEY": digest("value of the key")}
    before = len(hub.requests)
    assert not publish(**settings).changed
    changing = [one for one in hub.requests[before:] if one.method not in ("GET", "HEAD")]
    assert {one.path.rpartition("/")[2] for one in changing} == {"validate-yaml", "main"}
    assert all("/commit/" not in one.path for one in changing)


def test_trusted_publishing_stores_no_token(
    hub: HubEmulator, github: GithubEmulator, publish: Publish, monkeypatch
) -> None:
    publish()  # a workflow's identity may write to what is there, and make nothing new
    monkeypatch.delenv("HF_TOKEN")
    job = hub.trust_publisher(github, ("models", MODEL), ("spaces", MODEL))
    for name, value in job.items():
        monkeypatch.setenv(name, value)
    settings = {"hf_token_secret": "OIDC"}
    assert "trusts this workflow" in check_hub(config(hub.endpoint, **settings))
    assert not publish(**settings).changed


def test_what_a_trusted_publisher_may_not_set_is_said_and_left(
    hub: HubEmulator,
    github: GithubEmulator,
    publish: Publish,
    model: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    publish()
    monkeypatch.delenv("HF_TOKEN")
    for name, value in hub.trust_publisher(github, ("models", MODEL), ("spaces", MODEL)).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("KEY", "value of the key")
    # As HF_ENDPOINT does at the client's import: for large files it asks for a token of its own.
    pattern = f"{hub.endpoint}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", hub.endpoint)
    monkeypatch.setattr(huggingface_hub.constants, "HUGGINGFACE_CO_URL_TEMPLATE", pattern)
    write_model(model, weights=b"new")
    done = publish(
        hf_token_secret="OIDC",
        hf_private=True,
        hf_space_hardware="cpu-upgrade",
        hf_space_variables={"GREETING": "hello"},
        hf_space_secrets={"KEY": "KEY"},
    )
    assert done.changed and pinned(hub)["revision"] == done.revision
    assert not hub.repository("models", MODEL).private
    for what in ("its visibility", "its hardware", "the variable GREETING", "the secret KEY"):
        assert f"may not see or change {what}: look at {hub.endpoint}" in caplog.text
    assert "value of the key" not in caplog.text


class TestBadInput:
    def test_no_token(self, publish: Publish, monkeypatch, tmp_path: Path) -> None:
        monkeypatch.delenv("HF_TOKEN")
        monkeypatch.setattr(huggingface_hub.constants, "HF_TOKEN_PATH", str(tmp_path / "none"))
        with pytest.raises(SecretError, match="HF_TOKEN is not set"):
            publish()

    def test_a_token_that_may_only_read(self, hub: HubEmulator, publish: Publish, monkeypatch):
        hub.add_token("hf_reader", user="demo", role="read")
        monkeypatch.setenv("HF_TOKEN", "hf_reader")
        with pytest.raises(HubError, match="may only read: make one with write access"):
            check_hub(config(hub.endpoint))
        with pytest.raises(HubError, match="may not be written to with the token of HF_TOKEN"):
            publish()
        assert not hub.exists("models", MODEL)

    def test_a_login_with_the_browser(self, hub: HubEmulator, monkeypatch) -> None:
        hub.add_token("hf_oauth", user="demo", oauth=True)
        monkeypatch.setenv("HF_TOKEN", "hf_oauth")
        assert "demo may publish" in check_hub(config(hub.endpoint))

    def test_offline(self, hub: HubEmulator, publish: Publish, monkeypatch) -> None:
        monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
        for attempt in (lambda: check_hub(config(hub.endpoint)), publish):
            with pytest.raises(HubError, match="while HF_HUB_OFFLINE is set; unset it"):
                attempt()

    def test_whatever_the_client_raises_is_a_sentence(
        self, hub: HubEmulator, publish: Publish, monkeypatch
    ) -> None:
        def fail(*_: object, **__: object) -> None:
            raise KeyError("surprise")

        monkeypatch.setattr(HfApi, "list_repo_refs", fail)
        with pytest.raises(
            HubError, match=r"answers as no Hub does \(KeyError: 'surprise'\); set HF_ENDPOINT"
        ) as caught:
            publish()
        assert isinstance(caught.value.__cause__, KeyError)

    def test_an_unknown_token(self, hub: HubEmulator, publish: Publish, monkeypatch) -> None:
        monkeypatch.setenv("HF_TOKEN", "hf_expired")
        for attempt in (lambda: check_hub(config(hub.endpoint)), publish):
            with pytest.raises(HubError, match="does not know the token of HF_TOKEN") as caught:
                attempt()
            assert "hf_expired" not in str(caught.value)

    def test_a_foreign_owner(self, hub: HubEmulator, publish: Publish) -> None:
        with pytest.raises(HubError, match="demo may not publish as nobody/pets: .*acme, demo"):
            check_hub(config(hub.endpoint, hf_repo_id="nobody/pets"))
        with pytest.raises(HubError, match="may not be written to"):
            publish(hf_repo_id="nobody/pets")

    @pytest.mark.parametrize("name", ["pets", "demo/--", "demo/a b", "a/b/c", "demo/pets.git"])
    def test_a_name_that_the_hub_would_refuse(self, name: str) -> None:
        with pytest.raises(ValueError, match="hf_repo_id"):
            config("http://127.0.0.1:9", hf_repo_id=name)

    def test_a_space_of_another_sdk(self, hub: HubEmulator, publish: Publish) -> None:
        api = HfApi(endpoint=hub.endpoint, token=TOKEN)
        api.create_repo(MODEL, repo_type="space", space_sdk="docker")
        with pytest.raises(HubError, match="is a Space of SDK docker, not gradio; set HF_SPACE_ID"):
            publish()

    def test_over_quota(self, hub: HubEmulator, publish: Publish) -> None:
        hub.set_quota("demo", 6000)
        with pytest.raises(
            HubError,
            match="takes no more files: Storage limit .*; make room",
        ):
            publish()
        assert hub.tags("models", MODEL) == {}
        assert not hub.exists("spaces", MODEL)

    def test_a_secret_given_in_the_place_of_its_name(self) -> None:
        with pytest.raises(ValueError, match="a secret is named, not given") as caught:
            config("http://127.0.0.1:9", hf_token_secret="hf_abcdefghij")
        assert "hf_abcdefghij" not in str(caught.value)
