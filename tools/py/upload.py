"""Uploads one file with tuspy, as the job on the command line says, and tells what happens.

    target/py/bin/python tools/py/upload.py JOB

JOB is a JSON object:

    endpoint, token   where to, and whose bearer token
    file, metadata    what, and the values of Upload-Metadata
    chunk             bytes per PATCH; without it, all that is left goes in one
    checksum          true sends each chunk's SHA-1
    stop_at           ends there, as a person does who closes the program
    url               goes on with this upload
    tries             failures in a row after which it gives up (1000)

One JSON object a line is written, as by tools/js/tus.mjs: "response" for every answer, then "done"
with the upload's address or "stopped". A failure ends it with status 1 and a trace.
"""

import json
import sys
import time

import requests
from tusclient.client import TusClient
from tusclient.exceptions import TusCommunicationError

DELAY_S = 0.02


def main():
    job = json.loads(sys.argv[1])
    tell_of_answers()
    client = TusClient(job["endpoint"], headers={"Authorization": f"Bearer {job['token']}"})
    more = {"chunk_size": job["chunk"]} if "chunk" in job else {}
    uploader = again(job, lambda: client.uploader(
        job["file"], url=job.get("url"), metadata=job.get("metadata", {}), retries=job.get("tries", 1000) - 1,
        retry_delay=DELAY_S, upload_checksum=job.get("checksum", False), **more))
    if not uploader.url:
        # It repeats chunks, but not the request before the first of them.
        uploader.set_url(again(job, uploader.create_url))
    uploader.upload(stop_at=job.get("stop_at"))
    tell("stopped" if "stop_at" in job else "done", url=uploader.url)


def again(job, action):
    for left in reversed(range(job.get("tries", 1000))):
        try:
            return action()
        except TusCommunicationError:
            if not left:
                raise
            time.sleep(DELAY_S)


def tell_of_answers():
    send = requests.Session.send

    def told(self, request, **how):
        answer = send(self, request, **how)
        offset = answer.headers.get("Upload-Offset")
        tell("response", method=request.method, url=request.url, status=answer.status_code,
             offset=None if offset is None else int(offset), video=answer.headers.get("Clipsy-Video-Id"))
        return answer

    requests.Session.send = told


def tell(event, **facts):
    print(json.dumps({"event": event, **facts}), flush=True)


if __name__ == "__main__":
    main()
