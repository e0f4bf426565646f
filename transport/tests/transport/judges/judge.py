"""pyas2lib as the partner: reads lines of JSON with "do", answers each with one line of JSON. Bytes are base64."""

import base64
import json
import logging
import os
import re
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

# Waiver V1: oscrypto 1.3.0 does not recognise versions of OpenSSL whose last number has two digits.
_search = re.search
re.search = lambda pattern, text, *more: _search(
    pattern.replace("\\d\\.\\d\\.\\d[a-z]*", "\\d\\.\\d\\.\\d+[a-z]*") if isinstance(pattern, str) else pattern,
    text,
    *more,
)
from oscrypto import asymmetric  # noqa: E402,F401

re.search = _search
from pyas2lib import as2  # noqa: E402

logging.disable(logging.CRITICAL)


def plain(text):
    return base64.b64decode(text)


def coded(data):
    return base64.b64encode(data).decode()


class Partner:
    """Both sides as pyas2lib knows them: `here` is the partner, `there` is us."""

    def __init__(self, asked):
        key = plain(asked["key"])
        self.here = as2.Organization(
            as2_name=asked["here"], sign_key=key, sign_key_pass=None, decrypt_key=key, decrypt_key_pass=None,
            domain="partner",
        )
        self.there = as2.Partner(
            as2_name=asked["there"], verify_cert=plain(asked["certificate"]),
            encrypt_cert=plain(asked["certificate"]), validate_certs=False, sign=True, encrypt=True,
            compress=asked.get("compress", False), digest_alg=asked.get("digest", "sha256"),
            enc_alg=asked.get("cipher", "aes_256_cbc"), mdn_mode="SYNC",
            mdn_digest_alg=asked.get("digest", "sha256"), sign_alg=asked.get("how", "rsassa_pkcs1v15"),
        )
        self.sent = {}

    def receive(self, raw):
        message = as2.Message()
        status, (error, _), mdn = message.parse(
            raw, find_org_cb=lambda name: self.here if name == self.here.as2_name else None,
            find_partner_cb=lambda name: self.there if name == self.there.as2_name else None,
        )
        said = {"status": status, "error": repr(error) if error else None}
        if status == "processed":
            said["content"] = coded(message.content)
            said["compressed"] = message.compressed
        return said, mdn

    def build(self, data):
        message = as2.Message(sender=self.here, receiver=self.there)
        message.build(data, filename="batch.edi", content_type="application/edi-x12")
        self.sent[message.message_id] = message
        return message

    def judge(self, raw):
        mdn = as2.Mdn()
        status, detail = mdn.parse(raw, find_message_cb=lambda number, _: self.sent.get(number))
        return {"status": status, "detail": detail}


def serve(partner):
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            head = "".join(f"{name}: {value}\r\n" for name, value in self.headers.items())
            said, mdn = partner.receive(head.encode() + b"\r\n" + body)
            self.send_response(200)
            content = mdn.content
            for name, value in mdn.headers.items():
                self.send_header(name, re.sub(r"\s+", " ", value))
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]


def main():
    out = os.fdopen(os.dup(1), "w")
    partner = None
    for line in sys.stdin:
        asked = json.loads(line)
        if asked["do"] == "partner":
            partner, said = Partner(asked), {}
        elif asked["do"] == "receive":
            said, mdn = partner.receive(plain(asked["raw"]))
            said["mdn"] = coded(mdn.headers_str + b"\r\n" + mdn.content) if mdn else None
        elif asked["do"] == "build":
            message = partner.build(plain(asked["data"]))
            said = {"raw": coded(message.headers_str + b"\r\n" + message.content), "mic": message.mic.decode()}
        elif asked["do"] == "judge":
            said = partner.judge(plain(asked["raw"]))
        elif asked["do"] == "serve":
            said = {"port": serve(partner)}
        print(json.dumps(said), file=out, flush=True)


main()
