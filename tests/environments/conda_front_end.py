"""`conda` over py-rattler: the calls that Snakemake and `spe env` make, for tests; see stand_ins.py.

Channels of env files are looked for below STAND_IN_CHANNELS. Addresses in explicit files are taken as they are.
"""

import asyncio
import hashlib
import json
import os
import sys
import urllib.request
from pathlib import Path

PREFIX = Path(__file__).resolve().parents[1]


def option(name: str) -> str:
    return sys.argv[sys.argv.index(name) + 1]


async def create(file: Path, prefix: str) -> None:
    import rattler
    import yaml

    text = file.read_text()
    if "@EXPLICIT" in text:
        records = await explicit([line for line in text.splitlines() if line and line[0] not in "#@"])
    else:
        content = yaml.safe_load(text)
        base = os.environ["STAND_IN_CHANNELS"]
        records = await rattler.solve(
            [rattler.Channel(f"{base}/{name}") for name in content["channels"]],
            [rattler.MatchSpec(line.replace("=", "==", 1)) for line in content["dependencies"]],
            platforms=["linux-64", "noarch"],
            channel_priority=rattler.ChannelPriority.Strict,
        )
    await rattler.install(records, prefix, show_progress=False, execute_link_scripts=False)


async def explicit(lines: list[str]) -> list:
    import rattler

    records = []
    for line in lines:
        address, _, digest = line.partition("#")
        try:
            with urllib.request.urlopen(address, timeout=5) as package:
                found = hashlib.md5(package.read()).hexdigest()
        except OSError as error:
            sys.exit(f"CondaHTTPError: {address}: {error}")
        if digest and found != digest:
            sys.exit(f"ChecksumMismatchError: {address}: expected {digest}, found {found}")
        channel, _, name = address.rpartition("/")
        channel = channel.rpartition("/")[0]
        package_name = name.rsplit("-", 2)[0]
        answers = await rattler.Gateway().query(
            [rattler.Channel(channel)], ["linux-64", "noarch"], [rattler.MatchSpec(package_name)], recursive=False
        )
        records += [record for answer in answers for record in answer if record.file_name == name]
    return records


def main() -> None:
    arguments = sys.argv[1:]
    if arguments == ["--version"]:
        print("conda 26.9.4")
    elif arguments[:1] == ["info"]:
        place = str(PREFIX)
        print(json.dumps({"conda_prefix": place, "root_prefix": place, "platform": "linux-64", "envs": []}))
    elif arguments[:1] == ["config"]:
        print(json.dumps({"get": {"channel_priority": "strict"}}))
    elif arguments[:2] == ["env", "create"] or arguments[:1] == ["create"]:
        asyncio.run(create(Path(option("--file")), option("--prefix")))
    elif arguments[:1] == ["list"]:
        print("@EXPLICIT")
        for path in sorted((Path(option("--prefix")) / "conda-meta").glob("*.json")):
            record = json.loads(path.read_text())
            print(f"{record['url']}#{record['md5']}")
    elif arguments[:1] != ["clean"]:
        sys.exit(f"conda (stand-in): cannot do {arguments}")


if __name__ == "__main__":
    main()
    sys.stdout.flush()
    # Threads of py-rattler would be waited for.
    os._exit(0)
