// What the Recorder's own library says about recordings: reads a JSON list of recordings from standard input and prints a
// list of true (it would replay it) or false (it refuses it). The tests of `agent import` compare our own reading with it.
import { parse } from "@puppeteer/replay";
import { readFileSync } from "node:fs";

const takes = (recording) => {
  try {
    parse(recording);
    return true;
  } catch {
    return false;
  }
};
console.log(JSON.stringify(JSON.parse(readFileSync(0, "utf8")).map(takes)));
