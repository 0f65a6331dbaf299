// What study "representation" measures: how alike the layers of trained networks are, what a linear classifier reads
// from each, and where the images lie in front of the last one.
#pragma once

#include "study/report.hpp"
#include "study/run.hpp"
#include "study/trained_networks.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace resnet {

struct RepresentationSetting {
  int64_t images = 1000;        // of the test part, for CKA, embedding, and what probes are tested on
  int64_t probe_images = 2000;  // of the training part, which probes learn from
  int64_t batch = 100;          // images in a minibatch of CKA
  int64_t cells = 2;            // images of a layer are averaged over cells x cells parts for its probe
  double decay = 1e-3;          // weight decay of the probes
  int64_t points = 500;         // shown in the embedding, at most
};

struct ProbedLayer {
  std::string name = {};
  bool ends_block = false;
  int64_t height = 0;    // of its images; 1 for vectors
  int64_t features = 0;  // that the probe reads
  double train_accuracy = 0, test_accuracy = 0;
  int64_t iterations = 0;
};

/// Principal components of what the last layer reads.
struct Embedding {
  std::vector<double> first = {}, second = {};  // of each image
  std::vector<int32_t> labels = {};
  std::vector<double> share = {};  // of the variance, of each component
};

struct RepresentedNetwork {
  std::string name = {}, source = {};
  bool residual = false;
  std::vector<std::string> classes = {};
  double accuracy = 0;  // of the network itself on the test images
  std::vector<ProbedLayer> layers = {};
  Embedding embedding = {};
};

struct RepresentationResult {
  std::vector<RepresentedNetwork> networks;
  std::vector<double> cka;  // [layers, layers] of all networks, one after the other
  int64_t batches = 0, test_images = 0;
  /// Of layer i of network a and layer j of network b.
  double similarity(std::size_t a, std::size_t i, std::size_t b, std::size_t j) const;
};

/// All of it, in pieces. Error (usage): fewer images than a batch.
RepresentationResult measure_representations(StudyRun& run, const TrainedNetworks& networks,
                                             const RepresentationSetting& setting);

Json to_json(const RepresentationResult& result);

}  // namespace resnet
