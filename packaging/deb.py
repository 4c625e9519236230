"""Builds the Debian package of this checkout: `make deb`, or `python packaging/deb.py --out dist`.

Inside is a virtual environment under /opt/lychgate, made here from the wheels that
requirements.lock names (checked by their checksums) and the wheel of this checkout: installing
needs no network, and every file belongs to dpkg. The same sources give the same octets: times are
SOURCE_DATE_EPOCH, or the last commit's. Needs dpkg-deb and the Python that the package is for.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from email.utils import formatdate
from pathlib import Path

ROOT = Path(__file__).parents[1]
DEBIAN = ROOT / "packaging" / "debian"
LOCK = ROOT / "requirements.lock"
HOME = Path("opt/lychgate")
SITE = HOME / "lib" / "python3.11" / "site-packages"
SCRIPTS = ("postinst", "prerm", "postrm")
_LEFT_BEHIND = (".*", "var", "build", "dist", "*.egg-info", "__pycache__", "node_modules")
_COMMAND = """#!/opt/lychgate/bin/python
import sys

from lychgate.cli import app

sys.exit(app())
"""


def main() -> None:
    """Build, and say where the package is."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, default=ROOT / "dist", help="folder for the package")
    parser.add_argument("--revision", default="1", help="what follows the version")
    parser.add_argument("--compress", default="xz", choices=("xz", "gzip"))
    parser.add_argument("--wheels", type=Path, default=ROOT / "build" / "wheels")
    chosen = parser.parse_args()
    if sys.version_info[:2] != (3, 11):
        sys.exit(f"deb: this is Python {sys.version.split()[0]}; use 3.11, the one of Debian 12")
    if shutil.which("dpkg-deb") is None:
        sys.exit("deb: dpkg-deb is not here; it is in Debian's package dpkg")
    at = epoch()
    wheels = fetch_wheels(chosen.wheels)
    with tempfile.TemporaryDirectory() as folder:
        stage = Path(folder) / "lychgate"
        stage.mkdir(mode=0o755)
        own = build_wheel(Path(folder), at)
        install(stage, [*wheels, own])
        version = f"{project()['version']}-{chosen.revision}"
        place_files(stage, version, at)
        place_control(stage, version)
        settle(stage, at)
        made = pack(stage, chosen.out, version, chosen.compress, at)
        sys.stdout.write(f"{made}\n")


def project() -> dict[str, str]:
    """The table `project` of pyproject.toml."""
    found: dict[str, str] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return found


def epoch() -> int:
    """The time that everything in the package bears."""
    given = os.environ.get("SOURCE_DATE_EPOCH")
    if given:
        return int(given)
    command = ["git", "-C", str(ROOT), "log", "-1", "--format=%ct"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return int(done.stdout) if done.returncode == 0 else 1_700_000_000


def fetch_wheels(folder: Path) -> list[Path]:
    """Every wheel of the lock; downloaded once for each lock, checked by its checksums."""
    lock = hashlib.sha256(LOCK.read_bytes()).hexdigest()[:16]
    kept = folder / lock
    if not (kept / "complete").exists():
        shutil.rmtree(kept, ignore_errors=True)
        kept.mkdir(parents=True)
        run(
            [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check",
             "--no-deps", "--only-binary", ":all:", "--require-hashes", "-r", str(LOCK),
             "--dest", str(kept)]
        )  # fmt: skip
        (kept / "complete").touch()
    return sorted(kept.glob("*.whl"))


def build_wheel(folder: Path, at: int) -> Path:
    """The wheel of this checkout, built from a copy, so that nothing of older builds gets in."""
    source, out = folder / "source", folder / "own"
    shutil.copytree(ROOT, source, ignore=shutil.ignore_patterns(*_LEFT_BEHIND))
    run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check",
         "--no-deps", "--no-build-isolation", "--wheel-dir", str(out), str(source)],
        at=at,
    )  # fmt: skip
    return next(out.glob("*.whl"))


def install(stage: Path, wheels: list[Path]) -> None:
    """A virtual environment of Debian's Python, without pip, holding these wheels."""
    site, binaries = stage / SITE, stage / HOME / "bin"
    site.mkdir(parents=True)
    binaries.mkdir()
    run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
         "--no-deps", "--no-index", "--no-compile", "--no-warn-script-location",
         "--target", str(site), *map(str, wheels)]
    )  # fmt: skip
    shutil.rmtree(site / "bin", ignore_errors=True)  # commands of libraries
    shutil.rmtree(site / "share", ignore_errors=True)  # placed where Debian has them
    for record in site.glob("*.dist-info/RECORD"):
        record.unlink()  # dpkg keeps the checksums
    for made in (*site.glob("*.dist-info/direct_url.json"), *site.glob("*.dist-info/REQUESTED")):
        made.unlink()
    (stage / HOME / "pyvenv.cfg").write_text(
        "home = /usr/bin\ninclude-system-site-packages = false\n", encoding="utf-8"
    )
    for name in ("python", "python3"):
        (binaries / name).symlink_to("/usr/bin/python3")
    command = binaries / "lychgate"
    command.write_text(_COMMAND, encoding="utf-8")
    command.chmod(0o755)


