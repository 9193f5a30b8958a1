"""What both fakes do with files: keep their bytes, hand them out, and move them, so that an address that was told
before leads nowhere any more.

A file is a dictionary: name, type, data (bytes), key (the part of its address that nobody can guess).
"""

import base64
import hashlib
import re
import time
from urllib.parse import quote

from web import Answer, Refuse, answer_json

MAGIC = {"image/png": b"\x89PNG\r\n\x1a\n", "image/jpeg": b"\xff\xd8\xff", "image/gif": b"GIF8",
         "application/pdf": b"%PDF-"}
TYPES = {"jpg": "image/jpeg", "jpeg": "image/jpeg", "png": "image/png", "gif": "image/gif", "pdf": "application/pdf",
         "txt": "text/plain"}


def read_spec(spec):
    """A file as somebody in the sandbox sends it: {"name", "type", "data": base64}, or "text" in place of data."""
    data = base64.b64decode(spec["data"]) if "data" in spec else spec.get("text", "").encode()
    return {"name": spec.get("name", "file"), "type": spec.get("type", "application/octet-stream"), "data": data}


def parts_of(kind, body):
    """multipart/form-data → [(name, filename or None, type or None, bytes)]."""
    found = re.search(r'boundary="?([^";]+)', kind)
    if not found:
        return []
    out = []
    for part in body.split(b"--" + found.group(1).encode())[1:-1]:
        head, _, data = part.partition(b"\r\n\r\n")
        head = head.decode("utf-8", "replace")
        name = re.search(r'[; ]name="([^"]*)"', head)
        filename = re.search(r'filename="([^"]*)"', head)
        type = re.search(r"content-type:\s*([^\r\n]+)", head, re.I)
        out.append((name.group(1) if name else "", filename.group(1) if filename else None,
                    type.group(1).strip() if type else None, data[:-2] if data.endswith(b"\r\n") else data))
    return out


class Files:
    """The files of one platform."""

    def __init__(self, platform):
        self.platform = platform
        self.reset()

    def reset(self):
        self.kept = {}         # key → file
        self.late = 0          # so many reads of each file are answered 404 first
        self.forget = False    # of what comes only size and sum are kept, not the bytes
        self.reads = {}
        self.addresses = None  # url → key, made when it is asked for

    def key_at(self, url):
        """None where no file of ours is."""
        if self.addresses is None:
            self.addresses = {self.url(file): key for key, file in self.kept.items()}
        return self.addresses.get(url)

    def add(self, file, key=None):
        file = dict(file, key=key or self.platform.secret_key())
        if self.forget:
            file.update(size=len(file["data"]), sha256=hashlib.sha256(file["data"]).hexdigest(), data=b"")
        self.kept[file["key"]] = file
        self.addresses = None
        return file

    def move(self, file):
        """It has another address from now on, and the one before leads nowhere."""
        del self.kept[file["key"]]
        return self.add(file)

    def find(self, key):
        """None where it is not (yet)."""
        file = self.kept.get(key)
        if file is None:
            return None
        self.reads[key] = self.reads.get(key, 0) + 1
        return file if self.reads[key] > self.late else None

    def show(self, key):
        file = self.kept.get(key)
        return file and {"name": file["name"], "type": file["type"], "size": file.get("size", len(file["data"])),
                         "sha256": file.get("sha256") or hashlib.sha256(file["data"]).hexdigest()}


# -- Smartify ----------------------------------------------------------------------------------------------


