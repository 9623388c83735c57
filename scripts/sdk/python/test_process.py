"""The binary as an operator meets it: starts, refusals, keys."""

import json
import shutil
import signal
import socket
import subprocess
import tempfile
import unittest
from pathlib import Path
from typing import Any

import openai

from harness.configuration import LOCAL_MODEL, basis, route, support_chat
from harness.gateway import Gateway, run_binary
from harness.target import Target
from harness.waiting import wait_until

TARGET = Target.from_environment()
HELLO: list[Any] = [{"role": "user", "content": "Где моя посылка?"}]
EXAMPLE = Path(__file__).resolve().parents[3] / "shekara.example.toml"
CURL_S = 60
NO_UPSTREAM = "http://127.0.0.1:9"
"""Never asked for anything."""


class Case(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))

    def gateway(self, config: str) -> Gateway:
        gateway = Gateway(TARGET.binary, self.folder, config)
        self.addCleanup(gateway.stop)
        return gateway


class BadConfiguration(Case):
    def refused(self, text: str, *command: str) -> str:
        config = self.folder / "bad.toml"
        config.write_text(text)
        ended = run_binary(TARGET.binary, self.folder, *command, "--config", "bad.toml")
        self.assertEqual(ended.returncode, 2, ended.stderr)
        return ended.stderr

    def test_an_unknown_key_is_named_with_file_and_line(self) -> None:
        text = '[server]\nlisten = "127.0.0.1:0"\nlisen = "127.0.0.1:1"\n'
        for command in ([], ["serve"], ["config", "check"], ["keys", "list"]):
            with self.subTest(command=command):
                message = self.refused(text, *command)
                self.assertIn("bad.toml:3: ", message)
                self.assertIn("lisen", message)
        self.assertFalse((self.folder / "data").exists(), "nothing is made before the configuration is accepted")

    def test_what_is_no_toml_or_contradicts_itself(self) -> None:
        self.assertIn("bad.toml:2: ", self.refused("[server]\nlisten = \n"))
        route = '\n[[routes]]\nmodel = "m"\ntargets = [{ provider = "nobody", model = "x" }]\n'
        message = self.refused(route)
        self.assertIn("bad.toml:4: ", message)
        self.assertIn("nobody", message)

    def test_a_secret_in_the_file_is_refused_and_not_repeated(self) -> None:
        message = self.refused('[[providers]]\nname = "a"\nkind = "openai"\napi_key = "sk-in-plain-sight"\n')
        self.assertIn("bad.toml:4: ", message)
        self.assertNotIn("plain-sight", message)

    def test_a_file_that_is_not_there(self) -> None:
        ended = run_binary(TARGET.binary, self.folder, "--config", "missing.toml")
        self.assertEqual(ended.returncode, 2)
        self.assertIn("missing.toml", ended.stderr)

    def test_the_example_is_accepted(self) -> None:
        ended = run_binary(TARGET.binary, self.folder, "config", "check", "--config", str(EXAMPLE))
        self.assertEqual(ended.returncode, 0, ended.stderr)


