"""What the stub upstream answers, in OpenAI's shape, and in Anthropic's."""

import json
from typing import Any

WORDS = ("Ваша ", "посылка ", "уже ", "в ", "пути ", "🚚.")
TEXT = "".join(WORDS)
CALL_ID = "call_1"
TOOL_NAME = "find_client"
UNAUTHORIZED = {"error": {"message": "Incorrect API key provided.", "type": "invalid_request_error", "code": "invalid_api_key"}}
THOUGHT, SIGNATURE, SEALED = "Хм.", "c2lnbmF0dXJlLW9mLXRoZS1zdHVi", "c2VhbGVkLWJ5LXRoZS1zdHVi"
USAGE = {"prompt_tokens": 7, "completion_tokens": 6, "total_tokens": 13}


def wants_tool(body: dict[str, Any]) -> bool:
    """A request that offers tools and holds no result yet is answered with a call."""
    return bool(body.get("tools")) and all(message["role"] != "tool" for message in body["messages"])


def tool_calls() -> list[dict[str, Any]]:
    return [{"id": CALL_ID, "type": "function", "function": {"name": TOOL_NAME, "arguments": '{"parcel": "A-17"}'}}]


def completion(body: dict[str, Any]) -> dict[str, Any]:
    if wants_tool(body):
        choice = {"message": {"role": "assistant", "content": None, "tool_calls": tool_calls()}, "finish_reason": "tool_calls"}
    else:
        choice = {"message": {"role": "assistant", "content": TEXT}, "finish_reason": "stop"}
    return {
        "id": "chatcmpl-stub", "object": "chat.completion", "created": 1, "model": body["model"],
        "choices": [{"index": 0, "logprobs": None, **choice}], "usage": USAGE,
    }


def stream_halves(body: dict[str, Any]) -> tuple[bytes, bytes]:
    """All events of a stream, cut after the first piece of content."""

    def event(delta: dict[str, Any], finish: str | None = None) -> bytes:
        return _event(body, {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})

    begin = event({"role": "assistant", "content": ""})
    if wants_tool(body):
        call = tool_calls()[0]
        begin += event({"tool_calls": [{"index": 0, **call}]})
        rest = event({}, "tool_calls")
    else:
        begin += event({"content": WORDS[0]})
        rest = b"".join(event({"content": word}) for word in WORDS[1:]) + event({}, "stop")
    if (body.get("stream_options") or {}).get("include_usage"):
        rest += _event(body, {"choices": [], "usage": USAGE})
    return begin, rest + b"data: [DONE]\n\n"


def message(body: dict[str, Any]) -> dict[str, Any]:
    """An answer of the Messages API, with thoughts if the request asks for them."""
    thoughts = [
        {"type": "thinking", "thinking": THOUGHT, "signature": SIGNATURE},
        {"type": "redacted_thinking", "data": SEALED},
    ]
    return {
        "id": "msg_stub", "type": "message", "role": "assistant", "model": body["model"],
        "content": [*(thoughts if "thinking" in body else []), {"type": "text", "text": TEXT}],
        "stop_reason": "end_turn", "stop_sequence": None, "usage": {"input_tokens": 7, "output_tokens": 6},
    }


def message_events(body: dict[str, Any]) -> bytes:
    """The same as events."""
    whole = message(body)
    events: list[dict[str, Any]] = [{"type": "message_start", "message": {**whole, "content": [], "stop_reason": None}}]
    for index, block in enumerate(whole["content"]):
        match block["type"]:
            case "thinking":
                empty = {"type": "thinking", "thinking": "", "signature": ""}
                deltas = [
                    {"type": "thinking_delta", "thinking": block["thinking"]},
                    {"type": "signature_delta", "signature": block["signature"]},
                ]
            case "text":
                empty = {"type": "text", "text": ""}
                deltas = [{"type": "text_delta", "text": word} for word in WORDS]
            case _:
                empty, deltas = block, []
        events.append({"type": "content_block_start", "index": index, "content_block": empty})
        events += [{"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas]
        events.append({"type": "content_block_stop", "index": index})
    ended = {"stop_reason": "end_turn", "stop_sequence": None}
    events.append({"type": "message_delta", "delta": ended, "usage": {"output_tokens": 6}})
    events.append({"type": "message_stop"})
    return b"".join(
        f"event: {event['type']}\ndata: {json.dumps(event, ensure_ascii=False)}\n\n".encode() for event in events
    )


def _event(body: dict[str, Any], fields: dict[str, Any]) -> bytes:
    event = {"id": "chatcmpl-stub", "object": "chat.completion.chunk", "created": 1, "model": body["model"], **fields}
    return b"data: " + json.dumps(event, ensure_ascii=False).encode() + b"\n\n"


FAULTS = ("503", "broken", "500", "empty", "cut", "error")
"""Ways to fail before anything is said, none of which asks to be left alone."""


def fault(kind: str, is_stream: bool) -> bytes:
    """An answer that is none. After `cut` the connection must be closed."""
    match kind:
        case "503" | "500":
            return whole(int(kind), {"error": {"message": "The server is overloaded.", "type": "server_error"}})
        case "empty":
            return chunked_head() + chunk(b"") if is_stream else whole(200, {})
        case "cut":
            return chunked_head() if is_stream else b"HTTP/1.1 200 OK\r\ncontent-length: 999\r\n\r\n{"
        case "error":
            error = {"error": {"message": "The model crashed.", "type": "server_error"}}
            event = b"data: " + json.dumps(error).encode() + b"\n\n"
            return chunked_head() + chunk(event) + chunk(b"") if is_stream else whole(200, error)
        case _:
            return chunked_head() + chunk(b"data: {\"cho\n\n") + chunk(b"") if is_stream else whole(200, {"choices": [{}]})


def whole(status: int, body: dict[str, Any]) -> bytes:
    payload = json.dumps(body, ensure_ascii=False).encode()
    head = f"HTTP/1.1 {status} Stub\r\ncontent-type: application/json\r\ncontent-length: {len(payload)}\r\n\r\n"
    return head.encode() + payload


def chunked_head() -> bytes:
    return b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


def chunk(data: bytes) -> bytes:
    """One chunk; the empty one ends the body."""
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"
