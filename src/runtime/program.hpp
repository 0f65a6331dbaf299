// What a backend's lowering produces and how it runs: a flat list of steps over buffers. Steps hold buffer numbers, not
// pointers; lifetimes follow from what each step says it reads and writes.
#pragma once

#include "runtime/arena.hpp"
#include "runtime/executable.hpp"
#include "runtime/memory_plan.hpp"

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace resnet {

struct Buffer {
  int id = -1;
  explicit operator bool() const { return id >= 0; }
};

/// Where each buffer is during a run.
class Memory {
 public:
  template <class T>
  T* at(Buffer buffer) const {
    return reinterpret_cast<T*>(addresses_[static_cast<std::size_t>(buffer.id)]);
  }

 private:
  friend class Program;
  std::vector<std::byte*> addresses_;
};

struct Step {
  StepInfo info;
  std::vector<Buffer> reads, writes;
  std::function<void(const Memory&)> run;
  /// Runs only when the state changed since it last ran, and before all others (packing weights for inference).
  bool prepare = false;
};

/// Collects buffers and steps; a backend's lower() fills it.
class Program final : public Executable {
 public:
  Program(State& state, const CompileOptions& options);

  // --- for lowering ---
  /// Memory that lives from its first write to its last read. A floating `type` lets run_checked() look at its values.
  Buffer planned(std::string name, std::size_t bytes, DType type = DType::u8);
  /// Memory of its own for the whole life of the program (weights packed by prepare steps, scratch of each thread).
  Buffer persistent(std::string name, std::size_t bytes);
  /// A part of `owner` starting `offset` bytes in.
  Buffer alias(std::string name, Buffer owner, std::size_t offset, std::size_t bytes);
  /// The tensor of that name in the state.
  Buffer state(const std::string& name);
  /// An input, kept row-major; floating types have the computing type.
  Buffer input(const std::string& name, const ValueType& type);
  /// Makes a row-major buffer readable; it lives to the end of a run.
  void output(const std::string& name, Buffer buffer, const ValueType& type);
  void add(Step step);
  /// Plans the memory; no lowering after this.
  void finish();

  ThreadPool& threads() const { return *threads_; }
  const CompileOptions& options() const { return options_; }
  /// The type in which a floating value is stored (the computing type), others as they are.
  DType stored(DType dtype) const { return dtype == DType::f32 ? options_.compute : dtype; }

  // --- Executable ---
  void set_input(std::string_view name, const Tensor& tensor) override;
  void run() override;
  std::optional<std::string> run_checked() override;
  void run_profiled() override;
  Tensor output(std::string_view name) const override;
  const std::vector<StepInfo>& steps() const override { return infos_; }
  MemoryReport memory() const override { return report_; }

 private:
  struct BufferInfo {
    enum class Kind { planned, persistent, state, alias } kind = Kind::planned;
    std::string name;
    std::size_t bytes = 0;
    int alias_of = -1;
    std::size_t alias_offset = 0;
    std::size_t offset = 0;     // in the arena, or in persistent memory
    Tensor* tensor = nullptr;   // of the state
    DType checked = DType::u8;  // floating type whose values run_checked() looks at; u8: not looked at
  };
  struct Port {
    std::string name;
    Buffer buffer;
    ValueType type;
  };

  Buffer add_buffer(BufferInfo info);
  int owner(int buffer) const;
  std::vector<Lifetime> lifetimes() const;
  void place(const std::vector<Lifetime>& lives);
  void resolve_addresses();
  int64_t bytes_of(const Step& step) const;
  void begin_run();
  bool finite(const Step& step) const;

  State& state_;
  CompileOptions options_;
  std::shared_ptr<ThreadPool> threads_;
  std::vector<BufferInfo> buffers_;
  std::vector<Port> inputs_, outputs_;
  std::vector<Step> steps_, prepare_steps_;
  std::vector<StepInfo> infos_;
  Arena arena_, persistent_;
  Memory memory_;
  MemoryReport report_;
  bool writes_state_ = false;
  std::optional<uint64_t> prepared_version_;
};

// The backends; each lowers every node and leaves finish() to compile().
void lower_reference(const Graph& graph, Program& program);
void lower_cpu(const Graph& graph, Program& program);

}  // namespace resnet
