"""Routes: what Spaces have and other repositories have not."""

import re
from typing import Any

from .accounts import digest
from .errors import HubError
from .metadata import read_metadata
from .server import Call, Fields, Reply, Routes, json_reply
from .store import Repository, now

APP_FILES = {
    "gradio": "app.py",
    "streamlit": "app.py",
    "docker": "Dockerfile",
    "static": "index.html",
}
routes = Routes()
_VARIABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def _setting(fields: Fields, secret: bool) -> dict[str, str]:
    """A secret, of which the hash alone is kept, or a variable."""
    if not _VARIABLE_NAME.fullmatch(fields["key"]):
        raise HubError(400, f'"{fields["key"]}" is not a name for a secret or a variable')
    setting = {"sha256": digest(fields["value"])} if secret else {"value": fields["value"]}
    if "description" in fields:
        setting["description"] = fields["description"]
    return {**setting, "updatedAt": now()}


def new_space(fields: Fields) -> dict[str, Any]:
    """The state of a new Space, from the request that creates it."""
    return {
        "sdk": fields["sdk"],
        "hardware": fields.get("hardware", "cpu-basic"),
        "sleepTimeSeconds": fields.get("sleepTimeSeconds"),
        "stage": None,
        "secrets": _settings(fields.get("secrets", []), secret=True),
        "variables": _settings(fields.get("variables", []), secret=False),
    }


def _settings(listed: list[dict], secret: bool) -> dict[str, dict]:
    return {item["key"]: _setting(Fields(item), secret) for item in listed}


def _card(repository: Repository) -> dict:
    """The metadata of the README.md on main, by which a Space is configured."""
    if "README.md" not in repository.commit_at("main").tree:
        return {}
    return read_metadata(repository.content("main", "README.md").decode("utf-8", "replace"))


def space_fields(repository: Repository) -> dict[str, Any]:
    """What the description of a Space has besides a repository's."""
    subdomain = re.sub(r"[^a-z0-9]+", "-", repository.id.lower())
    return {
        "sdk": _card(repository).get("sdk", repository.state["space"]["sdk"]),
        "subdomain": subdomain,
        "host": f"https://{subdomain}.hf.space",
        "runtime": runtime(repository),
    }


def runtime(repository: Repository) -> dict[str, Any]:
    """How the Space is doing. No app is ever run: with an app file it counts as running."""
    space, card = repository.state["space"], _card(repository)
    app_file = card.get("app_file") or APP_FILES[card.get("sdk", space["sdk"])]
    has_app = app_file in repository.commit_at("main").tree
    return {
        "stage": space["stage"] or ("RUNNING" if has_app else "NO_APP_FILE"),
        "hardware": {"current": space["hardware"], "requested": space["hardware"]},
        "gcTimeout": space["sleepTimeSeconds"],
        "storage": None,
        "replicas": {"current": 1, "requested": 1},
    }


def _change(call: Call, space_id: str, **changes: Any) -> Reply:
    repository = call.repository("spaces", space_id, write=True, settings=True)
    repository.change(lambda state: state["space"].update(changes))
    return json_reply(runtime(repository))


@routes.add("GET", "/api/spaces/{id}/runtime")
def get_runtime(call: Call, space_id: str) -> Reply:
    return json_reply(runtime(call.repository("spaces", space_id)))


@routes.add("POST", "/api/spaces/{id}/restart")
def restart(call: Call, space_id: str) -> Reply:
    return _change(call, space_id, stage=None)


@routes.add("POST", "/api/spaces/{id}/pause")
def pause(call: Call, space_id: str) -> Reply:
    return _change(call, space_id, stage="PAUSED")


@routes.add("POST", "/api/spaces/{id}/hardware")
def hardware(call: Call, space_id: str) -> Reply:
    fields = call.json()
    sleep_time = fields.get("sleepTimeSeconds")
    return _change(call, space_id, hardware=fields["flavor"], sleepTimeSeconds=sleep_time)


@routes.add("POST", "/api/spaces/{id}/sleeptime")
def sleep_time(call: Call, space_id: str) -> Reply:
    return _change(call, space_id, sleepTimeSeconds=call.json()["seconds"])


def _listed(repository: Repository, group: str) -> Reply:
    """The secrets or the variables; of a secret not even the hash leaves the emulator."""
    return json_reply(
        {
            key: {name: value for name, value in setting.items() if name != "sha256"}
            for key, setting in repository.state["space"][group].items()
        }
    )


def _edit_settings(call: Call, space_id: str, group: str) -> Reply:
    """GET, POST or DELETE of secrets or variables."""
    repository = call.repository("spaces", space_id, write=True, settings=True)
    if call.method != "GET":
        fields = call.json()

        def change(state: dict[str, Any]) -> None:
            if call.method == "POST":
                state["space"][group][fields["key"]] = _setting(fields, group == "secrets")
            elif state["space"][group].pop(fields["key"], None) is None:
                raise HubError(404, f"There is no {fields['key']} among the {group}")

        repository.change(change)
    return _listed(repository, group)


@routes.add("GET POST DELETE", "/api/spaces/{id}/secrets")
def secrets(call: Call, space_id: str) -> Reply:
    return _edit_settings(call, space_id, "secrets")


@routes.add("GET POST DELETE", "/api/spaces/{id}/variables")
def variables(call: Call, space_id: str) -> Reply:
    return _edit_settings(call, space_id, "variables")
