"""Fetch model files: several sources, resumed downloads, checksums, and no half file under a model's name."""

import errno
import hashlib
import http.client
import json
import os
import re
import shutil
import ssl
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import IO, Any

from ..support.errors import ModelError
from ..support.files import Lock, flush_folder
from ..support.words import format_size, one_line
from .catalogue import ModelFile, short_name
from .reading import HEAD, foreign_content
from .store import by_hand_text, expected_text, search_folders
from .verify import NetworkCheck, Progress, remember, sha256_of

_BLOCK = 1 << 18
_HASH_BLOCK = 1 << 20
_SPARE_DISK = 1 << 20
_NOTABLE = 1 << 20
"""Bytes that a connection must bring for a cut one not to count against its source."""
_BARREN_CONNECTIONS = 3
"""Connections in a row that may bring less before the next source is tried."""
_CONNECTIONS = 200
"""Connections to one source in all: at 5 MB each, they bring the largest file."""


class DownloadError(ModelError):
    """A model file could not be fetched from any source; the message says why and how to do it by hand."""


@dataclass(frozen=True, slots=True)
class Downloaded:
    """A model file that is now in place.

    Attributes:
        path: Where.
        sha256: Its checksum.
        verified: Whether that is the published checksum.
    """

    path: Path
    sha256: str
    verified: bool


class _SourceError(Exception):
    """This source does not give the file."""


class _CutError(Exception):
    """The connection broke; going on from where it stopped makes sense."""


