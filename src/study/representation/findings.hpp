// What the numbers of study "representation" say: the sentences of the answer, and published statements held against
// them.
#pragma once

#include "study/report.hpp"
#include "study/representation/measure.hpp"

namespace resnet {

/// What the numbers of one network come to.
struct RepresentationSummary {
  double best_probe = 0, last_probe = 0;  // accuracies on the test images; of the best layer, and of the logits
  std::size_t early = 0;                  // the first layer, from 1, whose probe reaches 95 % of the best
  double largest_drop = 0;                // of the probes' accuracy below the best one before
  double neighbours = 0;                  // mean CKA of layers that follow each other
  double same_size = 0, other_size = 0;   // mean CKA of layers with images of one size, and of different sizes
  double ends = 0, ends_and_inner = 0;    // the same size: of two blocks' ends; of an end and a layer within a block
  double with_accuracy = 0;               // correlation of a probe's accuracy and CKA with the last hidden layer
};
RepresentationSummary summary_of(const RepresentationResult& result, std::size_t network);

void add_representation_verdict(StudyReport& report, const RepresentationResult& result);
void add_representation_claims(StudyReport& report, const RepresentationResult& result);

}  // namespace resnet
