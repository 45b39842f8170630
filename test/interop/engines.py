"""Answers the questions of warehouse.ts: JSON lines on stdin and stdout, each naming a function and its arguments."""

import importlib
import json
import os
import sys
import traceback

answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)  # what libraries print must not get between the answers
store = json.loads(sys.stdin.readline())
for line in sys.stdin:
    question = json.loads(line)
    module, function = question["call"].split(".")
    try:
        answer = {"result": getattr(importlib.import_module(module), function)(store, **question["args"])}
    except Exception:
        answer = {"error": traceback.format_exc()}
    answers.write(json.dumps(answer) + "\n")
    answers.flush()
