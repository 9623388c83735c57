// The OpenAI package, from where the runner has installed it, and what the suites share.

import { createRequire } from "node:module";

const require = createRequire(`${process.env.SHEKARA_NODE_MODULES}/`);

/** @type {import("openai")} */
export const sdk = require("openai");

export const IIN = "901123300258";
export const LOCAL_MODEL = "demo";
export const CLOUD_TEXT = "Ваша посылка уже в пути 🚚.";

const REQUEST_MS = 60_000;

/** A client that does not retry, so that counts are exact. */
export function client(options = {}) {
  return new sdk.OpenAI({
    baseURL: `${process.env.SHEKARA_URL}/v1`,
    apiKey: process.env.SHEKARA_KEY,
    maxRetries: 0,
    timeout: REQUEST_MS,
    ...options,
  });
}

/** Every byte that the stub upstream has received from the shared gateway. */
export async function receivedUpstream() {
  const response = await fetch(`${process.env.SHEKARA_UPSTREAM_CONTROL}/received`);
  return Buffer.from(await response.arrayBuffer());
}

export function user(text) {
  return [{ role: "user", content: text }];
}

export async function textOf(stream) {
  let text = "";
  for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? "";
  return text;
}
