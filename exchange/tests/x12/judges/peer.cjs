// Times another library on a file: `peer.cjs PART FILE` prints one line of JSON.
const fs = require('node:fs');
const [part, path] = process.argv.slice(2);

async function stream() {
  const { X12parser } = require('x12-parser');
  const parser = new X12parser();
  let things = 0;
  parser.on('data', () => { things += 1; });
  fs.createReadStream(path).pipe(parser);
  await new Promise((done, failed) => { parser.on('end', done); parser.on('error', failed); });
  return things;
}

function whole() {
  const { X12Parser } = require('node-x12');
  const interchange = new X12Parser(true).parse(fs.readFileSync(path, 'utf8'));
  const one = interchange.interchanges ? interchange.interchanges[0] : interchange;
  return one.functionalGroups.reduce((n, g) => n + g.transactions.reduce((m, t) => m + t.segments.length, 0), 0);
}

(async () => {
  const began = process.hrtime.bigint();
  const things = await (part === 'node-x12' ? whole() : stream());
  const seconds = Number(process.hrtime.bigint() - began) / 1e9;
  const bytes = fs.statSync(path).size;
  const peak = process.resourceUsage().maxRSS / 1024;
  console.log(JSON.stringify({ part, bytes, things, seconds, mb_per_s: +(bytes / 1e6 / seconds).toFixed(3), peak_mib: +peak.toFixed(1) }));
})().catch((error) => { console.log(JSON.stringify({ part, error: String(error).slice(0, 200) })); });
