"""A real HTTP server on this machine that gives model files the way bad servers do."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Answer:
    """How the server answers requests for one path.

    Attributes:
        data: The file.
        status: The status of the answer; an error status has a short page in place of the file.
        ranges: Whether Range is understood.
        etag: The file's ETag, or nothing.
        headers: Further headers, which replace the usual ones of the same name.
        cuts: For each request in turn, after how many bytes the connection is cut; then no more.
        delay: Seconds to wait before each block of 64 kB.
        framing: How the length is told: "length", "chunked", or "close" (not at all).
        wrong_start: Added to the offset that a range begins with.
    """

    data: bytes = b""
    status: int = 200
    ranges: bool = True
    etag: str = '"one"'
    headers: dict[str, str] = field(default_factory=dict)
    cuts: list[int] = field(default_factory=list)
    delay: float = 0.0
    framing: str = "length"
    wrong_start: int = 0


@dataclass
class Request:
    """A request as it came: its path and the headers that matter here."""

    path: str
    range: str | None
    if_range: str | None
    user_agent: str | None


class Server(ThreadingHTTPServer):
    """Serves `answers`, by path, and notes the requests and the bytes sent."""

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: dict[str, Answer] = {}
        self.requests: list[Request] = []
        self.sent = 0
        self.closing = threading.Event()

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}{path}"

    def serve(self, path: str, answer: Answer) -> str:
        self.answers[path] = answer
        return self.url(path)

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that go away in the middle are part of these tests."""


class _Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        self.close_connection = True
        headers = self.headers
        # Asked as a proxy, the path is a whole address.
        path = "/" + self.path.split("/", 3)[3] if self.path.startswith("http") else self.path
        self.server.requests.append(
            Request(self.path, headers["Range"], headers["If-Range"], headers["User-Agent"])
        )
        answer = self.server.answers.get(path, Answer(b"not here", status=404))
        data, start, status = answer.data, 0, answer.status
        sent_headers = {"Content-Type": "application/octet-stream", "ETag": answer.etag}
        wanted = headers["Range"]
        if wanted and answer.ranges and status == 200 and headers["If-Range"] in (None, answer.etag):
            start = int(wanted.removeprefix("bytes=").removesuffix("-")) + answer.wrong_start
            if start >= len(data):
                self._begin(416, {"Content-Range": f"bytes */{len(data)}", "Content-Length": "0"})
                return
            status = 206
            sent_headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
            data = data[start:]
        if answer.framing == "length":
            sent_headers["Content-Length"] = str(len(data))
        elif answer.framing == "chunked":
            sent_headers["Transfer-Encoding"] = "chunked"
        self._begin(status, {k: v for k, v in (sent_headers | answer.headers).items() if v})
        cut = answer.cuts.pop(0) if answer.cuts else None
        self._send(data if cut is None else data[:cut], answer, cut is None)

    def _begin(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Connection", "close")
        self.end_headers()

    def _send(self, data: bytes, answer: Answer, complete: bool) -> None:
        chunked = answer.framing == "chunked"
        for start in range(0, len(data), 65536):
            if answer.delay and self.server.closing.wait(answer.delay):
                return
            block = data[start : start + 65536]
            self.wfile.write(b"%x\r\n%s\r\n" % (len(block), block) if chunked else block)
            self.server.sent += len(block)
        if chunked and complete:
            self.wfile.write(b"0\r\n\r\n")


@contextmanager
def running_server() -> Iterator[Server]:
    """A server that runs for the length of the block."""
    server = Server()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()


def wait_until(condition: object, seconds: float = 10.0) -> None:
    """Wait for a callable to become true."""
    assert callable(condition)
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)
