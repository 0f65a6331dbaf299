// oneDNN primitives made ready to run from many threads without allocating: each worker has its own argument list.
#pragma once

#include "runtime/cpu/compat.hpp"
#include "runtime/program.hpp"

#include <memory>
#include <span>
#include <string>
#include <vector>

namespace resnet::cpu {

/// What all primitives of one program share: a stream and a piece of scratch memory for each worker.
struct Workers {
  explicit Workers(int count);

  dnnl::engine engine;
  std::vector<dnnl::stream> streams;
  std::size_t scratch_bytes = 0;  // of one worker: the largest that any primitive asks for
  Buffer scratch;                 // scratch_bytes for each worker; made when lowering ends
};

class Primitive {
 public:
  Primitive(const Candidate& candidate, std::shared_ptr<Workers> workers);

  const std::string& implementation() const { return implementation_; }
  /// What argument number `index` of the candidate looks like.
  const MemoryDesc& desc(std::size_t index) const { return arguments_[index].second; }

  /// Runs on the calling thread, which is `worker`; one pointer for each argument, in the candidate's order.
  void run(const Memory& memory, int worker, std::initializer_list<const void*> pointers) const;

 private:
  struct Bound {
    std::vector<dnnl::memory> memories;
    std::vector<dnnl_exec_arg_t> arguments;
  };

  std::shared_ptr<Workers> workers_;
  std::string implementation_;
  std::vector<Argument> arguments_;
  dnnl::primitive primitive_;
  mutable std::vector<Bound> bound_;  // one for each worker
};

}  // namespace resnet::cpu
