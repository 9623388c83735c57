// Files and batches through the unchanged SDK.

import assert from "node:assert/strict";
import { test } from "node:test";

import { client, sdk } from "./sdk.mjs";

const POLL_MS = 50;

const api = client();
const line = (id, content) =>
  JSON.stringify({
    custom_id: id,
    method: "POST",
    url: "/v1/chat/completions",
    body: { model: "support-chat", max_tokens: 8, messages: [{ role: "user", content }] },
  });

test("a batch is ordered, waited for and read", async () => {
  const file = await sdk.toFile(Buffer.from([line("a", "hello"), line("b", "hello again")].join("\n")), "in.jsonl");
  // The form's file comes first here, and what it is for behind it.
  const input = await api.files.create({ file, purpose: "batch" });
  let batch = await api.batches.create({
    input_file_id: input.id,
    endpoint: "/v1/chat/completions",
    completion_window: "24h",
  });
  while (["validating", "in_progress", "finalizing"].includes(batch.status)) {
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    batch = await api.batches.retrieve(batch.id);
  }
  assert.equal(batch.status, "completed");
  assert.equal(batch.request_counts.completed, 2);
  const text = await (await api.files.content(batch.output_file_id)).text();
  assert.deepEqual(
    text.trim().split("\n").map((answer) => JSON.parse(answer).custom_id),
    ["a", "b"],
  );
  await assert.rejects(api.batches.cancel(batch.id), (error) => error.status === 409);
});

test("files are listed page by page and deleted", async () => {
  const ids = [];
  for (const name of ["a.txt", "b.txt", "c.txt"]) {
    const file = await sdk.toFile(Buffer.from(name), name);
    ids.push((await api.files.create({ file, purpose: "user_data" })).id);
  }
  const seen = [];
  for await (const file of api.files.list({ limit: 2 })) seen.push(file.id);
  assert.ok(ids.every((id) => seen.includes(id)));
  for (const id of ids) assert.equal((await api.files.delete(id)).deleted, true);
  await assert.rejects(api.files.retrieve(ids[0]), (error) => error instanceof sdk.NotFoundError);
});
