"""Runs Microsoft's own SDKs, as they are, against the emulator's program.

Usage: run.py EMULATOR NODE_MODULES, with the Python that has the SDK. Prints one line for each test that fails and ends with
`N passed, N failed`.
"""

import os
import re
import subprocess
import sys
import unittest
from pathlib import Path

HERE = Path(__file__).parent


class Count(unittest.TestResult):
    """Counts tests, and tells those that fail as they do."""

    def __init__(self):
        super().__init__()
        self.passed = 0

    def addSuccess(self, test):
        super().addSuccess(test)
        self.passed += 1

    def addFailure(self, test, err):
        super().addFailure(test, err)
        print(f"FAILED python {test}\n{self.failures[-1][1]}")

    def addError(self, test, err):
        super().addError(test, err)
        print(f"FAILED python {test}\n{self.errors[-1][1]}")


def python(url):
    """The tests of the Python SDK: how many passed, how many did not."""
    os.environ["GRAPH_EMULATOR"] = url
    count = Count()
    unittest.defaultTestLoader.discover(str(HERE), pattern="test_*.py").run(count)
    return count.passed, len(count.failures) + len(count.errors)


def javascript(url, modules):
    """The same of the JavaScript client. Its modules lie elsewhere, so the tests are run from a copy beside them."""
    copy = Path(modules).resolve().parent / "graph.test.mjs"
    copy.write_bytes((HERE / "graph.test.mjs").read_bytes())
    command = ["node", "--test", "--test-reporter=tap", str(copy)]
    done = subprocess.run(
        command, env={**os.environ, "GRAPH_EMULATOR": url}, capture_output=True, text=True, timeout=300, check=False
    )
    number = {name: int(value) for name, value in re.findall(r"^# (pass|fail|cancelled) (\d+)$", done.stdout, re.M)}
    failed = number.get("fail", 0) + number.get("cancelled", 0)
    if done.returncode != 0 or "pass" not in number:
        print(done.stdout, done.stderr, sep="\n")
        failed = max(failed, 1)
    return number.get("pass", 0), failed


def main():
    emulator, modules = sys.argv[1:]
    with subprocess.Popen([emulator, "--listen", "127.0.0.1:0"], stdout=subprocess.PIPE, text=True) as process:
        try:
            url = process.stdout.readline().removeprefix("listening on ").strip()
            if not url.startswith("http://"):
                sys.exit("the emulator did not say where it listens")
            results = [python(url), javascript(url, modules)]
        finally:
            process.terminate()
    passed, failed = (sum(column) for column in zip(*results))
    if 0 in (results[0][0], results[1][0]):
        failed = max(failed, 1)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
