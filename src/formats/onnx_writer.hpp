// The messages of an ONNX file under construction, for onnx_export.cpp.
#pragma once

#include "base/shape.hpp"
#include "formats/protobuf.hpp"

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace resnet::onnx {

/// A node under construction: inputs and attributes are added, then the node goes into the graph.
class NodeWriter {
 public:
  NodeWriter(const std::string& type, const std::string& name, const std::vector<std::string>& inputs,
             const std::string& output) {
    for (const std::string& input : inputs) node_.bytes(1, input);
    node_.bytes(2, output);
    node_.bytes(3, name);
    node_.bytes(4, type);
  }
  NodeWriter& integer(const char* name, int64_t value) {
    return attribute(name, 2, [&](ProtobufWriter& to) { to.integer(3, value); });
  }
  NodeWriter& real(const char* name, float value) {
    return attribute(name, 1, [&](ProtobufWriter& to) { to.real(2, value); });
  }
  NodeWriter& list(const char* name, const std::vector<int64_t>& values) {
    return attribute(name, 7, [&](ProtobufWriter& to) {
      for (const int64_t value : values) to.integer(8, value);
    });
  }
  const ProtobufWriter& message() const { return node_; }

 private:
  template <class Write>
  NodeWriter& attribute(const char* name, int64_t type, const Write& write) {
    ProtobufWriter attribute;
    attribute.bytes(1, name);
    write(attribute);
    attribute.integer(20, type);
    node_.message(5, attribute);
    return *this;
  }
  ProtobufWriter node_;
};

inline ProtobufWriter tensor_message(const std::string& name, const Shape& shape, int32_t type,
                                     std::span<const std::byte> bytes) {
  ProtobufWriter tensor;
  for (const int64_t extent : shape) tensor.integer(1, extent);
  tensor.integer(2, type);
  tensor.bytes(8, name);
  tensor.bytes(9, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  return tensor;
}

/// [N, ...] with the first extent open.
inline ProtobufWriter port_message(const std::string& name, int32_t type, const std::vector<int64_t>& rest) {
  ProtobufWriter shape, tensor, kind, port, open;
  open.bytes(2, "N");
  shape.message(1, open);
  for (const int64_t extent : rest) {
    ProtobufWriter dimension;
    dimension.integer(1, extent);
    shape.message(1, dimension);
  }
  tensor.integer(1, type);
  tensor.message(2, shape);
  kind.message(1, tensor);
  port.bytes(1, name);
  port.message(2, kind);
  return port;
}

}  // namespace resnet::onnx
