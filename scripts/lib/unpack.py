"""Takes chosen members out of wheels: `python unpack.py JOB`.

JOB is a JSON file: {"wheels": [{"path", "take": [regex], "strip": prefix}], "into": folder}.
Every member is checked against the wheel's RECORD (sha256) while it is written.
Prints {"bytes", "total"} lines while it works and {"files": {name: {bytes, sha256}}} at the end.
"""

import base64
import csv
import hashlib
import io
import json
import os
import re
import sys
import zipfile

BLOCK = 1 << 20


def record_of(wheel):
    name = next(n for n in wheel.namelist() if n.endswith(".dist-info/RECORD"))
    rows = csv.reader(io.StringIO(wheel.read(name).decode("utf-8")))
    return {row[0]: row[1] for row in rows if len(row) > 1 and row[1]}


def chosen(wheel, take):
    patterns = [re.compile(pattern) for pattern in take]
    for info in wheel.infolist():
        if not info.is_dir() and any(pattern.match(info.filename) for pattern in patterns):
            yield info


def main(job):
    opened = [(zipfile.ZipFile(entry["path"]), entry) for entry in job["wheels"]]
    total = sum(i.file_size for wheel, entry in opened for i in chosen(wheel, entry["take"]))
    into = os.path.realpath(job["into"])
    done, told, files = 0, 0, {}
    for wheel, entry in opened:
        record = record_of(wheel)
        for info in chosen(wheel, entry["take"]):
            name = info.filename
            if entry.get("strip") and name.startswith(entry["strip"]):
                name = name[len(entry["strip"]) :]
            target = os.path.realpath(os.path.join(into, name))
            if not target.startswith(into + os.sep):
                sys.exit(f"{info.filename} would land outside the folder")
            os.makedirs(os.path.dirname(target), exist_ok=True)
            digest = hashlib.sha256()
            with wheel.open(info) as source, open(target, "wb") as sink:
                while block := source.read(BLOCK):
                    sink.write(block)
                    digest.update(block)
                    done += len(block)
                    if done - told > 16 * BLOCK:
                        told = done
                        print(json.dumps({"bytes": done, "total": total}), flush=True)
                sink.flush()
                os.fsync(sink.fileno())
            expected = record.get(info.filename, "")
            ours = "sha256=" + base64.urlsafe_b64encode(digest.digest()).rstrip(b"=").decode()
            if expected != ours:
                sys.exit(f"{info.filename} differs from the sha256 in the wheel's RECORD")
            if info.external_attr >> 16 & 0o111:
                os.chmod(target, 0o755)
            files[name] = {"bytes": info.file_size, "sha256": digest.hexdigest()}
    print(json.dumps({"files": files}), flush=True)


with open(sys.argv[1], encoding="utf-8") as handle:
    main(json.load(handle))
