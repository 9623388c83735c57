// The bank's chat through the unchanged SDK: ordinary questions go out, those that hold an IIN stay.

import assert from "node:assert/strict";
import { test } from "node:test";

import { CLOUD_TEXT, IIN, LOCAL_MODEL, client, receivedUpstream, textOf, user } from "./sdk.mjs";

const { completions } = client().chat;

function assertLocal(headers) {
  assert.equal(headers.get("x-shekara-reason"), "pii");
  assert.equal(headers.get("x-shekara-zone"), "local");
  assert.equal(headers.get("x-shekara-provider"), "local");
  assert.equal(headers.get("x-shekara-model"), LOCAL_MODEL);
  assert.equal(headers.get("x-shekara-synthetic"), "1");
}

test("an ordinary question is answered by the provider", async () => {
  const { data, response, request_id } = await completions
    .create({ model: "support-chat", messages: user("Где посылка? node-plain") })
    .withResponse();
  assert.equal(data.choices[0].message.content, CLOUD_TEXT);
  assert.equal(response.headers.get("x-shekara-zone"), "external");
  assert.equal(response.headers.get("x-shekara-reason"), "primary");
  assert.equal(request_id, response.headers.get("x-request-id"));
  assert.ok((await receivedUpstream()).includes("node-plain"));
});

test("an ordinary question is streamed, with usage where it was asked for", async () => {
  const asked = { model: "support-chat", messages: user("Где посылка?"), stream: true };
  assert.equal(await textOf(await completions.create(asked)), CLOUD_TEXT);
  const chunks = [];
  for await (const chunk of await completions.create({ ...asked, stream_options: { include_usage: true } })) {
    chunks.push(chunk);
  }
  assert.deepEqual(chunks.at(-1).choices, []);
  assert.equal(chunks.at(-1).usage.total_tokens, 13);
});

test("the raw response is an event stream that ends with [DONE]", async () => {
  const response = await completions
    .create({ model: "support-chat", messages: user("Где посылка?"), stream: true })
    .asResponse();
  assert.match(response.headers.get("content-type"), /^text\/event-stream/);
  assert.match(await response.text(), /data: \[DONE\]\n\n$/);
});

test("the SDK's own stream helper collects the answer", async () => {
  const runner = completions.stream({ model: "support-chat", messages: user("Где посылка?") });
  assert.equal(await runner.finalContent(), CLOUD_TEXT);
});

test("a question that holds an IIN is answered inside", async () => {
  const { data, response } = await completions
    .create({ model: "support-chat", messages: user(`Мой ИИН ${IIN}`), max_tokens: 8 })
    .withResponse();
  assertLocal(response.headers);
  assert.ok(data.choices[0].message.content);
});

test("a question that holds an IIN is streamed from inside", async () => {
  const { data, response } = await completions
    .create({ model: "support-chat", messages: user(`Мой ИИН ${IIN}`), max_tokens: 8, stream: true })
    .withResponse();
  assertLocal(response.headers);
  assert.ok(await textOf(data));
});

test("no spelling and no place of an IIN reaches the provider", async () => {
  const call = { id: "c", type: "function", function: { name: "find", arguments: JSON.stringify({ client: IIN }) } };
  const hello = user("Здравствуйте");
  const bodies = [
    { messages: user("9011 2330 0258") },
    { messages: user("901123-300258") },
    { messages: user("901123\u00a0300258") },
    { messages: [{ role: "system", content: `Клиент ${IIN}` }, ...hello] },
    { messages: [...hello, { role: "assistant", content: null, tool_calls: [call] }, { role: "tool", tool_call_id: "c", content: "-" }] },
    { messages: [{ role: "user", name: `client_${IIN}`, content: "Здравствуйте" }] },
    { messages: hello, metadata: { client: IIN } },
  ];
  for (const body of bodies) {
    const { response } = await completions.create({ model: "support-chat", max_tokens: 1, ...body }).withResponse();
    assertLocal(response.headers);
  }
  const digits = (await receivedUpstream()).toString("latin1").replaceAll(/[^0-9]/g, "");
  assert.ok(!digits.includes(IIN));
});

