"""Configuration files for the gateways under test."""

from pathlib import Path

LOCAL_MODEL = "demo"
CLOUD_MODEL = "big-cloud-model"
CLOUD_KEY_VARIABLE = "SHEKARA_TEST_CLOUD_KEY"
CLOUD_KEY = "cloud-credential-of-the-gateway"
UNSET_VARIABLE = "SHEKARA_TEST_NEVER_SET"
MAX_BODY_BYTES = 256 << 10


def basis(models_dir: Path, server: str = "") -> str:
    """Server, store and engine; an ephemeral port unless `server` says another."""
    listen = "" if "listen" in server else 'listen = "127.0.0.1:0"\n'
    return (
        f"[server]\n{listen}max_body_bytes = {MAX_BODY_BYTES}\n{server}\n"
        '[store]\nurl = "sqlite:data/shekara.db"\n'
        f'[local]\nmodels_dir = "{models_dir}"\n'
    )


def provider(name: str, base_url: str, key_variable: str = CLOUD_KEY_VARIABLE) -> str:
    return (
        f'[[providers]]\nname = "{name}"\nkind = "openai-compatible"\nbase_url = "{base_url}"\n'
        f'api_key = "env:{key_variable}"\n'
    )


def route(model: str, target: str, rest: str = "") -> str:
    """A route to an external provider whose sensitive requests the local model answers."""
    return (
        f'[[routes]]\nmodel = "{model}"\n'
        f'targets = [{{ provider = "{target}", model = "{CLOUD_MODEL}" }}]\n'
        f'sensitive = [{{ provider = "local", model = "{LOCAL_MODEL}" }}]\n{rest}\n'
    )


def support_chat(models_dir: Path, upstream: str, server: str = "") -> str:
    """One external provider and the route `support-chat`."""
    return basis(models_dir, server) + provider("cloud", f"{upstream}/v1") + route("support-chat", "cloud")


def all_routes(models_dir: Path, upstream: str, refusing: str) -> str:
    """`support-chat`, and beside it a route for every way in which a provider can fail."""
    once = "retries = { connect = 0, timeout = 0 }"
    impatient = f"{once}\ntimeouts = {{ first_token_ms = 500, total_ms = 20000 }}"
    fallback = f'{once}\nfallback = [{{ provider = "cloud", model = "{CLOUD_MODEL}" }}]'
    return (
        support_chat(models_dir, upstream)
        + provider("down", f"{refusing}/v1")
        + provider("unset", f"{upstream}/v1", UNSET_VARIABLE)
        + provider("slow", f"{upstream}/silent/v1")
        + provider("refusing", f"{upstream}/unauthorized/v1")
        + provider("flaky", f"{upstream}/flaky/v1")
        + provider("claude", f"{upstream}/claude/v1").replace("openai-compatible", "anthropic")
        + route("claude-chat", "claude", 'unreadable = "allow"')
        + route("cloud-down", "down", once)
        + route("cloud-unset", "unset", once)
        + route("cloud-slow", "slow", impatient)
        + route("cloud-refusing", "refusing", once)
        + route("cloud-with-fallback", "down", fallback)
        + route("cloud-flaky", "flaky", fallback)
        + route("cloud-flaky-alone", "flaky", once)
    )
