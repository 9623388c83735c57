#!/usr/bin/env python3
"""Scores the demo model on held-out prompts through an OpenAI-compatible server.

Standard library only. Prints right answers per subject and language, every failure with
its text, and the total; exits with 1 when the share of right answers is below --min.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Callable, List, Tuple

from demo_model.scoring import Prompt, Verdict, fault_of, held_out, report, share_right

MAX_TOKENS = 160
Answerer = Callable[[Prompt], Tuple[str, str]]


def arguments() -> argparse.Namespace:
    """The settings of a run."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--base-url", default="http://127.0.0.1:8080/v1")
    parser.add_argument("--api-key", default=os.environ.get("OPENAI_API_KEY", ""))
    parser.add_argument("--model", default="demo", help="model id to ask for")
    parser.add_argument("--min", type=float, default=0.9, help="least share of right answers")
    parser.add_argument("--timeout", type=float, default=60.0, help="seconds for one request")
    parser.add_argument(
        "--prompts", type=Path, nargs="*", default=[], help="prompt files instead of all held-out ones"
    )
    parser.add_argument(
        "--local", type=Path, help="score this checkpoint folder with transformers, without a server"
    )
    return parser.parse_args()


def server(args: argparse.Namespace) -> Answerer:
    """Asks the server at --base-url."""

    def ask(prompt: Prompt) -> Tuple[str, str]:
        body = {"model": args.model, "messages": prompt.messages, "temperature": 0, "max_tokens": MAX_TOKENS}
        request = urllib.request.Request(
            args.base_url.rstrip("/") + "/chat/completions",
            data=json.dumps(body).encode("utf-8"),
            headers={"content-type": "application/json", "authorization": f"Bearer {args.api_key}"},
        )
        try:
            with urllib.request.urlopen(request, timeout=args.timeout) as response:
                choice = json.load(response)["choices"][0]
        except urllib.error.HTTPError as error:
            return "", f"HTTP {error.code}"
        return choice["message"]["content"] or "", choice["finish_reason"]

    return ask


def checkpoint(folder: Path) -> Answerer:
    """Answers with the checkpoint itself, while training."""
    from demo_model.checkpoint import Checkpoint

    model = Checkpoint(folder)
    return lambda prompt: model.answer(prompt.messages, MAX_TOKENS)


def main() -> int:
    """Asks every prompt and prints the result."""
    args = arguments()
    answer = checkpoint(args.local) if args.local else server(args)
    verdicts: List[Verdict] = []
    for prompt in held_out(args.prompts):
        text, finish_reason = answer(prompt)
        verdicts.append(Verdict(prompt, text, fault_of(prompt, text, finish_reason)))
    print(report(verdicts))
    share = share_right(verdicts)
    print(f"\n{share:.3f} of {len(verdicts)} answers are right, at least {args.min} wanted")
    return 0 if share >= args.min else 1


if __name__ == "__main__":
    sys.exit(main())
