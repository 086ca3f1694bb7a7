"""Videos as a small site has them, to fill databases with."""

RUNGS = [("1080p", 1920, 1080, 4210), ("720p", 1280, 720, 2180), ("480p", 854, 480, 1090), ("360p", 640, 360, 640)]


def videos(count):
    """Videos with three or four qualities and texts of usual length."""
    sentence = "What can be seen here is described in a sentence or two, as people do. "
    made = []
    for number in range(1, count + 1):
        seconds = 37.5 + 11 * number
        rungs = RUNGS[number % 2:]  # every other one was recorded in 720p
        made.append({
            "title": f"Video number {number} of a small collection",
            "description": sentence * (1 + number % 4),
            "duration_s": seconds, "width": rungs[0][1], "height": rungs[0][2], "fps": 24.0,
            "views": 13 * number,
            "created_ms": 1_700_000_000_120 + 3_600_000 * number,
            "renditions": [
                {"rung": rung, "width": width, "height": height, "bitrate": kbps,
                 "file_size": round(seconds * kbps * 125)}
                for rung, width, height, kbps in rungs
            ],
        })
    return made
