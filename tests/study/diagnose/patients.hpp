// Small networks, drawn or trained within seconds, in which faults are planted.
#pragma once

#include "study/diagnose/rules.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace resnet::test {

/// A network of the zoo at its start, on generated images: "shapes" (10 classes, 3x32x32), "patterns" (3 classes,
/// 1x8x8) or "moving" (the same lines in other places, 1x16x16), and the recipe that `train` would take at a rate of
/// its own.
Patient fresh(const std::string& model, const std::string& data, double rate = 0.1, uint64_t seed = 0);
/// The same for a variant of it.
Patient fresh(const std::string& model, const std::string& data, const std::function<void(ModelSpec&)>& change);

/// The same after some steps of 32 images. `relabel` changes the labels that it learns from.
Patient after(int64_t steps, Patient patient, const std::function<int(int64_t index, int label)>& relabel = {});

/// A network that a program writes down itself, from the images to the logits.
Patient written(const std::string& data, const std::function<Value(Builder& net, Value images)>& build,
                double rate = 0.01, uint64_t seed = 0);

/// Its data with each image's pixels and label changed.
using Change = std::function<void(int64_t index, std::vector<uint8_t>& pixels, int& label)>;
void change_data(Patient& patient, const Change& change);

/// Every state whose name ends like that.
void fill(Patient& patient, const std::string& ending, float value);
void scale(Patient& patient, const std::string& ending, float factor);
void power(Patient& patient, const std::string& ending, float exponent);

/// The names of what is found, faults only unless `notes`.
std::vector<std::string> found_in(const Patient& patient, bool notes = false);

}  // namespace resnet::test
