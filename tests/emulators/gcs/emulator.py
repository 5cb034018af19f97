"""The emulator as tests use it."""

import contextlib
import shutil
from pathlib import Path

from google.auth.credentials import AnonymousCredentials
from google.cloud import storage

from ..googleapis import Accounts, Authority, ConnectProxy, SecretManager, federation
from .server import StorageServer
from .shim import Request, Shim

PROJECT_NUMBER = "123456789012"
HOSTS = ("storage.googleapis.com", "*.storage.googleapis.com", "www.googleapis.com")


class GcsEmulator:
    """Cloud Storage on 127.0.0.1 for google-cloud-storage, TensorFlow and Beam.

    Objects are held in memory. The certificates are made again each time, and so is the service
    account in whose name a child process works.

    Args:
        folder: Where certificates, key files and the server's log are written.
        project: The project to which buckets and accounts belong.

    Raises:
        ServerMissing: When the environment has no fake-gcs-server.
    """

    def __init__(self, folder: Path | str, project: str = "demo-project") -> None:
        self.folder = Path(folder)
        self.project = project
        self.project_number = PROJECT_NUMBER
        self.authority = Authority(self.folder / "certificates")
        context = self.authority.server_context()
        self.accounts = Accounts(self.folder / "accounts", project, context)
        self.account = self.accounts.add("pipeline")
        self.secrets = SecretManager(self.accounts, self.authority)
        self._shim = Shim(context, lambda: self._server.address, self.accounts, PROJECT_NUMBER)
        self.url = self._shim.url
        self._server = StorageServer(self.url, self.folder / "fake-gcs-server.log")
        self.proxy = ConnectProxy()
        self.proxy.route("oauth2.googleapis.com", self.accounts.oauth_address)
        self.proxy.route("secretmanager.googleapis.com", self.secrets.address)
        for host in federation.HOSTS:
            self.proxy.route(host, self.accounts.federation.address)
        for host in HOSTS:
            self.proxy.route(host, self._shim.tls_address)
        self._running = contextlib.ExitStack()

    def __enter__(self) -> "GcsEmulator":
        self._running.callback(self._server.close)
        self._shim.start()
        self._running.callback(self._shim.close)
        self._running.enter_context(self.proxy)
        for server in (self.accounts, self.secrets):
            server.start()
            self._running.callback(server.close)
        self.client = storage.Client(
            self.project, AnonymousCredentials(), client_options={"api_endpoint": self.url}
        )
        self._running.callback(self.client.close)
        return self

    def __exit__(self, *failure: object) -> None:
        self._running.close()

    @property
    def environment(self) -> dict[str, str]:
        """What a child process needs in its environment so that gs:// is this emulator."""
        return {
            **self.authority.environment,
            **self.proxy.environment,
            "STORAGE_EMULATOR_HOST": self.url,
            "GOOGLE_APPLICATION_CREDENTIALS": str(self.account.key_file),
            "GOOGLE_CLOUD_PROJECT": self.project,
            # TensorFlow knows neither of the two above. Its retries would only hide an error.
            "GOOGLE_AUTH_TOKEN_FOR_TESTING": self.accounts.token(self.account),
            "GCS_RETRY_CONFIG_MAX_RETRIES": "1",
        }

    @property
    def requests(self) -> list[Request]:
        """All requests so far, in the order in which they came."""
        return self._shim.requests

    def make_bucket(self, name: str) -> None:
        """Makes a bucket; its name needs three characters or more."""
        self.client.create_bucket(name)

    def upload_tree(self, local: Path | str, uri: str) -> None:
        """Stores the files under a folder as objects under a gs:// URI."""
        local = Path(local)
        bucket, prefix = self._locate(uri)
        for path in sorted(path for path in local.rglob("*") if path.is_file()):
            name = f"{prefix}/{path.relative_to(local)}".lstrip("/")
            bucket.blob(name).upload_from_filename(str(path))

    def download_tree(self, uri: str, local: Path | str) -> None:
        """Writes the objects under a gs:// URI as files under a folder, which is made."""
        local = Path(local)
        local.mkdir(parents=True, exist_ok=True)
        bucket, prefix = self._locate(uri)
        for blob in bucket.list_blobs(prefix=f"{prefix}/" if prefix else None):
            path = local / blob.name[len(prefix) :].lstrip("/")
            if blob.name.endswith("/"):  # the marker of a folder
                path.mkdir(parents=True, exist_ok=True)
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("wb") as target:
                shutil.copyfileobj(blob.open("rb"), target)

    def load(self, folder: Path | str) -> None:
        """Makes the buckets that `save` wrote to a folder, if it did, with what was in them."""
        folder = Path(folder)
        for path in sorted(folder.iterdir()) if folder.exists() else ():
            self.make_bucket(path.name)
            self.upload_tree(path, f"gs://{path.name}")

    def save(self, folder: Path | str) -> None:
        """Writes all objects to a folder, in place of what is there, each bucket its own."""
        folder = Path(folder)
        shutil.rmtree(folder, ignore_errors=True)
        for bucket in self.client.list_buckets():
            self.download_tree(f"gs://{bucket.name}", folder / bucket.name)

    def exists(self, uri: str) -> bool:
        """Whether there is an object of this gs:// URI, or one under it."""
        bucket, prefix = self._locate(uri)
        if prefix and bucket.blob(prefix).exists():
            return True
        under = bucket.list_blobs(prefix=f"{prefix}/" if prefix else None, max_results=1)
        return bucket.exists() and any(True for _ in under)

    def list(self, uri: str) -> list[str]:
        """The gs:// URIs of all objects whose URI begins so."""
        bucket, prefix = self._locate(uri)
        blobs = bucket.list_blobs(prefix=prefix or None)
        return [f"gs://{bucket.name}/{blob.name}" for blob in blobs]

    def read(self, uri: str) -> bytes:
        """The content of an object."""
        bucket, name = self._locate(uri)
        return bucket.blob(name).download_as_bytes()

    def _locate(self, uri: str) -> tuple[storage.Bucket, str]:
        if not uri.startswith("gs://"):
            raise ValueError(f"Not a gs:// URI: {uri}")
        bucket, _, name = uri.removeprefix("gs://").partition("/")
        return self.client.bucket(bucket), name.rstrip("/")
