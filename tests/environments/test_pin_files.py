"""Builds files, pin files and what is installed: `kimed_spe.environments` without conda."""

import json
from pathlib import Path

import pytest

from kimed_spe import cli, environments
from kimed_spe.environments import EnvironmentProblem

ONE = "conda-forge/linux-64/zlib-1.3.2-h25fd6f3_2.conda#d87ff7921124eccd67248aa483c23fec"
TWO = "bioconda/noarch/multiqc-1.35-pyhdfd78af_1.tar.bz2#0123456789abcdef0123456789abcdef"


@pytest.fixture
def env(tmp_path: Path) -> Path:
    (tmp_path / "tools.linux-64.builds.txt").write_text(f"# from somewhere\n{ONE}\n{TWO}\n")
    file = tmp_path / "tools.yaml"
    file.write_text("channels: [conda-forge, bioconda]\ndependencies: [zlib=1.3.2]\n")
    return file


def installed(prefix: Path, *lines: str) -> Path:
    """An environment as conda records it."""
    (prefix / "conda-meta").mkdir(parents=True)
    for line in lines:
        name, _, digest = line.rpartition("/")[2].partition("#")
        record = {"fn": name, "md5": digest, "url": f"https://channels.example/{line.partition('#')[0]}"}
        (prefix / "conda-meta" / f"{name}.json").write_text(json.dumps(record))
    return prefix


def test_pin_file_is_written_beside_the_env_file(env, capsys):
    assert cli.main(["env", "render", "--channel", "https://channels.example/", str(env)]) == 0
    pin = env.with_name("tools.linux-64.pin.txt")
    assert pin.read_text().splitlines()[1:] == [
        "@EXPLICIT", f"https://channels.example/{ONE}", f"https://channels.example/{TWO}"
    ]  # fmt: skip
    assert capsys.readouterr().out.strip() == str(pin)
    assert len(list(env.parent.iterdir())) == 3, "nothing else is left"


@pytest.mark.parametrize("channel", ["channels.example", "/mirror", "https:// example", ""])
def test_channel_must_be_an_address(env, channel, capsys):
    assert cli.main(["env", "render", "--channel", channel, str(env)]) == 2
    assert "https://" in capsys.readouterr().err
    assert not env.with_name("tools.linux-64.pin.txt").exists()


@pytest.mark.parametrize(
    "line",
    [ONE[:-1], ONE.partition("#")[0], f"https://channels.example/{ONE}", ONE.replace(".conda", ".zip"), "zlib=1.3.2"],
    ids=["short digest", "no digest", "address", "suffix", "pin"],
)
def test_damaged_builds_are_named_with_file_and_line(env, line, capsys):
    builds = env.with_name("tools.linux-64.builds.txt")
    builds.write_text(f"{TWO}\n{line}\n")
    assert cli.main(["env", "render", "--channel", "https://channels.example", str(env)]) == 2
    assert f"{builds}: line 2" in capsys.readouterr().err


def test_env_files_without_builds_are_told(env, capsys):
    env.with_name("tools.linux-64.builds.txt").unlink()
    assert cli.main(["env", "render", "--channel", "https://channels.example", str(env)]) == 1
    assert "spe env solve" in capsys.readouterr().err


def test_shipped_builds_can_be_rendered(repository, tmp_path):
    for builds in sorted((repository / "envs").glob("*.builds.txt")):
        copy = tmp_path / builds.name
        copy.write_text(builds.read_text())
        assert environments.render(copy, "file:///mirror").exists()


def test_equal_environment_has_no_differences(env, tmp_path, capsys):
    prefix = installed(tmp_path / "prefix", ONE, TWO)
    pin = environments.render(env.with_name("tools.linux-64.builds.txt"), "file:///mirror")
    assert cli.main(["env", "verify", str(prefix), str(pin)]) == 0
    assert capsys.readouterr().out == "equal\n"


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ((ONE,), "multiqc-1.35-pyhdfd78af_1.tar.bz2 is missing"),
        ((ONE, TWO, ONE.replace("zlib", "xz")), "xz-1.3.2-h25fd6f3_2.conda is not in the pin file"),
        ((ONE[:-1] + "0", TWO), "zlib-1.3.2-h25fd6f3_2.conda has another digest"),
        ((ONE.replace("h25fd6f3_2", "h25fd6f3_3"), TWO), "zlib-1.3.2-h25fd6f3_3.conda is not in the pin file"),
    ],
    ids=["missing", "added", "digest", "build"],
)
def test_every_difference_is_told(env, tmp_path, lines, told, capsys):
    prefix = installed(tmp_path / "prefix", *lines)
    pin = environments.render(env.with_name("tools.linux-64.builds.txt"), "file:///mirror")
    assert cli.main(["env", "verify", str(prefix), str(pin)]) == 1
    assert told in capsys.readouterr().out


def test_folder_that_is_no_environment_is_refused(env, tmp_path, capsys):
    pin = environments.render(env.with_name("tools.linux-64.builds.txt"), "file:///mirror")
    assert cli.main(["env", "verify", str(tmp_path), str(pin)]) == 2
    assert "no conda environment" in capsys.readouterr().err


def test_damaged_package_record_is_named(tmp_path):
    prefix = installed(tmp_path / "prefix", ONE)
    (prefix / "conda-meta" / "x.json").write_text("{")
    with pytest.raises(EnvironmentProblem, match=r"x\.json"):
        environments.installed(prefix)


def test_package_of_an_unknown_channel_is_not_written_down():
    with pytest.raises(EnvironmentProblem, match="defaults"):
        environments.builds_of(f"@EXPLICIT\nhttps://channels.example/defaults/{ONE.partition('/')[2]}", ["conda-forge"])
    assert environments.builds_of(f"# x\n@EXPLICIT\nfile:///a/b/{ONE}\n", ["bioconda", "conda-forge"]) == [ONE]
