// Speech to text through the unchanged SDK, from a tiny committed Whisper.

import assert from "node:assert/strict";
import { createReadStream } from "node:fs";
import { fileURLToPath } from "node:url";
import { test } from "node:test";

import { client, sdk } from "./sdk.mjs";

const MODEL = "whisper-tiny";
const CLIP = fileURLToPath(new URL("../../../inference/tests/fixtures/audio/clip.ogg", import.meta.url));

const { transcriptions } = client({
  baseURL: `${process.env.SHEKARA_SPEECH_URL}/v1`,
  apiKey: process.env.SHEKARA_SPEECH_KEY,
}).audio;

const asked = (rest = {}) => ({ model: MODEL, file: createReadStream(CLIP), language: "en", ...rest });

test("a file is heard, whole and streamed", async () => {
  const { data, response } = await transcriptions.create(asked()).withResponse();
  assert.equal(response.headers.get("x-shekara-zone"), "local");
  assert.ok(data.text.length > 0);
  const events = [];
  for await (const event of await transcriptions.create(asked({ stream: true }))) events.push(event);
  assert.equal(events.at(-1).type, "transcript.text.done");
  assert.equal(events.at(-1).text, data.text);
});

test("segments have times", async () => {
  const heard = await transcriptions.create(asked({ response_format: "verbose_json" }));
  assert.ok(heard.segments.length > 0 && heard.segments.every((segment) => segment.end >= segment.start));
});

test("what is no sound is a bad request", async () => {
  const file = await sdk.toFile(Buffer.from("This is no sound. ".repeat(99)), "a.wav");
  await assert.rejects(transcriptions.create(asked({ file })), (error) => {
    assert.ok(error instanceof sdk.BadRequestError);
    assert.equal(error.code, "unsupported_audio");
    return true;
  });
});
