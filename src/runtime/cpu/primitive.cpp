#include "runtime/cpu/primitive.hpp"

#include "base/error.hpp"

#include <algorithm>
#include <cassert>

namespace resnet::cpu {

Workers::Workers(int count) : engine(dnnl::engine::kind::cpu, 0) {
  for (int worker = 0; worker < count; ++worker) streams.emplace_back(engine);
}

Primitive::Primitive(const Candidate& candidate, std::shared_ptr<Workers> workers)
    : workers_(std::move(workers)),
      implementation_(candidate.implementation),
      arguments_(candidate.arguments),
      primitive_(compile_candidate(candidate)) {
  if (candidate.scratchpad.get_size() > 0) arguments_.emplace_back(DNNL_ARG_SCRATCHPAD, candidate.scratchpad);
  workers_->scratch_bytes = std::max(workers_->scratch_bytes, candidate.scratchpad.get_size());
  for (std::size_t worker = 0; worker < workers_->streams.size(); ++worker) {
    Bound& bound = bound_.emplace_back();
    for (const Argument& argument : arguments_) {
      bound.memories.emplace_back(argument.second, workers_->engine, nullptr);
      bound.arguments.push_back({argument.first, bound.memories.back().get()});
    }
  }
}

void Primitive::run(const Memory& memory, int worker, std::initializer_list<const void*> pointers) const {
  const SingleThreaded guard;
  const auto index = static_cast<std::size_t>(worker);
  Bound& bound = bound_[index];
  assert(pointers.size() + (bound.memories.size() > pointers.size()) == bound.memories.size());
  std::size_t next = 0;
  // oneDNN takes inputs and outputs alike as void*.
  for (const void* pointer : pointers) bound.memories[next++].set_data_handle(const_cast<void*>(pointer));
  if (next < bound.memories.size())
    bound.memories[next].set_data_handle(memory.at<std::byte>(workers_->scratch) + index * workers_->scratch_bytes);
  const dnnl_status_t status = dnnl_primitive_execute(primitive_.get(), workers_->streams[index].get(),
                                                      static_cast<int>(bound.arguments.size()), bound.arguments.data());
  if (status != dnnl_success)
    fail("oneDNN: ", implementation_, " could not run (status ", static_cast<int>(status), ")");
}

}  // namespace resnet::cpu
