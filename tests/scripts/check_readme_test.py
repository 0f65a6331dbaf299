#!/usr/bin/env python3
"""scripts/check_readme: which commands it finds, and that it fails when one of them does."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

CHECKER = pathlib.Path(__file__).resolve().parents[2] / "scripts" / "check_readme"


def run(page, *options):
    with tempfile.TemporaryDirectory() as folder:
        if page is not None:
            pathlib.Path(folder, "README.md").write_text(page)
        pathlib.Path(folder, "data.txt").write_text("from the root\n")
        command = [sys.executable, CHECKER, *options, pathlib.Path(folder, "README.md"), folder]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        return result.returncode, result.stdout + result.stderr


class CheckReadme(unittest.TestCase):
    def test_passes_over_a_missing_page(self):
        self.assertEqual(run(None)[0], 77)

    def test_runs_commands_not_output_nor_other_blocks(self):
        status, output = run("```console\n$ cat data.txt\nfrom the root\n```\n```sh\n$ false\n```\n")
        self.assertEqual(status, 0, output)
        self.assertIn("1 of 1 commands", output)

    def test_fails_with_a_command(self):
        status, output = run("```console\n$ true\n$ echo why; exit 3\n```\n")
        self.assertEqual(status, 1)
        self.assertIn("why", output)
        self.assertIn("exit status 3", output)

    def test_joins_continued_lines(self):
        self.assertEqual(run("```console\n$ test a = \\\n> a\n```\n")[0], 0)

    def test_obeys_marks(self):
        self.assertEqual(run("<!-- check: skip -->\n```console\n$ false\n```\n")[0], 0)
        self.assertEqual(run("<!-- check: exit 2 -->\n```console\n$ exit 2\n```\n")[0], 0)
        slow = "<!-- check: slow -->\n```console\n$ false\n```\n"
        self.assertEqual(run(slow)[0], 0)
        self.assertEqual(run(slow, "--slow")[0], 1)
        self.assertNotEqual(run("<!-- check: slwo -->\n```console\n$ true\n```\n")[0], 0)

    def test_fails_with_what_is_still_to_be_filled_in(self):
        status, output = run("# Page\n\ntook @@ minutes\n")
        self.assertEqual(status, 1)
        self.assertIn("README.md:3: took @@ minutes", output)

    def test_leaves_nothing_in_the_root(self):
        status, output = run("```console\n$ mkdir runs && touch runs/x\n$ ls runs\n```\n")
        self.assertEqual(status, 0, output)


if __name__ == "__main__":
    unittest.main()
