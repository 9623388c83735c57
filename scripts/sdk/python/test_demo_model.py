"""The committed demo model keeps its promise: at least 90 % of the held-out prompts, asked through the gateway."""

import subprocess
import sys
import unittest
from pathlib import Path

from harness.configuration import LOCAL_MODEL
from harness.target import Target

TARGET = Target.from_environment()
SCORER = Path(__file__).resolve().parents[2] / "score_demo_model.py"
SCORER_S = 600


class HeldOutPrompts(unittest.TestCase):
    def test_nine_of_ten_are_answered_as_taught(self) -> None:
        command = [sys.executable, str(SCORER), "--base-url", f"{TARGET.url}/v1", "--model", LOCAL_MODEL, "--min", "0.9"]
        result = subprocess.run(
            [*command, "--api-key", TARGET.key], capture_output=True, text=True, timeout=SCORER_S, check=False
        )
        self.assertEqual(result.returncode, 0, result.stdout[-2000:] + result.stderr)
        self.assertIn("answers are right", result.stdout)