class SmartifyFiles(Files):
    def reset(self):
        super().reset()
        self.upload_limit = 1024000
        self.upload_types = set(TYPES)

    def url(self, file, route="files"):
        return "%s/%s?path=%s" % (self.platform.base, route, quote(file["key"], safe=""))

    def message(self, file, text):
        """type, text and metadata of a message that bears this file (or only an address)."""
        src = file.get("url") or self.url(file)
        image = file["type"].startswith("image/")
        metadata = {"src": src, "name": file["name"], "type": file["type"], "size": len(file.get("data", b""))}
        if not file.get("url"):
            metadata["downloadURL"] = self.url(file, "files/download")
        if image:
            return {"type": "image", "metadata": dict(metadata, width=10, height=10)}, text
        return {"type": "file", "metadata": metadata}, ("[%s](%s)\n%s" % (file["name"], src, text)).rstrip("\n")

    def upload(self, request):
        kind = request.headers.get("Content-Type", "")
        parts = [p for p in parts_of(kind, request.body) if p[1] is not None]
        if len(parts) != 1 or parts[0][0] != "file":
            raise Refuse(answer_json({"success": False, "error": "Unexpected field",
                                      "code": "LIMIT_UNEXPECTED_FILE"}, 400))
        _, name, type, data = parts[0]
        extension = name.rpartition(".")[2].lower()
        if extension not in self.upload_types:
            raise Refuse(answer_json({"success": False,
                                      "error": "File extension .%s is not allowed" % extension}, 403))
        if TYPES.get(extension) != type:
            raise Refuse(answer_json({"success": False, "error": "File type does not fit its extension"}, 403))
        if len(data) > self.upload_limit:
            raise Refuse(answer_json({"success": False, "error": "File too large", "code": "LIMIT_FILE_SIZE"}, 413))
        if not data.startswith(MAGIC.get(type, b"")):
            raise Refuse(answer_json({"success": False, "error": "File content does not match mimetype: " + type},
                                     403))
        key = "uploads/users/%s/files/%s/%s" % (request.actor.id, self.platform.uuid(), name)
        self.add({"name": name, "type": type, "data": data}, key)
        return answer_json({"message": "File uploaded successfully", "filename": key}, 201)

    def serve(self, request):
        file = self.find(request.query.get("path", ""))
        if file is None:
            return answer_json({"success": False, "error": "File not found."}, 404)
        return Answer(200, file["data"], file["type"])

    def shown(self, doc):
        """The files of a stored message, as the sandbox has their bytes; elsewhere: only the address."""
        metadata = doc.get("metadata")
        src = metadata.get("src") if isinstance(metadata, dict) else None
        if not src:
            return []
        key = self.key_at(src)
        if key is not None:
            return [dict(self.show(key), href=src)]
        return [{"name": metadata.get("name"), "type": metadata.get("type"), "url": src, "href": src}]

    def move_of(self, doc):
        for key in list(self.kept):
            if self.url(self.kept[key]) == doc["metadata"]["src"]:
                moved = self.move(self.kept[key])
                doc["metadata"] = dict(doc["metadata"], src=self.url(moved),
                                       downloadURL=self.url(moved, "files/download"))


# -- Chatwoot ----------------------------------------------------------------------------------------------

IMAGES = ("image/jpeg", "image/jpg", "image/png", "image/gif", "image/bmp", "image/webp")
VIDEOS = ("video/ogg", "video/mp4", "video/webm", "video/quicktime")


class ChatwootFiles(Files):
    def reset(self):
        super().reset()
        self.body_limit = 0        # of the proxy in front: 413 above; 0: none
        self.seconds = 300         # how long the address is good that the signed one leads to
        self.disk = {}             # token → (key, until)

    def row(self, id, message, file):
        """As it stands in bodies. A file that has only an address is one of the kinds that are not stored."""
        kind = file["type"]
        type = "image" if kind in IMAGES else "video" if kind in VIDEOS else "audio" if "audio/" in kind else "file"
        url = file.get("url")
        if not url:
            file = self.add(file)
            url = self.url(file)
        return {"id": id, "message_id": message["id"], "file_type": type, "account_id": message["account_id"],
                "extension": file["name"].rpartition(".")[2] or None, "content_type": kind, "data_url": url,
                "thumb_url": url if type == "image" else "", "file_size": len(file.get("data", b"")), "width": None,
                "height": None}

    def url(self, file):
        return "%s/rails/active_storage/blobs/redirect/%s/%s" % (self.platform.base, file["key"],
                                                                 quote(file["name"], safe=""))

    def redirect(self, request):
        key = request.args[0]
        if self.find(key) is None:
            return Answer(404, b"", "text/html")
        token = self.platform.secret_key()
        self.disk[token] = (key, time.time() + self.seconds)
        return Answer(302, b"", "text/html", {"Location": "%s/rails/active_storage/disk/%s/%s" % (
            self.platform.base, token, quote(request.args[1], safe=""))})

    def serve(self, request):
        key, until = self.disk.get(request.args[0], (None, 0))
        file = self.kept.get(key)
        if file is None or time.time() > until:
            return Answer(404, b"", "text/html")
        return Answer(200, file["data"], file["type"])

    def shown(self, message):
        out = []
        for row in message["attachments"]:
            if "content_type" not in row:       # a place, a card
                continue
            key = self.key_at(row["data_url"])
            out.append(dict(self.show(key) if key else {"type": row["content_type"], "url": row["data_url"]},
                            href=row["data_url"]))
        return out

    def move_of(self, message):
        for row in message["attachments"]:
            for key in list(self.kept):
                if self.url(self.kept[key]) == row["data_url"]:
                    row["data_url"] = self.url(self.move(self.kept[key]))
