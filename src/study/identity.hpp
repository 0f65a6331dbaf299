// Study "identity": how near to the identity a residual block with small weights is, and how well plain and residual
// networks learn to give back their input.
#pragma once

#include "study/json.hpp"
#include "study/report.hpp"
#include "study/run.hpp"
#include "study/statistics.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace resnet {

struct IdentityOptions {
  int64_t trials = 1000, width = 16;
  double scale = 0.001;  // of the weights of a block that is nearly the identity
  int64_t seeds = 100;
  std::vector<int64_t> depths = {2, 4, 10, 20, 30, 40};
  std::string count = "layers";  // what a depth counts in a residual network: "layers" with weights, or "blocks"
  int64_t steps = 500, batch = 32;
};

// --- a block with small weights -----------------------------------------------------------------------------------

/// |F(x)| / |x| of blocks y = F(x) + x whose branch has `layers` weight matrices, all multiplied by each of the scales.
struct BranchErrors {
  int64_t layers = 2;
  std::vector<Summary> relative = {};  // by scale
  double slope = 0;                    // of log median error over log scale, by least squares
  Summary trial_slope = {};            // the same for each trial by itself
};

struct IdentityScaling {
  std::vector<double> scales = {};  // ascending
  std::vector<BranchErrors> branches = {};
  /// Of the notebook's block (two matrices) at IdentityOptions::scale: |x|, |F(x) + x|, |F(x) + x - x|, and the last by
  /// the first.
  Summary input_norm = {}, output_norm = {}, error = {}, relative = {};
};

IdentityScaling measure_identity_scaling(const IdentityOptions& options, StudyRun& run);

/// Slope of the least-squares line through (log10 x, log10 y); points that are not positive are left out, NaN if fewer
/// than two remain.
double logarithmic_slope(const std::vector<double>& x, const std::vector<double>& y);

// --- networks that learn the identity -----------------------------------------------------------------------------

/// Plain; residual with He's weights; residual with the weights of all branches multiplied by IdentityOptions::scale.
enum class IdentityKind : uint8_t { plain, residual, near_identity };
inline constexpr IdentityKind identity_kinds[] = {IdentityKind::plain, IdentityKind::residual,
                                                  IdentityKind::near_identity};
std::string_view name_of(IdentityKind kind);

/// Where a loss was no longer finite, or beyond this, the run was stopped and counts as this much.
inline constexpr double diverged_loss = 1e15;

struct IdentityTuning {
  double rate = 0;                 // learning rate
  double largest = 0, median = 0;  // final errors of the tuning seeds
};

/// All seeds of one kind at one depth. Errors are mean squared errors on inputs not seen before: 1 is what a network
/// that answers 0 has.
struct LearnedIdentity {
  IdentityKind kind = IdentityKind::plain;
  int64_t depth = 0, layers = 0, parameters = 0;
  std::vector<IdentityTuning> tuning = {};
  double rate = 0;
  std::vector<double> steps = {};                                // where the points of the curves are
  std::vector<std::vector<double>> curves = {};                  // [seed][point]: means over equal stretches of steps
  std::vector<double> finals = {};                               // [seed]: mean over the last tenth of the steps
  std::vector<double> branch_at_start = {}, branch_at_end = {};  // [seed]: median over the blocks of |F(x)| / |x|

  int64_t diverged() const;
  /// Of the final errors.
  Summary summary(uint64_t seed) const;
  /// Quartiles over the seeds at a point of the curves.
  Summary at_point(std::size_t point) const;
};

/// In the order of identity_kinds, within a kind of the depths.
std::vector<LearnedIdentity> learn_identities(const IdentityOptions& options, StudyRun& run);

/// How a residual network compares with the plain one of that depth, seed by seed.
struct IdentityComparison {
  double better = 0;  // share of the seeds at which the residual network ends with the smaller error
  Summary log_ratio;  // log10 of plain error / residual error
};
IdentityComparison compare(const LearnedIdentity& plain, const LearnedIdentity& residual, uint64_t seed);

// --- what is made of it -------------------------------------------------------------------------------------------

struct IdentityResult {
  IdentityScaling scaling;
  std::vector<LearnedIdentity> learned;

  const LearnedIdentity& plain_at(int64_t depth) const;
};

/// "0.12 (0.1 to 0.15)": median and quartiles.
std::string quartile_text(const Summary& summary);
/// "0.11 to 0.13": the bootstrap interval of the median; "none" where there is none.
std::string interval_text(const Summary& summary);
/// "none" where too few errors are above 0 for a line through them.
std::string slope_text(double slope);
Table scaling_table(const IdentityScaling& scaling);
/// Beside each residual network how it compares with the plain one; a network without blocks is that one.
Table learning_table(const IdentityResult& result, uint64_t seed);
/// What to read the table by.
std::string learning_note(const IdentityResult& result);
StudyReport identity_report(const IdentityOptions& options, const IdentityResult& result, uint64_t seed);

}  // namespace resnet
