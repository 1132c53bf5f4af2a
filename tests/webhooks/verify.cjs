// Holds our signatures and proofs against npm's standardwebhooks and Node's crypto.
//
// verify.cjs ORACLE

const assert = require("node:assert/strict");
const crypto = require("node:crypto");
const { spawn } = require("node:child_process");
const readline = require("node:readline");
const { Webhook } = require("standardwebhooks");

const oracle = spawn(process.argv[2], { stdio: ["pipe", "pipe", "inherit"] });
const lines = readline.createInterface({ input: oracle.stdout })[Symbol.asyncIterator]();
const now = Math.floor(Date.now() / 1000);

async function ask(asked) {
  oracle.stdin.write(JSON.stringify({ ...asked, seconds: now, body: Buffer.from(asked.body).toString("base64") }) + "\n");
  return JSON.parse((await lines.next()).value);
}
const sign = (secrets, body) => ask({ do: "sign", secrets, id: "evt_1", body });
const verify = (way, secrets, headers, body) =>
  ask({ do: "verify", way, secrets, headers: Object.entries(headers), body });

async function holds(way, secret, headers, body) {
  assert.deepEqual(await verify(way, [secret], headers, body), { ok: true, other: false });
  assert.deepEqual(await verify(way, [secret], headers, body + " "), { ok: false, why: "wrong" });
}

async function standard(body) {
  const [secret, old] = [32, 64].map((size) => "whsec_" + crypto.randomBytes(size).toString("base64"));
  const { headers } = await sign([secret, old], body);
  for (const known of [secret, old]) {
    assert.deepEqual(new Webhook(known).verify(body, headers), JSON.parse(body));
    assert.throws(() => new Webhook(known).verify(body + " ", headers));
  }
  const theirs = {
    "Webhook-Id": "msg_1",
    "Webhook-Timestamp": String(now),
    "Webhook-Signature": new Webhook(secret).sign("msg_1", new Date(now * 1000), body),
  };
  await holds({ by: "standard" }, secret, theirs, body);
}

async function ed25519(body) {
  const { publicKey, privateKey } = crypto.generateKeyPairSync("ed25519");
  const raw = publicKey.export({ format: "der", type: "spki" }).subarray(-32);
  const seed = privateKey.export({ format: "der", type: "pkcs8" }).subarray(-32);
  const ours = await sign(["whsk_" + Buffer.concat([seed, raw]).toString("base64")], body);
  const signed = Buffer.from(`evt_1.${now}.${body}`);
  const [version, signature] = ours.headers["webhook-signature"].split(",");
  assert.equal(version, "v1a");
  assert.ok(crypto.verify(null, signed, publicKey, Buffer.from(signature, "base64")));
  const theirs = {
    "webhook-id": "evt_1",
    "webhook-timestamp": String(now),
    "webhook-signature": "v1a," + crypto.sign(null, signed, privateKey).toString("base64"),
  };
  await holds({ by: "standard" }, "whpk_" + raw.toString("base64"), theirs, body);
}

async function macs(body) {
  const secret = "secret of the tests, long enough";
  const mac = (signed) => crypto.createHmac("sha256", secret).update(signed);
  const github = { by: "hmac", header: "X-Hub-Signature-256" };
  await holds(github, secret, { "X-Hub-Signature-256": "sha256=" + mac(body).digest("hex") }, body);
  const stripe = `t=${now},v1=${mac(`${now}.${body}`).digest("hex")}`;
  await holds({ by: "stripe" }, secret, { "Stripe-Signature": stripe }, body);
}

(async () => {
  const bodies = ["{}", '{"event_type":"Très chaud 😀","n":1.5}', JSON.stringify({ x: "<p>x</p>\r\n".repeat(5000) })];
  for (let n = 0; n < 40; n++) bodies.push(JSON.stringify({ n, text: crypto.randomBytes(n).toString("latin1") }));
  for (const body of bodies) {
    await standard(body);
    await ed25519(body);
    await macs(body);
  }
  oracle.stdin.end();
  console.log(`Node: ${bodies.length} bodies, signed and verified both ways by standardwebhooks and crypto`);
})();
