"""Reads the bodies of requests, which are bounded in size, time and number."""

import asyncio
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.requests import ClientDisconnect, Request

from serving.gateway.limits import Limits, Refusal, busy

_GZIP = 16 + zlib.MAX_WBITS  # zlib's word for a stream with gzip's header


class Bodies:
    """Reads bodies, and knows how much of memory they hold at the moment.

    Args:
        limits: of one body, and of all.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._held = 0

    @asynccontextmanager
    async def read(self, request: Request) -> AsyncIterator[bytes]:
        """Read a body, as it was before it was packed; it counts as held until the end.

        Raises:
            Refusal: it is too large, too slow, packed in an unknown way, or there are too many.
        """
        packed = request.headers.get("content-encoding", "identity").lower()
        if packed not in ("identity", "gzip"):
            raise Refusal(415, "The body is packed in an unknown way: send it as it is, or gzip.")
        announced = request.headers.get("content-length", "")
        if announced.isdecimal() and int(announced) > self._limits.request_bytes:
            raise self._too_large()
        body = bytearray()
        taken = 0
        try:
            try:
                async with asyncio.timeout(self._limits.seconds):
                    async for chunk in request.stream():
                        if len(body) + len(chunk) > self._limits.request_bytes:
                            raise self._too_large()
                        taken += self._hold(len(chunk))
                        body += chunk
            except TimeoutError:
                raise Refusal(408, "The body did not arrive in time: send it faster.") from None
            except ClientDisconnect:
                raise Refusal(408, "The body ended before its end.") from None
            if packed == "gzip":
                # All that it may become, for what it does become is known too late.
                taken += self._hold(self._limits.request_bytes)
                body = await asyncio.to_thread(self._unpack, body)
            yield bytes(body)
        finally:
            self._held -= taken

    def _hold(self, size: int) -> int:
        if self._held + size > self._limits.held_bytes:
            raise busy("and holds as many bytes as it may")
        self._held += size
        return size

    def _unpack(self, body: bytearray) -> bytearray:
        stream = zlib.decompressobj(_GZIP)
        try:
            plain = bytearray(stream.decompress(body, self._limits.request_bytes + 1))
        except zlib.error:
            raise Refusal(400, "The body is not the gzip that its header says.") from None
        if len(plain) > self._limits.request_bytes:
            raise self._too_large()
        if not stream.eof or stream.unused_data:
            raise Refusal(400, "The body is not one whole gzip stream.")
        return plain

    def _too_large(self) -> Refusal:
        return Refusal(
            413,
            f"The request is larger than {self._limits.request_bytes} bytes: send fewer or smaller "
            "images at a time.",
        )
