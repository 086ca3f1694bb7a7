"""Chromium, driven by Playwright in a process of its own."""

import json
import subprocess
from pathlib import Path

from .measure import BenchError

ROOT = Path(__file__).resolve().parent.parent.parent
VISIT = ROOT / "bench" / "web" / "visit.mjs"
# The package beside which playwright-core is installed.
TOOLS = ROOT / "tools" / "js" / "package.json"


class Browser:
    """Chromium, in a process that takes orders."""

    def __init__(self, chromium):
        argv = ["node", VISIT, chromium, TOOLS]
        self.process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def ask(self, **order):
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        said = self.process.stdout.readline()
        if not said:
            raise BenchError("the browser gave up; see above")
        answer = json.loads(said)
        if "error" in answer:
            raise BenchError(answer["error"])
        return answer
