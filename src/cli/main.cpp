// The program `resnet`: the table of its verbs.
#include "base/terminal.hpp"
#include "cli/verb.hpp"

int main(int argc, char** argv) {
  using namespace resnet::cli;
  resnet::reserve_standard_streams();
  constexpr Verb verbs[] = {
      {"train", "train a network on a data set", declare_train},
      {"resume", "continue a run exactly where it stopped", declare_resume},
      {"eval", "accuracy of a trained network on a data set", declare_eval},
      {"study", "experiments on networks, with figures and a verdict; alone it lists them", nullptr, run_study_verb},
      {"diagnose", "why a network does not train, layer by layer, or that it is healthy", declare_diagnose},
      {"predict", "the classes of photos", declare_predict},
      {"fetch", "download data sets and published weights, to be used by name", declare_fetch},
      {"check", "find what is wrong with a data set before it is trained on", declare_check},
      {"inspect", "layers, shapes, parameters, MACs and memory of a network", declare_inspect},
      {"convert", "networks and weights from one kind of file to another", declare_convert},
      {"export", "a network as an ONNX file", declare_export},
      {"verify", "whether two files hold the same network: logits side by side", declare_verify},
      {"models", "the networks that can be named, with parameters and MACs", declare_models},
      {"bench", "images/s and latency of training and inference", declare_bench},
      {"version", "version and build", declare_version},
  };
  return run_program(verbs, {argv + 1, argv + argc});
}
