#!/usr/bin/env python3
"""scripts/check_layers must pass a clean tree and fail on each kind of planted include."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

CHECKER = pathlib.Path(__file__).resolve().parents[2] / "scripts" / "check_layers"


def run(files):
    """Exit status and output of the checker on a tree of {path: text}."""
    with tempfile.TemporaryDirectory() as folder:
        for path, text in files.items():
            file = pathlib.Path(folder, path)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        result = subprocess.run([sys.executable, CHECKER, folder], capture_output=True, text=True, check=False)
        return result.returncode, result.stdout


class CheckLayers(unittest.TestCase):
    def test_accepts_what_the_design_allows(self):
        status, output = run({
            "src/resnet.hpp": '#include "train/train.hpp"\n',
            "src/base/error.hpp": "#include <string>\n",
            "src/graph/graph.hpp": '#include "base/error.hpp"\n#include "graph/op.hpp"\n',
            "src/train/train.cpp": '#include "report/html.hpp"\n#include "data/loader.hpp"\n#include <toml++/toml.h>\n',
            "src/runtime/cpu/conv.cpp": "#include <oneapi/dnnl/dnnl.hpp>\n",
            "src/runtime/executable.cpp": '#include "runtime/cpu/lowering.hpp"\n',
            "src/fetch/http.cpp": '#include "data/gzip.hpp"\n#include <curl/curl.h>\n',
            "src/cli/main.cpp": '#include <CLI/CLI.hpp>\n#include "study/depth.hpp"\n',
            "tests/graph/graph_test.cpp": '#include <gtest/gtest.h>\n#include "graph/graph.hpp"\n',
        })
        self.assertEqual(status, 0, output)

    def test_refuses_each_planted_include(self):
        planted = {
            "src/base/error.hpp": '#include "graph/graph.hpp"\n',
            "src/graph/fuse.cpp": '#include "runtime/executable.hpp"\n',
            "src/models/zoo.cpp": '#include "formats/model_file.hpp"\n',
            "src/data/loader.cpp": '#include "graph/graph.hpp"\n',
            "src/fetch/fetch.cpp": '#include "formats/open_model.hpp"\n',
            "src/data/open.cpp": '#include "fetch/fetch.hpp"\n',
            "src/train/open_network.cpp": "#include <curl/curl.h>\n",
            "src/report/html.cpp": '#include "data/dataset.hpp"\n',
            "src/runtime/state.cpp": '#include "report/tables.hpp"\n',
            "src/train/train.cpp": "  #  include <dnnl.hpp>\n",
            "src/runtime/program.cpp": "#include <oneapi/dnnl/dnnl.hpp>\n",
            "src/train/trainer.cpp": "#include <mpi.h>\n",
            "src/cli/serve.cpp": "#include <httplib.h>\n",
            "src/graph/test.cpp": "#include <gtest/gtest.h>\n",
            "src/train/public.hpp": '#include "runtime/cpu/kernels.hpp"\n',
            "src/runtime/reference/conv.cpp": '#include "runtime/cpu/kernels.hpp"\n',
            "src/graph/all.cpp": '#include "resnet.hpp"\n',
            "src/extra/thing.cpp": "#include <string>\n",
            "tests/graph/graph_test.cpp": '#include "train/train.hpp"\n',
        }
        for path, text in planted.items():
            with self.subTest(path=path, text=text):
                status, output = run({"src/base/shape.hpp": "#include <array>\n", path: text})
                self.assertEqual(status, 1, output)
                self.assertIn(path, output)

    def test_refuses_a_tree_without_files(self):
        self.assertEqual(run({"README.md": ""})[0], 1)


if __name__ == "__main__":
    unittest.main()
