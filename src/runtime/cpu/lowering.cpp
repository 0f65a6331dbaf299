#include "runtime/cpu/lowering.hpp"

#include "base/error.hpp"
#include "graph/op_functions.hpp"
#include "runtime/cpu/amx/kernels.hpp"
#include "runtime/cpu/channels_last.hpp"
#include "runtime/cpu/choice.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <optional>
#include <variant>

namespace resnet::cpu {

Range part_of(int64_t total, int64_t parts, int64_t part) { return {total * part / parts, total * (part + 1) / parts}; }

int tasks_for(int64_t work, int64_t limit) {
  // Some microseconds of work each; more than 32 tasks balance no better.
  return static_cast<int>(std::clamp<int64_t>(work / 8192, 1, std::clamp<int64_t>(limit, 1, 32)));
}

namespace {

std::size_t index_of(Layout layout) { return static_cast<std::size_t>(layout); }
std::size_t index_of(Value value) { return static_cast<std::size_t>(value.id); }
bool shipped(const Program& program) { return program.options().convolutions == Convolutions::shipped; }

}  // namespace

Lowering::Lowering(const Graph& lowered, Program& target)
    : graph(lowered),
      program(target),
      kernels(best_kernels()),
      workers(std::make_shared<Workers>(target.threads().threads())),
      training(!lowered.updates().empty()),
      batch_inner_(shipped(target) && prefers_batch_inner(lowered)),
      channels_last_(shipped(target) && !batch_inner_ && prefers_channels_last(lowered)),
      readers_(lowered.values().size(), nullptr),
      stored_(lowered.values().size()) {
  const std::vector<int> uses = graph.use_counts();
  for (const Node& node : graph.nodes())
    for (Value input : node.inputs)
      if (uses[index_of(input)] == 1) readers_[index_of(input)] = &node;
  for (const Output& output : graph.outputs()) readers_[index_of(output.value)] = nullptr;
  for (const Update& update : graph.updates()) readers_[index_of(update.next)] = nullptr;
  for (std::size_t id = 0; id < graph.values().size(); ++id) {
    const ValueInfo& info = graph.values()[id];
    Buffer& buffer = stored_[id][index_of(Layout::row_major)];
    if (info.kind == ValueKind::input)
      buffer = program.input(info.name, info.type());
    else if (info.kind != ValueKind::computed)
      buffer = program.state(info.name);
  }
}

int64_t Lowering::image_elements(Value value, Layout layout) const {
  const Shape& s = shape(value);
  switch (layout) {
    case Layout::row_major:
    case Layout::channels_last: return s.elements() / s.n();
    case Layout::blocked: return channel_blocks(value) * block() * pixels(value);
    case Layout::batch_inner: return channel_pairs(value) * 2 * pixels(value);
  }
  return 0;
}

int64_t Lowering::image_bytes(Value value, Layout layout) const {
  return image_elements(value, layout) * static_cast<int64_t>(size_of(graph[value].dtype));
}

const Node* Lowering::sole_reader(Value value) const { return readers_[index_of(value)]; }

std::size_t Lowering::bytes(Value value, Layout layout) const {
  const DType type = graph[value].dtype;
  const int64_t slack = layout == Layout::channels_last ? channels_last_slack * shape(value).c() : 0;
  return static_cast<std::size_t>(elements(value, layout) + slack) * size_of(type);
}

PlaneCut Lowering::planes(Value value, Layout layout) const {
  const int64_t images = shape(value).n();
  if (layout == Layout::blocked) return {.planes = images * channel_blocks(value), .pixel = block()};
  assert(layout == Layout::batch_inner && block() == amx::images_in_row);
  const int64_t beside = 2 * channel_pairs(value);
  return {.planes = images / amx::images_in_row * beside, .beside = beside, .pixel = beside * block()};
}

Layout Lowering::layout(Value value) const {
  const auto& buffers = stored_[index_of(value)];
  for (Layout layout : {Layout::batch_inner, Layout::channels_last, Layout::blocked})
    if (buffers[index_of(layout)]) return layout;
  return Layout::row_major;
}

Layout Lowering::image_layout(Value value) const {
  const Shape& s = shape(value);
  const bool fits = batch_inner_ && graph[value].dtype == DType::bf16 && s.rank() == 4 &&
                    s.n() % amx::images_in_row == 0 && s.c() % 2 == 0;
  return fits ? Layout::batch_inner : Layout::blocked;
}

bool Lowering::wants_channels_last(Value value) const {
  return channels_last_ && graph[value].dtype == DType::bf16 && shape(value).rank() == 4;
}

Buffer Lowering::read(Value value, Layout layout) {
  auto& buffers = stored_[index_of(value)];
  Buffer& wanted = buffers[index_of(layout)];
  if (wanted) return wanted;
  const Layout source = this->layout(value);
  assert(buffers[index_of(source)]);
  // With one pixel and no padding row-major and blocked are the same bytes; channels-last has room behind it.
  const bool whole = shape(value).c() % block() == 0 || (source != Layout::blocked && layout != Layout::blocked);
  const bool same = layout != Layout::batch_inner && source != Layout::batch_inner && layout != Layout::channels_last &&
                    pixels(value) == 1 && whole && shape(value).rank() >= 2;
  // From and to batch-inner there is a step over the row-major layout.
  const bool inner = source == Layout::batch_inner || layout == Layout::batch_inner;
  const bool direct = !inner || source == Layout::row_major || layout == Layout::row_major;
  if (!direct) read(value, Layout::row_major);
  const Layout from = direct ? source : Layout::row_major;
  wanted = same ? buffers[index_of(source)] : convert(value, from, layout);
  return wanted;
}

namespace {

// Rarely needed (what few ops still have no kernel for the layout, and the network's ends), so written for clearness.
template <class T>
void swap_batch_inner(bool from, const T* x, T* y, Range images, int64_t channels, int64_t image_pixels) {
  const int64_t pairs = (channels + 1) / 2;
  for (int64_t n = images.begin; n < images.end; ++n)
    for (int64_t c = 0; c < 2 * pairs; ++c)
      for (int64_t p = 0; p < image_pixels; ++p) {
        const int64_t inner = ((n / 16 * image_pixels + p) * pairs + c / 2) * 32 + n % 16 * 2 + c % 2;
        const int64_t plain = (n * channels + c) * image_pixels + p;
        if (!from)
          y[inner] = c < channels ? x[plain] : T{};
        else if (c < channels)
          y[plain] = x[inner];
      }
}

}  // namespace

Buffer Lowering::convert(Value value, Layout source, Layout layout) {
  const Buffer from = stored_[index_of(value)][index_of(source)];
  const DType type = graph[value].dtype;
  const Buffer to = program.planned(graph[value].name, bytes(value, layout), type);
  const int64_t images = shape(value).n(), channels = shape(value).c(), image_pixels = pixels(value);
  const int64_t from_image = image_elements(value, source), to_image = image_elements(value, layout);
  const int tasks = tasks_for(images * to_image, images);
  const Node named{.name = graph[value].name, .op = Reshape{}, .inputs = {}, .outputs = {}};
  assert(size_of(type) == (type == DType::bf16 ? sizeof(BFloat16) : sizeof(float)));
  with_image_type(type, [&]<class T>(T) {
    if (source == Layout::batch_inner || layout == Layout::batch_inner)
      return add(named, "reorder", {from}, {to}, tasks, [=](const Memory& memory, int task, int) {
        swap_batch_inner(source == Layout::batch_inner, memory.at<T>(from), memory.at<T>(to),
                         part_of(images, tasks, task), channels, image_pixels);
      });
    const auto run = source == Layout::channels_last || layout == Layout::channels_last
                         ? channels_last_conversion<T>(source, layout)
                     : layout == Layout::blocked ? kernels.of<T>().to_blocked
                                                 : kernels.of<T>().from_blocked;
    add(named, "reorder", {from}, {to}, tasks, [=](const Memory& memory, int task, int) {
      const Range range = part_of(images, tasks, task);
      for (int64_t n = range.begin; n < range.end; ++n)
        run(memory.at<T>(from) + n * from_image, memory.at<T>(to) + n * to_image, channels, image_pixels);
    });
  });
  return to;
}

Buffer Lowering::write(Value value, Layout layout) {
  Buffer& buffer = stored_[index_of(value)][index_of(layout)];
  assert(!buffer);
  const ValueInfo& info = graph[value];
  buffer = program.planned(info.name, bytes(value, layout), info.dtype);
  return buffer;
}

std::optional<Value> Lowering::state_of(Value next) const {
  const auto update = std::ranges::find(graph.updates(), next, &Update::next);
  if (update == graph.updates().end()) return std::nullopt;
  return update->state;
}

Buffer Lowering::write_next(Value value) {
  const std::optional<Value> state = state_of(value);
  if (!state) return write(value);
  return stored_[index_of(value)][index_of(Layout::row_major)] = program.state(graph[*state].name);
}

void Lowering::share(Value from, Value to) {
  const bool one_shape = shape(from) == shape(to);
  Buffer buffer = one_shape ? stored_[index_of(from)][index_of(Layout::row_major)] : read(from);
  for (Layout layout : {Layout::blocked, Layout::batch_inner, Layout::channels_last})
    if (one_shape) stored_[index_of(to)][index_of(layout)] = stored_[index_of(from)][index_of(layout)];
  // A state's buffer may be overwritten while the new name is still read.
  if (buffer && training && graph[from].kind != ValueKind::computed && graph[from].kind != ValueKind::input) {
    const Buffer copy = write(to);
    const auto bytes = static_cast<std::size_t>(shape(to).elements()) * size_of(graph[to].dtype);
    Node named{.name = graph[to].name, .op = StopGradient{}, .inputs = {}, .outputs = {}};
    add(named, "copy", {buffer}, {copy}, 1, [=](const Memory& memory, int, int) {
      std::memcpy(memory.at<std::byte>(copy), memory.at<std::byte>(buffer), bytes);
    });
    buffer = copy;
  }
  stored_[index_of(to)][index_of(Layout::row_major)] = buffer;
}

Buffer Lowering::temporary(const Node& node, const std::string& what, int64_t bytes) {
  return program.planned(node.name + "." + what, static_cast<std::size_t>(bytes));
}

Step Lowering::packing(Value weights, Buffer from, const std::string& what, std::string implementation,
                       std::size_t bytes) {
  const std::string& name = graph[weights].name;
  const bool constant = !training && graph[weights].kind != ValueKind::computed;
  const Buffer result = constant ? program.persistent(name + what, bytes) : program.planned(name + what, bytes);
  Step packing = step({.name = name, .op = Reshape{}, .inputs = {}, .outputs = {}}, std::move(implementation));
  packing.reads = {from};
  packing.writes = {result};
  packing.prepare = constant;
  return packing;
}

Step Lowering::step(const Node& node, std::string implementation) const {
  Step step;
  step.info = {.node = node.name, .implementation = std::move(implementation), .macs = 0};
  if (!node.outputs.empty()) step.info.macs = cost(graph, node).macs;
  return step;
}

void Lowering::add(const Node& node, std::string implementation, std::vector<Buffer> reads, std::vector<Buffer> writes,
                   int tasks, Task work) {
  Step added = step(node, std::move(implementation));
  added.reads = std::move(reads);
  added.writes = std::move(writes);
  added.run = [tasks, work = std::move(work), run = runner()](const Memory& memory) { run(memory, tasks, work); };
  program.add(std::move(added));
}

Runner Lowering::runner() const { return Runner{&program.threads()}; }

void Runner::operator()(const Memory& memory, int tasks, const Task& work) const {
  if (tasks == 1) return work(memory, 0, 0);
  pool->run(tasks, [&memory, &work](int task, int worker) { work(memory, task, worker); });
}

void Lowering::finish() {
  for (const Update& update : graph.updates()) {
    const Buffer state = program.state(graph[update.state].name), next = read(update.next);
    if (next.id == state.id) continue;
    const auto bytes = static_cast<std::size_t>(shape(update.state).elements()) * size_of(graph[update.state].dtype);
    Node named{.name = graph[update.state].name, .op = StopGradient{}, .inputs = {}, .outputs = {}};
    add(named, "copy", {next}, {state}, 1, [=](const Memory& memory, int, int) {
      std::memcpy(memory.at<std::byte>(state), memory.at<std::byte>(next), bytes);
    });
  }
  for (const Output& output : graph.outputs())
    program.output(output.name, read(output.value), graph[output.value].type());
  const std::size_t line = buffer_alignment;
  workers->scratch_bytes = (workers->scratch_bytes + line - 1) / line * line;
  workers->scratch = program.persistent("scratch", workers->scratch_bytes * workers->streams.size());
}

namespace {

void check_supported(const Graph& graph, const Program& program) {
  if (program.options().compute != DType::f32)
    fail("cpu backend: computes in f32 only, got ", program.options().compute, "; use the reference backend");
  for (const ValueInfo& info : graph.values()) {
    if (info.dtype == DType::f64) fail("cpu backend: f64 is not available (value '", info.name, "')");
    if (info.dtype == DType::bf16 && !cpu_backend_info().bf16)
      fail("cpu backend: bf16 needs a processor with AVX-512; use --precision fp32");
  }
}

}  // namespace

}  // namespace resnet::cpu

namespace resnet {

void lower_cpu(const Graph& graph, Program& program) {
  cpu::check_supported(graph, program);
  const cpu::SingleThreaded guard;
  cpu::Lowering to(graph, program);
  for (const Node& node : graph.nodes())
    if (!to.is_absorbed(node))
      with_context("node '" + node.name + "'",
                   [&] { std::visit([&](const auto& op) { cpu::lower(op, node, to); }, node.op); });
  to.finish();
}

}  // namespace resnet
