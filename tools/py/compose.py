"""Checks that compose files are what the Compose Specification says, and that what they mount is there.

    target/py/bin/python tools/py/compose.py FILE...
"""

import sys
from pathlib import Path

import yaml
from compose_spec import ComposeSpecification

for name in sys.argv[1:]:
    file = Path(name)
    content = yaml.safe_load(file.read_text())
    ComposeSpecification.model_validate(content)
    volumes = content.get("volumes", {})
    for service, settings in content.get("services", {}).items():
        for volume in settings.get("volumes", []):
            source, colon, _ = volume.partition(":")
            if source.startswith("."):
                if not (file.parent / source).exists():
                    sys.exit(f"{file}: {service} mounts {source}, which is not there")
            elif colon and source not in volumes:
                sys.exit(f"{file}: {service} mounts {source}, which is no volume")
