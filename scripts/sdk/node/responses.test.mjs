// `client.responses` through the unchanged SDK: the same border in other words.

import assert from "node:assert/strict";
import { test } from "node:test";

import { CLOUD_TEXT, IIN, client, receivedUpstream } from "./sdk.mjs";

const { responses } = client();

test("a response and its stream say the same", async () => {
  const asked = { model: "support-chat", instructions: "Отвечай кратко.", input: "Где посылка?" };
  assert.equal((await responses.create(asked)).output_text, CLOUD_TEXT);
  const types = [];
  let text = "";
  for await (const event of await responses.create({ ...asked, stream: true })) {
    types.push(event.type);
    if (event.type === "response.output_text.delta") text += event.delta;
  }
  assert.equal(text, CLOUD_TEXT);
  assert.deepEqual([types.at(0), types.at(-1)], ["response.created", "response.completed"]);
});

test("personal data of a response stays inside", async () => {
  const { response } = await responses
    .create({ model: "support-chat", input: `Мой ИИН ${IIN}`, max_output_tokens: 4 })
    .withResponse();
  assert.equal(response.headers.get("x-shekara-zone"), "local");
  assert.ok(!(await receivedUpstream()).includes(IIN));
});
