// A receiver of webhooks as it is written today: a secret header is checked, JSON is parsed, the event is
// appended to a file. `node express.js FILE nothing|fsync|group`, with the secret in RECEIVER_SECRET.
// `nothing` stores nothing, `fsync` syncs each event by itself, `group` all that came meanwhile at once.
const fs = require("node:fs");
const crypto = require("node:crypto");
const express = require("express");

const [path, way] = process.argv.slice(2);
const secret = Buffer.from(process.env.RECEIVER_SECRET);
const file = fs.openSync(path, "a");

let waiting = [];
let syncing = false;

function flush() {
  if (syncing || waiting.length === 0) return;
  syncing = true;
  const batch = waiting;
  waiting = [];
  const text = Buffer.concat(batch.map((one) => one.line));
  fs.write(file, text, 0, text.length, null, (failed) => {
    const end = (error) => {
      for (const one of batch) one.done(error);
      syncing = false;
      flush();
    };
    if (failed) end(failed);
    else fs.fdatasync(file, end);
  });
}

const store = {
  nothing: (line, done) => done(null),
  fsync: (line, done) =>
    fs.write(file, line, 0, line.length, null, (failed) => (failed ? done(failed) : fs.fdatasync(file, done))),
  group: (line, done) => {
    waiting.push({ line, done });
    flush();
  },
}[way];

const app = express();
app.disable("x-powered-by");
app.disable("etag");
app.post("/in", express.json({ limit: "5mb" }), (request, response) => {
  const shown = Buffer.from(request.get("x-webhook-secret") ?? "");
  if (shown.length !== secret.length || !crypto.timingSafeEqual(shown, secret)) return response.sendStatus(401);
  store(Buffer.from(JSON.stringify(request.body) + "\n"), (error) => response.sendStatus(error ? 503 : 200));
});
const server = app.listen(0, "127.0.0.1", () => console.log(JSON.stringify({ port: server.address().port })));
