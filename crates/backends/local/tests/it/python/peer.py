"""Answers what the Python packages do: one JSON request a line in, one JSON answer a line out."""

import importlib
import importlib.util
import io
import json
import logging
import os
import sys
import types
from fnmatch import fnmatchcase
from pathlib import Path

logging.disable(logging.CRITICAL)


def bare(name):
    """Registers a package without running its `__init__`, which would import a whole framework."""
    path = importlib.util.find_spec(name).submodule_search_locations
    package = types.ModuleType(name)
    package.__path__ = list(path)
    sys.modules[name] = package


bare("processpype")
bare("processpype.secrets")
bare("processpype.config")
bare("secrets_sdk")
providers = importlib.import_module("processpype.secrets.providers")
secret_uri = importlib.import_module("secrets_sdk.secret_uri")
content = b""


class Scratch(type(Path())):
    """A path that exists, and whose file holds `content`."""

    def exists(self):
        return True


# The packages read files by `open`; none is needed for thousands of them.
providers.open = lambda path: io.TextIOWrapper(io.BytesIO(content))
providers.Path = Scratch
scratch = Scratch("scratch")


def uri(text):
    try:
        return {"canonical": secret_uri.parse(text, "t", []).to_canonical()}
    except secret_uri.SecretURIError as error:
        return {"code": error.code}


def dotenv(text):
    global content
    content = text.encode()
    return list(providers._parse_dotenv(scratch).items())


def parsed(text):
    try:
        value = providers._try_parse_json(text)
    except (RecursionError, ValueError) as error:
        return {"raises": type(error).__name__}
    if not isinstance(value, dict):
        return {"map": None}
    return {"map": [[shown(k), shown(v)] for k, v in value.items()]}


def shown(value):
    """The text of a string; a lone surrogate, which cannot leave this process, is replaced."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()


def listed(kind, values, pattern):
    global content
    if kind == "env":
        os.environ.clear()
        os.environ.update(values)
        return providers.EnvironmentProvider().list_secrets(pattern)
    content = values.encode()
    provider = providers.FileSecretsProvider if kind == "file" else providers.DotenvProvider
    return provider(scratch).list_secrets(pattern)


ANSWERS = {"uri": uri, "fnmatch": fnmatchcase, "dotenv": dotenv, "json": parsed, "list": listed}

for line in sys.stdin:
    request = json.loads(line)
    answer = ANSWERS[request["do"]]
    print(json.dumps([answer(*arguments) for arguments in request["each"]]), flush=True)
