"""What the Terraform files under infra/ declare, read without Terraform."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import hcl2

from tests.conftest import REPOSITORY

INFRA = REPOSITORY / "infra"
_FOLDERS = (".", "new_data")  # what else is there is of environments and caches
_PLAIN = hcl2.SerializationOptions(
    with_comments=False, explicit_blocks=False, preserve_heredocs=False, strip_string_quotes=True
)


@dataclass(frozen=True)
class Resource:
    type: str
    name: str
    body: dict[str, Any]


@dataclass(frozen=True)
class Grant:
    """One role of one service account.

    Attributes:
        account: the name that Terraform gives it, or the member as it is written.
        role: likewise.
        on: what it is granted on: the resource's type, and what it names beside role and member.
    """

    account: str
    role: str
    on: str


@cache
def blocks(kind: str, *folders: str) -> list[dict[str, Any]]:
    """The blocks of a kind, such as resource, in the files of folders of infra/, or of all."""
    found = []
    for folder in folders or _FOLDERS:
        for path in sorted((INFRA / folder).glob("*.tf")):
            with path.open() as file:
                found += hcl2.load(file, serialization_options=_PLAIN).get(kind, [])
    return found


def named(kind: str, *folders: str) -> dict[str, dict[str, Any]]:
    return {name: body for block in blocks(kind, *folders) for name, body in block.items()}


@cache
def resources() -> list[Resource]:
    return [
        Resource(type_, name, body)
        for block in blocks("resource")
        for type_, of_type in block.items()
        for name, body in of_type.items()
    ]


def resource(type_: str, name: str) -> dict[str, Any]:
    [found] = [one.body for one in resources() if (one.type, one.name) == (type_, name)]
    return found


@cache
def grants() -> list[Grant]:
    return [grant for one in resources() for grant in _grants(one)]


def _grants(one: Resource) -> Iterator[Grant]:
    if not one.type.endswith("_iam_member"):
        return
    member = one.body["member"]
    account = re.fullmatch(r"\$\{google_service_account\.(\w+)\.member\}", member)
    place = one.body.get("service_account_id", "")
    on = one.type.removeprefix("google_").removesuffix("_iam_member")
    if owned := re.search(r"google_service_account\.(\w+)\.", place):
        on = f"{on} {owned[1]}"
    roles = [one.body["role"]]
    if roles == ["${each.value}"]:
        roles = re.findall(r'"([^"]+)"', one.body["for_each"])
    for role in roles:
        yield Grant(account[1] if account else member, role, on)
