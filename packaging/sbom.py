"""Lists what an installation contains, as CycloneDX 1.5 in JSON: `make sbom`.

Written from requirements.lock: names, versions and the checksums that pip checks. Licences are
those that the packages installed here state. The same lock gives the same octets.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tomllib
import uuid
from importlib import metadata
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
_PACKAGE = re.compile(r"(?m)^([a-z0-9.-]+)==(\S+)((?: \\\n +--hash=sha256:[0-9a-f]{64})+)")
_NAMESPACE = uuid.UUID("6f0a1f5c-0f2b-5d8e-9a57-6c7963686761")


def main() -> None:
    """Write it, and say where."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, default=ROOT / "dist" / "lychgate.cdx.json")
    out: Path = parser.parse_args().out
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(bill(lock, project), indent=2) + "\n", encoding="utf-8")
    sys.stdout.write(f"{out}\n")


def bill(lock: str, project: dict[str, Any]) -> dict[str, Any]:
    """The document."""
    components = [component(*found.groups()) for found in _PACKAGE.finditer(lock)]
    root = f"pkg:pypi/{project['name']}@{project['version']}"
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": f"urn:uuid:{uuid.uuid5(_NAMESPACE, root + lock)}",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": root,
                "name": project["name"],
                "version": project["version"],
                "description": project["description"],
                "licenses": [{"license": {"id": project["license"]}}],
                "purl": root,
            }
        },
        "components": components,
        "dependencies": [
            {"ref": root, "dependsOn": [each["bom-ref"] for each in components]},
            *({"ref": each["bom-ref"]} for each in components),
        ],
    }


def component(name: str, version: str, hashes: str) -> dict[str, Any]:
    """One package of the lock."""
    purl = f"pkg:pypi/{name}@{version}"
    found = {
        "type": "library",
        "bom-ref": purl,
        "name": name,
        "version": version,
        "purl": purl,
        "hashes": [
            {"alg": "SHA-256", "content": digest}
            for digest in re.findall(r"sha256:([0-9a-f]{64})", hashes)
        ],
    }
    licence = licence_of(name)
    if licence:
        found["licenses"] = [{"expression": licence}]
    return found


def licence_of(name: str) -> str:
    """The SPDX expression that an installed package states, if it does."""
    try:
        return metadata.metadata(name).get("License-Expression", "")
    except metadata.PackageNotFoundError:
        return ""


if __name__ == "__main__":
    main()