def place_files(stage: Path, version: str, at: int) -> None:
    """Units, documents, dashboards, and the link by which people call it."""
    units = stage / "lib/systemd/system"
    shutil.copytree(ROOT / "systemd", units, ignore=shutil.ignore_patterns("*.d"))
    for folder in (ROOT / "systemd").glob("lychgate-*.d"):
        shutil.copytree(folder, units / folder.name)
    for kind in ("sysusers.d", "tmpfiles.d"):
        shutil.copytree(ROOT / "systemd" / kind, stage / "usr/lib" / kind)
    shutil.copytree(ROOT / "dashboards", stage / "usr/share/lychgate/dashboards",
                    ignore=shutil.ignore_patterns("*.py", "__pycache__"))  # fmt: skip
    documents = stage / "usr/share/doc/lychgate"
    shutil.copytree(ROOT / "docs", documents)
    shutil.copy(ROOT / "README.md", documents)
    shutil.copy(DEBIAN / "copyright", documents)
    shutil.copy(ROOT / "CHANGELOG.md", documents)
    entry = gzip.compress(changelog(version, at).encode(), mtime=at)
    (documents / "changelog.Debian.gz").write_bytes(entry)
    overrides = stage / "usr/share/lintian/overrides/lychgate"
    overrides.parent.mkdir(parents=True)
    shutil.copy(DEBIAN / "lintian-overrides", overrides)
    default = stage / "etc/default/lychgate"
    default.parent.mkdir(parents=True)
    shutil.copy(DEBIAN / "default", default)
    command = stage / "usr/bin/lychgate"
    command.parent.mkdir(parents=True)
    command.symlink_to("/opt/lychgate/bin/lychgate")


def changelog(version: str, at: int) -> str:
    """The changelog in Debian's form; what changed is in CHANGELOG.md beside it."""
    return (
        f"lychgate ({version}) stable; urgency=medium\n\n"
        "  * See /usr/share/doc/lychgate/CHANGELOG.md.\n\n"
        f" -- Lychgate maintainers <maintainers@lychgate.invalid>  {formatdate(at)}\n"
    )


def place_control(stage: Path, version: str) -> None:
    """Control file, maintainer scripts, conffiles and checksums."""
    control = stage / "DEBIAN"
    files = sorted(path for path in stage.rglob("*") if path.is_file() and not path.is_symlink())
    octets = sum(path.stat().st_size for path in files)
    control.mkdir(mode=0o755)
    values = {
        "VERSION": version,
        "ARCHITECTURE": architecture(),
        "INSTALLED_SIZE": str(octets // 1024),
    }
    text = (DEBIAN / "control.in").read_text(encoding="utf-8")
    (control / "control").write_text(
        re.sub(r"@([A-Z_]+)@", lambda match: values[match[1]], text), encoding="utf-8"
    )
    shutil.copy(DEBIAN / "conffiles", control)
    units = (DEBIAN / "units.sh").read_text(encoding="utf-8")
    for name in SCRIPTS:
        script = control / name
        text = (DEBIAN / name).read_text(encoding="utf-8").replace("#UNITS#\n", units)
        script.write_text(text, encoding="utf-8")
        script.chmod(0o755)
    sums = [f"{md5(path)}  {path.relative_to(stage)}\n" for path in files]
    (control / "md5sums").write_text("".join(sums), encoding="utf-8")


def architecture() -> str:
    """What dpkg calls this machine."""
    command = ["dpkg", "--print-architecture"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def md5(path: Path) -> str:
    """For dpkg --verify, which knows no other."""
    return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()


def settle(stage: Path, at: int) -> None:
    """Modes and times that do not depend on who builds, and when."""
    for path in (stage, *stage.rglob("*")):
        if not path.is_symlink():
            runs = path.is_dir() or (path.stat().st_mode & 0o100 and ".so" not in path.suffixes)
            path.chmod(0o755 if runs else 0o644)
        os.utime(path, (at, at), follow_symlinks=False)


def pack(stage: Path, out: Path, version: str, compress: str, at: int) -> Path:
    """The package itself."""
    out.mkdir(parents=True, exist_ok=True)
    target = out / f"lychgate_{version}_{architecture()}.deb"
    run(
        ["dpkg-deb", "--root-owner-group", f"-Z{compress}", "-z2", "--threads-max=1", "--build",
         str(stage), str(target)],
        at=at,
    )  # fmt: skip
    return target


def run(command: list[str], at: int | None = None) -> None:
    """Run a command; on a fault show what it said and end."""
    environment = dict(os.environ)
    if at is not None:
        environment["SOURCE_DATE_EPOCH"] = str(at)
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        sys.exit(
            f"deb: {' '.join(command[:4])}: status {done.returncode}\n{done.stdout}{done.stderr}"
        )


if __name__ == "__main__":
    main()
