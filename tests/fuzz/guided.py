"""One parser under atheris, which looks which lines a case reaches and goes on from there.

It takes the process over, so each has one of its own: `python -m tests.fuzz.guided NAME SEED CASES SECONDS FOLDER`. A
case that fails is left in the folder.
"""

import sys
from pathlib import Path

import atheris

# Before anything of it is imported, or nothing would be looked at.
with atheris.instrument_imports(
    include=["letter", "signatories", "config", "markdown_it", "mdit_py_plugins"]
):
    import django

    django.setup()
    from tests.fuzz.parsers import PARSERS
    from tests.hostile import STRINGS


def main(name: str, seed: str, cases: str, seconds: str, folder: str) -> None:
    [target] = [each for each in PARSERS if each.name == name]
    corpus = Path(folder, "corpus")
    corpus.mkdir(exist_ok=True)
    begun = [
        *target.seeds,
        b"".join(target.seeds),
        *(each.encode("utf-8", "replace") for each in STRINGS),
    ]
    for number, each in enumerate(begun):
        (corpus / str(number)).write_bytes(each)
    flags = [
        f"-seed={seed}",
        f"-runs={cases}",
        f"-max_total_time={seconds}",
        f"-artifact_prefix={folder}/",
        "-max_len=2000",
        "-timeout=20",
        "-rss_limit_mb=2000",
        "-print_final_stats=1",
        "-verbosity=1",
    ]
    atheris.Setup([sys.argv[0], *flags, str(corpus)], target.run)
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
