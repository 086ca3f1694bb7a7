"""Makes the tables and fills them with the page in the JSON file that is named: what Clipsy sends."""

import json
import sys

import django

django.setup()

from django.core.management import call_command

from peer.models import Owner, Rendition, Video

call_command("migrate", "--run-syncdb", verbosity=0)
with open(sys.argv[1], encoding="utf-8") as file:
    edges = json.load(file)["data"]["videos"]["edges"]
for edge in edges:
    video = edge["node"]
    owner, _ = Owner.objects.get_or_create(**video["owner"])
    made = Video.objects.create(
        id=video["id"], cursor=edge["cursor"], number=video["number"], title=video["title"],
        description=video["description"], visibility=video["visibility"], state=video["state"],
        playable=video["playable"], duration=video["duration"], views=video["views"],
        created_at=video["createdAt"], thumbnail_url=video["thumbnailUrl"], owner=owner,
    )
    Rendition.objects.bulk_create(
        Rendition(
            video=made, place=place, id=r["id"], name=r["name"], width=r["width"], height=r["height"],
            state=r["state"], percent=r["percent"], size=r["bytes"], bitrate_kbps=r["bitrateKbps"],
            codecs=r["codecs"], encoder=r["encoder"],
        )
        for place, r in enumerate(video["renditions"])
    )
