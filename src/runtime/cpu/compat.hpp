// What differs between oneDNN's releases 2 and 3: release 2 describes an operation first and then asks for an
// implementation, release 3 does both at once. Types and calls that both releases have (memory descriptions, streams,
// execution, sgemm) are used as they are in this folder, and only here. Compiled and tested with 2.6 alone.
#pragma once

#include <oneapi/dnnl/dnnl.hpp>

#include <optional>
#include <string>
#include <utility>
#include <vector>

// Debian's oneDNN runs on libgomp. Declared here since clang does not find GCC's omp.h.
extern "C" {
void omp_set_num_threads(int);
int omp_get_max_threads(void);
}

namespace resnet::cpu {

/// While it lives, oneDNN creates and runs primitives on the calling thread alone: this project's pool does the
/// cutting, and an implementation chosen for one thread gives the same bits whatever the pool's size.
class SingleThreaded {
 public:
  SingleThreaded() : before_(omp_get_max_threads()) {
    if (before_ != 1) omp_set_num_threads(1);
  }
  ~SingleThreaded() {
    if (before_ != 1) omp_set_num_threads(before_);
  }
  SingleThreaded(const SingleThreaded&) = delete;
  SingleThreaded& operator=(const SingleThreaded&) = delete;

 private:
  int before_;
};

using MemoryDesc = dnnl::memory::desc;

/// One of a primitive's arguments: its DNNL_ARG number and what its memory looks like.
using Argument = std::pair<int, MemoryDesc>;

/// An implementation that oneDNN offers for an operation, not yet compiled.
struct Candidate {
  std::string implementation;
  std::vector<Argument> arguments;  // without the scratchpad
  MemoryDesc scratchpad;
  dnnl::primitive_desc_base description;
  enum Kind : uint8_t { forward, backward_data, backward_weights, reorder } kind = forward;
};

struct ConvolutionProblem {
  MemoryDesc source, weights, destination;
  std::optional<MemoryDesc> bias;  // forward only
  dnnl::memory::dims strides, dilations, padding_before, padding_after;
  bool inference = false, relu = false;  // forward only
  dnnl::algorithm algorithm = dnnl::algorithm::convolution_direct;
};

/// Arguments: forward SRC, WEIGHTS, DST (, BIAS); backward-data DIFF_DST, WEIGHTS, DIFF_SRC; backward-weights SRC,
/// DIFF_DST, DIFF_WEIGHTS. Nothing if oneDNN has no implementation.
std::optional<Candidate> convolution_candidate(Candidate::Kind kind, const ConvolutionProblem& problem,
                                               const dnnl::engine& engine);

/// Arguments FROM, TO.
Candidate reorder_candidate(const MemoryDesc& from, const MemoryDesc& to, const dnnl::engine& engine);

/// The logical dimensions.
dnnl::memory::dims dims_of(const MemoryDesc& desc);

/// Bytes of `desc`, rounded up so that a second one may follow.
std::size_t packed_bytes(const MemoryDesc& desc);

/// Compiles a candidate.
dnnl::primitive compile_candidate(const Candidate& candidate);

}  // namespace resnet::cpu
