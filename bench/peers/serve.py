"""What all contestants in Python share: a line of JSON asks, a line of JSON answers; times are taken here."""

import json
import sys
import time
from contextlib import contextmanager


@contextmanager
def timed():
    """Milliseconds of wall and processor time of the block, filled in as it ends."""
    took = {}
    start, cpu = time.perf_counter(), time.process_time()
    yield took
    took.update(ms=(time.perf_counter() - start) * 1000, cpuMs=(time.process_time() - cpu) * 1000)


def serve(peer):
    for line in sys.stdin:
        request = json.loads(line)
        result = getattr(peer, request.pop("do"))(**request)
        print(json.dumps(result), flush=True)
