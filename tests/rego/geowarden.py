"""Evaluates many cases in one process, by `geowarden eval --batch`."""

import json
import subprocess
import tempfile
from pathlib import Path

KEYS = ("modules", "data", "entrypoint", "rego", "builtin_errors", "engine", "inputs")
# The limit for a chunk of cases, in seconds. After that time, a policy has stalled the process.
TIMEOUT = 300


class Run:
    """A running batch. It starts at once, so that the caller can work at the same time."""

    def __init__(self, program: Path, cases: list[dict]):
        self.program, self.cases = program, cases
        self.input, self.output, self.faults = (tempfile.TemporaryFile() for _ in range(3))
        for case in cases:
            line = {key: case[key] for key in KEYS if key in case}
            line.setdefault("inputs", [case.get("input")])
            self.input.write(json.dumps(line).encode() + b"\n")
        self.input.seek(0)
        command = [str(program), "eval", "--batch"]
        self.process = subprocess.Popen(command, stdin=self.input, stdout=self.output, stderr=self.faults)

    def outcomes(self) -> list[list[dict]]:
        """For each case, the outcome of each input. It is `killed` if the case ended or stalled the process."""
        try:
            code = self.process.wait(TIMEOUT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
        # Do not use `str.splitlines`: it splits at U+2028 too.
        told = self.read(self.output).split(b"\n")
        faults = self.read(self.faults).decode(errors="replace").strip()
        self.input.close()
        answered = [json.loads(line) for line in told if line.endswith(b"}")][: len(self.cases)]
        made = [spread(answer, len(case["inputs"]) if "inputs" in case else 1) for answer, case in zip(answered, self.cases)]
        if len(made) == len(self.cases):
            return made
        if not made and "expected {" in faults:
            raise RuntimeError(f"geowarden does not take the cases: {faults}")
        culprit = self.cases[len(made)]
        made.append([{"killed": f"exit code {code}: {faults[-300:]}"}] * len(culprit.get("inputs", [None])))
        return made + Run(self.program, self.cases[len(made) :]).outcomes() if len(made) < len(self.cases) else made

    @staticmethod
    def read(file) -> bytes:
        with file:
            file.seek(0)
            return file.read()


def spread(answer: dict, count: int) -> list[dict]:
    """One outcome for each input. If a policy does not load, geowarden answers once for all inputs."""
    return answer["results"] if "results" in answer else [answer] * count
