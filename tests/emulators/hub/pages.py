"""Routes: a plain page at the addresses that clients print."""

from html import escape
from urllib.parse import quote

from .errors import HubError
from .server import NO_SUCH_PAGE, Call, Reply, Routes

routes = Routes()
_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>{title}</title>
<style>body {{ font: 16px/1.5 sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }}
pre {{ white-space: pre-wrap; background: #f4f4f4; padding: 1rem }}</style>
<h1>{title}</h1>
<p>{visibility} {kind} repository on a local emulator of the Hub. Commit {commit}: {message}</p>
<h2>Files</h2>
<ul>{files}</ul>
<h2>Tags</h2>
<ul>{tags}</ul>
<h2>README.md</h2>
<pre>{readme}</pre>
</html>
"""


@routes.add("GET", "/{prefix}{id}")
def main_page(call: Call, prefix: str, repo_id: str) -> Reply:
    return page(call, prefix, repo_id, "main")


@routes.add("GET", "/{prefix}{id}/commit/{rev}")
@routes.add("GET", "/{prefix}{id}/tree/{rev}")
def page(call: Call, prefix: str, repo_id: str, revision: str) -> Reply:
    if call.path.startswith("/api/"):
        raise HubError(404, NO_SUCH_PAGE)
    kind = prefix.rstrip("/") or "models"
    repository = call.repository(kind, repo_id)
    commit = repository.commit_at(revision)
    address = f"/{prefix}{repo_id}"  # ids have no character that HTML or URLs escape
    files = "".join(
        f'<li><a href="{address}/resolve/{commit.id}/{quote(path)}">{escape(path)}</a>'
        f" {entry['size']} bytes{' in LFS' if 'lfs' in entry else ''}</li>\n"
        for path, entry in sorted(commit.tree.items())
    )
    tags = "".join(
        f'<li><a href="{address}/tree/{quote(tag, safe="")}">{escape(tag)}</a> {commit_id}</li>\n'
        for tag, commit_id in sorted(repository.state["tags"].items())
    )
    readme = ""
    if "README.md" in commit.tree:
        readme = repository.content(commit.id, "README.md").decode("utf-8", "replace")
    html = _PAGE.format(
        title=escape(f"{prefix}{repo_id}"),
        visibility=escape(repository.state["visibility"].capitalize()),
        kind=kind[:-1],
        commit=commit.id,
        message=escape(commit.title),
        files=files,
        tags=tags,
        readme=escape(readme),
    )
    return Reply(body=html.encode(), headers={"Content-Type": "text/html; charset=utf-8"})
