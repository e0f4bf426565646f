"""Reads lines {"judge", "text"} and says for each {"verdict": "ok" | "refused", "findings": [...]}."""

import io
import json
import logging
import os
import sys
import tempfile


def pyx12(text):
    import pyx12.params
    import pyx12.x12n_document

    param = pyx12.params.params(None)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "judged.edi")
        with open(path, "w", encoding="ascii") as file:
            file.write(text)
        told = io.StringIO()
        good = pyx12.x12n_document.x12n_document(
            param=param, src_file=path, fd_997=None, fd_html=None, fd_json=told
        )
        return good, told.getvalue()[:4000].splitlines()


def x12sdk(text):
    from x12sdk.io import X12ModelReader

    with X12ModelReader(text) as reader:
        models = list(reader.models())
    return len(models) > 0, [f"{len(models)} transactions"]


logging.disable(logging.CRITICAL)
JUDGES = {"pyx12": pyx12, "x12sdk": x12sdk}
out = os.fdopen(os.dup(1), "w")
sys.stdout = io.StringIO()
for line in sys.stdin:
    asked = json.loads(line)
    try:
        good, findings = JUDGES[asked["judge"]](asked["text"])
    except Exception as error:  # a judge that refuses often does so by raising
        good, findings = False, [f"{type(error).__name__}: {error}"[:2000]]
    print(json.dumps({"verdict": "ok" if good else "refused", "findings": findings}), file=out, flush=True)
