#!/usr/bin/env python3
"""scripts/install_packages against stand-ins for dpkg-query, apt-get, id and sudo: nothing is installed here."""
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "scripts" / "install_packages"
TOOLS = ["bash", "env", "sed", "sort", "grep", "cat"]


def run(packages, installed, user, sudo, apt_fails=False):
    """Exit status, output, and the calls of apt-get and sudo."""
    with tempfile.TemporaryDirectory() as folder:
        here = pathlib.Path(folder)
        calls = here / "calls"
        calls.touch()
        status_lines = "".join(f"installed {name}\\n" for name in installed)
        stand_ins = {
            "dpkg-query": f"printf '{status_lines}'; exit 1",
            "id": f"echo {user}",
            "apt-get": f'echo "apt-get $*" >>"{calls}"; exit {1 if apt_fails else 0}',
        }
        if sudo:
            stand_ins["sudo"] = f'echo sudo >>"{calls}"; "$@"'
        for name, body in stand_ins.items():
            (here / name).write_text(f"#!/bin/sh\n{body}\n")
            (here / name).chmod(0o755)
        for tool in TOOLS:
            (here / tool).symlink_to(shutil.which(tool))
        (here / "list").write_text(packages)
        result = subprocess.run([shutil.which("bash"), SCRIPT, here / "list"], env={**os.environ, "PATH": folder},
                                capture_output=True, text=True, check=False)
        return result.returncode, result.stdout + result.stderr, calls.read_text().splitlines()


class InstallPackages(unittest.TestCase):
    def test_is_silent_and_asks_nobody_if_all_is_there(self):
        status, output, calls = run("# a list\ng++   # compiler\n\ncmake\n", ["g++", "cmake"], user=1000, sudo=False)
        self.assertEqual((status, output, calls), (0, "", []))

    def test_installs_what_is_missing_as_root(self):
        status, output, calls = run("g++\ncmake\nlibpng-dev\n", ["cmake"], user=0, sudo=False)
        self.assertEqual(status, 0, output)
        self.assertIn("g++ libpng-dev", output)
        self.assertNotIn("sudo", calls)
        self.assertTrue(calls[-1].endswith("g++ libpng-dev"), calls)

    def test_goes_through_sudo_otherwise(self):
        status, output, calls = run("g++\n", [], user=1000, sudo=True)
        self.assertEqual(status, 0, output)
        self.assertEqual(calls.count("sudo"), 2)

    def test_says_what_to_do_without_sudo(self):
        status, output, calls = run("g++\n", [], user=1000, sudo=False)
        self.assertEqual((status, calls), (1, []))
        self.assertIn("apt-get install g++", output)

    def test_fails_if_the_packages_cannot_be_had(self):
        status, output, _ = run("g++\n", [], user=0, sudo=False, apt_fails=True)
        self.assertEqual(status, 1)
        self.assertIn("could not be installed", output)


if __name__ == "__main__":
    unittest.main()
