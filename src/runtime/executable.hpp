// A compiled graph: inputs in, run, outputs out. The state it reads and writes is shared with other executables.
#pragma once

#include "base/parallel.hpp"
#include "base/tensor.hpp"
#include "graph/graph.hpp"
#include "runtime/state.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace resnet {

enum class Backend : uint8_t { reference, cpu };

/// Which implementations convolutions get: those of the shipped table, or one kind wherever it applies, so that the
/// table can be measured (`bench --layers --candidates`).
enum class Convolutions : uint8_t { shipped, direct, winograd };

struct CompileOptions {
  Backend backend = Backend::cpu;
  DType compute = DType::f32;  // f64: reference only; floating values of graph, inputs, outputs and state are then f64
  std::shared_ptr<ThreadPool> threads = {};  // none: one thread
  bool reuse_memory = true;
  Convolutions convolutions = Convolutions::shipped;
  bool plan_only = false;  // steps() and memory() can be asked for; no memory is taken and nothing can run
};

/// One line of the compiled program, for `inspect --plan`, profiles and errors.
struct StepInfo {
  std::string node;            // path of the node it came from
  std::string implementation;  // "reference", "jit:avx512_core", "reorder", ...
  int64_t macs = 0;
  int64_t bytes = 0;   // of all that it reads and writes, each buffer once
  double seconds = 0;  // of the last profiled run
};

struct MemoryReport {
  std::size_t arena = 0;       // planned, shared by buffers that do not live at the same time
  std::size_t unshared = 0;    // what the same buffers would take without sharing
  std::size_t persistent = 0;  // inputs, packed weights, scratch
  std::size_t state = 0;       // weights, statistics, momenta
};

class Executable {
 public:
  virtual ~Executable() = default;

  /// Copies a tensor of the input's shape in (f32 or i32 or i64 as the graph says; f32 is widened when computing in
  /// f64). Error: no such input, or another shape or type.
  virtual void set_input(std::string_view name, const Tensor& tensor) = 0;
  virtual void run() = 0;
  /// Like run(), but looks at the result of every step; returns the node that first produced a NaN or an infinity.
  /// The state is as after run(): restore it from a copy if that matters.
  virtual std::optional<std::string> run_checked() = 0;
  /// Like run(), and fills in the seconds of each step.
  virtual void run_profiled() = 0;
  /// A copy of an output of the last run, row-major.
  virtual Tensor output(std::string_view name) const = 0;

  virtual const std::vector<StepInfo>& steps() const = 0;
  virtual MemoryReport memory() const = 0;
};

/// What the CPU backend runs on here.
struct CpuBackendInfo {
  const char* instruction_set;  // of its own kernels: "baseline", "avx2", "avx512", "amx"
  const char* onednn;           // "2.6.3"
  bool bf16;                    // whether graphs in bf16 can run
  bool fast_bf16;               // whether the processor multiplies them itself; is_faster_in_bf16() says where it pays
};
CpuBackendInfo cpu_backend_info();

/// Whether the CPU backend computes this graph, whose images are in bf16, faster than the same one in f32.
bool is_faster_in_bf16(const Graph& graph);

/// What this machine reaches at best with these threads, measured in about a second: multiply-adds in registers, and
/// a = b + s c over arrays too large for any cache.
struct Ceilings {
  double fp32 = 0, bf16 = 0;  // FLOP/s; bf16 is 0 without the processor's own products of such numbers
  double memory = 0;          // bytes/s
};
Ceilings measure_ceilings(ThreadPool& threads);

/// Lowers and plans. `state` must hold every state value of the graph (see initialise) and outlive the result.
std::unique_ptr<Executable> compile(const Graph& graph, State& state, const CompileOptions& options = {});

}  // namespace resnet
