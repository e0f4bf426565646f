"""Times another library on a file: `peer.py PART FILE` prints one line of JSON."""

import io
import json
import logging
import os
import resource
import sys
import time

logging.disable(logging.CRITICAL)
part, path = sys.argv[1:]


def pyx12_segments():
    import pyx12.x12file

    return sum(1 for _ in pyx12.x12file.X12Reader(path))


def pyx12_validate():
    import pyx12.params
    import pyx12.x12n_document

    pyx12.x12n_document.x12n_document(
        param=pyx12.params.params(None), src_file=path, fd_997=None, fd_html=None
    )
    return 1


def x12sdk_segments():
    from x12sdk.io import X12SegmentReader

    with X12SegmentReader(path) as reader:
        return sum(1 for _ in reader.segments())


def x12sdk_models():
    from x12sdk.io import X12ModelReader

    with X12ModelReader(path) as reader:
        return sum(1 for _ in reader.models())


# What a library needs to load is not part of its figures.
if part.startswith("pyx12"):
    import pyx12.params
    import pyx12.x12file
    import pyx12.x12n_document
else:
    import x12sdk.io

print_to, sys.stdout = sys.stdout, io.StringIO()
began = time.perf_counter()
things = globals()[part]()
seconds = time.perf_counter() - began
size = os.path.getsize(path)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
figures = {"part": part, "bytes": size, "things": things, "seconds": round(seconds, 3),
           "mb_per_s": round(size / 1e6 / seconds, 3), "peak_mib": round(peak, 1)}
print(json.dumps(figures), file=print_to)
