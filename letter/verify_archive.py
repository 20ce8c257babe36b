"""Checks this archived copy of a letter: every file, and the chain of digests over all editions.

Run it as `python3 verify.py`, here or with the folder's path behind it. It needs Python 3 and nothing else, reads files
and changes nothing. Whatever is not as it was published is named, with its edition; then the exit status is 1.
"""

import hashlib
import json
import os
import re
import sys
from typing import Any, Iterator  # noqa: UP035  runs on old Pythons, too

# What is of all editions, or of none; the rest of what is not below an edition's number is of the newest.
OF_NO_EDITION = frozenset(
    ["editions", "revisions", "feed.atom", "static", "schemas", "README.txt", "verify.py"]
)


def digest(value: Any) -> str:
    """SHA-256 over the canonical form: JSON with sorted keys, no white space, UTF-8."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def sum_of(path: str) -> str:
    found = hashlib.sha256()
    with open(path, "rb") as file:
        for part in iter(lambda: file.read(1 << 20), b""):
            found.update(part)
    return found.hexdigest()


def read_json(root: str, path: str) -> Any:
    with open(os.path.join(root, path), encoding="utf-8") as file:
        return json.load(file)


def said_of(path: str, newest: int) -> str:
    """A file by its name, and the edition that it is of."""
    found = re.search(r"(?:^|/)editions/(\d+)/(?:(\d+)/)?", path)
    if found and found.group(2):
        return f"edition {found.group(2)}, compared with edition {found.group(1)}: {path}"
    if found:
        return f"edition {found.group(1)}: {path}"
    if OF_NO_EDITION.isdisjoint(path.split("/")):
        return f"edition {newest}, the newest: {path}"
    return path


def wrong_files(root: str, newest: int) -> Iterator[str]:
    """What is wrong with the files, by the list of their sums."""
    listed = {}
    with open(os.path.join(root, "SHA256SUMS"), "rb") as file:
        lines = file.read().split(b"\n")
    for number, line in enumerate(lines, 1):
        if re.match(rb"[0-9a-f]{64}  [!-~]+$", line):
            listed[line[66:].decode()] = line[:64].decode()
        elif line or number < len(lines):
            yield f"SHA256SUMS: line {number} is no sum with a file's name"
    there = set()
    for folder, _folders, names in os.walk(root):
        for name in names:
            there.add(os.path.relpath(os.path.join(folder, name), root).replace(os.sep, "/"))
    there.discard("SHA256SUMS")
    for path in sorted(there.union(listed)):
        if path not in there:
            yield f"{said_of(path, newest)} is missing"
        elif path not in listed:
            yield f"{said_of(path, newest)} is not part of the copy"
        elif sum_of(os.path.join(root, path)) != listed[path]:
            yield f"{said_of(path, newest)} was changed"


def commitment(line: Any) -> str:
    """The digest over what a line says; over names in other languages and the text signed where it has them."""
    covered = {key: line[key] for key in ("salt", "name", "countries")}
    covered["label"] = line["label_set"]
    if line.get("other_names"):
        covered["other_names"] = line["other_names"]
    if line.get("signed_text") is not None:
        covered["signed_text"] = line["signed_text"]
    return digest(covered)


def is_empty(line: Any) -> bool:
    """Whether it was taken out for an organisation in danger: its commitment alone is left."""
    says = ("salt", "name", "countries", "label", "other_names", "signed_text")
    return not any(line.get(key) for key in says)


def wrong_in(edition: Any, number: int, before: str) -> Iterator[str]:
    """What does not hold in an edition's list; `before` is the digest of the edition before."""
    text, lines = edition["revision"], edition["signatories"]
    for line in lines:
        label_fits = line["label_set"] in (None, line["label"])
        if not is_empty(line) and not (label_fits and commitment(line) == line["commitment"]):
            yield f"line {line['number']} is not what was published"
    words = {"letter": edition["letter"], "number": text["number"], "texts": text["texts"]}
    if (lines or text["texts"]) and digest(words) != text["digest"]:
        yield "the text is not what was published"
    everything = {
        "letter": edition["letter"],
        "number": number,
        "published_at": edition["published_at"],
        "previous": before,
        "revision": text["digest"],
        "lines": [line["commitment"] for line in lines],
    }
    if digest(everything) != edition["digest"]:
        yield "its digest is not that of its list, its text and the edition before"


def wrong_editions(root: str, newest: int) -> Iterator[str]:
    """What is wrong with the chain of editions, each checked against the one before as that is."""
    before, last = "", {}  # type: str, Any
    for number in range(1, newest + 1):
        path = f"editions/{number}/signatories.json"
        try:
            last = read_json(root, path)
            for wrong in wrong_in(last, number, before):
                yield f"edition {number}: {wrong} ({path})"
            before = last["digest"]
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            yield f"edition {number}: {path} cannot be read ({type(error).__name__})"
    try:
        live = read_json(root, "signatories.json")
        if (live["digest"], live["signatories"]) != (last["digest"], last["signatories"]):
            yield f"edition {newest}, the newest: signatories.json is another list"
    except (OSError, ValueError, KeyError, TypeError) as error:
        yield f"edition {newest}, the newest: cannot be read ({type(error).__name__})"


def newest_edition(root: str) -> int:
    """The newest edition's number, by the folders: an edition that is missing is one that is named."""
    folder = os.path.join(root, "editions")
    names = os.listdir(folder) if os.path.isdir(folder) else []
    return max((int(name) for name in names if re.match(r"[0-9]+$", name)), default=0)


def problems(root: str) -> Iterator[str]:
    """All that is not as it was published, in words."""
    newest = newest_edition(root)
    if not newest or not os.path.isfile(os.path.join(root, "SHA256SUMS")):
        yield "this is no archived copy of a letter: it has no editions or no SHA256SUMS"
        return
    yield from wrong_files(root, newest)
    yield from wrong_editions(root, newest)


def main() -> None:
    root = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__))
    found = list(problems(root))
    for each in found:
        print(f"WRONG  {each}")
    if found:
        sys.exit(1)
    newest = newest_edition(root)
    print(f"All files are as they were exported, and {newest} edition(s) hold.")
    print("Digest of the newest edition:", read_json(root, "signatories.json")["digest"])
    print("SHA-256 of SHA256SUMS:       ", sum_of(os.path.join(root, "SHA256SUMS")))
    print("Compare both with what you noted down earlier, or somebody else did.")


if __name__ == "__main__":
    main()
