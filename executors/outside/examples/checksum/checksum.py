"""An executor of one's own as a program: the checksum of a file below CHECKSUM_ROOT, with progress.

Put this folder into the folder of executors (~/.actp-worker/executors); its task type is `checksum`.
"""

import hashlib
import json
import os
import signal
import sys

CHUNK = 1 << 20


def say(**message):
    print(json.dumps(message), flush=True)


def fail(message, retry):
    say(type="error", message=message, retry=retry)
    sys.exit(0)


def main():
    # Not needed for reading a file; a program that has something to clean up does it here.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))

    task = json.loads(sys.stdin.readline())
    root = os.environ.get("CHECKSUM_ROOT")
    if not root:
        fail("CHECKSUM_ROOT is not set for the worker", retry=True)
    root = os.path.realpath(root)
    path = os.path.realpath(os.path.join(root, task["input"]["path"]))
    if os.path.commonpath([root, path]) != root or not os.path.isfile(path):
        fail(f"there is no file {task['input']['path']} below CHECKSUM_ROOT", retry=False)

    size = os.path.getsize(path)
    done = 0
    checksum = hashlib.new(task["input"]["algorithm"])
    say(type="log", level="info", message=f"reading {size} bytes")
    with open(path, "rb") as file:
        while chunk := file.read(CHUNK):
            checksum.update(chunk)
            done += len(chunk)
            say(type="progress", percent=100 * done / size)

    result = os.path.join(task["outputDir"], "checksum.txt")
    with open(result, "w") as file:
        file.write(f"{checksum.hexdigest()}  {os.path.basename(path)}\n")
    say(type="result", output={"checksum": checksum.hexdigest(), "bytes": size, "file": result})


main()
