"""Runs Typst in a process of its own: `python -I compiling.py`, jobs on standard input, files on standard output.

Typst keeps in memory what it has set (a quarter of a gigabyte for 5,000 names), which would stay with a web process
for good. A job is a line of JSON; its answer a line of JSON, with the size of the file that follows or with the error.
"""

import json
import os
import sys
from contextlib import suppress
from typing import Any

import typst


def main() -> None:
    if sys.platform == "linux":
        # Not only on the core of the web process that started it (config/running.py).
        with suppress(PermissionError):
            os.sched_setaffinity(0, range(os.cpu_count() or 1))
    fonts: Any = None
    for line in sys.stdin.buffer:
        job = json.loads(line)
        if fonts is None:
            fonts = typst.Fonts(
                include_system_fonts=job["system_fonts"],
                include_embedded_fonts=False,
                font_paths=job["font_folders"],
            )
        try:
            made = typst.compile(
                job["template"].encode(),
                font_paths=fonts,
                sys_inputs=job["inputs"],
                **job["options"],
            )
        except typst.TypstError as error:
            made = b""
            answer: dict[str, int | str] = {"error": error.message}
        else:
            answer = {"size": len(made)}
        sys.stdout.buffer.write(json.dumps(answer).encode() + b"\n" + made)
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
