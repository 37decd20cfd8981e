"""Prints nanoseconds a cached read of one Python package takes, one sample a line."""

import asyncio
import importlib.util
import os
import pathlib
import sys
import tempfile
import time
import types

READS = 20_000
SAMPLES = 15


def processpype():
    # Only the secrets package: the rest needs a newer Python.
    root = pathlib.Path(importlib.util.find_spec("processpype").submodule_search_locations[0])
    for name in ("processpype", "processpype.config"):
        module = types.ModuleType(name)
        module.__path__ = [str(root.joinpath(*name.split(".")[1:]))]
        sys.modules[name] = module
    from processpype.secrets.manager import SecretsManager, _Backend
    from processpype.secrets.providers import EnvironmentProvider

    os.environ["KEYFERRY_BENCH"] = '{"user": "app"}'
    manager = SecretsManager({"env": _Backend(EnvironmentProvider())})
    manager.get("env:KEYFERRY_BENCH")

    def reads():
        for _ in range(READS):
            manager.get("env:KEYFERRY_BENCH")

    return reads


def secrets_sdk():
    from secrets_sdk import SecretsClient

    folder = tempfile.mkdtemp()
    pathlib.Path(folder, "dc").mkdir()
    pathlib.Path(folder, "dc", "password").write_text("x")
    os.environ.update(
        FILE_MOUNT_PATH=folder,
        SECRETS_ALLOWED_MOUNTS="dc",
        VAULT_URL="http://127.0.0.1:9",
        VAULT_TOKEN="unused",
    )
    client = SecretsClient.create()
    loop = asyncio.new_event_loop()

    async def resolve():
        for _ in range(READS):
            await client.resolve("file://dc/password")

    return lambda: loop.run_until_complete(resolve())


reads = {"processpype": processpype, "secrets_sdk": secrets_sdk}[sys.argv[1]]()
reads()
for _ in range(SAMPLES):
    start = time.perf_counter_ns()
    reads()
    print((time.perf_counter_ns() - start) / READS)
