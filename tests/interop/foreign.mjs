// Signs and verifies with npm's libraries, one JSON object per line in and out: the same
// lines as `foreign.py` reads and writes.
//
// discord-interactions only verifies, and no library knows v1a of Standard Webhooks: there
// Node's own crypto signs, and for v1a verifies too.

import * as crypto from "node:crypto";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";

import * as octokit from "@octokit/webhooks-methods";
import { verifyKey } from "discord-interactions";
import * as standard from "standardwebhooks";
import Stripe from "stripe";
import * as svix from "svix";

let now = 0;
Date.now = () => now * 1000;

// What takes text alone gets a body that is none as it is, and says itself that it will not have it.
function text(body) {
  const decoded = body.toString();
  return Buffer.from(decoded).equals(body) ? decoded : body;
}

function listed(family, Webhook, options) {
  return {
    sign: (secret, id, body) => ({
      [`${family}-id`]: id,
      [`${family}-timestamp`]: String(now),
      [`${family}-signature`]: new Webhook(secret).sign(id, new Date(now * 1000), body),
    }),
    verify: (secret, headers, body) => {
      new Webhook(secret).verify(body, headers, options);
      return true;
    },
  };
}

// RFC 8410 puts these bytes before the 32 of a seed or of a public key.
const SEED = Buffer.from("302e020100300506032b657004220420", "hex");
const POINT = Buffer.from("302a300506032b6570032100", "hex");

function ed25519(seed, message) {
  const key = crypto.createPrivateKey({ key: Buffer.concat([SEED, seed]), format: "der", type: "pkcs8" });
  return crypto.sign(null, message, key);
}

const bare = (key) => Buffer.from(key.slice("whsk_".length), "base64").subarray(0, 32);
const signedByV1a = (id, moment, body) => Buffer.concat([Buffer.from(`${id}.${moment}.`), body]);

const libraries = {
  standardwebhooks: listed("webhook", standard.Webhook, { jsonParse: false }),
  svix: listed("svix", svix.Webhook),
  stripe: {
    sign: (secret, _id, body) => ({
      "stripe-signature": Stripe.webhooks.generateTestHeaderString({ payload: body, secret, timestamp: now }),
    }),
    verify: (secret, headers, body) =>
      Stripe.webhooks.signature.verifyHeader(body, headers["stripe-signature"], secret),
  },
  "@octokit/webhooks-methods": {
    sign: async (secret, _id, body) => ({ "x-hub-signature-256": await octokit.sign(secret, text(body)) }),
    verify: (secret, headers, body) => octokit.verify(secret, text(body), headers["x-hub-signature-256"]),
  },
  "discord-interactions": {
    sign: (secret, _id, body) => {
      const signature = ed25519(Buffer.from(secret, "hex"), Buffer.concat([Buffer.from(String(now)), body]));
      return { "x-signature-timestamp": String(now), "x-signature-ed25519": signature.toString("hex") };
    },
    verify: (secret, headers, body) =>
      verifyKey(body, headers["x-signature-ed25519"], headers["x-signature-timestamp"], secret),
  },
  "node:crypto": {
    sign: (secret, id, body) => ({
      "webhook-id": id,
      "webhook-timestamp": String(now),
      "webhook-signature": "v1a," + ed25519(bare(secret), signedByV1a(id, now, body)).toString("base64"),
    }),
    verify: (secret, headers, body) => {
      const key = crypto.createPublicKey({ key: Buffer.concat([POINT, bare(secret)]), format: "der", type: "spki" });
      const message = signedByV1a(headers["webhook-id"], headers["webhook-timestamp"], body);
      const signature = Buffer.from(headers["webhook-signature"].slice("v1a,".length), "base64");
      return crypto.verify(null, message, key, signature);
    },
  },
};

async function sign(order, library) {
  try {
    const headers = await library.sign(order.secret, order.id, Buffer.from(order.body, "base64"));
    return { headers: Object.entries(headers) };
  } catch (error) {
    return { reason: String(error) };
  }
}

async function verify(order, library) {
  const body = Buffer.from(order.body, "base64");
  const headers = Object.fromEntries(order.headers);
  let reason = "no secret";
  for (const secret of order.secrets) {
    try {
      if (await library.verify(secret, headers, body)) return {};
      reason = "false";
    } catch (error) {
      reason = String(error);
    }
  }
  return { reason };
}

function version(order) {
  if (order.library === "node:crypto") return { version: process.versions.node };
  const manifest = new URL(`node_modules/${order.library}/package.json`, import.meta.url);
  return { version: JSON.parse(readFileSync(manifest)).version };
}

for await (const line of createInterface({ input: process.stdin })) {
  const order = JSON.parse(line);
  now = order.now ?? 0;
  const answer = await { version, sign, verify }[order.do](order, libraries[order.library]);
  process.stdout.write(JSON.stringify(answer) + "\n");
}
