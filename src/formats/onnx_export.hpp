// Networks as ONNX files: opset 17, IR version 8, any batch size; what ONNX Runtime, OpenCV and others read.
#pragma once

#include "formats/model_file.hpp"

namespace resnet::onnx {

struct ExportOptions {
  bool fold = true;         // batch norms into the convolutions before them; false: kept as BatchNormalization
  bool preprocess = false;  // images as uint8 [N,H,W,C] and probabilities, with the preprocessing inside
};

/// The bytes of the file. Input "images" f32 [N,C,H,W], prepared as info.preprocessing says, and output "logits"
/// [N,classes]; or, with preprocess, "images" u8 [N,H,W,C] and "probabilities". Classes (JSON list) and preprocessing
/// (JSON object) are in its metadata_props. Error (bad model): a layer that ONNX has no operator for; names it.
std::string export_network(const ModelInfo& info, const State& state, const ExportOptions& options = {});

}  // namespace resnet::onnx