class Starts(Case):
    def test_a_port_that_is_taken(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            address = f"127.0.0.1:{taken.getsockname()[1]}"
            config = self.folder / "shekara.toml"
            config.write_text(basis(TARGET.models, f'listen = "{address}"\n'))
            ended = run_binary(TARGET.binary, self.folder)
        self.assertEqual(ended.returncode, 1)
        self.assertIn(address, ended.stderr)
        self.assertIn("failed to listen", ended.stderr)
        self.assertNotIn("key", ended.stdout, "keys are shown once: not by a start that fails")

    def test_a_second_gateway_on_the_same_data(self) -> None:
        gateway = self.gateway(basis(TARGET.models)).start()
        ended = gateway.command("serve")
        self.assertEqual(ended.returncode, 1)
        self.assertIn("data", ended.stderr)

    def test_the_printed_curl_line_works_when_pasted(self) -> None:
        if shutil.which("curl") is None:
            self.skipTest("curl is not installed")
        gateway = self.gateway(basis(TARGET.models)).start()
        line = next(line for line in gateway.output().splitlines() if line.startswith("curl "))
        pasted = subprocess.run(
            ["bash", "-c", line], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=CURL_S, check=True
        )
        answer = json.loads(pasted.stdout)
        self.assertTrue(answer["choices"][0]["message"]["content"], answer)
        self.assertEqual(answer["model"], LOCAL_MODEL)

    def test_keys_are_shown_once_and_outlive_a_restart(self) -> None:
        gateway = self.gateway(basis(TARGET.models)).start().wait_ready()
        key, admin_key = gateway.key, gateway.admin_key
        self.assertTrue(key and admin_key)
        gateway.stop()
        self.assertEqual(gateway.wait(), 0)
        gateway.start().wait_ready()
        self.assertNotIn("sk-sh-", gateway.output())
        self.assertEqual(gateway.key, key)
        gateway.client().models.list()
        for path in (self.folder / "data").rglob("*"):
            if path.is_file():
                for plaintext in (key, admin_key):
                    self.assertNotIn(plaintext.encode(), path.read_bytes(), f"{path.name} holds a key in plain text")


class CorruptWeights(Case):
    def test_the_reason_is_printed_and_the_rest_is_served(self) -> None:
        models = self.folder / "models"
        shutil.copytree(TARGET.models / LOCAL_MODEL, models / LOCAL_MODEL)
        shutil.copytree(TARGET.models / LOCAL_MODEL, models / "broken")
        weights = next((models / "broken").glob("*.safetensors"))
        with weights.open("r+b") as file:
            file.truncate(weights.stat().st_size // 2)
        gateway = self.gateway(basis(models)).start().wait_ready()
        reported = next(line for line in gateway.output().splitlines() if line.startswith("Not served:"))
        self.assertIn("broken", reported)
        self.assertIn(weights.name, reported)
        client = gateway.client()
        self.assertEqual([model.id for model in client.models.list()], [LOCAL_MODEL])
        with self.assertRaises(openai.NotFoundError) as caught:
            client.chat.completions.create(model="broken", messages=HELLO)
        self.assertEqual(caught.exception.code, "model_not_found")
        answer = client.chat.completions.create(model=LOCAL_MODEL, messages=HELLO, max_tokens=4)
        self.assertTrue(answer.choices[0].message.content)


class Reload(Case):
    def test_sighup_reads_the_routes_anew_and_a_bad_file_changes_nothing(self) -> None:
        text = support_chat(TARGET.models, NO_UPSTREAM)
        gateway = self.gateway(text).start().wait_ready()

        def models() -> set[str]:
            return {model.id for model in gateway.client().models.list()}

        before = models()
        self.assertLessEqual({LOCAL_MODEL, "support-chat"}, before)
        gateway.config.write_text(text + route("another-alias", "cloud"))
        gateway.send_signal(signal.SIGHUP)
        wait_until(lambda: "another-alias" in models(), "the new route")
        gateway.config.write_text(text + "nonsense = 1\n")
        gateway.send_signal(signal.SIGHUP)
        wait_until(lambda: "shekara.toml:" in gateway.errors(), "the refusal in the log")
        self.assertEqual(models(), before | {"another-alias"})


class Keys(Case):
    def test_made_listed_and_revoked_while_the_gateway_runs(self) -> None:
        gateway = self.gateway(support_chat(TARGET.models, NO_UPSTREAM)).start().wait_ready()
        made = gateway.command("keys", "create", "--name", "mobile app", "--tenant", "bank", "--json")
        self.assertEqual(made.returncode, 0, made.stderr)
        new = json.loads(made.stdout)
        wait_until(lambda: _accepted(gateway, new["key"]), "the new key to count")

        listed = gateway.command("keys", "list", "--json")
        keys = {row["id"]: row for row in map(json.loads, listed.stdout.splitlines())}
        self.assertEqual(len(keys), 3)
        self.assertEqual((keys[new["id"]]["name"], keys[new["id"]]["tenant"]), ("mobile app", "bank"))
        self.assertNotIn(new["key"], listed.stdout)

        self.assertEqual(gateway.command("keys", "revoke", new["id"]).returncode, 0)
        wait_until(lambda: not _accepted(gateway, new["key"]), "the revoked key to be refused")
        self.assertNotEqual(gateway.command("keys", "revoke", new["id"]).returncode, 0, "it is revoked already")
        self.assertTrue(_accepted(gateway, gateway.key))


def _accepted(gateway: Gateway, key: str) -> bool:
    try:
        gateway.client(api_key=key).models.list()
    except openai.AuthenticationError:
        return False
    return True
