"""Reads FHIR resources, one JSON text a line on standard input, with the R4B models of fhir.resources; answers one JSON line each:
{"type", "verdict": "ok" | "bad", "findings": [{"path", "kind"}]}. Bundles are judged whole and entry by entry. Never repeats values."""

import importlib
import json
import sys

from pydantic import ValidationError


def model(kind):
    module = importlib.import_module("fhir.resources.R4B." + kind.lower())
    return getattr(module, kind)


def judge(resource):
    kind = resource["resourceType"]
    findings = []
    try:
        model(kind).model_validate(resource)
    except ValidationError as refused:
        for error in refused.errors():
            place = ".".join(str(step) for step in error["loc"])
            findings.append({"path": f"{kind}.{place}", "kind": error["type"]})
    return kind, findings


for line in sys.stdin:
    resource = json.loads(line)
    kind, findings = judge(resource)
    for entry in resource.get("entry", []):
        findings += judge(entry["resource"])[1]
    verdict = "bad" if findings else "ok"
    print(json.dumps({"type": kind, "verdict": verdict, "findings": findings}), flush=True)
