"""tieline check and tieline options, as a person or a script calls them."""

import json
import os
import pathlib
import subprocess

TIELINE = os.environ["TIELINE_BIN"]
SAMPLES = pathlib.Path(__file__).resolve().parents[2] / "config"
ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "SMARTIFY_PASSWORD": "password-of-shop",
    "SMARTIFY_WEBHOOK_SECRET": "secret-of-shop",
    "CHATWOOT_TOKEN": "token-of-desk",
    "CHATWOOT_WEBHOOK_SECRET": "secret-of-desk",
    "SHOP_HOOK_KEY": "hook-key-of-the-shop",
    "DESK_HOOK_KEY": "hook-key-of-the-desk",
}


def tieline(*args, **environment):
    return subprocess.run([TIELINE, *args], env=ENVIRONMENT | environment, capture_output=True,
                          text=True, timeout=20)


def broken(tmp_path):
    text = (SAMPLES / "tieline.yaml").read_text()
    text = text.replace("customers: shop,", "customers: shopp,").replace("inbox_id: 12", "inbox: 12")
    path = tmp_path / "t.yaml"
    path.write_text(text)
    return path


def test_check_ok():
    run = tieline("check", "-c", str(SAMPLES / "tieline.yaml"))
    assert (run.returncode, run.stderr) == (0, "")
    assert [line[:6] for line in run.stdout.splitlines()] == ["ok    "] * 4
    assert "token-of-desk" not in run.stdout


def test_check_json_lines():
    run = tieline("--json", "check", "desk", "-c", str(SAMPLES / "sandbox.yaml"))
    lines = [json.loads(line) for line in run.stdout.splitlines()]
    assert run.returncode == 0
    assert {tuple(line) for line in lines} == {("check", "endpoint", "result", "found", "next")}
    assert {line["endpoint"] for line in lines} == {None, "desk"}
    assert "warn" in {line["result"] for line in lines}
    assert "sandbox-chatwoot-token" not in run.stdout


def test_check_mistakes(tmp_path):
    path = broken(tmp_path)
    run = tieline("check", "-c", str(path))
    assert run.returncode == 78
    assert run.stdout.startswith(f"FAIL  {path}: 2 mistakes\n      next: ")
    first, second, last = run.stderr.splitlines()
    assert first.startswith(f"{path}:")
    assert first.endswith("endpoints.desk.inbox: unknown option; allowed: the keys in tieline options; "
                          'did you mean "inbox_id"?')
    assert second.endswith('there is no endpoint "shopp"; allowed: shop, desk; did you mean "shop"?')
    assert last == f"2 mistakes in {path}; nothing was started"
    run = tieline("check", "--json", "-c", str(path))
    assert [json.loads(line)["result"] for line in run.stdout.splitlines()] == ["fail", "fail"]
    assert json.loads(run.stdout.splitlines()[0])["endpoint"] == "desk"


def test_check_missing():
    assert tieline("check", "-c", "/nonexistent/t.yaml").returncode == 66
    run = tieline("check", "dsk", TIELINE_CONFIG=str(SAMPLES / "tieline.yaml"))
    assert run.returncode == 66
    assert 'did you mean "desk"?' in run.stderr
    assert tieline("check", "--onlin", "-c", str(SAMPLES / "tieline.yaml")).returncode == 64


def test_serve_refuses(tmp_path):
    run = tieline("serve", "-c", str(broken(tmp_path)))
    assert run.returncode == 78
    assert run.stdout == ""
    assert run.stderr.splitlines()[-1].endswith("nothing was started")


def test_options():
    everything = tieline("options", "--json")
    options = json.loads(everything.stdout)["options"]
    assert everything.returncode == 0
    assert {o["section"] for o in options} == {"process", "endpoint", "bridge", "smartify", "chatwoot", "smartsender",
                                                "syniverse"}
    assert all(o["help"] and o["allowed"] for o in options)
    rate = [o for o in json.loads(tieline("options", "chatwoot", "--json").stdout)["options"]
            if o["key"] == "rate"]
    assert rate[0]["default"] == "2400/min"
    text = tieline("options").stdout
    assert "  limits.body (size)\n" in text
    assert tieline("options", "--markdown", "smartify").stdout.count("| `project_id` |") == 1
    unknown = tieline("options", "chatwot")
    assert unknown.returncode == 64
    assert 'did you mean "chatwoot"?' in unknown.stderr
