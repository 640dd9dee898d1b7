"""Writes random `.env` texts, each with the variables that python-dotenv reads. fastgeoapi uses python-dotenv.

    .tools/fastgeoapi/bin/python tests/tools/python/dotenv_corpus.py > tests/corpus/dotenv.jsonl

A row has the text of a file, the variables with a value, and the lines of which python-dotenv warns.
"""

import io
import json
import os
import random

from dotenv import dotenv_values
from dotenv.parser import parse_stream

COUNT = 600
PIECES = [
    "A", "B", "C", "HOME_OF", "export ", "export", "=", "=", "=", "=", " = ", "'", "'", '"', '"', "\\", "\\n", "\\'", '\\"', "\n", "\n", "\n",
    "\r\n", "\r", " ", "\t", "#", " #", "# c", "x", "y z", "${A}", "${B:-d}", "${HOME_OF}", "${", "}", ":", "${C:x}", "\u00e9", "\u00a0", "\x1f",
    "A=x", "B='y'", 'C="z"', "\nA=1\n", "\nB\n",
]  # fmt: skip


def row(text: str) -> dict:
    # Python opens the file as text, so every line ends with \n.
    text_read = text.replace("\r\n", "\n").replace("\r", "\n")
    values = dotenv_values(stream=io.StringIO(text_read))
    skipped = []
    for binding in parse_stream(io.StringIO(text_read)):
        if binding.error:
            statement = binding.original.string
            blank = statement[: len(statement) - len(statement.lstrip())]
            skipped.append(binding.original.line + blank.count("\n"))
    return {"text": text, "values": {name: value for name, value in values.items() if value is not None}, "skipped": skipped}


def main() -> None:
    os.environ.clear()
    os.environ["HOME_OF"] = "h"
    pick = random.Random(1)
    for _ in range(COUNT):
        text = "".join(pick.choice(PIECES) for _ in range(pick.randint(1, 14)))
        print(json.dumps(row(text)))


main()
