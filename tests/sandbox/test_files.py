"""Files on both platforms: what people send, uploads, addresses that expire, and what the judge says of bytes."""

import base64
import json

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(200))
PDF = b"%PDF-1.4 hello"


def data(raw):
    return base64.b64encode(raw).decode()


def multipart(parts):
    """[(name, filename, type, bytes)] → headers, body."""
    body = b""
    for name, filename, type, raw in parts:
        body += b'--xyz\r\nContent-Disposition: form-data; name="%s"' % name.encode()
        if filename:
            body += b'; filename="%s"\r\nContent-Type: %s' % (filename.encode(), type.encode())
        body += b"\r\n\r\n" + raw + b"\r\n"
    return {"Content-Type": "multipart/form-data; boundary=xyz"}, body + b"--xyz--\r\n"


def path_of(sandbox, url, base):
    assert url.startswith(sandbox.ready[base]), url
    return url[len(sandbox.ready[base]):]


def upload(sandbox, name, type, raw, field="file"):
    headers, body = multipart([(field, name, type, raw)])
    return sandbox.smartify("POST", "/files/chat", raw=body, headers=headers)


def test_smartify_uploads(sandbox):
    answer = upload(sandbox, "one two.png", "image/png", PNG)
    assert answer.status == 201
    name = answer.json["filename"]
    assert name.startswith("uploads/users/") and name.endswith("/one two.png")
    for route in ("/files?path=", "/files/download?path="):
        got = sandbox.bare("GET", route + name.replace("/", "%2F").replace(" ", "%20"))
        assert (got.status, got.body, got.headers["Content-Type"]) == (200, PNG, "image/png")
    assert sandbox.bare("GET", "/files?path=uploads%2Fnone").status == 404


def test_smartify_refuses(sandbox):
    assert upload(sandbox, "a.docx", "application/msword", b"x").status == 403
    assert upload(sandbox, "a.png", "image/jpeg", PNG).status == 403
    assert upload(sandbox, "a.png", "image/png", b"no picture").status == 403
    assert upload(sandbox, "a.txt", "text/plain", b"x" * 1024001).status == 413
    assert upload(sandbox, "a.png", "image/png", PNG, field="upload").json["code"] == "LIMIT_UNEXPECTED_FILE"


def test_smartify_says(sandbox):
    said = sandbox.say(platform="smartify", person="wab-1", text="look",
                       file={"name": "a.png", "type": "image/png", "data": data(PNG)})
    body, _, _ = sandbox.receiver.next(lambda b: b["hook"]["event"] == "message.create"
                                         and b["payload"].get("type") == "image")
    message = body["payload"]
    assert (message["type"], message["text"], message["_id"]) == ("image", "look", said["message"])
    src = message["metadata"]["src"]
    assert sandbox.bare("GET", path_of(sandbox, src, "smartify_api")).body == PNG
    sandbox.act(platform="smartify", action="move", message=said["message"])
    assert sandbox.bare("GET", path_of(sandbox, src, "smartify_api")).status == 404
    now = sandbox.smartify("GET", "/requests/%s/messages" % said["conversation"]).json[0]["metadata"]["src"]
    assert sandbox.bare("GET", path_of(sandbox, now, "smartify_api")).body == PNG


def test_smartify_says_a_document(sandbox):
    sandbox.say(platform="smartify", person="wab-1", text="for you",
                file={"name": "a.pdf", "type": "application/pdf", "data": data(PDF)})
    body, _, _ = sandbox.receiver.next(lambda b: b["hook"]["event"] == "message.create"
                                         and b["payload"].get("type") == "file")
    message = body["payload"]
    assert message["type"] == "file"
    assert message["text"] == "[a.pdf](%s)\nfor you" % message["metadata"]["src"]


def test_chatwoot_takes_files(sandbox):
    said = sandbox.say(platform="chatwoot", person="+15550001111", text="hello")
    headers, body = multipart([("content", None, None, b"see here"), ("message_type", None, None, b"incoming"),
                               ("attachments[]", "a.png", "image/png", PNG),
                               ("attachments[]", "b.pdf", "application/pdf", PDF)])
    path = "/conversations/%s/messages" % said["conversation"]
    answer = sandbox.chatwoot("POST", path, raw=body, headers=headers)
    assert answer.status == 200
    assert [a["file_type"] for a in answer.json["attachments"]] == ["image", "file"]
    first = sandbox.bare_chatwoot("GET", path_of(sandbox, answer.json["attachments"][0]["data_url"], "chatwoot"))
    assert first.status == 302
    got = sandbox.bare_chatwoot("GET", path_of(sandbox, first.headers["Location"], "chatwoot"))
    assert (got.status, got.body) == (200, PNG)
    sandbox.control("PUT", "/control/settings", {"platform": "chatwoot", "files": {"body_limit": 100}})
    assert sandbox.chatwoot("POST", path, raw=body, headers=headers).status == 413


def test_chatwoot_files_come_late_and_expire(sandbox):
    sandbox.control("PUT", "/control/settings", {"platform": "chatwoot", "files": {"late": 1, "seconds": 0}})
    sandbox.say(platform="chatwoot", person="+15550001111", text="hello",
                files=[{"name": "a b.png", "type": "image/png", "data": data(PNG)}])
    body, _, _ = sandbox.receiver.next(lambda b: b.get("event") == "message_created")
    path = path_of(sandbox, body["attachments"][0]["data_url"], "chatwoot")
    assert path.endswith("/a%20b.png")
    assert sandbox.bare_chatwoot("GET", path).status == 404
    found = sandbox.bare_chatwoot("GET", path)
    assert found.status == 302
    assert sandbox.bare_chatwoot("GET", path_of(sandbox, found.headers["Location"], "chatwoot")).status == 404


def test_judge_compares_bytes(sandbox):
    said = sandbox.say(platform="smartify", person="wab-9", text="",
                       file={"name": "a.png", "type": "image/png", "data": data(PNG)})
    verdict = sandbox.control("GET", "/control/judge").json
    assert verdict["up"]["files"] == {"written": 1, "arrived": 0, "elsewhere": 0, "duplicates": 0}
    contact = sandbox.chatwoot("POST", "/contacts", {"name": "x", "inbox_id": 12, "source_id": "s-1"}).json
    made = sandbox.chatwoot("POST", "/conversations", {"source_id": "s-1", "inbox_id": 12, "contact_id":
                                                       contact["payload"]["contact"]["id"]}).json
    for name, raw in (("other.png", PNG), ("third.png", PNG + b"x")):
        headers, body = multipart([("message_type", None, None, b"incoming"),
                                   ("attachments[]", name, "image/png", raw)])
        sandbox.chatwoot("POST", "/conversations/%s/messages" % made["id"], raw=body, headers=headers)
    verdict = sandbox.control("GET", "/control/judge").json
    assert verdict["up"]["files"] == {"written": 1, "arrived": 1, "elsewhere": 0, "duplicates": 1}
    threads = sandbox.control("GET", "/control/threads").json
    shown = [m["files"] for t in threads["smartify"] if t["id"] == said["conversation"] for m in t["messages"]]
    assert shown[0][0]["name"] == "a.png" and json.dumps(shown[0][0]["sha256"])
