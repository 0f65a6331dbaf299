// The library's public headers. `find_package(resnet)` and `target_link_libraries(... resnet::resnet)` give them to a
// program of yours; examples/ shows how they fit together.
#pragma once

// The ground: errors, tensors, random numbers, threads, files.
#include "base/error.hpp"
#include "base/files.hpp"
#include "base/interrupt.hpp"
#include "base/log.hpp"
#include "base/parallel.hpp"
#include "base/preprocessing.hpp"
#include "base/random.hpp"
#include "base/tensor.hpp"

// Networks as graphs: building, differentiating, rewriting, and running them.
#include "graph/builder.hpp"
#include "graph/differentiate.hpp"
#include "graph/graph.hpp"
#include "graph/passes.hpp"
#include "runtime/executable.hpp"
#include "runtime/state.hpp"

// The networks of the papers, and their files.
#include "formats/model_file.hpp"
#include "formats/onnx_export.hpp"
#include "formats/onnx_import.hpp"
#include "formats/open_model.hpp"
#include "formats/safetensors.hpp"
#include "models/cost.hpp"
#include "models/model.hpp"
#include "models/outline.hpp"

// Images.
#include "data/builtin.hpp"
#include "data/dataset.hpp"
#include "data/decode.hpp"
#include "data/loader.hpp"
#include "data/open.hpp"
#include "data/resize.hpp"
#include "data/transforms.hpp"
#include "fetch/fetch.hpp"

// Training, evaluation and inference.
#include "train/compare_models.hpp"
#include "train/evaluate.hpp"
#include "train/inference.hpp"
#include "train/metrics.hpp"
#include "train/open_network.hpp"
#include "train/recipe.hpp"
#include "train/run.hpp"
#include "train/train.hpp"