class _SafeRedirects(urllib.request.HTTPRedirectHandler):
    """Redirects as usual, but never from an encrypted connection to an open one."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> urllib.request.Request | None:
        if req.full_url.startswith("https:") and not newurl.startswith("https:"):
            raise _SourceError("it redirects to an address that is not encrypted")
        return super().redirect_request(req, fp, code, msg, headers, newurl)  # type: ignore[arg-type]


def download_folder(folders: Sequence[Path] | None = None) -> Path:
    """The first folder that files can be written to; it is created if need be.

    Args:
        folders: The candidates; by default the search folders.

    Raises:
        DownloadError: None of them is writable.
    """
    candidates = search_folders() if folders is None else folders
    reasons = []
    for folder in candidates:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            # Permission bits do not tell of read-only mounts, or on Windows of anything: try it.
            with tempfile.TemporaryFile(dir=folder):
                return folder
        except OSError as error:
            reasons.append(f"  {folder}: {error.strerror or error}")
    raise DownloadError(
        "no folder for model files can be written to:\n"
        + "\n".join(reasons)
        + "\nName one with --folder, and give the same to the filter as torch_dir"
    )


def download(
    model: ModelFile,
    folder: Path,
    *,
    check: NetworkCheck,
    progress: Progress | None = None,
    notify: Callable[[str], None] | None = None,
    accept_unknown: bool = False,
    timeout: float = 30.0,
    pause: float = 1.0,
) -> Downloaded:
    """Fetch a model's file into a folder, replacing what lies there under its name.

    The data go to ``<file>.part``, which a later call continues, and get the file's name once they are
    complete and checked. Two calls at once for the same file work one after the other.

    Args:
        model: What to fetch; its sources are tried in order.
        folder: Where to, see `download_folder`.
        check: Looks at the network in a file whose checksum does not settle the matter.
        progress: Told the bytes fetched and the bytes in all.
        notify: Told in words of a source that failed, or of a wait.
        accept_unknown: Keep a file that is the right network by its keys and shapes though no source has
            the published checksum.
        timeout: Seconds without any data after which a connection counts as dead.
        pause: Seconds before the second attempt at a source; doubled for each further one.

    Raises:
        DownloadError: No source gives the file, the disk is full, or the folder cannot be written to.
    """
    target = folder / model.file
    tell = notify or _ignore
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = target.with_name(target.name + ".lock")
        with _exclusively(lock, lambda: tell(f"another download of {model.file} is running: waiting for it")):
            return _Download(model, target, progress, tell, accept_unknown, check, timeout, pause).run()
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DownloadError(
                f"the disk of {folder} is full: {model.file} needs {model.size_text}. Make room and run the "
                "same command again (what was fetched is kept in the .part file), or name another folder "
                "with --folder"
            ) from error
        raise DownloadError(
            f"{error.filename or folder} cannot be written: {error.strerror or error}. Make it writable, or "
            "name another folder with --folder"
        ) from error


class _Download:
    """One download under its lock: the partial file and what is known of it."""

    def __init__(
        self,
        model: ModelFile,
        target: Path,
        progress: Progress | None,
        tell: Callable[[str], None],
        accept_unknown: bool,
        check: NetworkCheck,
        timeout: float,
        pause: float,
    ) -> None:
        self._model = model
        self._target = target
        self._part = target.with_name(target.name + ".part")
        self._note = target.with_name(target.name + ".part.json")
        self._spare = target.with_name(target.name + ".unverified")
        self._progress = progress or _ignore
        self._tell = tell
        self._accept_unknown = accept_unknown
        self._check = check
        self._timeout = timeout
        self._pause = pause
        # The checksum is known up front, so size and sum can be judged.
        self._exact = model.sha256 is not None
        self._opener = urllib.request.build_opener(_SafeRedirects)
        self._digest = hashlib.sha256()
        self._digested = 0
        self._failures: list[tuple[str, str]] = []
        self._fitting: str | None = None
        self._joined = False

    def run(self) -> Downloaded:
        if (present := self._already_there()) is not None:
            return present
        try:
            if self._exact and self._size() >= self._model.size:
                # Complete already: an earlier run was stopped before the last step.
                with suppress(_SourceError):
                    return self._finish()
            self._require_space(self._model.size, min(self._size(), self._model.size))
            for url in self._model.urls:
                try:
                    return self._from_source(url)
                except _SourceError as error:
                    self._failures.append((url, str(error)))
                    self._tell(f"{url}: {error}")
            if self._fitting is not None and self._accept_unknown:
                return self._install(self._spare, self._fitting)
        finally:
            self._spare.unlink(missing_ok=True)
        raise DownloadError(self._failure_text())

    def _already_there(self) -> Downloaded | None:
        """The file in place, if a download that this one waited for has put it there."""
        if not self._exact or not self._target.is_file() or self._target.stat().st_size != self._model.size:
            return None
        digest = sha256_of(self._target)
        if digest != self._model.sha256:
            return None
        remember(self._target, digest)
        return Downloaded(self._target, digest, True)

    def _from_source(self, url: str) -> Downloaded:
        self._fetch(url)
        try:
            return self._finish()
        except _SourceError:
            if not self._joined:
                raise
            # The fault may lie in a part that came earlier or from elsewhere.
            self._tell(f"{self._model.file}: the continued download is damaged, starting over")
            self._fetch(url)
            return self._finish()

    def _fetch(self, url: str) -> None:
        """Bring the partial file to its full length, through as many connections as it takes."""
        barren = 0
        for _ in range(_CONNECTIONS):
            before = self._size()
            try:
                self._connect_and_read(url)
                return
            except _CutError as error:
                barren = 0 if self._size() - before >= _NOTABLE else barren + 1
                if barren >= _BARREN_CONNECTIONS:
                    raise _SourceError(str(error)) from error
                time.sleep(self._pause * 2 ** max(barren - 1, 0))
        raise _SourceError(f"the connection was cut {_CONNECTIONS} times")

    def _connect_and_read(self, url: str) -> None:
        start, validator = self._resume_point(url)
        headers = {"User-Agent": "vsdeoldify", "Accept": "*/*", "Accept-Encoding": "identity"}
        if start:
            headers["Range"] = f"bytes={start}-"
            if validator:
                headers["If-Range"] = validator
        try:
            response = self._opener.open(urllib.request.Request(url, headers=headers), timeout=self._timeout)
        except urllib.error.HTTPError as error:
            error.close()
            if error.code == 416 and start:
                if error.headers.get("Content-Range", "").strip() == f"bytes */{start}":
                    return  # complete already
                self._clear()
                raise _CutError("it has no such part of the file") from error
            reason = f"the server answers {error.code} {one_line(error.reason)}"
            raise _SourceError(reason) from error
        except (OSError, http.client.HTTPException, ValueError) as error:
            reason = _connection_text(url, error)
            # After some data a failing connection may be a passing trouble; before any it rarely is.
            raise (_CutError(reason) if self._size() else _SourceError(reason)) from error
        with response:
            self._read(url, response, start)

    def _resume_point(self, url: str) -> tuple[int, str]:
        """How much of the partial file can be kept for this source, and what the source called it then."""
        start = self._size()
        note = _read_note(self._note) if start else {}
        validator = str(note.get("validator") or "") if note.get("url") == url else ""
        if not self._exact and not validator:
            start = 0
        return start, validator

    def _read(self, url: str, response: Any, start: int) -> None:
        headers = response.headers
        if headers.get("Content-Encoding", "identity").lower() not in ("", "identity"):
            raise _SourceError("it sends the file in a form that was not asked for")
        first, total = _extent(response)
        if response.status == 206 and first != start:
            self._clear()
            raise _CutError("it sends another part of the file than the one asked for")
        if self._exact and not self._accept_unknown and total not in (None, self._model.size):
            if headers.get_content_type() == "text/html":
                raise _SourceError("it answers with a web page instead of the file")
            raise _SourceError(
                f"its file has {total:,} bytes, the published one {self._model.size:,} "
                "(--accept-unknown fetches it all the same, if it is the right network)"
            )
        head = b""
        self._joined = first > 0
        if not self._joined:
            # Looked at before anything is overwritten: a web page must not cost a good partial file.
            head = _receive(response.read, HEAD, self._timeout)
            if reason := foreign_content(head, total or len(head)):
                if not head and total:
                    raise _CutError("the connection was cut before any data came")
                raise _SourceError(f"what it sends is no model file: {reason}")
        expected = total or (self._model.size if self._exact else 0)
        self._require_space(expected, first)
        self._write_note(url, _strong_validator(headers))
        self._append(response, first, head, expected)
        size = self._size()
        if size < expected:
            raise _CutError(f"the connection was cut after {format_size(size)}")

    def _append(self, response: Any, first: int, head: bytes, expected: int) -> None:
        # Where no length is known, something must still stop an endless answer.
        limit = expected or 3 * self._model.size
        with self._part.open("r+b" if first else "wb") as file:
            self._digest_up_to(file, first)
            file.seek(first)
            block = head or _receive(response.read1, _BLOCK, self._timeout)
            while block:
                if self._digested + len(block) > limit:
                    raise _SourceError(f"it sends more than the {limit:,} bytes of the file")
                file.write(block)
                self._digest.update(block)
                self._digested += len(block)
                self._progress(self._digested, expected)
                try:
                    block = _receive(response.read1, _BLOCK, self._timeout)
                except _CutError:
                    file.flush()
                    raise
            file.flush()
            os.fsync(file.fileno())

    def _digest_up_to(self, file: IO[bytes], length: int) -> None:
        """Have the checksum of the first `length` bytes of the partial file at hand."""
        if self._digested == length:
            return
        self._digest, self._digested = hashlib.sha256(), 0
        file.seek(0)
        while self._digested < length:
            block = file.read(min(_HASH_BLOCK, length - self._digested))
            if not block:
                raise _CutError("the partial file has become shorter")
            self._digest.update(block)
            self._digested += len(block)

    def _finish(self) -> Downloaded:
        """Judge the complete partial file and put it in place."""
        with self._part.open("rb") as file:
            self._digest_up_to(file, self._size())
        digest = self._digest.hexdigest()
        if digest == self._model.sha256:
            return self._install(self._part, digest)
        try:
            self._check(self._model, self._part)
        except ModelError as error:
            self._clear()
            text = str(error).removeprefix(str(self._part)).strip().split(". Expected", maxsplit=1)[0]
            raise _SourceError(f"the file it sent was removed: it {text} (its sha256 is {digest})") from error
        if not self._exact:
            return self._install(self._part, digest)
        if self._accept_unknown:
            self._part.replace(self._spare)
        self._clear()
        self._fitting = digest
        raise _SourceError(
            f"the file it sent has the sha256 {digest}, the published file {self._model.sha256}"
        )

    def _install(self, complete: Path, digest: str) -> Downloaded:
        try:
            complete.replace(self._target)
        except PermissionError as error:
            # Windows: a file that another program has open cannot be replaced.
            raise DownloadError(
                f"{self._target} cannot be replaced: close the programs that use it and run the same "
                "command again, nothing needs to be fetched anew"
            ) from error
        self._note.unlink(missing_ok=True)
        flush_folder(self._target.parent)
        remember(self._target, digest)
        return Downloaded(self._target, digest, digest == self._model.sha256)

    def _require_space(self, expected: int, kept: int) -> None:
        """Check that the file fits on the disk, given how much of the partial file is kept."""
        needed = expected - kept
        free = shutil.disk_usage(self._target.parent).free + (self._size() - kept)
        if needed + _SPARE_DISK > free:
            raise DownloadError(
                f"{self._target.parent} has {format_size(free)} free, and {self._model.file} needs "
                f"{format_size(needed)}{' more' if kept else ''}: make room, or name another folder with "
                "--folder"
            )

    def _size(self) -> int:
        try:
            return self._part.stat().st_size
        except FileNotFoundError:
            return 0

    def _clear(self) -> None:
        self._part.unlink(missing_ok=True)
        self._note.unlink(missing_ok=True)
        self._digest, self._digested = hashlib.sha256(), 0

    def _write_note(self, url: str, validator: str) -> None:
        self._note.write_text(json.dumps({"url": url, "validator": validator}), encoding="utf-8")

    def _failure_text(self) -> str:
        model = self._model
        lines = [f"{model.file} could not be downloaded:"]
        lines += [f"  {url}\n    {reason}" for url, reason in self._failures]
        if self._fitting is not None:
            lines.append(
                "A source has a file with the right network but not with the published checksum. Where its "
                "publisher has replaced it, that may be as good: --accept-unknown keeps such a file."
            )
        if size := self._size():
            lines.append(
                f"The {format_size(size)} fetched so far are kept: the same command goes on from there."
            )
        lines += [
            f"By hand: save the file ({expected_text(model)}) as",
            f"  {self._target}",
            "from one of",
            by_hand_text(model),
            f"and check it with the command: vsdeoldify models --verify {short_name(model)}",
        ]
        return "\n".join(lines)


@contextmanager
def _exclusively(path: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """Hold the lock file `path`, after `waiting` for whoever has it."""
    told = False
    while True:
        try:
            lock = Lock(path)
            break
        except BlockingIOError:
            if not told:
                told = True
                waiting()
            time.sleep(0.2)
    try:
        yield
    finally:
        lock.release(remove=True)


def _receive(read: Callable[[int], bytes], amount: int, timeout: float) -> bytes:
    try:
        return read(amount)
    except TimeoutError as error:
        raise _CutError(f"no data for {timeout:g} seconds") from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise _CutError(f"the connection was cut ({one_line(error)})") from error


def _extent(response: Any) -> tuple[int, int | None]:
    """First byte of the answer and length of the whole file (None: not told)."""
    if response.status == 206:
        found = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", "").strip())
        if not found:
            raise _SourceError("it sends a part of the file without saying which")
        return int(found[1]), None if found[2] == "*" else int(found[2])
    length = response.headers.get("Content-Length", "")
    return 0, int(length) if length.isdecimal() else None


def _strong_validator(headers: Message) -> str:
    """The ETag that proves two answers to be of the same bytes; weak ones do not."""
    tag = str(headers.get("ETag", "")).strip()
    return tag if tag.startswith('"') else ""


def _read_note(path: Path) -> dict[str, Any]:
    try:
        note = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return note if isinstance(note, dict) else {}


def _connection_text(url: str, error: Exception) -> str:
    cause = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(cause, ssl.SSLCertVerificationError):
        text = f"its certificate is not accepted ({cause.verify_message}): are the clock and the system's "
        text += "certificates right?"
    elif isinstance(cause, TimeoutError):
        text = "no answer in time"
    else:
        text = f"no connection ({one_line(getattr(cause, 'strerror', None) or cause)})"
    proxy = _proxy_of(url)
    return text if proxy is None else f"{text}, through the proxy {proxy}"


def _proxy_of(url: str) -> str | None:
    """The proxy that an address goes through, without the password that may be in it."""
    parts = urllib.parse.urlsplit(url)
    proxy = urllib.request.getproxies().get(parts.scheme)
    if not proxy or urllib.request.proxy_bypass(parts.hostname or ""):
        return None
    return re.sub(r"//[^/@]*@", "//", proxy)


def _ignore(*_: object) -> None:
    pass