test("a tool result that holds an IIN turns the conversation inward", async () => {
  const tools = [{ type: "function", function: { name: "find_client", parameters: { type: "object" } } }];
  const messages = user("Найдите клиента по посылке A-17");
  const first = await completions.create({ model: "support-chat", messages, tools }).withResponse();
  assert.equal(first.response.headers.get("x-shekara-zone"), "external");
  const { message } = first.data.choices[0];
  assert.equal(message.tool_calls[0].function.name, "find_client");
  messages.push(message, { role: "tool", tool_call_id: message.tool_calls[0].id, content: JSON.stringify({ client: IIN }) });
  const second = await completions.create({ model: "support-chat", messages, tools, max_tokens: 4 }).withResponse();
  assertLocal(second.response.headers);
});

test("32 concurrent streams say the same as each one alone", async () => {
  const numbers = Array.from({ length: 32 }, (_, number) => number);
  const ask = async (number) =>
    textOf(
      await completions.create({
        model: LOCAL_MODEL,
        messages: user(`Where is my parcel? Order ${number}.`),
        temperature: 0,
        max_tokens: 4 + number,
        stream: true,
      }),
    );
  const alone = [];
  for (const number of numbers) alone.push(await ask(number));
  assert.deepEqual(await Promise.all(numbers.map(ask)), alone);
  assert.ok(alone.every(Boolean));
});

test("a stream that the client breaks off leaves the connection usable", async () => {
  const controller = new AbortController();
  const stream = await completions.create(
    { model: LOCAL_MODEL, messages: user("Где моя посылка?"), stream: true, max_tokens: 200, ignore_eos: true },
    { signal: controller.signal },
  );
  for await (const chunk of stream) {
    if (chunk.choices[0].delta.content) controller.abort();
  }
  const answer = await completions.create({ model: LOCAL_MODEL, messages: user("Где моя посылка?"), max_tokens: 4 });
  assert.ok(answer.choices[0].message.content);
});

test("models are listed and shown", async () => {
  const ids = [];
  for await (const model of client().models.list()) ids.push(model.id);
  assert.ok(ids.includes(LOCAL_MODEL) && ids.includes("support-chat"));
  assert.equal((await client().models.retrieve(LOCAL_MODEL)).id, LOCAL_MODEL);
});

test("a local model calls a tool that it must call, whole and streamed", async () => {
  const parameters = { type: "object", properties: { city: { type: "string" } }, required: ["city"], additionalProperties: false };
  const asked = {
    model: LOCAL_MODEL, messages: user("Where is my parcel?"), max_tokens: 120, temperature: 1, seed: 3,
    tools: [{ type: "function", function: { name: "find", strict: true, parameters } }],
    tool_choice: { type: "function", function: { name: "find" } }, parallel_tool_calls: false,
  };
  const whole = await completions.create(asked);
  const call = whole.choices[0].message.tool_calls[0];
  assert.equal(call.function.name, "find");
  assert.equal(typeof JSON.parse(call.function.arguments).city, "string");
  const runner = completions.stream(asked);
  const streamed = await runner.finalMessage();
  assert.equal(streamed.tool_calls[0].function.arguments, call.function.arguments);
});

test("a local model keeps to a schema", async () => {
  const schema = { type: "object", properties: { kind: { enum: ["a", "b"] }, n: { type: "integer" } }, required: ["kind", "n"], additionalProperties: false };
  const answer = await completions.create({
    model: LOCAL_MODEL, messages: user("Where is my parcel?"), max_tokens: 60, temperature: 1, seed: 1,
    response_format: { type: "json_schema", json_schema: { name: "x", strict: true, schema } },
  });
  const found = JSON.parse(answer.choices[0].message.content);
  assert.ok(["a", "b"].includes(found.kind) && Number.isInteger(found.n));
});
