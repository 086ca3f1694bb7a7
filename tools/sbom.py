#!/usr/bin/env python3
"""Writes a software bill of materials (SPDX 2.3, JSON) of what is in the binary and in the pages it carries.

    tools/sbom.py > clipsy.spdx.json

From Cargo's metadata (what the binary links, for this machine) and npm's lock file (what the pages are bundled
from, without tools). https://spdx.github.io/spdx-spec/v2.3/
"""

import json
import os
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LINKED = ("clipsy", "clipsy-x264-ladder")


def main():
    metadata = json.loads(subprocess.run(
        ["cargo", "metadata", "--format-version", "1", "--locked", "--filter-platform", host()],
        cwd=ROOT, check=True, capture_output=True).stdout)
    packages = {package["id"]: package for package in metadata["packages"]}
    version = next(package["version"] for package in packages.values() if package["name"] == "clipsy")
    found = [crate(packages[id]) for id in sorted(linked(metadata, packages))] + list(modules())
    seconds = int(os.environ.get("SOURCE_DATE_EPOCH") or subprocess.run(
        ["git", "log", "-1", "--format=%ct"], cwd=ROOT, check=True, capture_output=True).stdout)
    json.dump({
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": f"clipsy-{version}",
        "documentNamespace": f"https://spdx.org/spdxdocs/clipsy-{version}-{seconds}",
        "creationInfo": {
            "created": datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "creators": ["Tool: tools/sbom.py"],
        },
        "documentDescribes": ["SPDXRef-cargo-clipsy"],
        "packages": found,
        "relationships": [
            {"spdxElementId": "SPDXRef-cargo-clipsy", "relationshipType": "CONTAINS", "relatedSpdxElement": one["SPDXID"]}
            for one in found if one["SPDXID"] != "SPDXRef-cargo-clipsy"
        ],
    }, sys.stdout, indent=1)
    print()


def host():
    said = subprocess.run(["rustc", "-vV"], check=True, capture_output=True, text=True).stdout
    return next(line.split()[1] for line in said.splitlines() if line.startswith("host: "))


def linked(metadata, packages):
    """The packages that end up in what is shipped: no build scripts, no macros' own, no tests."""
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    left = [id for id, package in packages.items() if package["name"] in LINKED]
    found = set()
    while left:
        id = left.pop()
        if id in found:
            continue
        found.add(id)
        for dependency in nodes[id]["deps"]:
            if any(kind["kind"] is None for kind in dependency["dep_kinds"]):
                left.append(dependency["pkg"])
    return found


def crate(package):
    ours = package["source"] is None
    name, version = package["name"], package["version"]
    reference = f"SPDXRef-cargo-{name}" if ours else f"SPDXRef-cargo-{name}-{version}"
    return {
        "SPDXID": "".join(c if c.isalnum() or c in ".-" else "-" for c in reference),
        "name": name,
        "versionInfo": version,
        "downloadLocation": "NOASSERTION" if ours else f"https://crates.io/crates/{name}/{version}",
        "licenseDeclared": (package["license"] or "NOASSERTION").replace(" / ", "/").replace("/", " OR "),
        "licenseConcluded": "NOASSERTION",
        "copyrightText": "NOASSERTION",
        "filesAnalyzed": False,
        **({} if ours else {"externalRefs": [purl(f"pkg:cargo/{name}@{version}")]}),
    }


def modules():
    for folder in ("web", "web/graphiql"):
        lock = json.loads((ROOT / folder / "package-lock.json").read_text(encoding="utf-8"))
        for path, module in sorted(lock["packages"].items()):
            if not path or module.get("dev") or module.get("optional"):
                continue
            name = path.rpartition("node_modules/")[2]
            reference = f"SPDXRef-npm-{folder}-{path.replace('node_modules/', '')}-{module['version']}"
            yield {
                "SPDXID": "".join(c if c.isalnum() or c in ".-" else "-" for c in reference),
                "name": name,
                "versionInfo": module["version"],
                "downloadLocation": "NOASSERTION",
                "licenseDeclared": module.get("license", "NOASSERTION"),
                "licenseConcluded": "NOASSERTION",
                "copyrightText": "NOASSERTION",
                "filesAnalyzed": False,
                "externalRefs": [purl(f"pkg:npm/{name.replace('@', '%40')}@{module['version']}")],
            }


def purl(locator):
    return {"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": locator}


if __name__ == "__main__":
    main()
