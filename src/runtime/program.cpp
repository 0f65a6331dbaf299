#include "runtime/program.hpp"

#include "base/bfloat16.hpp"
#include "base/error.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <limits>
#include <set>

namespace resnet {
namespace {

template <class T>
bool all_finite(const T* values, std::size_t count) {
  return std::all_of(values, values + count, [](T x) { return std::isfinite(x); });
}

bool all_finite(const BFloat16* values, std::size_t count) {
  return std::all_of(values, values + count, [](BFloat16 x) { return std::isfinite(to_float(x)); });
}

}  // namespace

Program::Program(State& state, const CompileOptions& options)
    : state_(state), options_(options), threads_(options.threads ? options.threads : std::make_shared<ThreadPool>(1)) {}

Buffer Program::add_buffer(BufferInfo info) {
  buffers_.push_back(std::move(info));
  return {static_cast<int>(buffers_.size()) - 1};
}

Buffer Program::planned(std::string name, std::size_t bytes, DType type) {
  return add_buffer({.kind = BufferInfo::Kind::planned, .name = std::move(name), .bytes = bytes, .checked = type});
}

Buffer Program::persistent(std::string name, std::size_t bytes) {
  return add_buffer({.kind = BufferInfo::Kind::persistent, .name = std::move(name), .bytes = bytes});
}

Buffer Program::alias(std::string name, Buffer owner, std::size_t offset, std::size_t bytes) {
  return add_buffer({.kind = BufferInfo::Kind::alias,
                     .name = std::move(name),
                     .bytes = bytes,
                     .alias_of = owner.id,
                     .alias_offset = offset});
}

Buffer Program::state(const std::string& name) {
  Tensor& tensor = state_.at(name);
  const auto known = std::ranges::find_if(buffers_, [&](const BufferInfo& info) { return info.tensor == &tensor; });
  if (known != buffers_.end()) return {static_cast<int>(known - buffers_.begin())};
  return add_buffer({.kind = BufferInfo::Kind::state,
                     .name = name,
                     .bytes = tensor.bytes().size(),
                     .tensor = &tensor,
                     .checked = tensor.dtype()});
}

Buffer Program::input(const std::string& name, const ValueType& type) {
  const DType dtype = stored(type.dtype);
  const Buffer buffer = persistent(name, static_cast<std::size_t>(type.shape.elements()) * size_of(dtype));
  inputs_.push_back({name, buffer, {type.shape, dtype}});
  return buffer;
}

void Program::output(const std::string& name, Buffer buffer, const ValueType& type) {
  outputs_.push_back({name, buffer, {type.shape, stored(type.dtype)}});
}

void Program::add(Step step) { (step.prepare ? prepare_steps_ : steps_).push_back(std::move(step)); }

int Program::owner(int buffer) const {
  while (buffers_[static_cast<std::size_t>(buffer)].alias_of >= 0)
    buffer = buffers_[static_cast<std::size_t>(buffer)].alias_of;
  return buffer;
}

// From the first step that touches a buffer to the last; an output lives to the end.
std::vector<Lifetime> Program::lifetimes() const {
  std::vector<Lifetime> lives(buffers_.size(), {.first = std::numeric_limits<int>::max(), .last = -1});
  const auto touch = [&](Buffer buffer, int step) {
    Lifetime& life = lives[static_cast<std::size_t>(owner(buffer.id))];
    life.first = std::min(life.first, step);
    life.last = std::max(life.last, step);
  };
  const int end = static_cast<int>(steps_.size());
  for (int step = 0; step < end; ++step) {
    for (Buffer buffer : steps_[static_cast<std::size_t>(step)].reads) touch(buffer, step);
    for (Buffer buffer : steps_[static_cast<std::size_t>(step)].writes) touch(buffer, step);
  }
  for (const Port& port : outputs_) touch(port.buffer, end);
  return lives;
}

// Planned buffers share the arena by lifetime; persistent ones lie one after the other.
void Program::place(const std::vector<Lifetime>& lives) {
  std::vector<std::size_t> planned_ids;
  std::vector<Lifetime> planned_lives;
  for (std::size_t id = 0; id < buffers_.size(); ++id) {
    BufferInfo& info = buffers_[id];
    if (info.kind == BufferInfo::Kind::planned && lives[id].last >= 0) {
      planned_ids.push_back(id);
      planned_lives.push_back(lives[id]);
      planned_lives.back().bytes = info.bytes;
      report_.unshared += info.bytes;
    } else if (info.kind == BufferInfo::Kind::persistent) {
      info.offset = report_.persistent;
      report_.persistent += (info.bytes + buffer_alignment - 1) / buffer_alignment * buffer_alignment;
    } else if (info.kind == BufferInfo::Kind::state) {
      report_.state += info.bytes;
    }
  }
  const MemoryPlan plan = plan_memory(planned_lives, options_.reuse_memory);
  for (std::size_t i = 0; i < planned_ids.size(); ++i) buffers_[planned_ids[i]].offset = plan.offsets[i];
  report_.arena = plan.bytes;
}

void Program::resolve_addresses() {
  arena_ = Arena(report_.arena);
  persistent_ = Arena(report_.persistent);
  memory_.addresses_.resize(buffers_.size());
  for (std::size_t id = 0; id < buffers_.size(); ++id) {
    const BufferInfo& info = buffers_[id];
    std::byte*& address = memory_.addresses_[id];
    switch (info.kind) {
      case BufferInfo::Kind::planned: address = arena_.data() + info.offset; break;
      case BufferInfo::Kind::persistent: address = persistent_.data() + info.offset; break;
      case BufferInfo::Kind::state: address = info.tensor->bytes().data(); break;
      case BufferInfo::Kind::alias:  // owners come before their aliases
        address = memory_.addresses_[static_cast<std::size_t>(info.alias_of)] + info.alias_offset;
    }
  }
}

int64_t Program::bytes_of(const Step& step) const {
  std::set<int> buffers;
  for (Buffer buffer : step.reads) buffers.insert(buffer.id);
  for (Buffer buffer : step.writes) buffers.insert(buffer.id);
  int64_t bytes = 0;
  for (const int id : buffers) bytes += static_cast<int64_t>(buffers_[static_cast<std::size_t>(id)].bytes);
  return bytes;
}

void Program::finish() {
  place(lifetimes());
  if (!options_.plan_only) resolve_addresses();
  for (Step& step : steps_) {
    step.info.bytes = bytes_of(step);
    infos_.push_back(step.info);
    for (Buffer buffer : step.writes)
      writes_state_ |= buffers_[static_cast<std::size_t>(owner(buffer.id))].kind == BufferInfo::Kind::state;
  }
}

void Program::set_input(std::string_view name, const Tensor& tensor) {
  const auto port = std::ranges::find(inputs_, name, &Port::name);
  if (port == inputs_.end()) fail("program: there is no input '", name, "'");
  const bool widened = tensor.dtype() == DType::f32 && port->type.dtype == DType::f64;
  if (!(tensor.shape() == port->type.shape) || (tensor.dtype() != port->type.dtype && !widened))
    fail("program: input '", name, "' expects ", port->type.shape, " ", port->type.dtype, ", got ", tensor.shape(), " ",
         tensor.dtype());
  if (widened)
    std::ranges::copy(tensor.data<float>(), memory_.at<double>(port->buffer));
  else
    std::memcpy(memory_.at<std::byte>(port->buffer), tensor.bytes().data(), tensor.bytes().size());
}

void Program::begin_run() {
  if (prepared_version_ != state_.version()) {
    for (const Step& step : prepare_steps_) step.run(memory_);
    prepared_version_ = state_.version();
  }
  if (writes_state_) state_.touch();
}

void Program::run() {
  begin_run();
  for (const Step& step : steps_) step.run(memory_);
}

bool Program::finite(const Step& step) const {
  return std::ranges::all_of(step.writes, [&](Buffer buffer) {
    const BufferInfo& info = buffers_[static_cast<std::size_t>(buffer.id)];
    if (info.checked == DType::bf16) return all_finite(memory_.at<BFloat16>(buffer), info.bytes / sizeof(BFloat16));
    if (info.checked == DType::f32) return all_finite(memory_.at<float>(buffer), info.bytes / sizeof(float));
    if (info.checked == DType::f64) return all_finite(memory_.at<double>(buffer), info.bytes / sizeof(double));
    return true;
  });
}

std::optional<std::string> Program::run_checked() {
  begin_run();
  std::optional<std::string> culprit;
  for (const Step& step : steps_) {
    step.run(memory_);
    if (!culprit && !finite(step)) culprit = step.info.node;
  }
  return culprit;
}

void Program::run_profiled() {
  begin_run();
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    const auto start = std::chrono::steady_clock::now();
    steps_[i].run(memory_);
    infos_[i].seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }
}

Tensor Program::output(std::string_view name) const {
  const auto port = std::ranges::find(outputs_, name, &Port::name);
  if (port == outputs_.end()) fail("program: there is no output '", name, "'");
  Tensor result(port->type.shape, port->type.dtype);
  std::memcpy(result.bytes().data(), memory_.at<std::byte>(port->buffer), result.bytes().size());
  return result;
}

std::unique_ptr<Executable> compile(const Graph& graph, State& state, const CompileOptions& options) {
  verify(graph);
  auto program = std::make_unique<Program>(state, options);
  switch (options.backend) {
    case Backend::reference: lower_reference(graph, *program); break;
    case Backend::cpu: lower_cpu(graph, *program); break;
  }
  program->finish();
  return program;
}

}  // namespace resnet
