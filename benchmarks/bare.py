"""A WSGI application that hands out one answer and does nothing else: the most that one can do under granian.

`BARE_ANSWER` names a file with the answer: its headers as JSON in the first line, then its bytes.
"""

import json
import os
from collections.abc import Iterable
from pathlib import Path
from wsgiref.types import StartResponse, WSGIEnvironment

_line, _, _body = Path(os.environ["BARE_ANSWER"]).read_bytes().partition(b"\n")
_headers = [(name, value) for name, value in json.loads(_line)]
_answer = [_body]


def application(_environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK", _headers)
    return _answer
