"""Many videos for long lists: rows that repeat one video that was really made, each with a picture of its own."""

import os
import sqlite3
from contextlib import closing

from lib.measure import BenchError


def fill(state, video, count):
    """Adds `count` videos like `video`. The server is not running."""
    made = state / "media" / "videos" / "processed"
    picture = next((made / str(video)).glob("*/thumbnail.jpg"), None)
    if picture is None:
        raise BenchError(f"video {video} has no picture in {made}")
    with closing(sqlite3.connect(state / "clipsy.db")) as db, db:
        (first,) = db.execute("SELECT MAX(id) + 1 FROM assets").fetchone()
        own = {"id", "source_key", "title", "link_key", "created_at"}
        same = ", ".join(name for name in columns(db, "assets") if name not in own)
        for number in range(first, first + count):
            db.execute("INSERT INTO assets (id, source_key, title, created_at, " + same + ") "
                       "SELECT ?1, 'videos/originals/shelf' || ?1, 'Part ' || ?1 || ' of a long row of films', "
                       "created_at - ?1 * 60000, " + same + " FROM assets WHERE id = ?2", (number, video))
            folder = made / str(number) / picture.parent.name
            folder.mkdir(parents=True)
            os.link(picture, folder / picture.name)
        own = {"id", "asset_id"}
        same = ", ".join(name for name in columns(db, "renditions") if name not in own)
        db.execute(f"INSERT INTO renditions (asset_id, {same}) SELECT n.id, {same} FROM renditions "
                   "CROSS JOIN (SELECT id FROM assets WHERE id >= ?) AS n WHERE asset_id = ?", (first, video))
        # The next start derives from the titles what lists are sorted and searched by.
        db.execute("DELETE FROM marks WHERE name LIKE 'texts folded%'")


def columns(db, table):
    return [name for _, name, *_ in db.execute(f"PRAGMA table_info({table})")]
