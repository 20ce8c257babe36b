"""wrk, which asks a server, and nginx, which says how fast a server can answer with the same bytes."""

import gzip
import json
import os
import pwd
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from benchmarks.site import service
from config.running import CORES
from tests.browser.site import free_port
from tests.debian import path_of
from tests.deploy import configured

SCRIPT: Final = Path(__file__).with_name("wrk.lua")
THREADS: Final = 2  # of wrk, which shares the cores with whoever is asked
GZIP: Final = {"Accept-Encoding": "gzip"}
NGINX: Final = """
user %(user)s;
worker_processes auto;
daemon off;
pid %(folder)s/nginx.pid;
error_log %(folder)s/nginx.log;
events { worker_connections 1024; }
http {
    access_log off;
    sendfile on;
    tcp_nopush on;
    keepalive_requests 1000000000;
    default_type "%(type)s";
    server {
        listen 127.0.0.1:%(port)d;
        root %(folder)s/files;
        gzip_static always;
    }
}
"""


@dataclass(frozen=True)
class Answer:
    """One answer as it came over the wire."""

    status: int
    headers: Mapping[str, str]  # by names in small letters
    body: bytes
    size: int  # bytes of all of it


@dataclass(frozen=True)
class Load:
    """What wrk saw."""

    rate: float  # answers a second
    p99: float  # seconds
    size: float  # bytes of an answer, on average


def ask(url: str, headers: Mapping[str, str] = GZIP) -> Answer:
    """One request, with a connection of its own."""
    parts = urlsplit(url)
    connection = HTTPConnection(parts.netloc, timeout=20)
    try:
        connection.request("GET", parts.path, headers=dict(headers))
        response = connection.getresponse()
        body = response.read()
    finally:
        connection.close()
    said = response.getheaders()
    line = f"HTTP/1.1 {response.status} {response.reason}\r\n"
    size = len(line) + sum(len(f"{name}: {value}\r\n") for name, value in said) + 2 + len(body)
    return Answer(response.status, {name.lower(): value for name, value in said}, body, size)


def load(
    url: str,
    headers: Mapping[str, str] = GZIP,
    *,
    connections: int,
    seconds: float,
    pause: float = 0,
    expect: Answer | None = None,
) -> Load:
    """Ask over so many connections, each of which waits `pause` seconds between two requests.

    Raises AssertionError where an answer was an error, or where they were not all as long as the expected one.
    """
    environ = {**os.environ, "PAUSE_MS": f"{pause * 1000:.0f}"} if pause else os.environ
    fields = [part for name, value in headers.items() for part in ("-H", f"{name}: {value}")]
    done = subprocess.run(
        [
            *(
                path_of("wrk"),
                f"-t{THREADS}",
                f"-c{connections}",
                f"-d{seconds:.0f}s",
                "-s",
                str(SCRIPT),
            ),
            *fields,
            url,
        ],
        env=environ,
        capture_output=True,
        text=True,
        check=True,
    )
    seen = json.loads(done.stdout.splitlines()[-1])
    assert seen["requests"] > 0, done.stdout
    assert seen["failed"] == 0, f"{seen['failed']} answers of {url} were errors"
    size = seen["bytes"] / seen["requests"]
    # A connection that ends in the middle of an answer has counted its beginning.
    if expect:
        assert abs(size / expect.size - 1) < 0.02, f"{url}: {size:.0f} bytes, not {expect.size}"
    return Load(seen["requests"] / seen["microseconds"] * 1e6, seen["p99"] / 1e6, size)


@contextmanager
def nginx(files: Mapping[str, Answer]) -> Iterator[str]:
    """nginx on the loopback with these answers as files, by their names; gives its URL.

    The files are what an answer had as body, already compressed, with its type. Otherwise nginx is as it comes,
    but for two things that make it faster: sendfile, and connections that last.
    """
    with tempfile.TemporaryDirectory(prefix="undersigned-bench-nginx-") as place:
        folder = Path(place)
        root = folder / "files"
        root.mkdir()
        for name, answer in files.items():
            assert gzip.decompress(answer.body)
            (root / f"{name}.gz").write_bytes(answer.body)
        content_type = {answer.headers["content-type"] for answer in files.values()}.pop()
        port = free_port()
        configuration = folder / "nginx.conf"
        values = {
            "user": pwd.getpwuid(os.geteuid()).pw_name,
            "folder": folder,
            "type": content_type,
            "port": port,
        }
        configuration.write_text(NGINX % values, encoding="utf-8")
        with running([path_of("nginx"), "-c", str(configuration)]):
            url = f"http://127.0.0.1:{port}"
            wait_for(f"{url}/{next(iter(files))}")
            for name, answer in files.items():
                said = ask(f"{url}/{name}")
                assert said.body == answer.body, name
                for header in ("content-type", "content-encoding"):
                    assert said.headers[header] == answer.headers[header], name
            yield url


@contextmanager
def bare(answer: Answer) -> Iterator[str]:
    """A function that hands out this answer, under granian; gives its URL.

    With a process for each core and one thread in each, which is the fastest that it is by its own settings.
    """
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="undersigned-bench-bare-") as place:
        file = Path(place) / "answer"
        # granian says these two itself.
        headers = [pair for pair in answer.headers.items() if pair[0] not in {"server", "date"}]
        file.write_bytes(json.dumps(headers).encode() + b"\n" + answer.body)
        command = [
            *(sys.executable, "-m", "granian", "--interface", "wsgi", "--http", "1", "--no-ws"),
            *("--host", "127.0.0.1", "--port", str(port), "--log-level", "warning"),
            *("--workers", str(CORES), "--blocking-threads", "1"),
            "benchmarks.bare:application",
        ]
        with running(command, BARE_ANSWER=str(file)):
            url = f"http://127.0.0.1:{port}"
            wait_for(url)
            assert ask(url).body == answer.body
            yield url


@contextmanager
def cache_before(site_url: str) -> Iterator[str]:
    """nginx as deploy/nginx.conf has it, before a site; gives its URL.

    Without TLS, as the file that it is compared with, and with as many processes.
    """
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="undersigned-bench-nginx-") as place:
        folder = Path(place)
        site_port = urlsplit(site_url).port
        assert site_port
        configuration = configured.nginx(folder, http=free_port(), https=port, nodes=[site_port])
        for file, old, new in (
            (configuration, "worker_processes 1;", "worker_processes auto;"),
            (folder / "undersigned.conf", f":{port} ssl http2;", f":{port};"),
        ):
            text = file.read_text(encoding="utf-8")
            assert old in text
            file.write_text(text.replace(old, new), encoding="utf-8")
        with running([path_of("nginx"), "-c", str(configuration)]):
            url = f"http://127.0.0.1:{port}"
            wait_for(f"{url}/healthz")
            yield url


@contextmanager
def running(command: list[str], **environ: str) -> Iterator["subprocess.Popen[bytes]"]:
    """A process, ended on the way out."""
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, start_new_session=True, env=service(**environ)
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_for(url: str) -> None:
    """Return once somebody answers there."""
    deadline = time.monotonic() + 20
    while True:
        try:
            ask(url)
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return
