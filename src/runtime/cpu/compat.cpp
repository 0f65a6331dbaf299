#include "runtime/cpu/compat.hpp"

#include "base/error.hpp"

namespace resnet::cpu {

namespace {

using dnnl::convolution_backward_data;
using dnnl::convolution_backward_weights;
using dnnl::convolution_forward;

dnnl::primitive_attr attributes(const ConvolutionProblem& problem) {
  dnnl::primitive_attr attr;
  attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  if (problem.relu) {
    dnnl::post_ops after;
#if DNNL_VERSION_MAJOR >= 3
    after.append_eltwise(dnnl::algorithm::eltwise_relu, 0.f, 0.f);
#else
    after.append_eltwise(1.f, dnnl::algorithm::eltwise_relu, 0.f, 0.f);
#endif
    attr.set_post_ops(after);
  }
  return attr;
}

convolution_forward::primitive_desc forward_desc(const ConvolutionProblem& p, const dnnl::engine& engine) {
  const dnnl::prop_kind kind = p.inference ? dnnl::prop_kind::forward_inference : dnnl::prop_kind::forward_training;
  const MemoryDesc bias = p.bias ? *p.bias : MemoryDesc();
#if DNNL_VERSION_MAJOR >= 3
  return convolution_forward::primitive_desc(engine, kind, p.algorithm, p.source, p.weights, bias, p.destination,
                                             p.strides, p.dilations, p.padding_before, p.padding_after, attributes(p));
#else
  const convolution_forward::desc desc(kind, p.algorithm, p.source, p.weights, bias, p.destination, p.strides,
                                       p.dilations, p.padding_before, p.padding_after);
  return convolution_forward::primitive_desc(desc, attributes(p), engine);
#endif
}

convolution_backward_data::primitive_desc backward_data_desc(const ConvolutionProblem& p, const dnnl::engine& engine) {
  const convolution_forward::primitive_desc hint = forward_desc(p, engine);
#if DNNL_VERSION_MAJOR >= 3
  return convolution_backward_data::primitive_desc(engine, p.algorithm, p.source, p.weights, p.destination, p.strides,
                                                   p.dilations, p.padding_before, p.padding_after, hint, attributes(p));
#else
  const convolution_backward_data::desc desc(p.algorithm, p.source, p.weights, p.destination, p.strides, p.dilations,
                                             p.padding_before, p.padding_after);
  return convolution_backward_data::primitive_desc(desc, attributes(p), engine, hint);
#endif
}

convolution_backward_weights::primitive_desc backward_weights_desc(const ConvolutionProblem& p,
                                                                   const dnnl::engine& engine) {
  const convolution_forward::primitive_desc hint = forward_desc(p, engine);
  // Sums of products of bf16 images stay f32.
  const MemoryDesc gradient(dims_of(p.weights), dnnl::memory::data_type::f32, dnnl::memory::format_tag::any);
#if DNNL_VERSION_MAJOR >= 3
  return convolution_backward_weights::primitive_desc(engine, p.algorithm, p.source, gradient, p.destination, p.strides,
                                                      p.dilations, p.padding_before, p.padding_after, hint,
                                                      attributes(p));
#else
  const convolution_backward_weights::desc desc(p.algorithm, p.source, gradient, p.destination, p.strides, p.dilations,
                                                p.padding_before, p.padding_after);
  return convolution_backward_weights::primitive_desc(desc, attributes(p), engine, hint);
#endif
}

template <class Desc>
Candidate candidate(const Desc& desc, Candidate::Kind kind, std::vector<Argument> arguments) {
  return {desc.impl_info_str(), std::move(arguments), desc.scratchpad_desc(), desc, kind};
}

}  // namespace

std::optional<Candidate> convolution_candidate(Candidate::Kind kind, const ConvolutionProblem& problem,
                                               const dnnl::engine& engine) {
  try {
    if (kind == Candidate::backward_data) {
      const auto desc = backward_data_desc(problem, engine);
      return candidate(desc, kind,
                       {{DNNL_ARG_DIFF_DST, desc.diff_dst_desc()},
                        {DNNL_ARG_WEIGHTS, desc.weights_desc()},
                        {DNNL_ARG_DIFF_SRC, desc.diff_src_desc()}});
    }
    if (kind == Candidate::backward_weights) {
      const auto desc = backward_weights_desc(problem, engine);
      return candidate(desc, kind,
                       {{DNNL_ARG_SRC, desc.src_desc()},
                        {DNNL_ARG_DIFF_DST, desc.diff_dst_desc()},
                        {DNNL_ARG_DIFF_WEIGHTS, desc.diff_weights_desc()}});
    }
    const auto desc = forward_desc(problem, engine);
    std::vector<Argument> arguments = {
        {DNNL_ARG_SRC, desc.src_desc()}, {DNNL_ARG_WEIGHTS, desc.weights_desc()}, {DNNL_ARG_DST, desc.dst_desc()}};
    if (problem.bias) arguments.emplace_back(DNNL_ARG_BIAS, desc.bias_desc());
    return candidate(desc, kind, std::move(arguments));
  } catch (const dnnl::error& error) {
    if (error.status == dnnl_unimplemented) return std::nullopt;
    throw;
  }
}

Candidate reorder_candidate(const MemoryDesc& from, const MemoryDesc& to, const dnnl::engine& engine) {
  dnnl::primitive_attr attr;
  attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  const dnnl::reorder::primitive_desc desc(engine, from, engine, to, attr);
  return candidate(desc, Candidate::reorder, {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}});
}

dnnl::memory::dims dims_of(const MemoryDesc& desc) {
#if DNNL_VERSION_MAJOR >= 3
  return desc.get_dims();
#else
  return desc.dims();
#endif
}

std::size_t packed_bytes(const MemoryDesc& desc) { return (desc.get_size() + 63) / 64 * 64; }

dnnl::primitive compile_candidate(const Candidate& candidate) { return dnnl::primitive(candidate.description.get()); }

}  // namespace resnet::cpu
