"""An SFTP server that does one thing wrong: it stands before OpenSSH's own and meddles with the answer to a rename, in the way the
file MODE says. Everything else goes through as it is.

    meddler.py MODE SERVER
"""

import os
import struct
import subprocess
import sys
import threading

STATUS, RENAME, FAILURE = 101, 18, 4

mode_file, server = sys.argv[1:]
inner = subprocess.Popen([server], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
writing = threading.Lock()
held, answered = set(), threading.Event()


def packet(stream):
    head = stream.read(4)
    if len(head) < 4:
        return None
    return stream.read(struct.unpack(">I", head)[0])


def send(stream, body):
    stream.write(struct.pack(">I", len(body)) + body)
    stream.flush()


def answers():
    while (body := packet(inner.stdout)) is not None:
        number = struct.unpack(">I", body[1:5])[0]
        if number in held:
            answered.set()
            continue
        with writing:
            send(sys.stdout.buffer, body)
    os._exit(0)


def text(body, at):
    length = struct.unpack(">I", body[at : at + 4])[0]
    return body[at + 4 : at + 4 + length], at + 4 + length


threading.Thread(target=answers, daemon=True).start()
while (body := packet(sys.stdin.buffer)) is not None:
    with open(mode_file) as file:
        mode = file.read().strip()
    if body[0] != RENAME or mode == "":
        send(inner.stdin, body)
        continue
    number = struct.unpack(">I", body[1:5])[0]
    _, at = text(body, 5)
    new, _ = text(body, at)
    if mode == "another-came":
        with open(new, "wb") as file:
            file.write(b"another's")
        send(inner.stdin, body)
        continue
    if mode.startswith("done"):
        held.add(number)
        send(inner.stdin, body)
        answered.wait()
    if mode == "done-and-taken":
        os.remove(new)
    if mode == "done-and-written-over":
        with open(new, "wb") as file:
            file.write(b"another's")
    if mode.endswith("silence"):
        os._exit(0)
    words = b"Failure"
    reply = struct.pack(">BIII", STATUS, number, FAILURE, len(words)) + words + struct.pack(">I", 0)
    with writing:
        send(sys.stdout.buffer, reply)
