// Bad input, as the SDK's error classes see it.

import assert from "node:assert/strict";
import { test } from "node:test";

import { IIN, LOCAL_MODEL, client, receivedUpstream, sdk, user } from "./sdk.mjs";

const HELLO = user("Здравствуйте");

/** The error of a chat request that must be refused with `kind`. */
async function refused(kind, request, options) {
  const asked = { model: LOCAL_MODEL, messages: HELLO, max_tokens: 4, ...request };
  const error = await client(options).chat.completions.create(asked).then(
    () => assert.fail("the request was answered"),
    (reason) => reason,
  );
  assert.ok(error instanceof kind, `${error.constructor.name}: ${error.message}`);
  assert.ok(error.requestID);
  return error;
}

test("a bad key", async () => {
  const error = await refused(sdk.AuthenticationError, {}, { apiKey: "sk-sh-nobody" });
  assert.equal(error.code, "invalid_api_key");
});

test("an unknown model", async () => {
  const error = await refused(sdk.NotFoundError, { model: "no-such-model" });
  assert.deepEqual([error.code, error.param], ["model_not_found", "model"]);
});

test("empty messages", async () => {
  const error = await refused(sdk.BadRequestError, { messages: [] });
  assert.deepEqual([error.code, error.param, error.type], ["empty_array", "messages", "invalid_request_error"]);
});

test("a wrong type is named", async () => {
  assert.equal((await refused(sdk.BadRequestError, { temperature: "hot" })).param, "temperature");
  const parts = [{ role: "user", content: 5 }];
  assert.equal((await refused(sdk.BadRequestError, { messages: parts })).param, "messages[0].content");
});

test("too long a prompt", async () => {
  const error = await refused(sdk.BadRequestError, { messages: user("Where is my parcel? ".repeat(6000)) });
  assert.deepEqual([error.code, error.param], ["context_length_exceeded", "messages"]);
});

test("a body above the limit", async () => {
  const error = await refused(sdk.APIError, { messages: user("a".repeat(300_000)) });
  assert.equal(error.status, 413);
});

test("a provider that is down does not keep a sensitive question from its answer", async () => {
  const error = await refused(sdk.InternalServerError, { model: "cloud-down" });
  assert.equal(error.code, "provider_unreachable");
  const { response } = await client()
    .chat.completions.create({ model: "cloud-down", messages: user(`ИИН ${IIN}`), max_tokens: 4 })
    .withResponse();
  assert.equal(response.headers.get("x-shekara-zone"), "local");
});

test("a credential that the provider refuses is not retried", async () => {
  const request = { model: "cloud-refusing", messages: user("node-once-and-never-again") };
  const error = await refused(sdk.InternalServerError, request, { maxRetries: 2 });
  assert.equal(error.code, "provider_auth_failed");
  const received = (await receivedUpstream()).toString("latin1");
  assert.equal(received.split("node-once-and-never-again").length - 1, 1);
});
